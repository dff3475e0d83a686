"""The characters of a word as an input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from seqtag.cells import CELLS
from seqtag.checks import AtLeast, AtMost, NonEmpty, Share, check_fields
from seqtag.errors import unknown
from seqtag.inputs.base import Batch, Training, WordInput
from seqtag.inputs.options import EncodeConfig, Size
from seqtag.inputs.registry import register
from seqtag.inputs.vocabulary import Vocabulary, build_vocabulary

_Width = Annotated[int, AtLeast(1), AtMost(1000)]


@dataclass(frozen=True)
class CharacterConfig:
    """Options of vectors of words computed from their characters.

        CharacterConfig(encoder="lstm", size=30, hidden_size=50)

    Attributes:
        encoder: ``cnn``, or the name of a recurrent cell.
        size: length of a character's vector.
        widths: (cnn) widths of the convolutions, in characters.
        filters: (cnn) filters of each width.
        hidden_size: (recurrent cell) hidden size of each direction.
        dropout: dropout on the characters' vectors.
    """

    encoder: str = "cnn"
    size: Size = 30
    widths: Annotated[tuple[_Width, ...], NonEmpty(100)] = (2, 3, 4, 5)
    filters: Size = 50
    hidden_size: Size = 50
    dropout: Share = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.encoder != "cnn" and self.encoder not in CELLS:
            raise unknown("encoder", self.encoder, ("cnn", *CELLS.names()))


@register("characters")
class Characters(WordInput):
    """The ids of a word's characters."""

    Options = CharacterConfig
    key = "characters"
    order = 1
    ragged = True

    def __init__(self, vocabulary: Vocabulary, max_characters: int) -> None:
        self.vocabulary, self.max_characters = vocabulary, max_characters

    @classmethod
    def options(cls, value: CharacterConfig | None) -> CharacterConfig | None:
        """Return the value of ``model.characters``."""
        return value

    @classmethod
    def fit(cls, training: Training, options: None) -> Characters:
        """Build the vocabulary of characters."""
        counts: Counter[str] = Counter()
        for word, count in training.words.items():
            for character in word:
                counts[character] += count
        return cls(build_vocabulary(counts), training.encode.max_characters)

    @classmethod
    def from_plain(cls, plain: Any, encode: EncodeConfig, options: None) -> Characters:
        """Read the vocabulary."""
        return cls(Vocabulary.from_plain(plain, "characters"), encode.max_characters)

    def to_plain(self) -> Any:
        """Return the vocabulary."""
        return self.vocabulary.to_plain()

    def extended(self, other: Characters) -> Characters:
        """Return the input with the characters of `other` added."""
        return Characters(self.vocabulary.merged(other.vocabulary), self.max_characters)

    def row_names(self) -> dict[str, Sequence[str]]:
        """Return the characters."""
        return {"embedding.weight": self.vocabulary.strings()}

    def ids(self, words: Sequence[str]) -> Sequence[Sequence[int]]:
        """Return the ids of each word's characters; for long words only those at both ends."""
        vocabulary = self.vocabulary
        return [[vocabulary[character] for character in self._shorten(word)] for word in words]

    def _shorten(self, word: str) -> str:
        if len(word) <= self.max_characters:
            return word
        half = self.max_characters // 2
        return word[: self.max_characters - half] + word[len(word) - half :]

    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return ``characters_UW``: a row of ids for each distinct word of the batch."""
        return {"characters_UW": batch.table.padded(self.name, batch.distinct)}

    def module(self, options: CharacterConfig) -> Any:
        """Return a convolutional or recurrent encoder of characters."""
        from seqtag.inputs.modules.characters import CharacterCNN, CharacterRNN

        kind = CharacterCNN if options.encoder == "cnn" else CharacterRNN
        return kind(len(self.vocabulary), options)

    def output_size(self, options: CharacterConfig) -> int:
        """Return the number of filters, or of hidden units in both directions."""
        if options.encoder == "cnn":
            return options.filters * len(options.widths)
        return 2 * options.hidden_size

    @classmethod
    def vectors(cls, module: Any, arrays: Mapping[str, Any]) -> Any:
        """Return the vectors; use those of distinct words in ``spelled_UF`` if available."""
        spelled_UF = arrays.get("spelled_UF")
        if spelled_UF is None:
            spelled_UF = module(arrays["characters_UW"])
        return module.at_words(spelled_UF, arrays["spelling_BT"])

    def parts(self, options: CharacterConfig) -> dict[str, int]:
        """Return the number of convolutions."""
        return {"model.characters.widths": len(options.widths)}
