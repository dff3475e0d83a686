"""Two machines, connected by gloo with `torchrun` on each, give the results of one machine.

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
# Rendezvous of the agents: at a given address, or through a store that the first one serves. There
# `is_host` is given, because an agent recognises its own address only if its host name has it.
RENDEZVOUS = {
    "static": "--rdzv-backend=static --master-addr=10.99.0.1 --master-port=29511",
    "c10d": "--rdzv-backend=c10d --rdzv-endpoint=10.99.0.1:29512 --rdzv-conf=is_host={first}",
}


def train(folder: Path, *agents: list[str]) -> tuple[dict, dict]:
    """Run one agent per machine until all have ended; return the metrics and the weights."""
    processes = [
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
        outputs = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    codes = [process.returncode for process in processes]
    assert codes == [0] * len(agents), "\n".join(outputs)
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    del metrics["seconds"]
    for scores in metrics["splits"].values():
        del scores["tokens_per_second"]
    return metrics, load_file(folder / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def on_one_machine(tmp_path_factory, small) -> tuple[dict, dict]:
    """Return the metrics and weights of two processes on one machine."""
    folder = tmp_path_factory.mktemp("one") / "run"
    options = ("--nnodes=1", "--nproc-per-node=2", "--master-port=29510")
    return train(folder, torchrun(folder, *options, train=small))


def torchrun(folder: Path, *options: str, train: tuple[str, ...]) -> list[str]:
    return [
        *(sys.executable, "-m", "torch.distributed.run", *options, "-m", "seqtag.cli", "train"),
        *("trainer=ddp", f"hydra.run.dir={folder}", *train),
    ]


@pytest.mark.parametrize("rendezvous", RENDEZVOUS)
def test_two_machines_give_the_results_of_one(
    rendezvous, on_one_machine, two_machines, tmp_path, small
):
    folder = tmp_path / "run"
    agents = []
    for rank, machine in enumerate(two_machines):
        ranks = ("--nnodes=2", "--nproc-per-node=1", f"--node-rank={rank}")
        options = RENDEZVOUS[rendezvous].format(first=not rank).split()
        address = f"--local-addr=10.99.0.{rank + 1}"
        agents.append([*machine, *torchrun(folder, *options, address, *ranks, train=small)])
    metrics, weights = train(folder, *agents)
    assert metrics == on_one_machine[0]
    torch.testing.assert_close(weights, on_one_machine[1], rtol=0, atol=0)
