"""Checkpoint files: written atomically, and verified when read."""

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

# Key of the digest of all other content. Checkpoints of older versions have none.
DIGEST = "seqtag_digest"


class DamagedCheckpoint(InputError):
    """A file that is not a complete checkpoint of seqtag; the message names it and the reason."""


class CheckpointFiles(CheckpointIO):
    """Writes checkpoints atomically: to a temporary file, which is flushed and then renamed.

    So a checkpoint file is complete, even if the process or the machine dies at any time. When a
    new `LAST` is written, the old one becomes `PREVIOUS`: a fallback for disks that lose flushed
    data. Only primitives and tensors are loaded.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint, with a digest of its content.

        Raises:
            InputError: if it cannot be written. Earlier checkpoints are left unchanged.
        """
        path = Path(path)
        content = io.BytesIO()
        torch.save({**checkpoint, DIGEST: content_digest(checkpoint)}, content)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(path, one_writer=True) as temporary:
                temporary.write_bytes(content.getbuffer())
                fsync_path(temporary)
                if path.name == LAST and path.exists():
                    os.replace(path, path.with_name(PREVIOUS))
            fsync_path(path.parent)
        except OSError as error:
            raise InputError(
                f"{path}: the checkpoint cannot be written: {error.strerror or error}; "
                f"{_recovery_advice(path)}"
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint into CPU memory; see `read_checkpoint`."""
        return read_checkpoint(path)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint, if it exists."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint into CPU memory and verify all of it.

    The file is an archive with a checksum for each part; in addition seqtag writes a digest of the
    whole content. Only primitives and tensors are loaded.

    Raises:
        DamagedCheckpoint: if it is not a checkpoint, or differs from what was written.
        InputError: if the file cannot be read.
    """
    what = f"{str(path)!r} is not a checkpoint of seqtag, or is damaged"
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        saved = None if damaged else torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # any, depending on where the file is damaged
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DamagedCheckpoint(f"{what}: {reason}") from error
    if damaged:
        raise DamagedCheckpoint(f"{what}: its part {damaged!r} has a wrong checksum")
    if not isinstance(saved, dict):
        raise DamagedCheckpoint(f"{what}: it holds a {type(saved).__name__}, not a dict")
    digest = saved.pop(DIGEST, None)
    if digest is not None and digest != content_digest(saved):
        raise DamagedCheckpoint(f"{what}: its content does not match its digest")
    return saved


def content_digest(value: Any) -> str:
    """Return a hexadecimal digest of primitives, tensors, and lists, tuples and dicts of them."""
    hasher = hashlib.blake2b(digest_size=20)
    _update(hasher, value)
    return hasher.hexdigest()


def _update(hasher: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        hasher.update(b"dict %d" % len(value))
        for key, part in value.items():
            _update(hasher, key)
            _update(hasher, part)
    elif isinstance(value, list | tuple):
        kind = b"list" if isinstance(value, list) else b"tuple"
        hasher.update(kind + b" %d" % len(value))
        for part in value:
            _update(hasher, part)
    elif isinstance(value, Tensor):
        hasher.update(f"{value.dtype}{tuple(value.shape)}".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        hasher.update(flat.view(torch.uint8).numpy())
    else:
        text = f"{type(value).__name__} {value!r}".encode()
        hasher.update(b"%d " % len(text) + text)


def _recovery_advice(path: Path) -> str:
    """Return which checkpoints exist in the folder of `path`, and how to continue with one."""
    whole = sorted(str(file) for file in path.parent.glob("*.ckpt"))
    if not whole:
        return "there is no earlier one: free disk space and start again"
    last = any(Path(file).name in (LAST, PREVIOUS) for file in whole)
    return (
        f"still complete: {', '.join(whole)}; free disk space and resume with "
        f"ckpt_path={'last' if last else whole[0]} hydra.run.dir={path.parent.parent}"
    )
