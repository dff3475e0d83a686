"""Several processes train as one would: same steps, metrics and files; nothing is left behind."""

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
from seqtag.distributed.process import ProcessInfo, torchrun_environment
from seqtag.distributed.team import Team
from seqtag.errors import InputError
from seqtag.training import build
from seqtag.training import fit as loop
from seqtag.training.console import quiet
from seqtag.training.trainer import build_trainer

# Each process draws its own random numbers, so nothing is random where weights are compared.
NO_NOISE = (
    *("model.words.unknown_probability=0", "model.input_dropout=0", "model.word_dropout=0"),
    *("model.layer_dropout=0", "model.locked_dropout=0", "model.output_dropout=0"),
)


class Watch(L.Callback):
    """Records the number of threads at each step; kills a follower at step 3 of the first run."""

    def __init__(self) -> None:
        self.followers: list[subprocess.Popen] = []
        self.ports: list[int] = []
        self.threads: set[int] = set()

    def start_followers(self, processes: int) -> Team:
        team = rendezvous.start_followers(processes)
        self.followers.extend(team.children)
        self.ports.append(team.store.underlying_store.port)
        return team

    def build_trainer(self, *args: Any) -> L.Trainer:
        trainer = build_trainer(*args)
        trainer.callbacks.append(self)
        return trainer

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        self.threads.add(torch.get_num_threads())
        if len(self.followers) == 1 and trainer.global_step == 3:
            self.followers[0].kill()


@pytest.fixture
def unchanged():
    """Check that the process is left unchanged, except for its seed."""

    def state() -> dict:
        ignored = ("PL_", "PYTEST_", "TORCHINDUCTOR_")
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(ignored)
        }
        return {
            **{"environment": variables, "arguments": list(sys.argv)},
            **{"threads": torch.get_num_threads(), "group": torch.distributed.is_initialized()},
        }

    before = state()
    yield
    assert state() == before


def is_free(port: int) -> bool:
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.1", port)) != 0


def metrics_by_epoch(folder: Path) -> list[tuple[str, ...]]:
    """Return the rows of metrics.csv without the training loss."""
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return [
            tuple(text for name, text in row.items() if name != "train/loss")
            for row in csv.DictReader(file)
        ]


