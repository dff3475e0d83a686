"""The names of run folders: checked, never shared by accident, and free of what needs quotes.

A folder that is named by the time is created under a name that no other run has. One that the user
names may exist.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from seqtag.errors import InputError
from seqtag.files import create_unique_folder
from seqtag.sweeps.records import Identity, is_record_of, read_overrides, read_record

# File systems allow 255 bytes.
_LONGEST_NAME = 120
_TIME = "${now:"
# Overrides that say where a run is, or what runs it.
_NOT_OF_A_RUN = ("study=", "hydra.", "hydra/")
# What file systems, shells or web servers refuse or read as something else.
_NOT_IN_NAMES = re.compile(r"""[\x00-\x1f\x7f\\:*?"<>|$]""")


def folder_of_run(config: DictConfig, key: str) -> tuple[Path, list[str]]:
    """Return the folder that a composed configuration names, created now if the time is its name.

    If another run has that name already, the configuration gets a new one.

    Args:
        config: of Hydra, with its own part.
        key: where the folder is named: ``hydra.run.dir`` or ``hydra.sweep.dir``.

    Returns:
        The folder, and the overrides by which other processes compose the same one.

    Raises:
        InputError: for names that are no names of folders.
    """
    _check_paths(config)
    if "study" in config:
        check_study(config.study)
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)  # which a folder's name may refer to
    try:
        named, value = _text(config, key), OmegaConf.select(config, key)
    finally:
        HydraConfig.instance().cfg = before
    if value is None or not str(value).strip():
        raise InputError(f"{key} must be the path of a folder, not {value!r}")
    place = Path(str(value))
    by_study = "${study}" in named and _TIME in _text(config, "study")
    if not by_study and _TIME not in named:
        return place, []
    folder = create_unique_folder(place)
    if folder == place:
        return folder, []
    with read_write(config), read_write(config.hydra), open_dict(config):
        if by_study:
            config.study += folder.name.removeprefix(place.name)
            return folder, [f"study={config.study}"]
        OmegaConf.update(config, key, str(folder))
    return folder, [f"{key}={folder}"]


def _text(config: DictConfig, key: str) -> str:
    """Return a value as it is written, its references not resolved."""
    above, _, last = key.rpartition(".")
    node = OmegaConf.select(config, above) if above else config
    return str(OmegaConf.to_container(node, resolve=False)[last])  # type: ignore[index,call-overload]


def check_study(study: Any) -> None:
    """Refuse a study that is not the name of a folder, perhaps in others, inside the log folder.

    Raises:
        InputError: as it says.
    """
    if isinstance(study, bool | float) or not isinstance(study, str | int):
        raise InputError(f"study must be a name, not {study!r}; it becomes the name of a folder")
    parts = str(study).split("/")
    if any(part.strip() != part or part in ("", ".", "..") for part in parts):
        raise InputError(
            f"study={study}: this is not the name of a folder inside the log folder; give a name "
            "such as study=mine, and another log folder as paths.log_dir=FOLDER"
        )
    for part in parts:
        if found := _NOT_IN_NAMES.search(part):
            raise InputError(f"study={study}: {found[0]!r} cannot be in the name of a folder")
        if part.startswith(("~", "-", ".")):
            raise InputError(f"study={study}: the name of a folder cannot begin with {part[0]!r}")
        if len(part.encode()) > 2 * _LONGEST_NAME:
            raise InputError(f"study={study}: this is too long for the name of a folder")


def _check_paths(config: DictConfig) -> None:
    for name in ("log_dir", "output_dir"):
        # Where this run's folder is, Hydra says only once it is created.
        if "paths" in config and not OmegaConf.is_interpolation(config.paths, name):
            value = config.paths[name]
            if not isinstance(value, str) or not value.strip():
                raise InputError(
                    f"paths.{name} must be the path of a folder, not "
                    f"{OmegaConf.to_object(value) if OmegaConf.is_config(value) else value!r}"
                )


def run_name(overrides: str) -> str:
    """Return the name of a run's folder in its sweep: what it was given, as a file name.

    "cell=gru,seed=1" becomes "cell-gru+seed-1", which needs no quotes in a shell, nor in Hydra's
    syntax as part of ``model_dir=``. Where that is not reversible, or the name would be too long,
    a hash of the whole follows, so that runs stay apart.
    """
    plain = re.fullmatch(r"(?:[A-Za-z_][\w.]*=[\w.-]+(?:,|\Z))+", overrides, re.ASCII)
    name = re.sub(r"[^\w.+-]+", "_", overrides.replace("=", "-").replace(",", "+"), flags=re.ASCII)
    name = name.lstrip(".-") or "run"
    if not overrides or (plain and len(name) <= _LONGEST_NAME):
        return name
    return _with_digest(name, overrides)


def _with_digest(name: str, text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - 9]}_{digest}"


class EarlierRuns:
    """The runs that are in the folder of a sweep already, of whatever version and sweep.

    Args:
        folder: that of the sweep.
    """

    def __init__(self, folder: Path) -> None:
        self._overrides: dict[str, frozenset[str]] = {}
        self._finished: list[tuple[str, dict[str, Any]]] = []
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            with suppress(InputError):
                if given := read_overrides(place):
                    self._overrides[place.name] = _apart(given)
            if (record := read_record(place)).get("finished"):
                self._finished.append((place.name, record))
        self._names = {given: name for name, given in reversed(self._overrides.items())}

    def finished(self, identity: Identity) -> str | None:
        """Return the name of the folder in which this very run is finished, if there is one.

        A run with ``seed=1`` and one that leaves that default out are the same run.
        """
        names = (name for name, record in self._finished if is_record_of(record, identity))
        return next(names, None)

    def free_name(self, name: str, overrides: Sequence[str]) -> str:
        """Return the name of the folder of a run with these overrides.

        That is the folder of the run with the same overrides, where there is one. Else it is
        `name`, unless a run with other ones has that folder: then a hash of the overrides follows.
        """
        given = _apart(overrides)
        if given in self._names:
            return self._names[given]
        if self._overrides.get(name, given) == given:
            return name
        return _with_digest(name, ",".join(sorted(given)))


def _apart(overrides: Iterable[str]) -> frozenset[str]:
    """Return the overrides by which runs in one folder differ."""
    return frozenset(text for text in overrides if not text.startswith(_NOT_OF_A_RUN))
