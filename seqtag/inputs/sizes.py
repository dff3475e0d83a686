"""Sizes of vectors, bounded: what is larger than any tagger that trains is refused by its type."""

from dataclasses import dataclass
from typing import Annotated

from seqtag.checks import AtLeast, AtMost

MOST_UNITS = 2**20

Size = Annotated[int, AtLeast(1), AtMost(MOST_UNITS)]
SizeOrNone = Annotated[int, AtLeast(0), AtMost(MOST_UNITS)]


@dataclass(frozen=True)
class Sized:
    """The options of an input that has none but the length of its vectors."""

    size: Size
