"""Vocabularies of words, characters and column values, and subword models, by `tokenizers`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from seqtag.checks import Count, checked
from seqtag.errors import InputError
from seqtag.inputs.options import SubwordConfig
from seqtag.inputs.tokenizer_file import UNKNOWN as _UNKNOWN
from seqtag.inputs.tokenizer_file import read_subwords, read_vocabulary, vocabulary_normalizers

_PADDING = "<pad>"


class Vocabulary:
    """Mapping from strings to ids: 0 is padding, 1 is unknown, the others by decreasing frequency.

        vocabulary = build_vocabulary({"the": 5, "cat": 1})
        vocabulary["the"], vocabulary["dog"]  # 2, 1

    Args:
        tokenizer: a :class:`tokenizers.Tokenizer` with a word-level model, which has the ids and
            the normalisation.
        num_frequent: ids from this one on belong to strings that were seen once in training. Lower
            ids are padding, unknown and strings seen more often.
        num_trained: ids from this one on belong to strings that were not seen in training; None if
            all were.
    """

    PADDING: ClassVar[int] = 0
    UNKNOWN: ClassVar[int] = 1

    def __init__(
        self, tokenizer: Tokenizer, num_frequent: int, num_trained: int | None = None
    ) -> None:
        self.tokenizer = tokenizer
        self.num_frequent = num_frequent
        self._normalize = (
            tokenizer.normalizer.normalize_str if tokenizer.normalizer is not None else str
        )
        self._ids = tokenizer.get_vocab()
        self.num_trained = len(self._ids) if num_trained is None else num_trained

    def __reduce__(self) -> tuple[Any, ...]:
        # The table of ids is part of the tokenizer and is not stored twice.
        return Vocabulary, (self.tokenizer, self.num_frequent, self.num_trained)

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, string: str) -> int:
        # A string that is spelled like the padding is unknown, not padding.
        return self._ids.get(self._normalize(string), self.UNKNOWN) or self.UNKNOWN

    def strings(self) -> list[str]:
        """Return the strings in the order of their ids, starting with padding and unknown."""
        return sorted(self._ids, key=self._ids.__getitem__)

    def merged(self, other: Vocabulary) -> Vocabulary:
        """Return a vocabulary of the strings of both, in which ids may differ from those in both.

        A string counts as seen once if neither vocabulary saw it more often. The normalisation is
        that of this vocabulary.
        """
        special = (_PADDING, _UNKNOWN)
        frequent, rare, untrained = (dict.fromkeys(first) for first in (special, (), ()))
        for vocabulary in (self, other):
            strings, first = vocabulary.strings(), max(len(special), vocabulary.num_frequent)
            frequent |= dict.fromkeys(strings[len(special) : first])
            rare |= dict.fromkeys(strings[first : vocabulary.num_trained])
            untrained |= dict.fromkeys(strings[vocabulary.num_trained :])
        ordered = dict.fromkeys((*frequent, *rare))
        num_trained = len(ordered)
        merged = _vocabulary([*(ordered | untrained)], len(frequent), self.tokenizer.normalizer)
        merged.num_trained = num_trained
        return merged

    def to_plain(self) -> dict[str, Any]:
        """Return the vocabulary as JSON values."""
        plain = {"num_frequent": self.num_frequent, "tokenizer": self.tokenizer.to_str()}
        return plain | ({"num_trained": self.num_trained} if self.num_trained < len(self) else {})

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], name: str = "strings") -> Vocabulary:
        """Rebuild a vocabulary from the JSON values of :meth:`to_plain`.

        Raises:
            InputError: if it is not a vocabulary; the message calls it "the vocabulary of `name`".
        """
        frequent = checked(plain["num_frequent"], int, "num_frequent")
        trained = checked(plain.get("num_trained"), Count | None, "num_trained")
        tokenizer = read_vocabulary(plain["tokenizer"], f"the vocabulary of {name}")
        vocabulary = cls(tokenizer, frequent, trained)
        if len(vocabulary) <= cls.UNKNOWN:
            raise InputError(f"the vocabulary of {name} is empty")
        if not cls.UNKNOWN < vocabulary.num_trained <= len(vocabulary):
            raise InputError(f"the vocabulary of {name} has num_trained={trained}")
        return vocabulary

    def is_unknown(self, string: str) -> bool:
        """Return whether a string was not seen in training."""
        number = self[string]
        return number == self.UNKNOWN or number >= self.num_trained

    def extended(self, strings: Iterable[str]) -> Vocabulary:
        """Return the vocabulary with further strings, which were not seen in training.

        Strings that normalisation changes are left out, since no string would get their ids.
        """
        ids = dict(self._ids)
        for string in strings:
            if string and string not in ids and self._normalize(string) == string:
                ids[string] = len(ids)
        tokenizer = Tokenizer(models.WordLevel(ids, unk_token=_UNKNOWN))
        if self.tokenizer.normalizer is not None:
            tokenizer.normalizer = self.tokenizer.normalizer
        return Vocabulary(tokenizer, self.num_frequent, self.num_trained)


def build_vocabulary(
    strings: Mapping[str, int],
    min_count: int = 1,
    fold_digits: bool = False,
    lowercase: bool = False,
) -> Vocabulary:
    """Return a vocabulary of the strings that were seen at least `min_count` times.

    Args:
        strings: the count of each string.
        min_count: minimum count, after normalisation.
        fold_digits: replace every digit by 0.
        lowercase: lower-case all strings.
    """
    steps = vocabulary_normalizers(fold_digits, lowercase)
    normalizer = normalizers.Sequence(steps) if steps else None
    counts: Counter[str] = Counter()
    for string, count in strings.items():
        counts[normalizer.normalize_str(string) if normalizer else string] += count
    ordered = [_PADDING, _UNKNOWN]
    num_frequent = len(ordered)
    for string, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if count >= min_count and string not in (_PADDING, _UNKNOWN):
            ordered.append(string)
            num_frequent += count > 1
    return _vocabulary(ordered, num_frequent, normalizer)


def _vocabulary(strings: Sequence[str], num_frequent: int, normalizer: Any) -> Vocabulary:
    """Return a vocabulary in which the id of each string is its position."""
    ids = {string: number for number, string in enumerate(strings)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=_UNKNOWN))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    return Vocabulary(tokenizer, num_frequent)


def train_subwords(sentences: Iterable[Sequence[str]], config: SubwordConfig) -> Tokenizer:
    """Return a subword tokenizer trained on the words of sentences; pieces never span words."""
    settings = {
        "vocab_size": config.vocab_size,
        "special_tokens": [_UNKNOWN],
        "show_progress": False,
    }
    if config.kind == "bpe":
        tokenizer = Tokenizer(models.BPE(unk_token=_UNKNOWN))
        trainer: Any = trainers.BpeTrainer(**settings)
    else:
        tokenizer = Tokenizer(models.WordPiece(unk_token=_UNKNOWN, max_input_chars_per_word=1000))
        trainer = trainers.WordPieceTrainer(**settings)
    # Split at line feeds only, so that words with other white space are not split.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\n"), "removed")
    lines = ("\n".join(sentence) for sentence in sentences)
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def load_subwords(path: str | None = None, text: str | None = None) -> Tokenizer:
    """Return a subword tokenizer from a ``tokenizer.json`` file, or from its text.

    Raises:
        InputError: if there is no such file, it is not a tokenizer, or it has parts that are not
            allowed (see `tokenizer_file`).
    """
    if text is None:
        file = Path(str(path))
        if not file.is_file():
            raise InputError(f"subwords.path: there is no file {path!r}")
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"subwords.path: {path}: cannot be read: {error}") from None
    where = path or "the subword tokenizer"
    return read_subwords(text, where)
