"""Checkpoints: the one to go on from, and the best one's weights."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import lightning as L
import torch

from seqtag.errors import InputError
from seqtag.training.checkpoint_files import LAST, PREVIOUS
from seqtag.training.continuity import KEY

log = logging.getLogger("seqtag")


def checkpoint_to_resume(path: str | None, output: Path, task: L.LightningModule) -> str | None:
    """Return the file that training is to go on from, or None.

    Args:
        path: a file; ``last`` for the newest one in `output` that is whole; ``auto`` likewise, but
            None where there is none yet; None.
        output: the output folder.
        task: what is to be trained; the checkpoint must fit it.

    Raises:
        InputError: if there is no such file, it is no checkpoint, or one of another network.
    """
    if path is None:
        return None
    if path in ("last", "auto"):
        newest = [output / "checkpoints" / name for name in (LAST, PREVIOUS)]
    else:
        newest = [Path(path)]
    there = [file for file in newest if file.is_file()]
    if not there and path == "auto":
        return None
    if not there:
        raise InputError(
            f"ckpt_path: there is no checkpoint {str(newest[0])!r}"
            + ("; give the folder of the run as hydra.run.dir=FOLDER" if path == "last" else "")
        )
    for file in there:
        saved = _read(file)
        if saved is None:
            continue
        _check_fit(saved["state_dict"], task.state_dict(), file)
        if file != newest[0]:
            log.warning("%s is missing, or cut short: the one before is taken", newest[0])
        log.info("going on from %s, written after step %d", file, saved["global_step"])
        return str(file)
    raise InputError(f"ckpt_path: {_damaged(there[0])}")


def _read(file: Path) -> dict[str, Any] | None:
    """Return what a checkpoint holds; None if it is none, or damaged."""
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # by where a file is damaged, torch raises whatever comes up
        return None
    return saved if isinstance(saved, dict) and KEY in saved else None


def _damaged(file: Path) -> str:
    """Say that a file is damaged, and which ones beside it are not."""
    beside = sorted(path for path in file.parent.glob("*.ckpt") if path != file)
    whole = [str(path) for path in beside if _read(path) is not None]
    return f"{str(file)!r} is no checkpoint of seqtag, or cut short" + (
        f"; whole beside it: {', '.join(whole)}" if whole else ""
    )


def _check_fit(saved: dict[str, Any], own: dict[str, Any], file: Path) -> None:
    """Refuse a checkpoint whose weights are not those of the network to be trained."""
    for name in sorted(own.keys() | saved.keys()):
        shapes = [tuple(state[name].shape) if name in state else None for state in (saved, own)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"ckpt_path: {str(file)!r} is of another network or corpus: its {name} is "
                f"{shapes[0] or 'missing'}, this one's {shapes[1] or 'missing'}"
            )


def load_best(task: L.LightningModule, trainer: L.Trainer) -> int:
    """Load the best epoch's weights, where checkpoints were kept; return that epoch, from 1.

    Raises:
        InputError: if they were taken away meanwhile.
    """
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if not best:
        return trainer.current_epoch
    if not Path(best).is_file():
        raise InputError(f"{best}: the checkpoint of the best epoch is gone; train again")
    checkpoint = torch.load(best, map_location="cpu", weights_only=True)
    task.load_state_dict(checkpoint["state_dict"])
    return checkpoint["epoch"] + 1
