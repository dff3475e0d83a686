"""Small files on disk: all of it or nothing; JSON of plain values alone."""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqtag.errors import InputError


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as JSON: all of it or nothing, never half a file.

    Numbers of numpy and torch become plain ones, paths strings; a number that JSON does not have
    (nan, infinity) becomes null.
    """
    write_text(path, _json(value))


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, and the folders above it: all of it or nothing, never half a file.

    Raises:
        InputError: if the system refuses to.
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_text(text, encoding="utf-8")
            os.replace(aside, path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _json(value: Any) -> str:
    # The escape keeps a lone surrogate, which has no bytes in UTF-8, as JSON writes it.
    text = json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def plain(value: Any) -> Any:
    """Return `value` in types of JSON, as `write_json` says."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
