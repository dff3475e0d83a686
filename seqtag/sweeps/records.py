"""The record of a run, ``run.json`` in its folder.

    config    its configuration, without its folder
    finished  whether it has finished
    error     why it failed, else null; a run that was killed is neither finished nor failed
    seconds   how long it took
    scores    its main scores, as shares: {"test f1": 0.93, "dev f1": 0.94}

and all other figures that the run returned. Until the run starts to train, ``earlier`` is the
record that it replaces.
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
from seqtag.renamed import ADDED, TARGETS
from seqtag.terminal import single_line

RECORD = "run.json"
# Keys that distinguish the runs of a configuration, whose mean score counts.
REPEATED = ("seed", "data.fold")
# Overrides with which a run remains the same run: it resumes from its own checkpoint, if at all.
OWN_CHECKPOINT = ("ckpt_path=auto", "ckpt_path=last", "ckpt_path=null")

log = logging.getLogger("seqtag")


class Identity(NamedTuple):
    """The identity of a run: its folder, and the configuration by which runs are compared.

    Attributes:
        folder: the run folder.
        config: its configuration as JSON values, without its folder.
    """

    folder: Path
    config: dict[str, Any]


class Settings(Protocol):
    """The settings of a verb whose runs write a record."""

    @property
    def identity(self) -> Identity:
        """The identity of the run."""


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of an earlier run in this folder; {} if it is missing or damaged."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # no file, not UTF-8, not JSON
        return {}
    return record if isinstance(record, dict) else {}


def read_earlier_record(folder: Path) -> dict[str, Any]:
    """Return the record that the current run in this folder has replaced; {} if there was none."""
    earlier = read_record(folder).get("earlier")
    return earlier if isinstance(earlier, dict) else {}


def move_earlier_record(folder: Path, aside: Path) -> None:
    """Move the record that the current run in `folder` has replaced to the folder `aside`."""
    record = read_record(folder)
    if earlier := record.pop("earlier", None):
        write_json(aside / RECORD, earlier)
        write_json(folder / RECORD, record)


def read_overrides(folder: Path) -> tuple[str, ...]:
    """Return the overrides of a run from its folder; empty if they were not written.

    Raises:
        InputError: for a file that is not a YAML list.
    """
    path = folder / ".hydra" / "overrides.yaml"
    try:
        overrides = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except OSError:
        return ()
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not YAML: {single_line(error)}") from None
    if not isinstance(overrides, list):
        raise InputError(f"{path}: a list of overrides is expected")
    return tuple(map(str, overrides))


def write_record(identity: Identity, **values: Any) -> None:
    """Write the record of a run: its configuration, and other values by key."""
    write_json(identity.folder / RECORD, {"config": identity.config, **values})


def is_finished(identity: Identity) -> bool:
    """Return whether the folder of a run has a record of this run as finished."""
    record = read_record(identity.folder)
    return bool(record.get("finished")) and is_record_of(record, identity)


def is_record_of(record: Mapping[str, Any], identity: Identity) -> bool:
    """Return whether a record belongs to a run with this configuration.

    A null value equals a missing key, because an earlier version may not have had the key; so does
    a value in `ADDED`. Old names of renamed classes equal the new ones.
    """
    return _comparable(record.get("config")) == _comparable(identity.config)


def _comparable(value: Any, above: str = "") -> Any:
    """Return JSON values without keys that equal missing ones, and with new names of classes."""
    if isinstance(value, dict):
        return {
            key: _comparable(part, f"{above}{key}.")
            for key, part in value.items()
            if part is not None and (f"{above}{key}" not in ADDED or part != ADDED[f"{above}{key}"])
        }
    if isinstance(value, list):
        return [_comparable(part) for part in value]
    return TARGETS.get(value, value) if isinstance(value, str) else value


def recorded(run: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap `run`, a function from a verb's settings to figures, so that it writes a record.

    A run that is already finished in its folder is not repeated: its record is returned. After an
    `InputError`, a mistake of the user, the record that was there before is restored.
    """

    @functools.wraps(run)
    def recording(settings: Settings, *more: Any) -> dict[str, Any]:
        identity = settings.identity
        folder = identity.folder
        if is_finished(identity):
            log.info("%s is finished already; nothing to do", folder)
            return read_record(folder)
        before = read_record(folder)
        # A run that was stopped before it trained has replaced, but not moved, the one before it.
        earlier = before.get("earlier", before)
        write_record(
            identity, finished=False, error=None, **({"earlier": earlier} if earlier else {})
        )
        started = time.perf_counter()
        try:
            figures = run(settings, *more)
        except InputError:
            _restore(folder, before)
            raise
        except Exception as error:
            try:
                write_record(identity, finished=False, error=describe_error(error))
            except InputError as write_error:  # the run may have failed because the disk is full
                log.error("%s", write_error)
            raise
        values = {key: value for key, value in figures.items() if key != "splits"}
        values = {"seconds": round(time.perf_counter() - started, 1), **values}
        values["scores"] = scores_of(figures)
        write_record(identity, finished=True, error=None, **values)
        return figures

    return recording


def scores_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return a run's main scores, the most important first: those of its splits, or its own."""
    if "splits" not in figures:
        return dict(figures.get("scores", {}))
    splits = {
        split: figures["splits"][split] for split in ("test", "dev") if split in figures["splits"]
    }
    mains = {split: main_score(scores) for split, scores in splits.items()}
    return {f"{split} {name}": value for split, (name, value) in mains.items()}


def describe_error(error: BaseException) -> str:
    """Return the text of an error in one line, after its type unless it is an InputError."""
    text = " ".join(str(error).split())
    if isinstance(error, InputError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _restore(folder: Path, record: Mapping[str, Any]) -> None:
    if record:
        write_json(folder / RECORD, record)
    else:
        (folder / RECORD).unlink(missing_ok=True)
