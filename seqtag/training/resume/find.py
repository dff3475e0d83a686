"""Checkpoints: the one to continue from, and the best one's weights."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import lightning as L
import torch

from seqtag.errors import InputError
from seqtag.training.resume.compatible import (
    ExpectedCheckpoint,
    InvalidContent,
    check_content,
    check_network,
)
from seqtag.training.resume.files import (
    DamagedCheckpoint,
    read_checkpoint,
)
from seqtag.training.resume.state import KEY
from seqtag.training.run_folder import LAST, PREVIOUS

log = logging.getLogger("seqtag")


def checkpoint_to_resume(path: str | None, output: Path, run: ExpectedCheckpoint) -> str | None:
    """Return the file that training is to continue from, or None.

    All of it is read and checked before anything is trained. Where the newest one is missing or
    damaged, ``last`` and ``auto`` take the one before, and a line in the log says so.

    Args:
        path: a file; ``last`` for the newest one in `output` that is whole; ``auto`` likewise, but
            None where there is none yet; None.
        output: the output folder.
        run: what a checkpoint of this run looks like.

    Raises:
        InputError: if there is no such file, it is damaged, not a checkpoint, or one of another
            network.
    """
    if path is None:
        return None
    if not isinstance(path, str):
        raise InputError(f"ckpt_path must be a file, last, auto or null, not {path!r}")
    chosen = path in ("last", "auto")
    files = [output / "checkpoints" / name for name in (LAST, PREVIOUS)]
    files = files if chosen else [Path(path)]
    there = [file for file in files if file.is_file()]
    if not there and path == "auto":
        return None
    if not there:
        advice = "; give the folder of the run as hydra.run.dir=FOLDER" if path == "last" else ""
        what = "it is not a file" if files[0].exists() else "there is no such file"
        raise InputError(f"ckpt_path: there is no checkpoint {str(files[0])!r}: {what}{advice}")
    damages = []
    for file in there:
        try:
            saved = _read_for(file, run)
        except DamagedCheckpoint as damage:
            damages.append(damage)
            continue
        if file != files[0]:
            finding = damages[0] if damages else f"{files[0]} is missing"
            log.warning("%s: the one before is taken", finding)
        log.info("continuing from %s, written after step %d", file, saved["global_step"])
        return str(file)
    whole = [str(file) for file in _beside(there[0]) if _is_whole(file, run)]
    others = f"; whole beside it: {', '.join(whole)}" if whole else ""
    raise InputError(f"ckpt_path: {damages[0]}{others}")


def _read_for(file: Path, run: ExpectedCheckpoint) -> dict[str, Any]:
    """Return the content of a checkpoint that a run can continue from.

    Raises:
        DamagedCheckpoint: if the file is damaged or not a checkpoint.
        InputError: if it is one of another network.
    """
    saved = read_checkpoint(file)
    try:
        check_content(saved, run)
    except InvalidContent as finding:
        _refuse_other(file, saved, run)
        raise DamagedCheckpoint(
            f"{str(file)!r} is not a checkpoint of seqtag, or is damaged: {finding}"
        ) from None
    _refuse_other(file, saved, run)
    return saved


def _refuse_other(file: Path, saved: dict[str, Any], run: ExpectedCheckpoint) -> None:
    """Refuse a checkpoint of another network, where it has weights to compare.

    That is what a person can act on, whatever else is found.
    """
    weights = saved.get("state_dict")
    plain = isinstance(weights, dict) and all(
        isinstance(tensor, torch.Tensor) for tensor in weights.values()
    )
    if KEY in saved and plain:
        try:
            check_network(saved, run)
        except InputError as error:
            raise InputError(f"ckpt_path: {str(file)!r} does not fit: {error}") from None


def _beside(file: Path) -> list[Path]:
    return sorted(path for path in file.parent.glob("*.ckpt") if path != file and path.is_file())


def _is_whole(file: Path, run: ExpectedCheckpoint) -> bool:
    try:
        _read_for(file, run)
    except InputError:
        return False
    return True


def load_best(task: L.LightningModule, trainer: L.Trainer) -> int:
    """Load the best epoch's weights, where checkpoints were kept; return that epoch, from 1.

    Only on the process that keeps the checkpoints: the others may not see its folder.

    Raises:
        InputError: if they were taken away or damaged meanwhile.
    """
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if not best or not trainer.is_global_zero:
        return trainer.current_epoch
    if not Path(best).is_file():
        raise InputError(f"{best}: the checkpoint of the best epoch is gone; train again")
    checkpoint = read_checkpoint(best)
    try:
        task.load_state_dict(checkpoint["state_dict"])
        return checkpoint["epoch"] + 1
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{best}: the checkpoint of the best epoch is not one of this run; train again"
        ) from error
