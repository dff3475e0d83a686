"""Options of converting words to ids (`data.encode`, `data.gazetteers`), and bounded sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, Literal

from seqtag.checks import (
    AtLeast,
    AtMost,
    Count,
    FileName,
    Matching,
    NonEmpty,
    check_fields,
    checked,
)
from seqtag.errors import InputError

# Larger than any tagger that can be trained; larger values are refused.
MAX_SIZE = 2**20
_Files = Annotated[tuple[FileName, ...], NonEmpty()] | Mapping[str, Any] | None
_Name = Annotated[str, Matching(r"[^\0-\x1f]+", "the name of a list")]
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


# Lists are the bits of a 64-bit number.
MOST_GAZETTEERS = 64
_COMPRESSED = (".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class GazetteerConfig:
    """Lists of names in which the words of a sentence are looked up.

    Attributes:
        files: the file of each list, by the name of the list.
        ignore_case: ignore upper and lower case.
        encoding: encoding of the files.
    """

    files: Mapping[str, FileName]
    ignore_case: bool = False
    encoding: str = "utf-8"

    @classmethod
    def from_plain(cls, files: Any, ignore_case: Any, encoding: Any) -> GazetteerConfig | None:
        """Parse ``data.gazetteers`` (files, by name or not) and the ``data.gazetteer_...`` keys.

        Returns None if there are no files. A file without a name is named after its stem.

        Raises:
            InputError: for a wrong value, or two lists of the same name.
        """
        key = "data.gazetteers"
        checked(ignore_case, bool, "data.gazetteer_ignore_case")
        checked(encoding, str, "data.gazetteer_encoding")
        if not isinstance(files, Mapping):
            paths = checked(files, _Files, key) or ()
            files = {}
            for path in paths:
                if (name := _stem(path)) in files:
                    raise InputError(
                        f"{key}: two files are called {name!r}: name them, "
                        f"{key}={{A: {files[name]}, B: {path}}}"
                    )
                files[name] = path
        files = checked(files, Mapping[_Name, FileName], key)
        if len(files) > MOST_GAZETTEERS:
            raise InputError(f"{key}: {len(files)} files; at most {MOST_GAZETTEERS} are possible")
        return cls(dict(files), ignore_case, encoding) if files else None


def _stem(path: str) -> str:
    """Return the name of a file without folder and endings: a/cities.txt.gz gives cities."""
    name = PurePath(path)
    name = name.with_suffix("") if name.suffix in _COMPRESSED else name
    return name.stem
