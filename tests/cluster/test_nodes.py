"""Two machines train what one would: `torchrun` on each, an address of its own, gloo between.

pytest -n 0 -m nodes tests/cluster
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

pytestmark = pytest.mark.nodes
# How the agents find each other: at an address that each is told, or by a store that the first
# one keeps (it is told so: that the address is its own it sees only where its name has that).
MEETING = {
    "static": "--rdzv-backend=static --master-addr=10.99.0.1 --master-port=29511",
    "c10d": "--rdzv-backend=c10d --rdzv-endpoint=10.99.0.1:29512 --rdzv-conf=is_host={first}",
}


def train(folder: Path, *agents: list[str]) -> tuple[dict, dict]:
    """Run one program a machine until all have ended; return the figures and the weights."""
    started = [
        subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *agent],
            cwd=folder.parent,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for agent in agents
    ]
    try:
        printed = [agent.communicate(timeout=240)[0] for agent in started]
    finally:
        for agent in started:
            agent.kill()
    assert [agent.returncode for agent in started] == [0] * len(agents), "\n".join(printed)
    figures = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    del figures["seconds"]
    for scores in figures["splits"].values():
        del scores["tokens_per_second"]
    return figures, load_file(folder / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def on_one_machine(tmp_path_factory, small) -> tuple[dict, dict]:
    """Return what two processes on one machine come to."""
    folder = tmp_path_factory.mktemp("one") / "run"
    options = ("--nnodes=1", "--nproc-per-node=2", "--master-port=29510")
    return train(folder, torchrun(folder, *options, train=small))


def torchrun(folder: Path, *options: str, train: tuple[str, ...]) -> list[str]:
    return [
        *(sys.executable, "-m", "torch.distributed.run", *options, "-m", "seqtag.cli", "train"),
        *("trainer=ddp", f"hydra.run.dir={folder}", *train),
    ]


@pytest.mark.parametrize("meeting", MEETING)
def test_two_machines_train_what_one_does(meeting, on_one_machine, two_machines, tmp_path, small):
    folder = tmp_path / "run"
    agents = []
    for rank, machine in enumerate(two_machines):
        place = ("--nnodes=2", "--nproc-per-node=1", f"--node-rank={rank}")
        options = MEETING[meeting].format(first=not rank).split()
        address = f"--local-addr=10.99.0.{rank + 1}"
        agents.append([*machine, *torchrun(folder, *options, address, *place, train=small)])
    figures, weights = train(folder, *agents)
    assert figures == on_one_machine[0]
    torch.testing.assert_close(weights, on_one_machine[1], rtol=0, atol=0)
