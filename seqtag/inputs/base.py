"""Base classes of the inputs of a word: from words to ids, and from ids to vectors.

Legend: B sentences, T words of the longest sentence, S subword pieces of the longest sentence, D
features of a word. The names of arrays end with their shape.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from seqtag.checks import from_plain
from seqtag.inputs.options import EncodeConfig
from seqtag.inputs.word_table import Table


@dataclass(frozen=True)
class Training:
    """Statistics of the training split, from which inputs build their vocabularies.

    Attributes:
        words: count of each word.
        encode: the options of `data.encode`.
        columns: names of the feature columns.
        count: returns the count of each value of a feature column.
        sentences: returns the words of each sentence.
    """

    words: Counter[str]
    encode: EncodeConfig
    columns: Sequence[str]
    count: Callable[[str], Counter[str]]
    sentences: Callable[[], Iterable[Sequence[str]]]


@dataclass(frozen=True)
class Batch:
    """The words of some sentences, concatenated, with their cached ids.

    Attributes:
        lengths: number of words of each sentence.
        mask_BT: True where there is a word.
        numbers: the row of each word in `table`.
        table: the ids that each `WordInput` has assigned to all words seen so far.
        distinct: the rows of the distinct words of this batch.
        columns: by feature column, the value of each word of each sentence.
    """

    lengths: np.ndarray
    mask_BT: np.ndarray
    numbers: np.ndarray
    table: Table
    distinct: np.ndarray
    columns: Mapping[str, Sequence[Sequence[str]]]

    def padded(self, values: np.ndarray) -> np.ndarray:
        """Return one value per word as an array (B, T) with zeros after the sentences' ends."""
        return scatter(values, self.mask_BT)


class Input(ABC):
    """An input of a word, i.e. a property of the word that the network reads.

    An instance holds the vocabulary, built from a training split or read from a model folder. It
    converts the words of a batch to ids, and creates the module that maps ids to vectors.

    A class registered with `@register("suffix")` is chosen by
    ``model.inputs: {suffix: {size: 16}}``. Most inputs depend on the word alone and are
    subclasses of `WordInput`.

    Attributes:
        name: the name under which it is registered.
        key: the key of the group `model` that chooses it.
        Options: a dataclass of its options, by default with a field `size`.
        columns: names of the feature columns that it reads.
    """

    name: ClassVar[str]
    key: ClassVar[str]
    Options: ClassVar[type]
    columns: Sequence[str] = ()

    # Only for the inputs of this package, which are built for every tagger: the position in the
    # order in which weights are created and vectors are concatenated, and whether tokenizer.json
    # has an entry for the input.
    order: ClassVar[int | None] = None
    stored: ClassVar[bool] = True
    # Whether tokenizer.json has no entry if the input is not used.
    optional: ClassVar[bool] = False
    # What is missing if the input is chosen but was not built, for messages.
    requires: ClassVar[str] = "the words were indexed without it"

    @classmethod
    def options(cls, value: Any) -> Any | None:
        """Return the options from the value of its key, or None if the value means not chosen."""
        return from_plain(cls.Options, value, f"model.{cls.key}")

    @classmethod
    @abstractmethod
    def fit(cls, training: Training, options: Any) -> Input | None:
        """Build the input from a training split, or return None if `training.encode` excludes it.

        `options` are the options in `model.inputs`; None for the inputs of this package.
        """

    @classmethod
    @abstractmethod
    def from_plain(cls, plain: Any, encode: EncodeConfig, options: Any) -> Input | None:
        """Rebuild the input from the JSON values of `to_plain`; raise any error if invalid."""

    def to_plain(self) -> Any:
        """Return the vocabulary as JSON values."""
        return None

    def extended(self, other: Any) -> Input:
        """Return this input with the vocabulary of `other`, an input of the same class, added.

        Training that begins with a model folder calls it with the input of the new training split.
        By default the input is returned unchanged.
        """
        return self

    def row_names(self) -> dict[str, Sequence[str]]:
        """Return the string of each row of the module's embeddings, by the name of the parameter.

        The first two rows are padding and unknown. `extended` may move rows of these parameters
        and add further ones; no other parameter of the module depends on the vocabulary.
        """
        return {}

    @abstractmethod
    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return int64 arrays by name; names that end in _BT have one value per word.

        Raises:
            InputError: if the batch lacks a feature column.
        """

    @abstractmethod
    def module(self, options: Any) -> Any:
        """Return the nn.Module that computes vectors; import torch here, not at module level."""

    def output_size(self, options: Any) -> int:
        """Return the length of a word's vector."""
        return options.size

    @classmethod
    @abstractmethod
    def vectors(cls, module: Any, arrays: Mapping[str, Any]) -> Any:
        """Return the vectors (B, T, D) that `module` computes from the arrays (as tensors)."""

    def parts(self, options: Any) -> dict[str, int]:
        """Return the number of submodules by setting, for settings without an upper bound.

        A model folder with fewer tensors than submodules is refused.
        """
        return {}

    def titles(self) -> Sequence[str]:
        """Return human-readable names of the input, for the model card."""
        return (self.name,)


