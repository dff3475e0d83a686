"""Quote arguments that Hydra cannot read.

In Hydra's grammar ``data.path=a(1)`` is a function call, ``cell=gru,seed=1`` has one equals sign
too many, and letters beyond ASCII do not exist. A value outside the grammar is plain text and is
quoted here, unless it looks like a list, a mapping, a quoted text, a reference or one of Hydra's
functions: a typo in one of these must not silently become a text.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from omegaconf import OmegaConf

from seqtag.errors import InputError
from seqtag.sweeps.jobs import quoted

# Keys whose values are files or folders: if a value exists on disk, it is that path.
PATH_KEYS = frozenset(
    (
        *("data.path", "data.cache_dir", "data.encode.subwords.path"),
        *("data.files.train", "data.files.dev", "data.files.test"),
        *("model.words.vectors", "init", "model_dir", "suite_path", "ckpt_path"),
        *("paths.log_dir", "paths.output_dir", "hydra.run.dir", "hydra.sweep.dir"),
    )
)
_FUNCTIONS = "|".join(OverridesParser.create().functions.functions)
_STRUCTURED = re.compile(rf"""\s*(?:[\[{{'"]|\$\{{|(?:{_FUNCTIONS})\s*\()""")
# A list without lists or quoted texts in it.
_LIST = re.compile(r"""\s*\[([^\[\]{}'"$]+)\]\s*""")
_MANY = ("-m", "--multirun", "hydra.mode=MULTIRUN")


def quote_values(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a verb, with values quoted if Hydra cannot read them.

    Raises:
        InputError: for an argument without a value, or with a list that is not closed.
    """
    several = any(word in _MANY or word.startswith("search=") for word in arguments)
    return [word if word.startswith("-") else _quote_value(word, several) for word in arguments]


def _quote_value(word: str, several: bool) -> str:
    """Return one argument, quoted if necessary; with `several`, commas may separate values."""
    key, equals, value = word.partition("=")
    if not equals or key.startswith("~"):
        return word
    name = key.lstrip("+")
    _check_text(word)
    if not name or _parsed(f"{key}=x") is None:
        raise InputError(f"{word!r}: {key!r} is not a key; write key=value without spaces")
    if not value.strip():
        remedy = "give a path" if name in PATH_KEYS else f"to leave it unset, write {key}=null"
        raise InputError(f"{word!r}: the value is missing (an unset shell variable?); {remedy}")
    override = _parsed(word)
    if name in PATH_KEYS and (text := _existing(value)) is not None:
        read = None if override is None else override.value()
        return word if read == text else f"{key}={quoted(text)}"
    if override is not None:
        if name == "study" and isinstance(override.value(), bool | int | float):
            return f"{key}={quoted(value.strip())}"  # a name, not a number
        return word
    listed = _LIST.fullmatch(value)
    separated = listed[1] if listed else value if several else ""
    if "," in separated and not all(part.strip() for part in separated.split(",")):
        raise InputError(_unreadable(word, key, value))
    if listed:
        parts = [_element(key, name, part.strip()) for part in listed[1].split(",")]
        argument = f"{key}=[{','.join(parts)}]"
    elif several and "," in value and not _STRUCTURED.match(value):
        parts = [_element(key, name, part.strip()) for part in value.split(",")]
        argument = f"{key}={','.join(parts)}"
    else:
        argument = f"{key}={_element(key, name, value)}"
    if _parsed(argument) is None:
        raise InputError(_unreadable(word, key, value))
    return argument


def _element(key: str, name: str, value: str) -> str:
    """Return one value, quoted if Hydra cannot read it."""
    if _parsed(f"{key}={value}") is not None:
        return value
    if _STRUCTURED.match(value):
        raise InputError(_unreadable(f"{key}={value}", key, value))
    text = _home(value) if name in PATH_KEYS else value
    if "${" in text:
        try:
            OmegaConf.to_container(OmegaConf.create({"value": text}), resolve=False)
        except Exception as error:
            raise InputError(_unreadable(f"{key}={value}", key, value)) from error
    word = f"{key}={quoted(text)}"
    override = _parsed(word)
    if override is None or override.value() != text:
        raise InputError(_unreadable(f"{key}={value}", key, value))
    return quoted(text)


def _check_text(word: str) -> None:
    """Raise an error for bytes that are not UTF-8: Hydra could not write them to the run folder."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{word!r}: not UTF-8, or Python read it in another encoding (set PYTHONUTF8=1); "
            "rename the file, or use a link to it"
        ) from None


def _existing(value: str) -> str | None:
    """Return the value as a path if that exists on disk, else None."""
    try:
        path = _home(value)
        return path if value != "null" and os.path.lexists(path) else None
    except ValueError:  # a null character
        return None


def _home(value: str) -> str:
    """Return a path with ``~`` expanded, which shells do not do after ``key=``."""
    path = os.path.expanduser(value)
    if path == value and re.match(r"~(?:/|\Z)", value):
        raise InputError(f"{value!r}: there is no home folder; give an absolute path")
    return path


def _parsed(word: str) -> Override | None:
    """Return an argument as parsed by Hydra, or None if Hydra cannot read it."""
    try:
        return OverridesParser.create().parse_override(word)
    except Exception:  # Hydra's own errors, and those of the functions in an override
        return None


def _unreadable(word: str, key: str, value: str) -> str:
    # Quotes do not turn a reference into plain text.
    remedy = "" if "${" in value else f"; for plain text, write {hint(key, value)}"
    return f"{word!r}: {_reason(word)}{remedy}"


def _reason(word: str) -> str:
    """Return Hydra's error for an argument in one line."""
    try:
        OverridesParser.create().parse_override(word)
    except Exception as error:
        line = " ".join(str(error).split())
        return f"cannot be read ({line})" if line else "cannot be read"
    return "cannot be read"


def hint(key: str, text: Any) -> str:
    """Return an argument that sets a key to exactly this text, quoted for a shell."""
    return shlex.quote(f"{key}={QuotedString(str(text), Quote.double).with_quotes()}")
