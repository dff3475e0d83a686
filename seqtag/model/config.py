"""What a tagger network is made of: frozen, checked, plain values all the way down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from seqtag.errors import InputError, did_you_mean, from_plain


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_probabilities(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if not _is_number(value) or not 0.0 <= value < 1.0:
            raise InputError(f"{name} must be a number of at least 0 and below 1, not {value!r}")


def _check_sizes(config: Any, *names: str, least: int = 1) -> None:
    for name in names:
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, not {value!r}")


@dataclass(frozen=True)
class WordConfig:
    """Vectors of whole words.

    Attributes:
        size: length of a vector.
        unknown_probability: in training, a word seen once is read as unknown this often.
        vectors: a text file of vectors (GloVe's or fastText's format) to start from, or None.
    """

    size: int = 100
    unknown_probability: float = 0.5
    vectors: str | None = None

    def __post_init__(self) -> None:
        _check_sizes(self, "size")
        _check_probabilities(self, "unknown_probability")


@dataclass(frozen=True)
class CharacterConfig:
    """Vectors of words from their characters.

    Attributes:
        encoder: ``cnn``, or the name of a recurrent cell.
        size: length of a character's vector.
        widths: widths of the convolutions, in characters (cnn).
        filters: filters of each width (cnn).
        hidden_size: units of each direction (recurrent cell).
        dropout: dropout on the characters' vectors.
    """

    encoder: str = "cnn"
    size: int = 30
    widths: tuple[int, ...] = (2, 3, 4, 5)
    filters: int = 50
    hidden_size: int = 50
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _check_sizes(self, "size", "filters", "hidden_size")
        _check_probabilities(self, "dropout")
        widths = self.widths
        if not isinstance(widths, Sequence) or not widths or not all(map(_is_width, widths)):
            raise InputError(f"widths must be whole numbers of at least 1, not {widths!r}")
        object.__setattr__(self, "widths", tuple(widths))


def _is_width(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


@dataclass(frozen=True)
class TaggerConfig:
    """A tagger network: inputs of a word, encoder, decoder.

    Attributes:
        words: vectors of words, or None for none.
        characters: vectors from characters, or None for none.
        case_size: length of the letter case's vector; 0 for none.
        feature_size: length of the vector of each further input column (``data.features``).
        subword_size: length of a subword piece's vector; 0 for none. With pieces the encoder
            runs over pieces, and a word is read off at its first one.
        hidden_size: units of each direction of each layer.
        num_layers: layers of the encoder.
        bidirectional: read the sentence both ways.
        input_dropout: dropout on the words' vectors.
        word_dropout: in training, a word's whole vector is left out this often.
        layer_dropout: dropout between layers.
        locked_dropout: dropout on layer inputs, one mask for all steps of a sentence.
        recurrent_dropout: dropout on the state where recurrent weights multiply it, one mask for
            all steps of a sentence.
        weight_drop: dropout on the recurrent weights, one mask a batch.
        zoneout: a unit of the state keeps its value at a step this often.
        output_dropout: dropout on the encoder's output.
        layer_norm: layer normalisation between layers.
        residual: add a layer's input to its output where the sizes agree.
        decoder: ``crf`` (a linear chain that obeys the label scheme) or ``softmax``.
        language_model: weight of a second loss, in training only: each direction predicts the
            word that it is to read next (Rei 2017). 0 for none.
        language_model_words: that loss tells so many of the most frequent words apart.
    """

    words: WordConfig | None = field(default_factory=WordConfig)
    characters: CharacterConfig | None = field(default_factory=CharacterConfig)
    case_size: int = 0
    feature_size: int = 20
    subword_size: int = 0
    hidden_size: int = 200
    num_layers: int = 1
    bidirectional: bool = True
    input_dropout: float = 0.5
    word_dropout: float = 0.0
    layer_dropout: float = 0.5
    locked_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    weight_drop: float = 0.0
    zoneout: float = 0.0
    output_dropout: float = 0.5
    layer_norm: bool = False
    residual: bool = False
    decoder: str = "crf"
    language_model: float = 0.0
    language_model_words: int = 7500

    def __post_init__(self) -> None:
        for name, cls in (("words", WordConfig), ("characters", CharacterConfig)):
            if isinstance(part := getattr(self, name), Mapping):
                object.__setattr__(self, name, from_plain(cls, part, name))
            elif not isinstance(part, cls | None):
                raise InputError(f"{name} must be null or a group of keys, not {part!r}")
        _check_sizes(self, "feature_size", "hidden_size", "num_layers")
        _check_sizes(self, "case_size", "subword_size", least=0)
        _check_probabilities(
            self,
            "input_dropout",
            "word_dropout",
            "layer_dropout",
            "locked_dropout",
            "recurrent_dropout",
            "weight_drop",
            "zoneout",
            "output_dropout",
        )
        if self.decoder not in (known := ("crf", "softmax")):
            raise InputError(
                f"decoder is 'crf' or 'softmax', not {self.decoder!r}"
                f"{did_you_mean(self.decoder, known)}"
            )
        self._check_language_model()

    def _check_language_model(self) -> None:
        weight = self.language_model
        if not _is_number(weight) or not 0.0 <= weight < float("inf"):
            raise InputError(f"language_model must be a number of at least 0, not {weight!r}")
        # Padding and unknown come first.
        _check_sizes(self, "language_model_words", least=2)
        if weight and not self.bidirectional:
            raise InputError("language_model needs both directions: set bidirectional=true")

    def to_plain(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        return asdict(self)
