"""What a tagger network is made of: frozen, checked, plain values all the way down."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from seqtag.checks import AtLeast, AtMost, NotNegative, Share, check_fields
from seqtag.errors import InputError
from seqtag.inputs.characters import CharacterConfig
from seqtag.inputs.options import Size, SizeOrNone
from seqtag.inputs.registry import added_inputs, chosen_inputs
from seqtag.inputs.words import WordConfig
from seqtag.model.encoders import Encoder
from seqtag.model.encoders.registry import build_encoder

# More than any tagger that trains; what is above would fail for want of memory alone.
_MOST_LAYERS = 1000


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
        inputs: further inputs, of installed packages: the options of each by its name.
        encoder: the name of the encoder, or a mapping with its name and options; None for
            recurrent layers.
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
    inputs: Mapping[str, Mapping[str, Any]] | None = None
    encoder: str | Mapping[str, Any] | None = None
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
        chosen_inputs(self)  # refuses unknown names and wrong options
        both = self.built_encoder.two_ways and self.bidirectional
        if self.language_model and not both:
            raise InputError(
                "language_model needs both directions: set bidirectional=true, encoder=recurrent"
            )

    @cached_property
    def input_options(self) -> dict[str, Any]:
        """The options of the inputs that the network reads, by name, in its order."""
        return chosen_inputs(self)

    @cached_property
    def package_input_options(self) -> dict[str, Any]:
        """The options of the inputs of installed packages, by name."""
        return added_inputs(self)

    @cached_property
    def built_encoder(self) -> Encoder:
        """The encoder with its options."""
        return build_encoder(self.encoder)

    def to_plain(self) -> dict[str, Any]:
        """Return the configuration as JSON values, optional keys only where they are set."""
        plain = asdict(self)
        return {k: v for k, v in plain.items() if v or k not in ("inputs", "encoder")}
