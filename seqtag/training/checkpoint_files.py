"""How checkpoints reach the disk: whole or not at all."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO

from seqtag.errors import InputError

LAST, PREVIOUS = "last.ckpt", "previous.ckpt"


class CheckpointFiles(CheckpointIO):
    """Writes a checkpoint aside, has the disk confirm it, and renames it into place.

    So a file of that name is whole, whenever the process or the machine dies. The `LAST` that there
    was before becomes the `PREVIOUS` one: for disks that confirm what they do not keep.

    A checkpoint holds primitives and tensors, and nothing else is loaded.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            InputError: if the system refuses to. Whatever was there before is still there.
        """
        path = Path(path)
        content = io.BytesIO()
        torch.save(checkpoint, content)
        # One writer a folder: what a killed one left of this name is written over.
        aside = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            if path.name == LAST and path.exists():
                os.replace(path, path.with_name(PREVIOUS))
            os.replace(aside, path)
            _confirm_names(path.parent)
        except OSError as error:
            with suppress(OSError):
                aside.unlink()
            raise InputError(
                f"{path}: the checkpoint cannot be written: {error.strerror or error}; "
                "the earlier ones are whole: make room, and go on with ckpt_path=last "
                f"hydra.run.dir={path.parent.parent}"
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint into main memory; what is no primitive or tensor is refused."""
        return torch.load(path, map_location="cpu", weights_only=True)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint, if it is there."""
        Path(path).unlink(missing_ok=True)


def _confirm_names(folder: Path) -> None:
    """Have the disk confirm a folder's entries, where the system can be asked to."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
