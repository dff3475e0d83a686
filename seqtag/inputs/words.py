"""The word itself as an input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seqtag.checks import FileName, Share, check_fields
from seqtag.errors import InputError
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
        vectors_for: ``train``: only words of the training split get a vector of the file, which is
            trained further. ``all``: all words of the file do, also those that only occur in use;
            these vectors are not trained, so that all words stay in one space.

    Raises:
        InputError: for ``all`` without a file.
    """

    size: Size = 100
    unknown_probability: Share = 0.5
    vectors: FileName | None = None
    vectors_for: Literal["train", "all"] = "train"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.vectors_for == "all" and self.vectors is None:
            raise InputError("vectors_for=all requires a file of word vectors: set vectors=FILE")


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

    def extended(self, other: Words) -> Words:
        """Return the input with the words of `other` added."""
        return Words(self.vocabulary.merged(other.vocabulary))

    def row_names(self) -> dict[str, Sequence[str]]:
        """Return the words: those with a trained vector, and all, in the table of fixed ones."""
        strings = self.vocabulary.strings()
        return {"weight": strings[: self.vocabulary.num_trained], "fixed": strings}

    def ids(self, words: Sequence[str]) -> Sequence[int]:
        """Return the id of each word.

        If the vocabulary has words that are not of the training split, a word that it lacks gets
        the id of its lower-cased form.
        """
        vocabulary = self.vocabulary
        ids = [vocabulary[word] for word in words]
        if vocabulary.num_trained == len(vocabulary):
            return ids
        return [
            vocabulary[word.lower()] if number == vocabulary.UNKNOWN else number
            for word, number in zip(words, ids, strict=True)
        ]

    def module(self, options: WordConfig) -> Any:
        """Return a word embedding that sometimes replaces rare words by the unknown word."""
        from seqtag.inputs.modules.words import WordEmbedding

        known = self.vocabulary
        return WordEmbedding(
            *(known.num_trained, known.num_frequent, options.size, options.unknown_probability),
            num_fixed=self.size if options.vectors_for == "all" else 0,
        )

    def with_words(self, words: Iterable[str]) -> Words:
        """Return the input with further words, which are not of the training split."""
        return type(self)(self.vocabulary.extended(words))
