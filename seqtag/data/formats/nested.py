"""Columns within columns of records: `ann.tokens`, and lists of objects.

{"ann": {"tokens": ["A", "b"]}}                 ann.tokens is ["A", "b"]
{"ann": [{"token": "A"}, {"token": "b"}]}       ann.token is ["A", "b"]
"""

from collections.abc import Collection, Mapping
from typing import Any

from seqtag.errors import InputError, did_you_mean, listed, shown


def root_of(column: str, available: Collection[str]) -> str:
    """Return the column of a record that contains a column, which may be the column itself."""
    return column if column in available else column.partition(".")[0]


def has_column(record: Mapping[str, Any], column: str) -> bool:
    """Return whether a record has a column or the one that may contain it."""
    return root_of(column, record) in record


def nested_value(record: Mapping[str, Any], column: str, where: str) -> Any:
    """Return the value of a column of a record that has its root.

    Raises:
        InputError: if it is not there; the message begins with `where`.
    """
    if column in record:
        return record[column]
    path, *keys = column.split(".")
    value = record[path]
    for key in keys:
        if isinstance(value, list):
            value = [_member(item, key, f"{path}[{i}]", where) for i, item in enumerate(value)]
        else:
            value = _member(value, key, path, where)
        path += f".{key}"
    return value


def _member(value: Any, key: str, path: str, where: str) -> Any:
    if not isinstance(value, dict):
        raise InputError(
            f"{where}: {path} is {shown(value)}; an object with the key {key!r} is expected"
        )
    if key not in value:
        raise InputError(
            f"{where}: {path} has no key {key!r}{did_you_mean(key, list(value)[:1000])}; there "
            f"are: {listed(value)}"
        )
    if key in getattr(value, "repeated", ()):
        raise InputError(f"{where}: the key {key!r} of {path} occurs more than once")
    return value[key]
