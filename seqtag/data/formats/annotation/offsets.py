"""The units in which tools count characters, recognised by the texts of their spans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from seqtag.data.formats.annotation.alignment import shortened
from seqtag.data.formats.document import CharSpan, Fault

DIFFERS = "have another text in the file than at their offsets"


def same_text(text: str, covered: str) -> bool:
    r"""Return whether two texts are equal apart from white space and from ``\n`` as two signs."""
    return text == covered or _without_space(text) == _without_space(covered)


def _without_space(text: str) -> str:
    return "".join(text.replace("\\n", " ").replace("\ufeff", " ").split())


def differs(span: CharSpan, written: Any, text: str) -> Fault | None:
    """Return a fault if a span's own text, where it is given, is not that at its offsets."""
    covered = text[max(0, span.start) : max(0, span.end)]
    if not isinstance(written, str) or same_text(written, covered):
        return None
    return Fault(DIFFERS, f"{shortened(written)} and {shortened(covered)}", span.start, span.end)


def offsets_by_unit(text: str) -> dict[str, Callable[[int], int]]:
    """Return functions from offsets in units that tools have counted in to code points.

    The units are code points, UTF-16 code units (the length of JavaScript's strings), and both of
    a text whose line ends a browser has changed from CR LF to LF. Units that are the same for this
    text are left out. Offsets outside the text stay outside.
    """
    units: dict[str, Callable[[int], int]] = {"code points": lambda offset: offset}
    astral = not text.isascii() and max(text) > "\uffff"
    returns = "\r\n" in text
    if astral:
        units["UTF-16 code units"] = _mapping([1 + (sign > "\uffff") for sign in text])
    if returns:
        plain = [0 if text[i : i + 2] == "\r\n" else 1 for i in range(len(text))]
        units["code points without carriage returns"] = _mapping(plain)
        if astral:
            wide = [one * (1 + (sign > "\uffff")) for one, sign in zip(plain, text, strict=True)]
            units["UTF-16 code units without carriage returns"] = _mapping(wide)
    return units


def _mapping(widths: Sequence[int]) -> Callable[[int], int]:
    """Return the function from an offset in units to one in characters that are `widths` wide."""
    by_offset: dict[int, int] = {}
    total = 0
    for position, total in enumerate(accumulate(widths, initial=0)):
        # After a character of width 0 the later position counts: a span begins after the \r.
        by_offset[total] = position
    return lambda offset: by_offset.get(offset, offset if offset < 0 else len(widths) + offset)
