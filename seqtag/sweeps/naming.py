"""The names of run folders: valid, unique to a run, and without characters that need quotes.

A folder whose name is the time is created under a name that no other run has. A folder that the
user names may exist.
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
from seqtag.sweeps.records import (
    OWN_CHECKPOINT,
    Identity,
    is_record_of,
    read_overrides,
    read_record,
)

# File systems allow 255 bytes.
_MAX_NAME_BYTES = 120
_TIME = "${now:"
# Overrides of where a run is stored, or how it is launched.
_NOT_OF_A_RUN = ("study=", "hydra.", "hydra/")
# Characters that file systems, shells or web servers refuse or interpret.
_NOT_IN_NAMES = re.compile(r"""[\x00-\x1f\x7f\\:*?"<>|$]""")


def folder_of_run(config: DictConfig, key: str) -> tuple[Path, list[str]]:
    """Return the folder that a composed configuration names; create it if its name is the time.

    If another run has that name already, the configuration is changed to a new one.

    Args:
        config: the composed configuration, with its node `hydra`.
        key: the key that names the folder: ``hydra.run.dir`` or ``hydra.sweep.dir``.

    Returns:
        The folder, and the overrides with which other processes compose the same folder.

    Raises:
        InputError: for a value that is not a valid folder name.
    """
    _check_paths(config)
    if "study" in config:
        check_study(config.study)
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)  # a folder's name may refer to it
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
    """Return a value as text, its interpolations not resolved."""
    above, _, last = key.rpartition(".")
    node = OmegaConf.select(config, above) if above else config
    return str(OmegaConf.to_container(node, resolve=False)[last])  # type: ignore[index,call-overload]


def check_study(study: Any) -> None:
    """Check that a study is the relative path of a folder inside the log folder.

    Raises:
        InputError: if it is not, with the reason.
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
        if invalid := _NOT_IN_NAMES.search(part):
            raise InputError(f"study={study}: {invalid[0]!r} cannot be in the name of a folder")
        if part.startswith(("~", "-", ".")):
            raise InputError(f"study={study}: the name of a folder cannot begin with {part[0]!r}")
        if len(part.encode()) > 2 * _MAX_NAME_BYTES:
            raise InputError(f"study={study}: this is too long for the name of a folder")


def _check_paths(config: DictConfig) -> None:
    for name in ("log_dir", "output_dir"):
        # Interpolations of Hydra's run folder can be resolved only after it is created.
        if "paths" in config and not OmegaConf.is_interpolation(config.paths, name):
            value = config.paths[name]
            if not isinstance(value, str) or not value.strip():
                raise InputError(
                    f"paths.{name} must be the path of a folder, not "
                    f"{OmegaConf.to_object(value) if OmegaConf.is_config(value) else value!r}"
                )


def run_name(overrides: str) -> str:
    """Return the name of a run's folder in its sweep: its overrides as a file name.

    "cell=gru,seed=1" becomes "cell-gru+seed-1", which needs no quotes in a shell or in an override
    such as ``model_dir=``. If that is not reversible, or the name is too long, a digest of the
    overrides is appended, so that different runs have different names.
    """
    plain = re.fullmatch(r"(?:[A-Za-z_][\w.]*=[\w.-]+(?:,|\Z))+", overrides, re.ASCII)
    name = re.sub(r"[^\w.+-]+", "_", overrides.replace("=", "-").replace(",", "+"), flags=re.ASCII)
    name = name.lstrip(".-") or "run"
    if not overrides or (plain and len(name) <= _MAX_NAME_BYTES):
        return name
    return _with_digest(name, overrides)


def _with_digest(name: str, text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: _MAX_NAME_BYTES - 9]}_{digest}"


class EarlierRuns:
    """The runs that already exist in the folder of a sweep, from any version or earlier sweep.

    Args:
        folder: the folder of the sweep.
    """

    def __init__(self, folder: Path) -> None:
        self._overrides: dict[str, frozenset[str]] = {}
        self._finished: list[tuple[str, dict[str, Any]]] = []
        for run in sorted(folder.iterdir()) if folder.is_dir() else ():
            with suppress(InputError):
                if overrides := read_overrides(run):
                    self._overrides[run.name] = _distinguishing(overrides)
            if (record := read_record(run)).get("finished"):
                self._finished.append((run.name, record))
        self._names = {texts: name for name, texts in reversed(self._overrides.items())}

    def finished_name(self, identity: Identity) -> str | None:
        """Return the name of the folder in which this run is finished, or None.

        A run with ``seed=1`` and one without it are the same run if 1 is the default.
        """
        names = (name for name, record in self._finished if is_record_of(record, identity))
        return next(names, None)

    def free_name(self, name: str, overrides: Sequence[str]) -> str:
        """Return the name of the folder of a run with these overrides.

        It is that of an earlier run with the same overrides, if there is one; otherwise `name`,
        with a digest of the overrides if a run with other overrides has that name.
        """
        distinguishing = _distinguishing(overrides)
        if distinguishing in self._names:
            return self._names[distinguishing]
        if self._overrides.get(name, distinguishing) == distinguishing:
            return name
        return _with_digest(name, ",".join(sorted(distinguishing)))


def _distinguishing(overrides: Iterable[str]) -> frozenset[str]:
    """Return the overrides by which the runs of one sweep differ."""
    return frozenset(
        text
        for text in overrides
        if not text.startswith(_NOT_OF_A_RUN) and text not in OWN_CHECKPOINT
    )