class WordInput(Input):
    """An input that depends on the word alone; its ids are computed once per distinct word.

    By default a word has one id, which must be below `size`, and an embedding vector.

        @register("suffix")
        class Suffix(WordInput):
            Options = SuffixOptions
            ...
            def ids(self, words):
                return [self.vocabulary[word[-3:]] for word in words]
    """

    ragged: ClassVar[bool] = False
    # Whether the arrays of `encode`, too, depend on the word alone, and not on its neighbours.
    context_free: ClassVar[bool] = True
    size: int

    @abstractmethod
    def ids(self, words: Sequence[str]) -> Sequence[int] | Sequence[Sequence[int]]:
        """Return an id for each word, or a list of ids if `ragged`; id 0 is padding."""

    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return the ids of the words as one array, NAME_BT."""
        ids = batch.table.values(self.name)[batch.numbers]
        return {f"{self.name}_BT": batch.padded(ids)}

    def module(self, options: Any) -> Any:
        """Return an nn.Embedding."""
        from torch import nn

        return nn.Embedding(self.size, options.size, padding_idx=0)

    @classmethod
    def vectors(cls, module: Any, arrays: Mapping[str, Any]) -> Any:
        """Return the vectors of the ids."""
        return module(arrays[f"{cls.name}_BT"])


class PieceInput(WordInput):
    """An input that splits words into pieces, at least one per word.

    With it, the encoder runs over pieces, and the state at its first piece represents a word.
    """

    ragged = True

    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return the ids of the pieces of each sentence, and how they map to words.

        The arrays are ``pieces_BS`` (ids), ``piece_lengths_B`` (pieces of a sentence),
        ``piece_word_BS`` (index of a piece's word) and ``first_piece_BT`` (index of a word's first
        piece).
        """
        counts, pieces = batch.table.rows(self.name, batch.numbers)
        sentence_of_word = np.repeat(np.arange(len(batch.lengths)), batch.lengths)
        piece_lengths = np.bincount(sentence_of_word, counts, len(batch.lengths)).astype(np.int64)
        word_in_sentence = np.nonzero(batch.mask_BT)[1]
        starts = np.cumsum(counts) - counts
        sentence_start = np.cumsum(piece_lengths) - piece_lengths
        mask_BS = np.arange(piece_lengths.max(initial=0)) < piece_lengths[:, None]
        return {
            "pieces_BS": scatter(pieces, mask_BS),
            "piece_lengths_B": piece_lengths,
            "piece_word_BS": scatter(np.repeat(word_in_sentence, counts), mask_BS),
            "first_piece_BT": batch.padded(starts - sentence_start[sentence_of_word]),
        }

    @classmethod
    def vectors(cls, module: Any, arrays: Mapping[str, Any]) -> Any:
        """Return the vectors of the pieces (B, S, D)."""
        return module(arrays["pieces_BS"])


def scatter(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return an array with the rows of `values` at the True positions of `mask`; else 0."""
    padded = np.zeros((*mask.shape, *values.shape[1:]), np.int64)
    padded[mask] = values
    return padded
