"""Which checkpoint training goes on from, and what is said where it cannot."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from seqtag.errors import InputError
from seqtag.training.checkpoint_files import CheckpointFiles
from seqtag.training.checkpoints import checkpoint_to_resume, load_best

TASK = nn.Linear(2, 3)


@pytest.fixture
def save(tmp_path):
    """Return a function that writes a checkpoint of a run in tmp_path under a name."""

    def saved(name: str, module: nn.Module = TASK) -> Path:
        path = tmp_path / "checkpoints" / name
        checkpoint = {"state_dict": module.state_dict(), "seqtag": {}, "global_step": 7}
        CheckpointFiles().save_checkpoint(checkpoint, path)
        return path

    return saved


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def test_the_newest_one(save, tmp_path):
    assert checkpoint_to_resume(None, tmp_path, TASK) is None
    assert checkpoint_to_resume("auto", tmp_path, TASK) is None
    other = save("other.ckpt")
    assert checkpoint_to_resume("auto", tmp_path, TASK) is None
    last = save("last.ckpt")
    for path in ("last", "auto", str(last)):
        assert checkpoint_to_resume(path, tmp_path, TASK) == str(last)
    assert checkpoint_to_resume(str(other), tmp_path / "elsewhere", TASK) == str(other)


def test_none_there(tmp_path):
    with pytest.raises(InputError, match=r"no checkpoint .*last\.ckpt'; .*hydra\.run\.dir=FOLDER"):
        checkpoint_to_resume("last", tmp_path, TASK)
    with pytest.raises(InputError, match=r"no checkpoint 'none\.ckpt'$"):
        checkpoint_to_resume("none.ckpt", tmp_path, TASK)


@pytest.mark.parametrize("damage", [cut_short, Path.unlink], ids=["cut short", "gone"])
@pytest.mark.parametrize("path", ["last", "auto"])
def test_a_damaged_one_is_passed_over_for_the_one_before(damage, path, save, tmp_path, caplog):
    save("last.ckpt")
    last = save("last.ckpt")
    damage(last)
    with caplog.at_level(logging.INFO):
        found = checkpoint_to_resume(path, tmp_path, TASK)
    assert found == str(last.with_name("previous.ckpt"))
    assert caplog.messages == [
        f"{last} is missing, or cut short: the one before is taken",
        f"going on from {found}, written after step 7",
    ]


def test_damaged_ones_are_named_and_the_whole_ones_beside_them(save, tmp_path, write):
    last, best = save("last.ckpt"), save("best.ckpt")
    cut_short(last)
    message = rf"last\.ckpt' is no checkpoint of seqtag, or cut short; whole beside it: {best}$"
    for path in ("last", "auto", str(last)):
        with pytest.raises(InputError, match=message):
            checkpoint_to_resume(path, tmp_path, TASK)
    with pytest.raises(InputError, match=r"junk' is no checkpoint of seqtag, or cut short$"):
        checkpoint_to_resume(str(write("junk", b"junk")), tmp_path, TASK)


def test_one_that_another_program_wrote(tmp_path):
    path = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": TASK.state_dict()}, path)
    with pytest.raises(InputError, match="is no checkpoint of seqtag"):
        checkpoint_to_resume(str(path), tmp_path, TASK)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(2, 4), r"its bias is \(4,\), this one's \(3,\)"),
        (nn.Linear(2, 3, bias=False), r"its bias is missing, this one's \(3,\)"),
    ],
)
def test_one_of_another_network(module, message, save, tmp_path):
    path = save("old.ckpt", module)
    with pytest.raises(InputError, match=f"of another network or corpus: {message}"):
        checkpoint_to_resume(str(path), tmp_path, TASK)


def test_the_best_one_that_was_taken_away(tmp_path):
    trainer = SimpleNamespace(
        checkpoint_callback=SimpleNamespace(best_model_path=str(tmp_path / "best.ckpt"))
    )
    with pytest.raises(InputError, match=r"best\.ckpt: .* is gone"):
        load_best(TASK, trainer)
