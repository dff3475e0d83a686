"""How words become numbers: the options of `data.encode`, and bounded sizes of vectors."""

from dataclasses import dataclass
from typing import Annotated, Literal

from seqtag.checks import AtLeast, AtMost, Count, FileName, check_fields

# What is larger than any tagger that trains is refused by its type.
MOST_UNITS = 2**20
Size = Annotated[int, AtLeast(1), AtMost(MOST_UNITS)]
SizeOrNone = Annotated[int, AtLeast(0), AtMost(MOST_UNITS)]


@dataclass(frozen=True)
class Sized:
    """The options of an input that has none but the length of its vectors."""

    size: Size


@dataclass(frozen=True)
class SubwordConfig:
    """How words are split into pieces.

    Attributes:
        kind: ``bpe`` (byte pair encoding) or ``wordpiece``, trained on the training split.
        vocab_size: number of pieces to train.
        path: a ``tokenizer.json`` to load instead of training one.
    """

    kind: Literal["bpe", "wordpiece"] = "bpe"
    vocab_size: Annotated[int, AtLeast(2), AtMost(10_000_000)] = 4000
    path: FileName | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class EncodeConfig:
    """How words become numbers.

    Attributes:
        min_count: words seen fewer times in training share the vector of unknown words.
        fold_digits: every digit counts as 0, so that 1999 and 2024 are one word.
        lowercase: the word's vector ignores case (characters and letter case still see it).
        max_characters: longer words are read by their first and last halves of this many.
        subwords: how subword pieces are made, or None for none.
    """

    min_count: Count = 1
    fold_digits: bool = True
    lowercase: bool = False
    max_characters: Annotated[int, AtLeast(1), AtMost(100_000)] = 40
    subwords: SubwordConfig | None = None

    def __post_init__(self) -> None:
        check_fields(self)
