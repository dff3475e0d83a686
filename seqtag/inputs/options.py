"""Options of `data.encode`, i.e. of converting words to ids, and types of bounded sizes."""

from dataclasses import dataclass
from typing import Annotated, Literal

from seqtag.checks import AtLeast, AtMost, Count, FileName, check_fields

# Larger than any tagger that can be trained; larger values are refused.
MAX_SIZE = 2**20
Size = Annotated[int, AtLeast(1), AtMost(MAX_SIZE)]
SizeOrNone = Annotated[int, AtLeast(0), AtMost(MAX_SIZE)]
# Unicode normalization forms: NFC composes characters, NFKC also replaces compatibility variants.
NormalForm = Literal["NFC", "NFKC"]


@dataclass(frozen=True)
class SizeOptions:
    """Options of an input whose only option is the length of its vectors."""

    size: Size


@dataclass(frozen=True)
class SubwordConfig:
    """Options of splitting words into subword pieces.

    Attributes:
        kind: ``bpe`` (byte pair encoding) or ``wordpiece``, trained on the training split.
        vocab_size: number of pieces of a trained tokenizer.
        path: a ``tokenizer.json`` to load instead of training a tokenizer.
    """

    kind: Literal["bpe", "wordpiece"] = "bpe"
    vocab_size: Annotated[int, AtLeast(2), AtMost(10_000_000)] = 4000
    path: FileName | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class EncodeConfig:
    """Options of converting words to ids.

    Attributes:
        min_count: words seen fewer times in training are treated as unknown.
        fold_digits: treat every digit as 0, so that 1999 and 2024 are the same word.
        lowercase: ignore case in the word's vector (characters and letter case keep it).
        max_characters: of longer words only this many characters are read, half from each end.
        subwords: options of subword pieces; None: no pieces.
        normalize: Unicode form to which words are converted first; None: they stay as they are.
    """

    min_count: Count = 1
    fold_digits: bool = True
    lowercase: bool = False
    max_characters: Annotated[int, AtLeast(1), AtMost(100_000)] = 40
    subwords: SubwordConfig | None = None
    normalize: NormalForm | None = None

    def __post_init__(self) -> None:
        check_fields(self)
