"""Which checkpoint training resumes from, and the errors if there is none."""

import copy
import io
import logging
import math
import random
import tempfile
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seqtag.commands.train import train
from seqtag.errors import InputError
from seqtag.training.resume.files import (
    DIGEST,
    CheckpointFiles,
    content_digest,
    read_checkpoint,
)
from seqtag.training.resume.find import checkpoint_to_resume, load_best


@pytest.fixture
def save(tmp_path, resumable):
    """Return a function that writes a checkpoint of a run in tmp_path under a name."""

    def write_checkpoint(name: str, content: dict | None = None) -> Path:
        path = tmp_path / "checkpoints" / name
        CheckpointFiles().save_checkpoint(content or resumable[0], path)
        return path

    return write_checkpoint


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_newest_checkpoint_is_found(save, tmp_path, resumable):
    expected = resumable[1]
    assert checkpoint_to_resume(None, tmp_path, expected) is None
    assert checkpoint_to_resume("auto", tmp_path, expected) is None
    other = save("other.ckpt")
    assert checkpoint_to_resume("auto", tmp_path, expected) is None
    last = save("last.ckpt")
    for path in ("last", "auto", str(last)):
        assert checkpoint_to_resume(path, tmp_path, expected) == str(last)
    assert checkpoint_to_resume(str(other), tmp_path / "elsewhere", expected) == str(other)


def test_a_missing_checkpoint_is_reported(tmp_path, resumable):
    for path, message in (
        ("last", r"no checkpoint .*last\.ckpt'; .*hydra\.run\.dir=FOLDER"),
        ("none.ckpt", r"no checkpoint 'none\.ckpt'$"),
        (str(tmp_path), "it is not a file$"),
        (5, "ckpt_path must be a file, last, auto or null, not 5"),
    ):
        with pytest.raises(InputError, match=message):
            checkpoint_to_resume(path, tmp_path, resumable[1])


@pytest.mark.parametrize("damage", [cut_short, flip_a_byte, Path.unlink])
@pytest.mark.parametrize("path", ["last", "auto"])
def test_a_damaged_checkpoint_falls_back_to_the_previous_one(
    damage, path, save, tmp_path, caplog, resumable
):
    save("last.ckpt")
    last = save("last.ckpt")
    damage(last)
    with caplog.at_level(logging.INFO):
        chosen = checkpoint_to_resume(path, tmp_path, resumable[1])
    assert chosen == str(last.with_name("previous.ckpt"))
    warning, info = caplog.messages
    assert str(last) in warning
    assert "missing" in warning or "is damaged" in warning
    assert warning.endswith(": falling back to the previous checkpoint")
    assert info == f"resuming from {chosen}, written after step 3"


def test_the_error_names_the_damaged_and_the_usable_checkpoints(save, tmp_path, write, resumable):
    last, best = save("last.ckpt"), save("best.ckpt")
    cut_short(last)
    message = (
        rf"last\.ckpt' is not a checkpoint of seqtag, or .*; usable in the same folder: {best}$"
    )
    for path in ("last", "auto", str(last)):
        with pytest.raises(InputError, match=message):
            checkpoint_to_resume(path, tmp_path, resumable[1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"junk",
        {"state_dict": {"weight": torch.ones(1)}, "epoch": 1, "global_step": 5, "loops": {}},
        {"model": {"weight": torch.ones(1)}, "optimizer": {}},
        [1, 2],
        torch.ones(3),
        {},
    ],
    ids=["empty", "junk", "Lightning", "another program", "list", "tensor", "empty dict"],
)
def test_files_that_are_not_checkpoints_are_refused(content, write, tmp_path, resumable):
    if not isinstance(content, bytes):
        buffer = io.BytesIO()
        torch.save(content, buffer)
        content = buffer.getvalue()
    path = write("foreign.ckpt", content)
    with pytest.raises(InputError, match=r"foreign\.ckpt' is not a checkpoint of seqtag"):
        checkpoint_to_resume(str(path), tmp_path, resumable[1])


