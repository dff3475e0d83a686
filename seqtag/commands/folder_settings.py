"""Settings of `seqtag train init=FOLDER` that are taken from the model folder.

The network and the conversion of words are those of the folder. A key that the user sets to
another value is refused, unless it concerns training alone (`_FREE`). A key counts as set if it is
among the overrides, or if an experiment or preset gave it another value than its default. The
tokenizer is that of the folder, too, unless it is set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seqtag.cells import build_cell
from seqtag.checks import from_plain, shown
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER
from seqtag.errors import InputError
from seqtag.inputs.options import EncodeConfig
from seqtag.model.config import TaggerConfig
from seqtag.model_folder.config import CONFIG, read_config
from seqtag.model_folder.hub import resolve_model
from seqtag.model_folder.packages import require_packages
from seqtag.model_folder.untrusted import read_untrusted

# Settings of this run alone: the folder's values are never used.
_OWN = (
    *("model.words.vectors", "model.language_model", "model.language_model_words"),
    *("model.label_weights", "data.encode.min_count"),
)
# Settings that may differ from the folder's, because they change no weight's shape or meaning.
_FREE = (
    *("model.words.unknown_probability", "model.characters.dropout", "model.input_dropout"),
    *("model.word_dropout", "model.layer_dropout", "model.locked_dropout", "model.zoneout"),
    *("model.recurrent_dropout", "model.weight_drop", "model.output_dropout"),
)
_DEFAULT_CELL = {"name": "lstm"}


def with_folder_settings(plain: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a composed configuration with the network settings of the folder that `init` names.

    Without `init` it is returned unchanged.

    Args:
        plain: the composed configuration.
        overrides: the arguments of the command line: ``key=value``.

    Raises:
        InputError: if `init` is not a model folder or is in the run folder, or if a setting differs
            from the folder's.
    """
    folder = plain.get("init")
    if not isinstance(folder, str):
        return dict(plain)
    _refuse_own_folder(folder, str(plain["paths"]["output_dir"]))
    path = resolve_model(folder) / CONFIG
    stored = read_config(path.parent)
    require_packages(stored, path)
    config = read_untrusted(path, lambda: from_plain(TaggerConfig, stored["model"], "model"))
    given = _Given(folder, overrides)
    model = given.merged(plain["model"], asdict(TaggerConfig()), asdict(config), "model")
    cell = _cell(plain["cell"], stored["cell"], given, path)
    data = dict(plain["data"])
    before = stored["data"] if isinstance(stored["data"], dict) else {}
    encode = before.get("encode")
    if isinstance(encode, dict) and isinstance(data.get("encode"), dict):
        old = read_untrusted(path, lambda: from_plain(EncodeConfig, encode, "data.encode"))
        defaults = asdict(EncodeConfig())
        data["encode"] = given.merged(data["encode"], defaults, asdict(old), "data.encode")
    if isinstance(before.get("normalize"), str) and "normalize" in data:
        own = {"normalize": data["normalize"]}
        data |= given.merged(own, {"normalize": None}, {"normalize": before["normalize"]}, "data")
    if data.get("tokenizer") == DEFAULT_TOKENIZER and "data.tokenizer" not in given:
        data["tokenizer"] = before.get("tokenizer", DEFAULT_TOKENIZER)
    return {**plain, "model": model, "cell": cell, "data": data}


class _Given:
    """Which keys the user has set, and the merging of these with a folder's settings."""

    def __init__(self, folder: str, overrides: Sequence[str]) -> None:
        self.folder = folder
        self._keys = {word.partition("=")[0].lstrip("+~") for word in overrides}

    def __contains__(self, key: str) -> bool:
        return any(name == key or name.startswith(f"{key}.") for name in self._keys)

    def merged(
        self, own: Any, default: Mapping[str, Any], folder: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        """Return the folder's settings with those keys of the user that may differ.

        Args:
            own: the user's group.
            default: the default value of each key.
            folder: the folder's value of each key.
            where: the group's name.
        """
        if not isinstance(own, Mapping):
            return dict(folder)  # a wrong value is reported by the parser of the group
        merged = {key: value for key, value in own.items() if key not in folder}
        for key, value in folder.items():
            name, standard = f"{where}.{key}", default.get(key)
            chosen = own.get(key, standard)
            if all(isinstance(part, Mapping) for part in (chosen, standard, value)):
                merged[key] = self.merged(chosen, standard, value, name)
                continue
            is_given = name in self or _plain(chosen) != _plain(standard)
            if name in _OWN or (is_given and name in _FREE):
                merged[key] = chosen
            elif is_given and _plain(chosen) != _plain(value):
                raise self.refused(name, chosen, value)
            else:
                merged[key] = value
        return merged

    def refused(self, key: str, chosen: Any, stored: Any) -> InputError:
        """Return the error for a setting that differs from the folder's."""
        remedy = f"leave out {key}"
        if key not in self:
            remedy += ", or the experiment or preset (of data=) that sets it"
        return InputError(
            f"init: {key} is {shown(_plain(chosen))}, but {shown(_plain(stored))} in "
            f"{self.folder}, whose network this run continues with: {remedy}"
        )


def _plain(value: Any) -> Any:
    """Return a setting with lists in place of tuples, to compare it."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _cell(own: Any, stored: Any, given: _Given, path: Path) -> dict[str, Any]:
    """Return the folder's cell, unless the user has chosen another one."""
    fields = {"name": stored} if isinstance(stored, str) else dict(stored)
    cell = read_untrusted(path, lambda: build_cell(fields))
    if isinstance(own, Mapping) and own.get("name") is not None:
        chosen = build_cell(own)
        if ("cell" in given or chosen != build_cell(_DEFAULT_CELL)) and chosen != cell:
            raise given.refused("cell", own, fields)
    return fields


def _refuse_own_folder(init: str, output: str) -> None:
    folder, run = Path(init).resolve(), Path(output).resolve()
    if run == folder or run in folder.parents:
        raise InputError(
            f"init: {init} is in the folder of this run, {output}, whose files are replaced: "
            "choose another one with hydra.run.dir=FOLDER"
        )
