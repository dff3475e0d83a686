"""Tokens by a regular expression of the user, in linear time.

The expression may come from a model folder, which is untrusted. So it is matched by RE2 (as part
of pyarrow), which does not backtrack: no expression takes exponential time. Look-around and
back-references do not exist there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from seqtag.errors import InputError, shown

_MOST_CHARACTERS = 1000
# Longer parts without white space are cut: the search for all matches is quadratic in a part.
_LONGEST = 1024
_PARTS = re.compile(rf"\S{{1,{_LONGEST}}}")
_OUTSIDE = re.compile(r"\\.|\[\^?\]?|.", re.DOTALL)
_INSIDE = re.compile(r"\\.|\[:\^?\w+:\]|.", re.DOTALL)
# RE2's own \w and \d are ASCII. Marks are included: the vowel signs of Devanagari are marks.
_WORD = r"\p{L}\p{M}\p{N}_"
_OUTSIDE_CLASS = {"w": f"[{_WORD}]", "W": f"[^{_WORD}]", "d": r"\p{Nd}", "D": r"\P{Nd}"}
_INSIDE_CLASS = {"w": _WORD, "d": r"\p{Nd}", "D": r"\P{Nd}"}
# The same classes for ASCII text: pyarrow compiles them at each call, in 0.1 ms instead of 5.
_ASCII_CLASS = {sign: f"\\{sign}" for sign in "wWdD"}
_UNCHANGED = frozenset("sSpPxAzanrtfv")

_Span = tuple[int, int]


class Pattern:
    r"""A regular expression whose matches are tokens.

        Pattern(r"\w+", "data.tokenizer").spans("a-b", [(0, 3)], characters)  # a, -, b

    It is matched in each part of a text between white space, whose beginning and end are ``^`` and
    ``$``. ``\w`` and ``\d`` are letters, marks and digits of all scripts.

    Args:
        expression: the regular expression, in the syntax of RE2.
        key: the setting, for messages.

    Raises:
        InputError: if it is not valid.
    """

    def __init__(self, expression: str, key: str) -> None:
        self._where = f"{key}={shown(expression)}"
        if len(expression) > _MOST_CHARACTERS:
            raise self._error(f"longer than {_MOST_CHARACTERS:,} characters")
        self._unicode = "".join(self._translate(expression))
        self._ascii = "".join(self._translate(expression, ascii_only=True))
        compute, array = self._arrow
        try:
            # Unlike the replacement of matches, this compiles the expression as it is.
            compute.match_substring_regex(array(["x"]), pattern=self._unicode)
        except (ValueError, UnicodeError) as error:  # pyarrow's errors are ValueErrors
            reason = " ".join(str(error).split())
            raise self._error(reason.removeprefix("Invalid regular expression: ")[:200]) from None

    def spans(
        self, text: str, parts: Sequence[_Span], rest: Callable[[str], list[_Span]]
    ) -> list[list[_Span]]:
        """Return the tokens of each part of a text, as start and end in the text.

        Args:
            text: a text without lone surrogates.
            parts: start and end of each part.
            rest: returns the tokens of a text between two matches.
        """
        pieces = [
            (number, start + piece.start(), piece[0])
            for number, (start, stop) in enumerate(parts)
            for piece in _PARTS.finditer(text[start:stop])
        ]
        spans: list[list[_Span]] = [[] for _ in parts]
        marked = self._mark_matches([piece for _, _, piece in pieces])
        for (number, position, _), line in zip(pieces, marked, strict=True):
            # Between matches, in a match, between matches, ...
            for index, string in enumerate(line.split("\n")):
                if string and index % 2:
                    spans[number].append((position, position + len(string)))
                elif string:
                    found = rest(string)
                    spans[number] += [(position + first, position + end) for first, end in found]
                position += len(string)
        return spans

    def _mark_matches(self, pieces: list[str]) -> list[str]:
        r"""Return the pieces, which have no line feed, with ``\n`` before and after each match."""
        if not pieces:
            return []
        compute, array = self._arrow
        pattern = self._ascii if all(map(str.isascii, pieces)) else self._unicode
        return compute.replace_substring_regex(
            array(pieces), pattern=pattern, replacement="\n\\0\n"
        ).to_pylist()

    @cached_property
    def _arrow(self) -> tuple[Any, Any]:
        try:
            import pyarrow  # slow, and not needed for help
            import pyarrow.compute
        except ModuleNotFoundError:
            raise InputError(
                f"{self._where}: a regular expression as a tokenizer needs the library pyarrow, "
                "which is not installed: pip install pyarrow"
            ) from None

        return pyarrow.compute, pyarrow.array

    def _translate(self, expression: str, ascii_only: bool = False) -> Iterator[str]:
        """Yield the parts of the expression in RE2's syntax, for all or for ASCII text."""
        position, in_class = 0, False
        while match := (_INSIDE if in_class else _OUTSIDE).match(expression, position):
            part, position = match[0], match.end()
            if part[0] == "\\":
                unicode = self._escape(part[1:], in_class)
                part = _ASCII_CLASS.get(part[1:], unicode) if ascii_only else unicode
            elif in_class:
                in_class = part != "]"
            else:
                in_class = part[0] == "["
            yield part

    def _escape(self, sign: str, in_class: bool) -> str:
        if not sign.isalnum() or sign in _UNCHANGED:
            return f"\\{sign}"
        meaning = (_INSIDE_CLASS if in_class else _OUTSIDE_CLASS).get(sign)
        if meaning is None:
            place = " in square brackets" if in_class else ""
            raise self._error(f"\\{sign} is not supported{place}")
        return meaning

    def _error(self, reason: str) -> InputError:
        return InputError(
            f"{self._where}: not a regular expression that can be used: {reason}. The syntax is "
            "that of RE2, without look-around and back-references"
        )
