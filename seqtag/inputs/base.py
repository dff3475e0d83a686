"""What an input of a word is: from words to ids, and from ids to vectors.

Legend: B sentences, T words of the longest sentence, S subword pieces of the longest sentence, D
features of a word. Arrays carry their shape in their names.
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
from seqtag.inputs.wordtable import Table


@dataclass(frozen=True)
class Training:
    """The training split, as inputs build their vocabularies from it.

    Attributes:
        words: how often each word was seen.
        encode: the options of `data.encode`.
        columns: names of the further columns.
        count: returns how often each value of a further column was seen.
        sentences: returns the words of each sentence.
    """

    words: Counter[str]
    encode: EncodeConfig
    columns: Sequence[str]
    count: Callable[[str], Counter[str]]
    sentences: Callable[[], Iterable[Sequence[str]]]


@dataclass(frozen=True)
class Batch:
    """Words of some sentences, one after the other, and what is known of each.

    Attributes:
        lengths: the number of words of each sentence.
        mask_BT: where there are words.
        numbers: the row of each word in `table`.
        table: the ids that each `WordInput` gave to the words that were seen so far.
        distinct: the rows of the different words of this batch.
        columns: the values of each word, by the name of a further column.
    """

    lengths: np.ndarray
    mask_BT: np.ndarray
    numbers: np.ndarray
    table: Table
    distinct: np.ndarray
    columns: Mapping[str, Sequence[Sequence[str]]]

    def padded(self, values: np.ndarray) -> np.ndarray:
        """Return one value a word as (B, T), 0 behind the end of a sentence."""
        return scatter(values, self.mask_BT)


class Input(ABC):
    """An input of a word: what the network reads of it.

    An instance has the vocabulary, built from a training split or read from a model folder. It
    makes arrays of ids from the words of a batch, and the module that makes vectors from those.
    Registered with `@register("suffix")`, it is chosen by ``model.inputs: {suffix: {size: 16}}``.

    Attributes:
        name: the name that it is registered under.
        key: the key of the group `model` that chooses it.
        Options: a dataclass of its options, by default with a field `size`.
        columns: names of the further columns that it reads.
    """

    name: ClassVar[str]
    key: ClassVar[str]
    Options: ClassVar[type]
    columns: Sequence[str] = ()

    # Of the inputs of this package: the place among them, in which weights are created and vectors
    # concatenated, and whether tokenizer.json has an entry for it. They are built for every tagger.
    order: ClassVar[int | None] = None
    stored: ClassVar[bool] = True
    # What is to be set beside the key of the model, for messages.
    requires: ClassVar[str] = "the words were indexed without it"

    @classmethod
    def options(cls, value: Any) -> Any | None:
        """Return its options from the value of its key; None where that does not choose it."""
        return from_plain(cls.Options, value, f"model.{cls.key}")

    @classmethod
    @abstractmethod
    def fit(cls, training: Training, options: Any) -> Input | None:
        """Build it from a training split; None where `training.encode` leaves it out.

        `options` are those of the model; None for the inputs of this package.
        """

    @classmethod
    @abstractmethod
    def from_plain(cls, plain: Any, encode: EncodeConfig, options: Any) -> Input | None:
        """Rebuild it from `to_plain`; what is wrong in `plain` may raise any error."""

    def to_plain(self) -> Any:
        """Return its vocabulary as JSON values."""
        return None

    @abstractmethod
    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return arrays of int64 by name; a name that ends in _BT says: one value a word.

        Raises:
            InputError: for a column that the batch does not have.
        """

    @abstractmethod
    def module(self, options: Any) -> Any:
        """Return the nn.Module that makes vectors; torch is imported here, not before."""

    def output_size(self, options: Any) -> int:
        """Return the length of a word's vector."""
        return options.size

    @classmethod
    @abstractmethod
    def vectors(cls, module: Any, arrays: Mapping[str, Any]) -> Any:
        """Return the vectors (B, T, D) that `module` makes from the arrays, as tensors."""

    def parts(self, options: Any) -> dict[str, int]:
        """Return how many modules a key asks for, where that number is not bounded."""
        return {}

    def titles(self) -> Sequence[str]:
        """Return what people call it: the model card says that the tagger reads these."""
        return (self.name,)


class WordInput(Input):
    """An input that follows from the word alone. It is computed once for each different word.

    By default a word has one id, below `size`, and the vector of that id.
    """

    ragged: ClassVar[bool] = False
    size: int

    @abstractmethod
    def ids(self, words: Sequence[str]) -> Sequence[int] | Sequence[Sequence[int]]:
        """Return an id of each word, or if `ragged` a list of ids; 0 stands for padding."""

    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return the words' ids as one array, NAME_BT."""
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
    """An input that splits words into pieces, at least one a word.

    With it the encoder runs over pieces, and a word is read off at its first piece.
    """

    ragged = True

    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return the pieces of each sentence, and which word they are of.

        ``pieces_BS``, ``piece_lengths_B``, ``piece_word_BS`` (the word that a piece belongs to)
        and ``first_piece_BT``.
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
    """Lay flat values into the true places of `mask`, row after row; 0 elsewhere."""
    padded = np.zeros(mask.shape, np.int64)
    padded[mask] = values
    return padded
