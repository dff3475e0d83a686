"""Checkpoints: the one to go on from, and the best one's weights."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import torch

from seqtag.errors import InputError


def checkpoint_to_resume(path: str | None, output: Path, task: L.LightningModule) -> str | None:
    """Return the file that training is to go on from, or None.

    Args:
        path: a file, ``last`` for the newest one in `output`, or None.
        output: the output folder.
        task: what is to be trained; the checkpoint must fit it.

    Raises:
        InputError: if there is no such file, it is no checkpoint, or one of another network.
    """
    if path is None:
        return None
    found = output / "checkpoints" / "last.ckpt" if path == "last" else Path(path)
    if not found.is_file():
        raise InputError(
            f"ckpt_path: there is no checkpoint {str(found)!r}"
            + ("; give the folder of the run as hydra.run.dir=FOLDER" if path == "last" else "")
        )
    try:
        saved = torch.load(found, map_location="cpu", weights_only=True)["state_dict"]
    except Exception:  # by where a file is damaged, torch raises whatever comes up
        raise InputError(f"ckpt_path: {str(found)!r} is no checkpoint, or cut short") from None
    own = task.state_dict()
    for name in sorted(own.keys() | saved.keys()):
        shapes = [tuple(state[name].shape) if name in state else None for state in (saved, own)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"ckpt_path: {str(found)!r} is of another network or corpus: its {name} is "
                f"{shapes[0] or 'missing'}, this one's {shapes[1] or 'missing'}"
            )
    return str(found)


def load_best(task: L.LightningModule, trainer: L.Trainer) -> int:
    """Load the best epoch's weights, where checkpoints were kept; return that epoch, from 1."""
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if not best:
        return trainer.current_epoch
    checkpoint = torch.load(best, map_location="cpu", weights_only=True)
    task.load_state_dict(checkpoint["state_dict"])
    return checkpoint["epoch"] + 1
