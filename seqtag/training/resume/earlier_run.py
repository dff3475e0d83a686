"""Move the files of an earlier run aside before a new run starts in the same folder."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from seqtag.errors import InputError
from seqtag.files import create_unique_folder

log = logging.getLogger("seqtag")

EARLIER = "earlier_run"
_MOVED = ("checkpoints", "metrics.csv")


def set_aside_earlier_run(folder: Path, resumed: str | None) -> None:
    """Move checkpoints and metrics of an earlier run to ``earlier_run/``.

    If that folder exists, ``earlier_run_2/`` is used, and so on. Without this, a later
    ``ckpt_path=auto`` could resume the wrong run, and ``previous.ckpt`` could belong to another run
    than ``last.ckpt``. Does nothing if training resumes in this folder.

    Args:
        folder: the output folder of the new run.
        resumed: the checkpoint that it resumes from; None if it starts from the beginning.

    Raises:
        InputError: if the files cannot be moved.
    """
    checkpoints = folder / "checkpoints"
    if not any(checkpoints.glob("*.ckpt")):
        return
    if resumed is not None and Path(resumed).resolve().is_relative_to(folder.resolve()):
        return
    # A run that was moved before is retained: it may be the longer one.
    aside = create_unique_folder(folder / EARLIER)
    try:
        for name in _MOVED:
            if (folder / name).exists():
                os.rename(folder / name, aside / name)
    except OSError as error:
        raise InputError(
            f"{folder}: the files of an earlier run cannot be moved to {aside}: "
            f"{error.strerror or error}"
        ) from error
    log.warning(
        "%s: an earlier run has left checkpoints here; this one starts from the beginning "
        "(ckpt_path=auto resumes), and the earlier files are now in %s",
        *(folder, aside),
    )
