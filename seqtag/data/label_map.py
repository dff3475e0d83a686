"""data.label_map: labels or span types that are replaced before the label scheme is determined."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seqtag.errors import InputError, did_you_mean, listed, shown
from seqtag.labels import OUTSIDE

_LETTERS = "BIESLUMWVbieslumwv"
_PREFIXED = re.compile(rf"([{_LETTERS}][-_:./|=+#~ ])(.+)()", re.DOTALL)
_SUFFIXED = re.compile(rf"()(.+)([-_:./|=+#~ ][{_LETTERS}])", re.DOTALL)
_LIST = "write data.label_map=[OLD=NEW,...]"


class LabelMap:
    """Replaces labels, and the types within labels such as ``B-PERSON``.

        labels = LabelMap({"PERSON": "PER", "MISC": "O", "X": None})
        labels.apply(["B-PERSON", "I-MISC", "X"])  # ["B-PER", "O", None]

    Attributes:
        used: the keys that occurred in labels.
    """

    def __init__(self, replaced: Mapping[str, str | None]) -> None:
        self._replaced = replaced
        self._known: dict[str, str | None] = {}
        self.used: set[str] = set()

    def apply(self, labels: Sequence[str | None]) -> list[str | None]:
        """Return the labels of a sentence; None is a token that is not scored."""
        return [None if label is None else self._replace(label) for label in labels]

    def _replace(self, label: str) -> str | None:
        try:
            return self._known[label]
        except KeyError:
            return self._known.setdefault(label, self._new(label))

    def _new(self, label: str) -> str | None:
        if label in self._replaced:
            self.used.add(label)
            return self._replaced[label]
        for before, type_, after in _readings(label):
            if type_ in self._replaced:
                self.used.add(type_)
                new = self._replaced[type_]
                return new if new in (None, OUTSIDE) else f"{before}{new}{after}"
        return label


def _readings(label: str) -> Iterator[tuple[str, str, str]]:
    """Yield each way to cut a label into text before a span type, the type, and text after it."""
    for pattern in (_PREFIXED, _SUFFIXED):
        if match := pattern.fullmatch(label):
            before, type_, after = match.groups()
            yield before, type_, after


def parse_label_map(value: Any) -> dict[str, str | None] | None:
    """Return the setting `data.label_map` by old label; None if there is nothing to replace.

    Args:
        value: a mapping, a list of texts ``old=new``, or None. ``null`` is no label.

    Raises:
        InputError: for a key or value that is not a label.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        pairs = list(map(_pair, value))
        value = dict(pairs)
        if twice := [old for old, new in pairs if value[old] != new]:
            raise InputError(f"data.label_map: {shown(twice[0])} is replaced by two labels")
    replaced = {_label(old, "key"): new for old, new in value.items()}
    return {
        old: None if new is None else _label(new, f"value of {shown(old)}")
        for old, new in replaced.items()
    } or None


def _pair(text: str) -> tuple[str, str | None]:
    old, equals, new = text.partition("=")
    if not equals or "=" in new:
        raise InputError(
            f"data.label_map: {shown(text)} is not OLD=NEW with one equals sign; for labels that "
            "contain one, write a mapping: 'data.label_map={OLD\\=1: NEW}'"
        )
    return old, None if new == "null" else new


def _label(value: Any, what: str) -> str:
    """Return a label; whole numbers become text, since YAML reads ``0`` as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise InputError(
            f"data.label_map: the {what} must be a label as text, not {shown(value)}; {_LIST}"
        )
    return value


def explain_unused(keys: Iterable[str], labels: Iterable[str], splits: Iterable[str]) -> str:
    """Return a message about keys of `data.label_map` that are not among the labels."""
    whole = list(dict.fromkeys(labels))
    types = (type_ for label in whole for _, type_, _ in _readings(label))
    known = list(dict.fromkeys([*whole, *types]))
    suggested = [f"{shown(key)}{did_you_mean(key, known)}" for key in keys]
    return (
        f"data.label_map: {', '.join(suggested)} is neither a label nor a span type in "
        f"{', '.join(splits)}; there are: {listed(known)}"
    )
