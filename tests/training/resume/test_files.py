"""Checkpoint files are written atomically, also on a full disk."""

import os
import resource
from contextlib import contextmanager

import pytest
import torch

from seqtag.errors import InputError
from seqtag.training.resume.files import (
    CheckpointFiles,
    content_digest,
    read_checkpoint,
)

FILES = CheckpointFiles()


def checkpoint(value, size=10):
    return {"weights": torch.full((size,), float(value)), "step": value}


@contextmanager
def full_disk(size: int):
    """Limit the size of files in bytes; to the program this looks like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_checkpoint_is_written_read_and_removed(tmp_path):
    path = tmp_path / "new" / "best.ckpt"
    FILES.save_checkpoint(checkpoint(1), path)
    read = FILES.load_checkpoint(path)
    assert read["step"] == 1
    assert read["weights"].equal(checkpoint(1)["weights"])
    assert os.listdir(path.parent) == ["best.ckpt"]
    for _ in range(2):
        FILES.remove_checkpoint(path)
    assert not path.exists()


def test_the_previous_checkpoint_is_retained(tmp_path):
    for step in (1, 2, 3):
        FILES.save_checkpoint(checkpoint(step), tmp_path / "last.ckpt")
    steps = {p.name: FILES.load_checkpoint(p)["step"] for p in tmp_path.iterdir()}
    assert steps == {"last.ckpt": 3, "previous.ckpt": 2}


def test_only_primitives_and_tensors_are_loaded(tmp_path):
    torch.save({"step": FILES}, tmp_path / "last.ckpt")
    with pytest.raises(Exception, match="Weights only load failed"):
        FILES.load_checkpoint(tmp_path / "last.ckpt")


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_a_full_disk_leaves_earlier_checkpoints_unchanged(name, tmp_path):
    path = tmp_path / "run" / "checkpoints" / name
    for step in (1, 2):
        FILES.save_checkpoint(checkpoint(step), path)
    before = {p: p.read_bytes() for p in path.parent.iterdir()}
    message = rf"{name}: the checkpoint cannot be written: File too large; .*hydra.run.dir=.*run$"
    with full_disk(20_000), pytest.raises(InputError, match=message):
        FILES.save_checkpoint(checkpoint(3, size=10_000), path)
    assert {p: p.read_bytes() for p in path.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("existing", "message"),
    [
        ([], "; there is no earlier one: free disk space and start again$"),
        (["best.ckpt"], "; still complete: .*best.ckpt; .* ckpt_path=.*best.ckpt hydra.run.dir="),
        (["last.ckpt", "best.ckpt"], "complete: .*best.ckpt, .*last.ckpt; .* ckpt_path=last hydra"),
    ],
)
def test_on_a_full_disk_the_message_names_the_existing_checkpoints(existing, message, tmp_path):
    folder = tmp_path / "run" / "checkpoints"
    for name in existing:
        FILES.save_checkpoint(checkpoint(1), folder / name)
    with full_disk(20_000), pytest.raises(InputError, match=message):
        FILES.save_checkpoint(checkpoint(2, size=10_000), folder / "last.ckpt")


@pytest.mark.parametrize("value", [torch.arange(6).reshape(2, 3).t(), torch.tensor(1.0).bfloat16()])
def test_a_checkpoint_reads_back_with_the_same_digest(value, tmp_path):
    content = {"a": value, 1: [True, None, (1.5, "x")], "empty": torch.zeros(0)}
    FILES.save_checkpoint(content, tmp_path / "best.ckpt")
    assert content_digest(read_checkpoint(tmp_path / "best.ckpt")) == content_digest(content)
    others = ({**content, "a": value + 1}, {**content, 1: [1, None, (1.5, "x")]}, {"a": value})
    assert len({content_digest(other) for other in (content, *others)}) == 4


def test_a_file_in_place_of_the_folder_is_reported(write):
    with pytest.raises(InputError, match=r"last\.ckpt: the checkpoint cannot be written"):
        FILES.save_checkpoint(checkpoint(1), write("run", b"") / "last.ckpt")
