"""What a tagger network is made of: frozen, checked, plain values all the way down."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from seqtag.cells import CELLS
from seqtag.checks import AtLeast, AtMost, FileName, Filled, NotNegative, Share, check_fields
from seqtag.errors import InputError, unknown

# Larger than any tagger that trains; what is above would fail for want of memory alone.
_MOST_UNITS, _MOST_LAYERS = 2**20, 1000

Size = Annotated[int, AtLeast(1), AtMost(_MOST_UNITS)]
_Width = Annotated[int, AtLeast(1), AtMost(1000)]
SizeOrNone = Annotated[int, AtLeast(0), AtMost(_MOST_UNITS)]


@dataclass(frozen=True)
class WordConfig:
    """Vectors of whole words.

    Attributes:
        size: length of a vector.
        unknown_probability: in training, a word seen once is read as unknown this often.
        vectors: a text file of vectors (GloVe's or fastText's format) to start from, or None.
    """

    size: Size = 100
    unknown_probability: Share = 0.5
    vectors: FileName | None = None

    def __post_init__(self) -> None:
        check_fields(self)


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
    size: Size = 30
    widths: Annotated[tuple[_Width, ...], Filled(100)] = (2, 3, 4, 5)
    filters: Size = 50
    hidden_size: Size = 50
    dropout: Share = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.encoder != "cnn" and self.encoder not in CELLS:
            raise unknown("encoder", self.encoder, ("cnn", *CELLS.names()))


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
    case_size: SizeOrNone = 0
    feature_size: Size = 20
    subword_size: SizeOrNone = 0
    hidden_size: Size = 200
    num_layers: Annotated[int, AtLeast(1), AtMost(_MOST_LAYERS)] = 1
    bidirectional: bool = True
    input_dropout: Share = 0.5
    word_dropout: Share = 0.0
    layer_dropout: Share = 0.5
    locked_dropout: Share = 0.0
    recurrent_dropout: Share = 0.0
    weight_drop: Share = 0.0
    zoneout: Share = 0.0
    output_dropout: Share = 0.5
    layer_norm: bool = False
    residual: bool = False
    decoder: Literal["crf", "softmax"] = "crf"
    language_model: NotNegative = 0.0
    # Padding and unknown come first.
    language_model_words: Annotated[int, AtLeast(2), AtMost(2**31 - 1)] = 7500

    def __post_init__(self) -> None:
        check_fields(self)
        if self.language_model and not self.bidirectional:
            raise InputError("language_model needs both directions: set bidirectional=true")

    def to_plain(self) -> dict[str, Any]:
        """Return the configuration as JSON values."""
        return asdict(self)
