"""Find the checkpoint to resume from, and load the weights of the best one."""

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


def checkpoint_to_resume(
    path: str | None, output: Path, expected: ExpectedCheckpoint
) -> str | None:
    """Return the checkpoint file that training resumes from, or None to start from the beginning.

    The file is completely read and checked. If the newest checkpoint is missing or damaged,
    ``last`` and ``auto`` fall back to the previous one, with a warning.

    Args:
        path: a file; ``last``, the newest checkpoint in `output`; ``auto``, the same if there is
            one, else None; or None.
        output: the output folder.
        expected: the structure of a checkpoint of this run.

    Raises:
        InputError: if the file is missing, damaged, not a checkpoint, or of another network.
    """
    if path is None:
        return None
    if not isinstance(path, str):
        raise InputError(f"ckpt_path must be a file, last, auto or null, not {path!r}")
    newest = [output / "checkpoints" / name for name in (LAST, PREVIOUS)]
    files = newest if path in ("last", "auto") else [Path(path)]
    existing = [file for file in files if file.is_file()]
    if not existing and path == "auto":
        return None
    if not existing:
        advice = "; give the folder of the run as hydra.run.dir=FOLDER" if path == "last" else ""
        what = ": it is not a file" if files[0].exists() else ""
        raise InputError(f"ckpt_path: there is no checkpoint {str(files[0])!r}{what}{advice}")
    damages = []
    for file in existing:
        try:
            saved = _read_for(file, expected)
        except DamagedCheckpoint as damage:
            damages.append(damage)
            continue
        if file != files[0]:
            reason = damages[0] if damages else f"{files[0]} is missing"
            log.warning("%s: falling back to the previous checkpoint", reason)
        log.info("resuming from %s, written after step %d", file, saved["global_step"])
        return str(file)
    usable = [str(file) for file in _other_checkpoints(existing[0]) if _is_usable(file, expected)]
    advice = f"; usable in the same folder: {', '.join(usable)}" if usable else ""
    raise InputError(f"ckpt_path: {damages[0]}{advice}")


def _read_for(file: Path, expected: ExpectedCheckpoint) -> dict[str, Any]:
    """Return the content of a checkpoint, if a run can resume from it.

    Raises:
        DamagedCheckpoint: if the file is damaged or not a checkpoint.
        InputError: if it is of another network.
    """
    saved = read_checkpoint(file)
    try:
        check_content(saved, expected)
    except InvalidContent as reason:
        # Another network is the more useful error, if both apply.
        _refuse_other_network(file, saved, expected)
        raise DamagedCheckpoint(
            f"{str(file)!r} is not a checkpoint of seqtag, or is damaged: {reason}"
        ) from None
    _refuse_other_network(file, saved, expected)
    return saved


def _refuse_other_network(file: Path, saved: dict[str, Any], expected: ExpectedCheckpoint) -> None:
    """Raise an InputError for a checkpoint of another network, if it has weights to compare."""
    weights = saved.get("state_dict")
    comparable = isinstance(weights, dict) and all(
        isinstance(tensor, torch.Tensor) for tensor in weights.values()
    )
    if KEY in saved and comparable:
        try:
            check_network(saved, expected)
        except InputError as error:
            raise InputError(
                f"ckpt_path: {str(file)!r} does not fit: {error}. To resume a run, repeat its "
                "command with all settings, and add ckpt_path"
            ) from None


def _other_checkpoints(file: Path) -> list[Path]:
    return sorted(path for path in file.parent.glob("*.ckpt") if path != file and path.is_file())


def _is_usable(file: Path, expected: ExpectedCheckpoint) -> bool:
    try:
        _read_for(file, expected)
    except InputError:
        return False
    return True


def load_best(task: L.LightningModule, trainer: L.Trainer) -> int:
    """Load the weights of the best epoch, if checkpoints were written; return that epoch, from 1.

    Followers do nothing: they may have no access to the folder of the checkpoints.

    Raises:
        InputError: if the checkpoint was removed or damaged meanwhile.
    """
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if not best or not trainer.is_global_zero:
        return trainer.current_epoch
    if not Path(best).is_file():
        raise InputError(f"{best}: the checkpoint of the best epoch was removed; train again")
    checkpoint = read_checkpoint(best)
    try:
        task.load_state_dict(checkpoint["state_dict"])
        return checkpoint["epoch"] + 1
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{best}: the checkpoint of the best epoch is not of this run; train again"
        ) from error
