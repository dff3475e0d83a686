"""Explain errors in the arguments of a verb in one line, with a remedy if there is one."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seqtag.commands.comments import groups_of, keys_of_file, package_of
from seqtag.commands.help import config_dir, entry_point_hint, installed_options
from seqtag.commands.overrides import hint
from seqtag.errors import InputError, did_you_mean, shown
from seqtag.probes.registry import make_probe

# Hydra's launchers, and the extra of this package that installs each.
_LAUNCHERS = {"joblib": "joblib", "submitit_local": "submitit", "submitit_slurm": "submitit"}
_FLAGS = ("--cfg", "--multirun", "-m", "--config-dir", "--help", "-h")
_VERBS = ("train", "evaluate", "check", "probe")
# An example override for each verb, for errors about a word that names no option.
_EXAMPLES = {"evaluate": "split=dev", "check": "data=column"}
# Encoders that do not use `cell=`.
_WITHOUT_CELL = {"transformer"}
# Keys are suggested if they are at least this similar, from 0 to 1.
_SIMILAR = 0.7


def check_words(verb: str, arguments: Sequence[str]) -> None:
    """Check that each argument is an override, or a flag of Hydra with its value.

    Raises:
        InputError: for any other flag or word, for a value that the shell split at a space, and for
            a cell that no encoder uses.
    """
    _check_split(arguments)
    parser = get_args_parser()
    parser.exit_on_error = False
    parser.allow_abbrev = False
    try:
        known, unknown = parser.parse_known_args(flags_first(arguments))
    except argparse.ArgumentError as error:
        raise InputError(str(error)) from None
    if flag := next((word for word in unknown if word.startswith("-")), None):
        raise InputError(_unknown_flag(flag, verb, arguments))
    for word in (*known.overrides, *unknown):
        if "=" not in word and not word.startswith("~"):
            raise InputError(_without_value(word, verb))
    check_cell(arguments)


def flags_first(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with overrides at the end.

    Hydra's parser does not support overrides both before and after a flag.
    """
    flags = flags_of(arguments)
    return [*flags, *(word for word in arguments if word not in flags)]


