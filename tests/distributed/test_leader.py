"""Several processes train what one would: the same steps, figures, files; and leave nothing."""

import csv
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from safetensors.torch import load_file

from seqtag import cli
from seqtag.commands.settings import TrainSettings
from seqtag.commands.train import train
from seqtag.data.batches.module import CorpusModule
from seqtag.data.batches.order import BatchConfig
from seqtag.distributed import leader, rendezvous
from seqtag.distributed.leader import require_work_for_all
from seqtag.distributed.place import Place, environment_of
from seqtag.distributed.team import Team
from seqtag.errors import InputError
from seqtag.training import build
from seqtag.training import fit as loop
from seqtag.training.console import quiet
from seqtag.training.trainer import build_trainer

# Each process draws its own numbers, so that none are drawn where weights are compared.
STEADY = (
    *("model.words.unknown_probability=0", "model.input_dropout=0", "model.word_dropout=0"),
    *("model.layer_dropout=0", "model.locked_dropout=0", "model.output_dropout=0"),
)


class Watch(L.Callback):
    """Notes how many threads there are in each step; in one run's fourth kills a follower."""

    def __init__(self) -> None:
        self.followers: list[subprocess.Popen] = []
        self.ports: list[int] = []
        self.threads: set[int] = set()

    def started(self, processes: int) -> Team:
        new = rendezvous.start_followers(processes)
        self.followers.extend(new.children)
        self.ports.append(new.store.underlying_store.port)
        return new

    def built(self, *args: Any) -> L.Trainer:
        trainer = build_trainer(*args)
        trainer.callbacks.append(self)
        return trainer

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        self.threads.add(torch.get_num_threads())
        if len(self.followers) == 1 and trainer.global_step == 3:
            self.followers[0].kill()


@pytest.fixture
def unchanged():
    """Check that the process is left as it was, but for the seed that it was given."""

    def state() -> dict:
        own = ("PL_", "PYTEST_", "TORCHINDUCTOR_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        return {
            **{"environment": kept, "arguments": list(sys.argv)},
            **{"threads": torch.get_num_threads(), "group": torch.distributed.is_initialized()},
        }

    before = state()
    yield
    assert state() == before


def is_free(port: int) -> bool:
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.1", port)) != 0


def by_epoch(folder: Path) -> list[tuple[str, ...]]:
    """Return what was written of each epoch, less the training loss."""
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return [
            tuple(text for name, text in row.items() if name != "train/loss")
            for row in csv.DictReader(file)
        ]


