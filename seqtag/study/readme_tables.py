"""Tables of a README that are made from files.

Each is between a comment ``<!-- NAME: option=value option=value -->`` and a comment
``<!-- end of NAME -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from seqtag.errors import InputError, unknown
from seqtag.files import write_text

T = TypeVar("T")


def update_blocks(readme: Path, name: str, make: Callable[[str], str], write: bool = False) -> bool:
    """Return whether all tables of a README are as they are made now.

    Args:
        readme: the README.
        name: the name in the comments.
        make: returns the table that the options of a comment describe.
        write: whether to write the tables that differ.

    Raises:
        InputError: for a comment without its end, and those of `make`.
    """
    start, end = f"<!-- {name}: ", f"<!-- end of {name} -->"
    block = re.compile(
        f"(?P<start>{start}(?P<options>[^>]*?) -->\n)(?P<table>.*?)(?P<end>{end})", re.DOTALL
    )
    text = readme.read_text(encoding="utf-8")
    new = block.sub(lambda m: f"{m['start']}\n{make(m['options'])}\n{m['end']}", text)
    if new.count(start) != len(block.findall(text)):
        raise InputError(f"{readme}: a comment `{name}:` without `{end}` after it")
    if write and new != text:
        write_text(readme, new)
    return new == text


def parse_options(kind: type[T], options: str, where: str) -> T:
    """Return an object of a dataclass from the options of a comment.

    Raises:
        InputError: for an option that is unknown, missing or wrong.
    """
    pairs: dict[str, Any] = {}
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for option in options.split():
        name, equals, value = option.partition("=")
        if not equals or name not in known:
            raise unknown(f"{where}: option of a table", name, known)
        pairs[name] = int(value) if value.isdecimal() else value
    for name, field in known.items():
        if name not in pairs and field.default is MISSING:
            raise InputError(f"{where}: a table needs {name}=")
    return kind(**pairs)