def flags_of(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that are not overrides."""
    return [
        word
        for word in arguments
        if word.startswith("-") or not ("=" in word or word.startswith("~"))
    ]


def _check_split(arguments: Sequence[str]) -> None:
    for at, word in enumerate(arguments):
        whole = word
        for more in arguments[at + 1 :]:
            if "=" not in word or _unclosed(whole) <= 0 or "=" in more or more.startswith("-"):
                break
            whole += f" {more}"
        if whole != word and _unclosed(whole) == 0:
            raise InputError(
                f"{word!r}: the shell split this value at a space; quote the whole: "
                f"{shlex.quote(whole)}"
            )


def check_cell(arguments: Sequence[str]) -> None:
    """Raise an error if a cell, or an option of it, is set for encoders that have no cell."""
    encoders = _named("encoder", arguments)
    keys = (word.lstrip("+").partition("=")[0] for word in arguments)
    key = next((key for key in keys if key.partition(".")[0] == "cell"), None)
    if key and encoders and set(encoders) <= _WITHOUT_CELL:
        raise InputError(f"{key}: encoder={','.join(encoders)} has no cell; leave it out")


def _unclosed(text: str) -> int:
    """Return the number of opening brackets minus that of closing ones."""
    return sum((char in "([{") - (char in ")]}") for char in text)


def _unknown_flag(word: str, verb: str, arguments: Sequence[str]) -> str:
    flag, equals, value = word.partition("=")
    if not equals:
        after = [*arguments[arguments.index(word) + 1 :], "-"][0]
        value = after if "=" not in after and not after.startswith("-") else "VALUE"
    name = flag.lstrip("-").replace("-", "_")
    key = _closest_key(name, _paths(_composed(verb, ()))) or "KEY"
    return (
        f"{flag}: unknown flag{did_you_mean(flag, _FLAGS)}; settings are written as "
        f"{shlex.quote(f'{key}={value}')}; known flags: {', '.join(_FLAGS)}"
    )


def _without_value(word: str, verb: str) -> str:
    """Return the error for a word without an equals sign."""
    groups = sorted(_groups(verb), key=lambda group: group != verb)
    options = {group: {name.lower(): name for name in _options(group)} for group in groups}
    if group := next((group for group in groups if word.lower() in options[group]), None):
        example = f"for example {group}={options[group][word.lower()]}"
    elif word in _paths(_composed(verb, ())):
        return f"{word!r} has no '='; write {word}=VALUE without spaces"
    else:
        example = f"for example {_EXAMPLES.get(verb, 'cell=gru')}"
    return f"{shown(word)} has no '='; write KEY=VALUE, {example}"


def explain(error: Exception, verb: str, arguments: Sequence[str]) -> str:
    """Return a one-line explanation of Hydra's error, with a suggestion if there is one."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        options = [option for option in error.options if not option.startswith("_")]
        options = sorted({*options, *installed_options(group)})
        if group == "hydra/launcher" and name in _LAUNCHERS:
            return f"{group}={name}: not installed; pip install 'seqtag[{_LAUNCHERS[name]}]'"
        advice = entry_point_hint(group)
        return (
            f"{group}={name}: unknown option{did_you_mean(name, options)}; "
            f"known: {', '.join(options)}{f'; {advice}' if advice else ''}"
        )
    if key := re.search(r"Could not override '([^']+)'", str(error)):
        return _unknown_key(key[1], verb, arguments)
    if several := re.match(
        r"Ambiguous value for argument '([^=]+)=(.*?)'\n1\. To", str(error), re.DOTALL
    ):
        key, value = several.groups()
        lists = f"write a list as {key}=[{value}] and a text with commas as {hint(key, value)}"
        remedy = f"to run once per value, add -m: seqtag {verb} -m {shlex.quote(f'{key}={value}')}"
        return f"'{key}={value}': {remedy}{'' if _options(key) else f'; else {lists}'}"
    cause = error.__cause__ if isinstance(error, OmegaConfBaseException) else None
    if str(error).startswith("Error merging override") and error.__cause__ is not None:
        cause = f"{error}: {str(error.__cause__).splitlines()[0]}"
    text = " ".join(re.sub(r"\s*See https://\S+ for details", "", str(cause or error)).split())
    return f"{error.override!r}: {text}" if isinstance(error, OverrideParseException) else text


def raised_in_hydra(error: Exception) -> bool:
    """Return whether an error was raised inside Hydra's code, so that an override caused it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return module.partition(".")[0] in ("hydra", "omegaconf", "antlr4")


def explain_misread(error: Exception, arguments: Sequence[str]) -> str:
    """Return an explanation of an error that an override caused inside Hydra."""
    if key := next((a.partition("=")[0] for a in arguments if re.search(r"\d{4301}", a)), ""):
        return f"{key}: a whole number with thousands of digits is too large"
    for argument in arguments:
        group, _, value = argument.lstrip("+").partition("=")
        options = sorted(path.stem for path in (config_dir() / group).glob("[!_]*.yaml"))
        if options and (
            value in ("null", "true", "false") or not re.fullmatch(r"\w*[A-Za-z_]\w*", value)
        ):
            return f"{argument[:80]}: choose one of {', '.join(options)}"
    return f"Hydra cannot compose a configuration from the overrides: {error}"


def _unknown_key(key: str, verb: str, arguments: Sequence[str]) -> str:
    """Return the error for an override of a key that the configuration does not have."""
    words = [word.lstrip("+").partition("=") for word in arguments]
    value = next((value for name, _, value in reversed(words) if name == key), "VALUE")
    what = f"unknown key {key!r}"
    if verb == "probe" and (grid := _as_factor(key, value, arguments)):
        return f"{what}: a factor of the probe is set by {grid}"
    config = _composed(verb, arguments)
    above, _, rest = key.rpartition(".")
    if "." in above and _is_null(config, above):
        return f"{what}: {above} is null; write {shlex.quote(f'{above}={{{rest}: {value}}}')}"
    group, _, rest = key.partition(".")
    if lacking := _lacking(group, rest, verb, arguments):
        return (
            f"{key}: {group}={','.join(lacking)} has no option {rest!r}, but others in the "
            f"sweep do; run {group}={','.join(lacking)} separately, without it"
        )
    if len(names := _named(group, arguments)) > 1 and _all_have(group, names, rest):
        return (
            f"{key}: the default option of {group} has no option {rest!r}; in a sweep over "
            f"{group}, write {shlex.quote(f'{key}=choice({value})')}"
        )
    if owners := _owners(group, rest, verb):
        remedy = "one of these" if len(owners) > 1 else f"{group}={owners[0]}"
        place = package_of(config_dir() / group / f"{owners[0]}.yaml")
        if place not in ("", "_global_"):
            return f"{what}; write {remedy} {shlex.quote(f'{place}.{rest}={value}')}"
        return f"{key} belongs to {group}={', '.join(owners)}; add {remedy}"
    close = _closest_key(key, _paths(config))
    suggestion = f" (did you mean {close!r}?)" if close else ""
    if group in _top_keys(verb):
        return what + suggestion
    word = shlex.quote(f"{key}={value}")
    others = [f"seqtag {other} {word}" for other in _VERBS if group in _top_keys(other)]
    if not others:
        return what + suggestion
    if close and close.rpartition(".")[2] == key:
        return f"{what}{suggestion}, or {' or '.join(others)}"
    return f"{what}; use {' or '.join(others)}"


def _as_factor(key: str, value: str, arguments: Sequence[str]) -> str:
    """Return the override that sets a factor of the chosen probe, or "" if `key` is not one."""
    names = re.findall(r"^probe=(\w+)$", "\n".join(["probe=pronoun", *arguments]), re.MULTILINE)
    above, _, factor = key.rpartition(".")
    try:
        factors = make_probe(names[-1]).evaluation
    except InputError:  # an unknown probe, which is reported first
        return ""
    if factor not in factors or above not in ("", "grid", "probe", "probe.grid"):
        return ""
    return shlex.quote(f"probe.grid={{{factor}: [{value.strip('[]')}]}}")


def _owners(group: str, rest: str, verb: str) -> list[str]:
    """Return the options of a verb's group that have the key `rest`."""
    # A probe generates its own data and cannot read a corpus.
    if not rest or group not in _groups(verb) or (verb, group) == ("probe", "data"):
        return []
    own = tuple(rest.split("."))
    names = {own, (group, *own)}  # the second in files of the package _global_
    files = sorted((config_dir() / group).glob("[!_]*.yaml"))
    return [file.stem for file in files if names & keys_of_file(file).keys()]


def _lacking(group: str, rest: str, verb: str, arguments: Sequence[str]) -> list[str]:
    """Return those options of a swept group that lack the key `rest`; [] if all of them do."""
    if not rest or group not in _groups(verb):
        return []
    names = _named(group, arguments)
    lacking = [name for name in names if not _has_key(group, name, rest.split("."))]
    return lacking if len(lacking) < len(names) else []


def _named(group: str, arguments: Sequence[str]) -> list[str]:
    """Return the options of a group that the arguments name."""
    texts = [word.partition("=")[2] for word in arguments if word.startswith(f"{group}=")]
    return re.findall(r"[\w-]+", texts[-1]) if texts else []


def _all_have(group: str, names: Sequence[str], rest: str) -> bool:
    return bool(rest) and all(_has_key(group, name, rest.split(".")) for name in names)


def _has_key(group: str, name: str, path: Sequence[str]) -> bool:
    """Return whether an option has a key; true for an option from a --config-dir folder."""
    file = config_dir() / group / f"{name}.yaml"
    if file.is_file():
        return tuple(path) in keys_of_file(file)
    stored = ConfigStore.instance().repo.get(group, {}).get(f"{name}.yaml")
    return stored is None or path[0] in stored.node


def _is_null(config: DictConfig, key: str) -> bool:
    """Return whether a key of a configuration exists and is null."""
    node: Any = config
    for name in key.split("."):
        if not OmegaConf.is_dict(node) or node._is_none():
            return False
        node = node._get_node(name, validate_access=False)
    return node is not None and node._is_none()


def _closest_key(name: str, known: Iterable[str]) -> str | None:
    """Return the known key that is most similar to `name`, or None.

    Keys are compared part by part if they have the same number of parts, else by their last parts:
    `hidden` is similar to `model.hidden_size`.
    """
    parts = name[:200].lower().split(".")
    best, closest = (0.0, False, 0), None
    for key in known:
        others = key.lower().split(".")
        ratios = [SequenceMatcher(None, *pair).ratio() for pair in zip(parts, others, strict=False)]
        whole = len(parts) == len(others) and min(ratios) >= _SIMILAR
        ratio = min(ratios) if whole else SequenceMatcher(None, parts[-1], others[-1]).ratio()
        least = _SIMILAR if whole or len(parts) == 1 else 1
        if ratio >= least and (rank := (ratio, whole, -len(others))) > best:
            best, closest = rank, key
    return closest


def _groups(verb: str) -> list[str]:
    """Return the groups of a verb."""
    return list(groups_of((config_dir() / f"{verb}.yaml").read_text(encoding="utf-8")))


def _options(group: str) -> list[str]:
    """Return the options of a group; none if `group` is not a group."""
    files = (config_dir() / group).glob("[!_]*.yaml")
    return sorted({*(file.stem for file in files), *installed_options(group)})


def _top_keys(verb: str) -> set[str]:
    """Return the groups and the top-level keys of a verb."""
    return {*_groups(verb), *(path[0] for path in keys_of_file(config_dir() / f"{verb}.yaml"))}


def _composed(verb: str, arguments: Sequence[str]) -> DictConfig:
    """Return the verb's configuration with the chosen options."""
    chosen = [
        argument
        for argument in arguments
        if re.fullmatch(r"\w+=\w+", argument)
        and (config_dir() / argument.partition("=")[0]).is_dir()
    ]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        try:
            return compose(verb, chosen)
        except HydraException:  # an option of another verb, or from a --config-dir folder
            return compose(verb)


def _paths(config: DictConfig, above: str = "") -> Iterator[str]:
    for key in config:
        path = f"{above}{key}"
        yield path
        if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(
            value := config._get_node(key)
        ):
            yield from _paths(value, f"{path}.") if not value._is_none() else ()
