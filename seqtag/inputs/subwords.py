"""The subword pieces of a word as an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seqtag.inputs.base import PieceInput, Training
from seqtag.inputs.options import EncodeConfig, SizeOptions
from seqtag.inputs.registry import register
from seqtag.inputs.vocabulary import load_subwords, train_subwords


@register("subwords")
class Subwords(PieceInput):
    """The ids of a word's pieces under a subword tokenizer."""

    Options = SizeOptions
    key = "subword_size"
    order = 4
    requires = "data.encode.subwords is not"

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.size = tokenizer.get_vocab_size() + 1

    @classmethod
    def options(cls, value: int) -> SizeOptions | None:
        """Return the options from ``model.subword_size``; None for 0."""
        return SizeOptions(value) if value else None

    @classmethod
    def fit(cls, training: Training, options: None) -> Subwords | None:
        """Train or load a tokenizer; None without ``data.encode.subwords``."""
        config = training.encode.subwords
        if config is None:
            return None
        if config.path is not None:
            return cls(load_subwords(config.path))
        return cls(train_subwords(training.sentences(), config))

    @classmethod
    def from_plain(cls, plain: Any, encode: EncodeConfig, options: None) -> Subwords | None:
        """Read the tokenizer; None if there is none."""
        return None if plain is None else cls(load_subwords(text=plain))

    def to_plain(self) -> Any:
        """Return the tokenizer as text."""
        return self.tokenizer.to_str()

    def ids(self, words: Sequence[str]) -> Sequence[Sequence[int]]:
        """Return the ids of each word's pieces."""
        encodings = self.tokenizer.encode_batch(
            [[word] for word in words], is_pretokenized=True, add_special_tokens=False
        )
        # Ids are increased by one, as 0 is padding. A word that the tokenizer normalises to an
        # empty string gets the tokenizer's piece 0.
        return [[piece + 1 for piece in encoding.ids] or [1] for encoding in encodings]
