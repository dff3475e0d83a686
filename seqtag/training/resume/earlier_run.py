"""What an earlier run has left in the folder of a run that starts from the beginning."""

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
    """Move checkpoints and figures of an earlier run out of the way, into ``earlier_run/``.

    Those of a run before it are kept: then the folder is ``earlier_run_2/``, and so on.

    Else a later ``ckpt_path=auto`` could resume the wrong run, and ``previous.ckpt`` would be of
    another one than ``last.ckpt``. Nothing is done if training resumes in this folder.

    Args:
        folder: the output folder of the run that starts now.
        resumed: the checkpoint that it continues; None if it starts from the beginning.

    Raises:
        InputError: if the system refuses to.
    """
    checkpoints = folder / "checkpoints"
    if not any(checkpoints.glob("*.ckpt")):
        return
    if resumed is not None and Path(resumed).resolve().is_relative_to(folder.resolve()):
        return
    # One that was moved before is kept: it may be the longer of the two.
    aside = create_unique_folder(folder / EARLIER)
    try:
        for name in _MOVED:
            if (folder / name).exists():
                os.rename(folder / name, aside / name)
    except OSError as error:
        raise InputError(
            f"{folder}: what an earlier run has left cannot be moved to {aside}: "
            f"{error.strerror or error}"
        ) from error
    log.warning(
        "%s: an earlier run has left checkpoints here; this one starts from the beginning "
        "(ckpt_path=auto resumes), and they are now in %s",
        *(folder, aside),
    )
