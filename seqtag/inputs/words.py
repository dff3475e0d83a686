"""The word itself as an input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqtag.checks import FileName, Share, check_fields
from seqtag.inputs.base import Training, WordInput
from seqtag.inputs.options import EncodeConfig, Size
from seqtag.inputs.registry import register
from seqtag.inputs.vocabulary import Vocabulary, build_vocabulary


@dataclass(frozen=True)
class WordConfig:
    """Options of word embeddings.

    Attributes:
        size: length of a vector.
        unknown_probability: in training, the probability that a word seen once is replaced by
            the unknown word.
        vectors: a text file of initial vectors (GloVe or fastText format), or None.
    """

    size: Size = 100
    unknown_probability: Share = 0.5
    vectors: FileName | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@register("words")
class Words(WordInput):
    """The id of a word in the vocabulary of the training split."""

    Options = WordConfig
    key = "words"
    order = 0

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.size = len(vocabulary)

    @classmethod
    def options(cls, value: WordConfig | None) -> WordConfig | None:
        """Return the value of ``model.words``."""
        return value

    @classmethod
    def fit(cls, training: Training, options: None) -> Words:
        """Build the vocabulary of words."""
        encode = training.encode
        vocabulary = build_vocabulary(
            training.words,
            min_count=encode.min_count,
            fold_digits=encode.fold_digits,
            lowercase=encode.lowercase,
        )
        return cls(vocabulary)

    @classmethod
    def from_plain(cls, plain: Any, encode: EncodeConfig, options: None) -> Words:
        """Read the vocabulary."""
        return cls(Vocabulary.from_plain(plain, "words"))

    def to_plain(self) -> Any:
        """Return the vocabulary."""
        return self.vocabulary.to_plain()

    def ids(self, words: Sequence[str]) -> Sequence[int]:
        """Return the id of each word."""
        vocabulary = self.vocabulary
        return [vocabulary[word] for word in words]

    def module(self, options: WordConfig) -> Any:
        """Return a word embedding that sometimes replaces rare words by the unknown word."""
        from seqtag.inputs.modules.words import WordEmbedding

        frequent = self.vocabulary.num_frequent
        return WordEmbedding(self.size, frequent, options.size, options.unknown_probability)
