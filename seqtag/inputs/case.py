"""The letter case of a word as an input."""

from __future__ import annotations

from collections.abc import Sequence

from seqtag.inputs.base import Training, WordInput
from seqtag.inputs.options import EncodeConfig, SizeOptions
from seqtag.inputs.registry import register

# Letter-case classes; 0 is padding.
CASES = ("", "lower", "upper", "title", "mixed", "number", "part_number", "other")
_NUMBER_MARKS = str.maketrans("", "", ".,:-/+")


def letter_case(word: str) -> int:
    """Return the letter-case class of a word, an index into `CASES`."""
    digits = sum(map(str.isdigit, word))
    if digits:
        rest = word.translate(_NUMBER_MARKS)
        return 5 if rest.isdigit() or not rest else 6
    if word.islower():
        return 1
    if word.isupper():
        return 2 if len(word) > 1 else 3
    if word[:1].isupper() and (word[1:].islower()):
        return 3
    return 4 if any(map(str.isupper, word)) else 7


@register("case")
class Case(WordInput):
    """The letter-case class of a word."""

    Options = SizeOptions
    key = "case_size"
    order = 2
    stored = False
    size = len(CASES)

    @classmethod
    def options(cls, value: int) -> SizeOptions | None:
        """Return the options from ``model.case_size``; None for 0."""
        return SizeOptions(value) if value else None

    @classmethod
    def fit(cls, training: Training, options: None) -> Case:
        """Return the input: it has no vocabulary."""
        return cls()

    @classmethod
    def from_plain(cls, plain: None, encode: EncodeConfig, options: None) -> Case:
        """Return the input: it has no vocabulary."""
        return cls()

    def ids(self, words: Sequence[str]) -> Sequence[int]:
        """Return the class of each word."""
        return [letter_case(word) for word in words]

    def titles(self) -> Sequence[str]:
        """Return "letter case"."""
        return ("letter case",)
