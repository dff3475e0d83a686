"""The ways in which programs wait for each other give the same results.

Triton's interpreter runs one program after the other, so a group of several programs would wait
forever: here each of its programs is a process with an interpreter, and memory is shared.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton")

from seqtag.recurrent.triton import function
from seqtag.recurrent.triton.shapes import choose_shape

pytestmark = pytest.mark.triton
RAGGED = torch.tensor([3, 0, 1, 2, *[3] * 14])  # two tiles of sequences
WAYS = {
    "launch": {"wait": "launch", "share": 1},
    "launch, two tiles a program": {"wait": "launch", "share": 2},
    "group of one": {"wait": "group", "share": 3},
    "other tiles": {"units": 32, "inner": 64, "share": 2},
}


@pytest.mark.parametrize("way", WAYS)
def test_waiting(way, layer_of, outcome, monkeypatch):
    layer = layer_of("lstm_peephole", hidden=40)
    expected = outcome(layer, "triton", torch.float32, RAGGED)
    monkeypatch.setattr(
        function, "choose_shape", lambda *sizes: replace(choose_shape(*sizes), **WAYS[way])
    )
    found = outcome(layer, "triton", torch.float32, RAGGED)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm_peephole", "gru_reset_before", "lstm_layernorm"])
def test_programs_of_a_group_wait_for_each_other(cell):
    script = Path(__file__).with_name("group_of_processes.py")
    command = [sys.executable, str(script), cell]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["equal", "differs"], done.stdout
