"""The record of a run, one file in its folder: what it was, whether it is done, how well it went.

    config    its configuration, except where it is
    finished  whether all of it is done
    error     why it failed, else null; a run that was killed is neither finished nor failed
    seconds   how long it took
    scores    what it is judged by, as shares: {"test f1": 0.93, "dev f1": 0.94}

and whatever figures the run returned.
"""

import functools
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import yaml

from seqtag.errors import InputError
from seqtag.files import write_json
from seqtag.metrics.main import main_score
from seqtag.renamed import TARGETS
from seqtag.terminal import single_line

RECORD = "run.json"

log = logging.getLogger("seqtag")


class Identity(NamedTuple):
    """Which run it is: where it writes, and the configuration that two runs are compared by.

    Attributes:
        folder: the run's folder.
        config: its configuration as JSON gives it back, except where it is.
    """

    folder: Path
    config: dict[str, Any]


class Settings(Protocol):
    """The settings of a verb whose runs leave a record."""

    @property
    def identity(self) -> Identity:
        """Which run it is."""


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of an earlier run in this folder; {} where there is none that is whole."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # no file, not UTF-8, not JSON
        return {}
    return record if isinstance(record, dict) else {}


def read_overrides(folder: Path) -> tuple[str, ...]:
    """Return what a run was given on the command line; nothing where that was not written.

    Raises:
        InputError: for a file that is not a list in YAML.
    """
    path = folder / ".hydra" / "overrides.yaml"
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except OSError:
        return ()
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not YAML: {single_line(error)}") from None
    if not isinstance(given, list):
        raise InputError(f"{path}: a list of overrides is expected")
    return tuple(map(str, given))


def write_record(identity: Identity, **what: Any) -> None:
    """Write the record of a run: its configuration, and what else is given."""
    write_json(identity.folder / RECORD, {"config": identity.config, **what})


def is_finished(identity: Identity) -> bool:
    """Return whether this very run has been finished in its folder before."""
    record = read_record(identity.folder)
    return bool(record.get("finished")) and is_record_of(record, identity)


def is_record_of(record: Mapping[str, Any], identity: Identity) -> bool:
    """Return whether a record is of a run with this configuration.

    A key without a value counts as one that is missing: an earlier version may not have had it.
    Classes that have been renamed since are the same.
    """
    return _without_nulls(record.get("config")) == _without_nulls(identity.config)


def _without_nulls(value: Any) -> Any:
    """Return JSON values without keys whose value is null, and with the names of today."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return TARGETS.get(value, value) if isinstance(value, str) else value


def recorded(run: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Have `run`, a function from a verb's settings to figures, leave a record.

    One that is finished in its folder already is not repeated: its record is returned. A run that
    could not begin for a mistake of the user (`InputError`) is none; what was there before stays.
    """

    @functools.wraps(run)
    def recording(settings: Settings, *more: Any) -> dict[str, Any]:
        identity = settings.identity
        folder = identity.folder
        if is_finished(identity):
            log.info("%s is finished already; nothing to do", folder)
            return read_record(folder)
        before = read_record(folder)
        write_record(identity, finished=False, error=None)
        started = time.perf_counter()
        try:
            figures = run(settings, *more)
        except InputError:
            _put_back(folder, before)
            raise
        except Exception as error:
            try:
                write_record(identity, finished=False, error=in_a_line(error))
            except InputError as refused:  # a full disk is often why the run itself has failed
                log.error("%s", refused)
            raise
        kept = {key: value for key, value in figures.items() if key != "splits"}
        kept = {"seconds": round(time.perf_counter() - started, 1), **kept}
        write_record(identity, finished=True, error=None, **{**kept, "scores": scores_of(figures)})
        return figures

    return recording


def scores_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return what a run is judged by, what says most first: those of its splits, or its own."""
    if "splits" not in figures:
        return dict(figures.get("scores", {}))
    splits = {
        split: figures["splits"][split] for split in ("test", "dev") if split in figures["splits"]
    }
    mains = {split: main_score(scores) for split, scores in splits.items()}
    return {f"{split} {name}": value for split, (name, value) in mains.items()}


def in_a_line(error: BaseException) -> str:
    """Return what went wrong, in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, InputError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _put_back(folder: Path, record: Mapping[str, Any]) -> None:
    if record:
        write_json(folder / RECORD, record)
    else:
        (folder / RECORD).unlink(missing_ok=True)