@pytest.mark.slow
def test_a_sweep_on_two_processes(configure, small, unchanged, tmp_path, monkeypatch):
    """A follower is killed in the first run; the second gives the results of a single process."""
    # An odd batch size, which two processes cannot share evenly.
    fixed = (*NO_NOISE, "data.batch.sentences=9", "trainer.max_epochs=1")
    alone = tmp_path / "alone"
    train(configure(*fixed, "seed=2", output="alone"))
    watch = Watch()
    monkeypatch.setattr(leader, "start_followers", watch.start_followers)
    monkeypatch.setattr(loop, "build_trainer", watch.build_trainer)
    monkeypatch.delenv("OMP_NUM_THREADS")
    overrides = [*small, *fixed, "trainer=ddp_sim", "seed=1,2", f"hydra.sweep.dir={tmp_path}/two"]
    assert cli.main(["train", "-m", *overrides]) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    assert [follower.returncode for follower in watch.followers] == [-signal.SIGKILL, 0]
    gc.collect()
    assert is_free(watch.ports[1])  # the first is still in use by the error, which pytest keeps
    assert watch.threads == {max(1, len(os.sched_getaffinity(0)) // 2)}
    runs = {path.parent: json.loads(path.read_text()) for path in tmp_path.glob("two/*/run.json")}
    killed, run = sorted(runs, key=lambda folder: runs[folder]["finished"])
    assert "process 2 of 2 was killed by SIGKILL; " in runs[killed]["error"]
    assert not (killed / "model").exists()
    assert (run / "train.log").read_text().count("epoch 1/1:") == 1
    assert metrics_by_epoch(run) == metrics_by_epoch(alone)
    torch.testing.assert_close(
        *(load_file(folder / "model" / "model.safetensors") for folder in (run, alone)),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.slow
def test_processes_started_by_a_launcher(small, corpus, unchanged, tmp_path, monkeypatch, capsys):
    """Two processes run one command, as under torchrun; the files of the second differ."""
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
        env={**os.environ, **torchrun_environment(ProcessInfo(1, 2, 1, 2), port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with monkeypatch.context() as patch:
        for name, value in torchrun_environment(ProcessInfo(0, 2, 0, 2), port).items():
            patch.setenv(name, value)
        patch.chdir(here)
        assert cli.main(command) == 1
    assert follower.communicate(timeout=60)[0] == ""
    assert follower.returncode == 0
    assert {path.name for path in there.iterdir()} == {"same", "other"}
    (done,) = (here / "sweep").rglob("metrics.json")
    assert "same" in done.parent.name
    assert "process 2 of 2 has different data from this one" in capsys.readouterr().err


def test_a_follower_watches_its_leader_before_slow_imports(monkeypatch):
    class Watched(Exception):
        pass

    def watch():
        raise Watched

    monkeypatch.setattr(cli, "current_process", lambda: ProcessInfo(1, 2))
    monkeypatch.setattr(cli, "exit_with_leader", watch)
    with pytest.raises(Watched):
        cli.main(["train"])


def test_more_processes_than_sentences_are_refused():
    batch = BatchConfig(sentences=4)
    require_work_for_all(4, 4, batch)
    with pytest.raises(InputError, match="5 processes cannot share 4 training sentences"):
        require_work_for_all(5, 4, batch)
    with pytest.raises(InputError, match="6 processes cannot share 4 sentences in a batch"):
        require_work_for_all(6, 60, batch)


def test_the_digest_depends_on_all_that_training_reads(configure, corpus):
    def digest(*overrides: str) -> str:
        settings = configure(*overrides).training
        read = build.training_corpus(settings)
        labels = build.label_set(settings.data.tag_scheme, read)
        indexer = build.indexer(settings.data, settings.model, read)
        return CorpusModule(read, indexer, labels, settings.data.batch).digest(None)

    overrides = [[], ["data.encode.min_count=2"], ["data.tag_scheme=bioes"], ["debug=overfit"]]
    before = [digest(*options) for options in overrides]
    assert before == [digest(*options) for options in overrides]
    assert len(set(before)) == len(before)
    (corpus / "test.txt").unlink()
    assert digest() == before[0]
    (corpus / "dev.txt").write_bytes((corpus / "train.txt").read_bytes())
    assert digest() != before[0]


def trainer_of(settings: TrainSettings) -> L.Trainer:
    with quiet():
        return build_trainer(settings.training, has_dev=True)


def test_the_trainer_expects_all_started_processes(configure, monkeypatch):
    ddp = configure("trainer=ddp", "trainer.accelerator=cpu")
    assert trainer_of(ddp).world_size == 1
    for name, value in torchrun_environment(ProcessInfo(0, 4, 0, 2), 1).items():
        monkeypatch.setenv(name, value)
    trainer = trainer_of(ddp)
    assert (trainer.world_size, trainer.num_nodes, trainer.global_rank) == (4, 2, 0)
    assert trainer.strategy.cluster_environment.creates_processes_externally
    message = (
        "torchrun started 2 processes on each of 2 machines, but the configuration has "
        "trainer.devices=1"
    )
    with pytest.raises(InputError, match=message):
        trainer_of(configure())


def test_several_machines_need_a_launcher(configure):
    two = configure("trainer=ddp_sim", "trainer.num_nodes=2")
    with pytest.raises(InputError, match="num_nodes=2: several machines need torchrun or srun"):
        trainer_of(two)


@pytest.mark.skipif(
    torch.cuda.is_available() or torch.backends.mps.is_available(), reason="has a GPU"
)
@pytest.mark.parametrize("option", ["gpu", "mps"])
def test_a_missing_device_is_refused(option, configure):
    with pytest.raises(InputError, match=r"no GPU here.*trainer=cpu|MPSAccelerator"):
        trainer_of(configure(f"trainer={option}"))
