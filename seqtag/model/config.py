"""The configuration of a tagger network: frozen dataclasses, checked when created."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from seqtag.checks import AtLeast, AtMost, NotNegative, Positive, Share, check_fields
from seqtag.errors import InputError
from seqtag.inputs.characters import CharacterConfig
from seqtag.inputs.options import Size, SizeOrNone
from seqtag.inputs.registry import added_inputs, chosen_inputs
from seqtag.inputs.words import WordConfig
from seqtag.model.encoders import Encoder
from seqtag.model.encoders.registry import build_encoder

# More layers than any useful tagger has; more would only fail for lack of memory.
_MOST_LAYERS = 1000
# Keys that are stored only if they are set.
_OPTIONAL = ("inputs", "encoder", "label_weights")


@dataclass(frozen=True)
class TaggerConfig:
    """The configuration of a tagger network: inputs of a word, encoder, decoder.

    Attributes:
        words: vectors of whole words; None for none.
        characters: vectors of words from their characters; None for none.
        case_size: length of the letter case's vector; 0 for none.
        feature_size: length of the vector of each extra column (``data.features``).
        gazetteer_size: length of the vector of each gazetteer (``data.gazetteers``).
        subword_size: length of a subword piece's vector; 0 for none. With pieces, the encoder
            runs over pieces, and the output at a word is that at its first piece.
        inputs: inputs of installed packages: {name: options}.
        encoder: the name of an encoder, or a mapping with its name and options; None for
            recurrent layers.
        hidden_size: units of each direction of each layer.
        num_layers: layers of the encoder.
        bidirectional: read the sentence in both directions.
        input_dropout: dropout on the words' vectors.
        word_dropout: probability that a word's whole vector is dropped in training.
        layer_dropout: dropout between layers.
        locked_dropout: dropout on layer inputs, one mask for all steps of a sentence.
        recurrent_dropout: dropout on the state where recurrent weights multiply it, one mask for
            all steps of a sentence.
        weight_drop: dropout on the recurrent weights, one mask per batch.
        zoneout: probability that a unit of the state keeps its value at a step.
        output_dropout: dropout on the encoder's output.
        layer_norm: layer normalisation between layers.
        residual: add a layer's input to its output, from the second layer on.
        decoder: ``crf`` (a linear chain that obeys the label scheme) or ``softmax``.
        label_weights: weight of the loss of a label, by type or label ({PER: 2.0}); 1 for others.
            None: all labels count the same.
        language_model: weight of a second loss, in training only: each direction predicts the
            word that it reads next (Rei 2017). 0 for none.
        language_model_words: number of most frequent words that this loss distinguishes.

    Raises:
        InputError: for an unknown input or encoder, or an invalid value.
    """

    words: WordConfig | None = field(default_factory=WordConfig)
    characters: CharacterConfig | None = field(default_factory=CharacterConfig)
    case_size: SizeOrNone = 0
    feature_size: Size = 20
    gazetteer_size: Size = 10
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
    label_weights: Mapping[str, Positive] | None = None
    language_model: NotNegative = 0.0
    # At least 2: padding and unknown are the first two.
    language_model_words: Annotated[int, AtLeast(2), AtMost(2**31 - 1)] = 7500

    def __post_init__(self) -> None:
        check_fields(self)
        chosen_inputs(self)  # raises InputError for unknown names and wrong options
        self.built_encoder.check(self)
        both = self.built_encoder.has_both_directions and self.bidirectional
        if self.language_model and not both:
            raise InputError(
                "language_model needs both directions: set bidirectional=true, encoder=recurrent"
            )

    @cached_property
    def input_options(self) -> dict[str, Any]:
        """The options of all inputs of the network, by name, in the network's order."""
        return chosen_inputs(self)

    @cached_property
    def package_input_options(self) -> dict[str, Any]:
        """The options of the inputs from installed packages, by name."""
        return added_inputs(self)

    @cached_property
    def built_encoder(self) -> Encoder:
        """The encoder with its options."""
        return build_encoder(self.encoder)

    def to_plain(self) -> dict[str, Any]:
        """Return the configuration as JSON values, without optional keys that are not set."""
        plain = asdict(self)
        return {k: v for k, v in plain.items() if v or k not in _OPTIONAL}
