"""Layers that are shared by threads from the first call on; copies of layers after a call."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from threading import Barrier
from typing import ClassVar

import pytest
import torch

from seqtag.cells import Cell
from seqtag.cells.functions import sigmoid, tanh
from seqtag.recurrent.layer import Recurrent


@dataclass(frozen=True)
class Own(Cell):
    """A cell that nothing else uses, so that no cache has its plan or its kernel."""

    share: float = 0.5

    gates: ClassVar[tuple[str, ...]] = ("a", "z")
    states: ClassVar[tuple[str, ...]] = ("h",)

    def step(self, wx, rh, state, unit):
        z = sigmoid(wx["z"] + self.share * rh["z"])
        return {"h": z * state["h"] + (1 - z) * tanh(wx["a"] + rh["a"])}


@pytest.fixture
def run_at_once():
    """Return a function that runs a layer in eight threads at the same moment."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def run(layer, x, lengths):
        start = Barrier(8)

        def call(_):
            start.wait()
            with torch.no_grad():
                return layer(x, lengths)[0]

        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(call, range(8)))

    yield run
    sys.setswitchinterval(interval)


@pytest.mark.parametrize(
    ("engine", "cell"),
    [
        ("loop", Own(0.25)),
        pytest.param("cpu", Own(0.75), marks=pytest.mark.slow),
        ("cpu", "lstm"),
        ("torch", "gru"),
        ("scan", "mingru"),
        ("reference", Own(0.125)),
    ],
)
def test_eight_threads_call_a_layer_at_once(run_at_once, engine, cell):
    layer = Recurrent(cell, 3, 4, bidirectional=True, engine=engine).eval()
    x, lengths = torch.randn(5, 6, 3), torch.tensor([6, 1, 3, 0, 5])
    results = run_at_once(layer, x, lengths)  # includes the first call
    layer.engine = "reference"
    with torch.no_grad():
        expected = layer(x, lengths)[0]
    for y_BTH in results:
        torch.testing.assert_close(y_BTH, expected)
        assert y_BTH.equal(results[0])


@pytest.mark.parametrize("copied", [deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@pytest.mark.parametrize(
    "cell",
    [
        "lstm",
        "gru_reset_before",
        pytest.param({"name": "lstm", "peepholes": ["i", "o"]}, marks=pytest.mark.slow),
    ],
)
def test_a_layer_can_be_copied_after_a_call(copied, cell):
    layer = Recurrent(cell, 3, 4, 2, zoneout=0.1, layer_norm=True).eval()
    x = torch.randn(2, 5, 3)
    y = layer(x)[0]
    size = len(pickle.dumps(layer))
    other = copied(layer)
    assert other(x)[0].equal(y)
    assert repr(other) == repr(layer)
    assert len(pickle.dumps(other)) == size
