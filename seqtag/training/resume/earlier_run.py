"""Move the files of an earlier run aside before a new run starts in the same folder."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from seqtag.columns import LEARN
from seqtag.errors import InputError
from seqtag.files import EARLIER, create_unique_folder
from seqtag.sweeps.records import move_earlier_record, read_earlier_record
from seqtag.training.console import LogFile
from seqtag.training.run_folder import OUTPUTS

log = logging.getLogger("seqtag")


def set_aside_earlier_run(folder: Path, resumed: str | None) -> None:
    """Move everything that an earlier run left in a folder to ``earlier_run/``.

    If that folder exists, ``earlier_run_2/`` is used, and so on. Without this, the results of the
    earlier run would be overwritten, a later ``ckpt_path=auto`` could resume the wrong run, and
    ``previous.ckpt`` could belong to another run than ``last.ckpt``. Does nothing if training
    resumes in this folder, or if the folder has neither checkpoints nor the record of a run.

    Args:
        folder: the output folder of the new run.
        resumed: the checkpoint that it resumes from; None if it starts from the beginning.

    Raises:
        InputError: if the files cannot be moved.
    """
    record = read_earlier_record(folder)
    if not record and not any((folder / "checkpoints").glob("*.ckpt")):
        return
    if resumed is not None and Path(resumed).resolve().is_relative_to(folder.resolve()):
        return
    # An interrupted run of the regime learn continues with the rows of its table.
    names = [name for name in OUTPUTS if name != LEARN or record.get("finished")]
    left = [name for name in names if (folder / name).exists()]
    if not left:
        return
    # A run that was moved before is retained: it may be the longer one.
    aside = create_unique_folder(folder / EARLIER)
    try:
        for name in left:
            os.rename(folder / name, aside / name)
        move_earlier_record(folder, aside)
        _move_log(folder, aside)
    except OSError as error:
        raise InputError(
            f"{folder}: the files of an earlier run cannot be moved to {aside}: "
            f"{error.strerror or error}"
        ) from error
    log.warning(
        "%s: an earlier run has left files here; this one starts from the beginning "
        "(ckpt_path=auto resumes), and the earlier files are now in %s",
        *(folder, aside),
    )


def _move_log(folder: Path, aside: Path) -> None:
    """Move the lines of the earlier run out of the log file that this process appends to."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogFile):
            path = Path(handler.baseFilename)
            if path.parent.resolve() == folder.resolve():
                handler.move_earlier_lines(aside / path.name)