def at(content: dict, path: str) -> tuple[dict, str]:
    """Return the dict that holds the last key of a path, and that key."""
    *above, last = path.split("/")
    for key in above:
        content = content[int(key) if key.isdecimal() else key]
    return content, int(last) if last.isdecimal() else last


STEP = (
    "loops/fit_loop/epoch_loop.automatic_optimization.optim_progress/optimizer/step/total/completed"
)
ADAM = "optimizer_states/0/state/0/exp_avg"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("loops/fit_loop/epoch_progress", None, "'loops.fit_loop.epoch_progress' is missing"),
        ("global_step", None, "'global_step' is missing"),
        ("global_step", "3", "global_step is not of type int"),
        ("global_step", 10**30, "global_step is 10"),
        (STEP, 2, "global_step is 3, but 2"),
        ("epoch", 7, "epoch is 7, but 1 epochs are processed"),
        ("CorpusModule", None, "'CorpusModule' is missing"),
        ("CorpusModule/batch", 10**9, "the position in the data is batch"),
        ("optimizer_states", None, "'optimizer_states' is missing"),
        ("optimizer_states", [], "not exactly one optimizer"),
        (ADAM, None, "not a state of this run's optimizer"),
        (ADAM, torch.ones(3), "float32"),
        (ADAM, torch.tensor(math.inf), "exp_avg is not finite"),
        ("optimizer_states/0/param_groups/0/betas", None, "not that of this run .KeyError"),
        ("optimizer_states/0/param_groups/0/lr", math.nan, "the optimizer's lr is nan"),
        ("lr_schedulers/0/last_epoch", "x", "last_epoch is not of type int"),
        ("lr_schedulers/0/last_epoch", None, "'lr_schedulers.0.last_epoch' is missing"),
        ("lr_schedulers/0/last_epoch", 10**9, "its schedule is at step 1000000000"),
        ("seqtag/processes", None, "'seqtag.processes' is missing"),
        ("seqtag/processes/0/random/torch", torch.ones(3), "not a random state"),
        ("seqtag/rows", -1, "seqtag.rows is -1"),
        ("state_dict/network.projection.bias", "x", "projection.bias is not a tensor"),
    ],
)
def test_missing_or_wrong_parts_are_refused(path, value, message, tmp_path, resumable):
    # The checkpoint has no digest, as those of older versions.
    content = copy.deepcopy(resumable[0])
    holder, key = at(content, path)
    if value is None:
        del holder[key]
    else:
        holder[key] = value
    file = tmp_path / "old.ckpt"
    torch.save(content, file)
    with pytest.raises(InputError, match=rf"old\.ckpt' is not a checkpoint.*{message}"):
        checkpoint_to_resume(str(file), tmp_path, resumable[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda bias: torch.cat([bias, bias]), r"its network.projection.bias is \(.*, this run's"),
        (None, r"projection.bias is missing, this run's \("),
        (torch.Tensor.double, "is float64, this run's float32: use the trainer.precision"),
    ],
    ids=["another shape", "missing", "another precision"],
)
def test_a_checkpoint_of_another_network_is_refused(change, message, save, tmp_path, resumable):
    content = copy.deepcopy(resumable[0])
    bias = content["state_dict"].pop("network.projection.bias")
    if change is not None:
        content["state_dict"]["network.projection.bias"] = change(bias)
    with pytest.raises(InputError, match=f"does not fit: .*{message}"):
        checkpoint_to_resume(str(save("old.ckpt", content)), tmp_path, resumable[1])


def test_a_checkpoint_of_another_optimizer_is_refused(configure):
    train(configure("trainer.max_steps=2"))
    with pytest.raises(InputError, match=r"last\.ckpt.* not .* of this run"):
        train(configure("trainer.max_steps=4", "optimizer=sgd", "ckpt_path=last"))


def test_a_state_that_lightning_cannot_restore_is_reported(configure, tmp_path):
    train(configure("trainer.max_steps=2"))
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    content = read_checkpoint(last)
    stopping = next(key for key in content["callbacks"] if key.startswith("EarlyStopping"))
    del content["callbacks"][stopping]["wait_count"]
    CheckpointFiles().save_checkpoint(content, last)
    with pytest.raises(InputError, match=r"last\.ckpt' cannot be resumed from.*wait_count"):
        train(configure("trainer.max_steps=4", f"ckpt_path={last}"))