@pytest.mark.slow
def test_a_sweep_on_two_processes(configure, small, unchanged, tmp_path, monkeypatch):
    """The first run is one of two killed in; the second comes to what one process does."""
    # Batches of one sentence more than two can share evenly.
    steady = (*STEADY, "data.batch.sentences=9", "trainer.max_epochs=1")
    alone = tmp_path / "alone"
    train(configure(*steady, "seed=2", output="alone"))
    watch = Watch()
    monkeypatch.setattr(leader, "start_followers", watch.started)
    monkeypatch.setattr(loop, "build_trainer", watch.built)
    monkeypatch.delenv("OMP_NUM_THREADS")
    overrides = [*small, *steady, "trainer=ddp_sim", "seed=1,2", f"hydra.sweep.dir={tmp_path}/two"]
    assert cli.main(["train", "-m", *overrides]) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    assert [follower.returncode for follower in watch.followers] == [-signal.SIGKILL, 0]
    gc.collect()
    assert is_free(watch.ports[1])  # on the other one the error holds on, which pytest keeps
    assert watch.threads == {max(1, len(os.sched_getaffinity(0)) // 2)}
    runs = {path.parent: json.loads(path.read_text()) for path in tmp_path.glob("two/*/run.json")}
    killed, run = sorted(runs, key=lambda folder: runs[folder]["finished"])
    assert "process 2 of 2 was killed by SIGKILL; " in runs[killed]["error"]
    assert not (killed / "model").exists()
    assert (run / "train.log").read_text().count("epoch 1/1:") == 1
    assert by_epoch(run) == by_epoch(alone)
    torch.testing.assert_close(
        *(load_file(folder / "model" / "model.safetensors") for folder in (run, alone)),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.slow
def test_started_by_a_launcher(small, corpus, unchanged, tmp_path, monkeypatch, capsys):
    """Two processes run one command, as torchrun has it; the second has other files there."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        shutil.copytree(corpus, folder / "same")
        shutil.copytree(corpus, folder / "other")
    (there / "other" / "train.txt").write_bytes((there / "other" / "dev.txt").read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["train", "-m", *small, "trainer=ddp", "trainer.accelerator=cpu", "seed=1"]
    command += ["trainer.max_epochs=1", "data.path=same,other", "hydra.sweep.dir=sweep"]
    follower = subprocess.Popen(
        [sys.executable, "-m", "seqtag.cli", *command],
        cwd=there,
        env={**os.environ, **environment_of(Place(1, 2, 1, 2), port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with monkeypatch.context() as launched:
        for name, value in environment_of(Place(0, 2, 0, 2), port).items():
            launched.setenv(name, value)
        launched.chdir(here)
        assert cli.main(command) == 1
    assert follower.communicate(timeout=60)[0] == ""
    assert follower.returncode == 0
    assert {path.name for path in there.iterdir()} == {"same", "other"}
    (done,) = (here / "sweep").rglob("metrics.json")
    assert "same" in done.parent.name
    assert "process 2 of 2 has other data than this one" in capsys.readouterr().err


def test_a_follower_looks_after_its_leader_before_all_else(monkeypatch):
    """Before it imports what takes seconds."""

    class Looks(Exception):
        pass

    def looks():
        raise Looks

    monkeypatch.setattr(cli, "current_place", lambda: Place(1, 2))
    monkeypatch.setattr(cli, "end_with_leader", looks)
    with pytest.raises(Looks):
        cli.main(["train"])


def test_work_for_all():
    batch = BatchConfig(sentences=4)
    require_work_for_all(4, 4, batch)
    with pytest.raises(InputError, match="5 processes cannot share 4 training sentences"):
        require_work_for_all(5, 4, batch)
    with pytest.raises(InputError, match="6 processes cannot share 4 sentences in a batch"):
        require_work_for_all(6, 60, batch)


def test_what_data_are_told_by(configure, corpus):
    def told(*overrides: str) -> str:
        settings = configure(*overrides).training
        found = build.training_corpus(settings)
        labels = build.label_set(settings.data.tag_scheme, found)
        indexer = build.indexer(settings.data.encode, found, {})
        return CorpusModule(found, indexer, labels, settings.data.batch).digest(None)

    overrides = [[], ["data.encode.min_count=2"], ["data.tag_scheme=bioes"], ["debug=overfit"]]
    before = [told(*given) for given in overrides]
    assert before == [told(*given) for given in overrides]
    assert len(set(before)) == len(before)
    (corpus / "test.txt").unlink()
    assert told() == before[0]
    (corpus / "dev.txt").write_bytes((corpus / "train.txt").read_bytes())
    assert told() != before[0]


def trainer_of(settings: TrainSettings) -> L.Trainer:
    with quiet():
        return build_trainer(settings.training, has_dev=True)


def test_the_trainer_is_for_as_many_processes_as_were_started(configure, monkeypatch):
    ddp = configure("trainer=ddp", "trainer.accelerator=cpu")
    assert trainer_of(ddp).world_size == 1
    for name, value in environment_of(Place(0, 4, 0, 2), 1).items():
        monkeypatch.setenv(name, value)
    trainer = trainer_of(ddp)
    assert (trainer.world_size, trainer.num_nodes, trainer.global_rank) == (4, 2, 0)
    assert trainer.strategy.cluster_environment.creates_processes_externally
    message = "torchrun started 2 processes on each of 2 machines, but there is trainer.devices=1"
    with pytest.raises(InputError, match=message):
        trainer_of(configure())


def test_machines_that_nobody_started(configure):
    two = configure("trainer=ddp_sim", "trainer.num_nodes=2")
    with pytest.raises(InputError, match="num_nodes=2: more than one machine needs torchrun or sr"):
        trainer_of(two)


@pytest.mark.skipif(
    torch.cuda.is_available() or torch.backends.mps.is_available(), reason="has a GPU"
)
@pytest.mark.parametrize("option", ["gpu", "mps"])
def test_a_device_that_is_not_there(option, configure):
    with pytest.raises(InputError, match=r"no GPU here.*trainer=cpu|MPSAccelerator"):
        trainer_of(configure(f"trainer={option}"))
