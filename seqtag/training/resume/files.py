"""Checkpoints on disk: written whole or not at all, read whole or refused."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO
from torch import Tensor

from seqtag.errors import InputError
from seqtag.files import atomic_file, fsync_path
from seqtag.training.run_folder import LAST, PREVIOUS

# Key of the digest of all the rest. Checkpoints without one are read as well.
DIGEST = "seqtag_digest"


class DamagedCheckpoint(InputError):
    """A file that is not a whole checkpoint of seqtag; the message names it and what was found."""


class CheckpointFiles(CheckpointIO):
    """Writes a checkpoint aside, has the disk confirm it, and renames it into place.

    So a file of that name is whole, whenever the process or the machine dies. The `LAST` that there
    was before becomes the `PREVIOUS` one: for disks that confirm what they do not keep.

    A checkpoint holds primitives and tensors, and nothing else is loaded.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint, with a digest of its content.

        Raises:
            InputError: if the system refuses to. Whatever was there before is still there.
        """
        path = Path(path)
        content = io.BytesIO()
        torch.save({**checkpoint, DIGEST: content_digest(checkpoint)}, content)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path, one_writer=True) as aside:
                aside.write_bytes(content.getbuffer())
                fsync_path(aside)
                if path.name == LAST and path.exists():
                    os.replace(path, path.with_name(PREVIOUS))
            fsync_path(path.parent)
        except OSError as error:
            raise InputError(
                f"{path}: the checkpoint cannot be written: {error.strerror or error}; "
                f"{_what_is_left(path)}"
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint into main memory; see `read_checkpoint`."""
        return read_checkpoint(path)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint, if it is there."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint into main memory, with all its bytes verified.

    The file is an archive with a checksum of each part; of what seqtag writes, the digest covers
    the content as a whole. Only primitives and tensors are loaded.

    Raises:
        DamagedCheckpoint: if it is not a checkpoint, or not as it was written.
        InputError: if the file cannot be read.
    """
    what = f"{str(path)!r} is not a checkpoint of seqtag, or is damaged"
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        saved = None if damaged else torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # by where a file is damaged, any error comes up
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DamagedCheckpoint(f"{what}: {reason}") from error
    if damaged:
        raise DamagedCheckpoint(f"{what}: its part {damaged!r} is not as it was written")
    if not isinstance(saved, dict):
        raise DamagedCheckpoint(f"{what}: it holds a {type(saved).__name__}, not a dict")
    digest = saved.pop(DIGEST, None)
    if digest is not None and digest != content_digest(saved):
        raise DamagedCheckpoint(f"{what}: its content is not as it was written")
    return saved


def content_digest(value: Any) -> str:
    """Return a hexadecimal digest of primitives, tensors, lists, tuples and dicts of them."""
    hasher = hashlib.blake2b(digest_size=20)
    _feed(hasher, value)
    return hasher.hexdigest()


def _feed(hasher: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        hasher.update(b"dict %d" % len(value))
        for key, part in value.items():
            _feed(hasher, key)
            _feed(hasher, part)
    elif isinstance(value, list | tuple):
        kind = b"list" if isinstance(value, list) else b"tuple"
        hasher.update(kind + b" %d" % len(value))
        for part in value:
            _feed(hasher, part)
    elif isinstance(value, Tensor):
        hasher.update(f"{value.dtype}{tuple(value.shape)}".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        hasher.update(flat.view(torch.uint8).numpy())
    else:
        text = f"{type(value).__name__} {value!r}".encode()
        hasher.update(b"%d " % len(text) + text)


def _what_is_left(path: Path) -> str:
    """Say which checkpoints there are in a folder that cannot hold another one."""
    whole = sorted(str(file) for file in path.parent.glob("*.ckpt"))
    if not whole:
        return "there is no earlier one: make room, and start again"
    last = any(Path(file).name in (LAST, PREVIOUS) for file in whole)
    return (
        f"there is, whole, {', '.join(whole)}: make room, and continue with "
        f"ckpt_path={'last' if last else whole[0]} hydra.run.dir={path.parent.parent}"
    )