def test_a_removed_or_damaged_best_checkpoint_is_reported(tmp_path, write):
    path = tmp_path / "best.ckpt"
    trainer = SimpleNamespace(
        checkpoint_callback=SimpleNamespace(best_model_path=str(path)), is_global_zero=True
    )
    with pytest.raises(InputError, match=r"best\.ckpt: .* was removed"):
        load_best(nn.Linear(2, 3), trainer)
    write("best.ckpt", b"x")
    with pytest.raises(InputError, match=r"best\.ckpt' is not a checkpoint"):
        load_best(nn.Linear(2, 3), trainer)
    torch.save({"epoch": 1}, path)
    with pytest.raises(InputError, match=r"best\.ckpt: .* is not of this run"):
        load_best(nn.Linear(2, 3), trainer)


# Random damage


def damage_content(content: dict, choose: random.Random) -> None:
    """Change one thing somewhere in a checkpoint: a key, a type, a value, a tensor."""
    holder, keys = content, list(content)
    while True:
        key = choose.choice(keys)
        value = holder[key]
        inner = value if isinstance(value, dict | list) else None
        if not inner or choose.random() < 0.15:
            break
        holder = inner
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
    if choose.random() < 0.3:
        del holder[key]
    elif isinstance(value, torch.Tensor):
        holder[key] = choose.choice(TENSORS)(value)
    else:
        others = [None, -1, 0, 10**30, 2**31, math.nan, math.inf, "", "x", [], {}, True]
        holder[key] = choose.choice([*others, torch.ones(2), [value], value])


def set_first(value: float):
    def changed(tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.clone()
        if tensor.is_floating_point() and tensor.numel():
            tensor.view(-1)[0] = value
        return tensor

    return changed


TENSORS = (
    set_first(math.nan),
    set_first(math.inf),
    set_first(0.5),
    torch.Tensor.double,
    torch.Tensor.half,
    lambda tensor: tensor[None],
    lambda tensor: tensor.reshape(-1)[:-1],
    torch.Tensor.tolist,
    lambda tensor: torch.zeros(0),
)


def damage_bytes(content: bytes, choose: random.Random) -> bytes:
    """Flip, cut, repeat or insert some bytes."""
    start = choose.randrange(len(content))
    end = min(len(content), start + choose.choice((1, 1, 7, 300)))
    part = content[start:end]
    new = choose.choice(
        (bytes([part[0] ^ (1 << choose.randrange(8))]) + part[1:], b"", part * 2, b"\0" + part)
    )
    return content[:start] + new + content[end:]


@pytest.mark.fuzz("checkpoint")
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["content", "old", "bytes"]))
def test_any_damage_is_refused_or_has_no_effect(seed, kind, resumable):
    original, expected = resumable
    choose = random.Random(seed)
    content = copy.deepcopy(original)
    content[DIGEST] = content_digest(original)
    if kind == "old":
        del content[DIGEST]
    if kind != "bytes":
        damage_content(content, choose)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    written = damage_bytes(buffer.getvalue(), choose) if kind == "bytes" else buffer.getvalue()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of the unpickler about damaged content
        path = Path(folder) / "damaged.ckpt"
        path.write_bytes(written)
        try:
            chosen = checkpoint_to_resume(str(path), Path(folder), expected)
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017 (an accepted file is compared below)
            return
        assert chosen == str(path)
        read = read_checkpoint(path)
    if kind != "old":
        assert content_digest(read) == content_digest(original)
    else:
        # Only values may differ: without a digest a changed value cannot be detected.
        assert read["state_dict"].keys() == original["state_dict"].keys()
        assert all(torch.isfinite(tensor).all() for tensor in read["state_dict"].values())
        assert read["loops"].keys() >= {"fit_loop"}
        assert read["global_step"] == original["global_step"]
