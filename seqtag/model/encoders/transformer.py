"""The Transformer encoder: layers of self-attention."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from seqtag.checks import AtLeast, Count, Share
from seqtag.errors import InputError
from seqtag.model.encoders.base import Encoder, NetworkOptions
from seqtag.model.encoders.registry import register

Positions = Literal["none", "sinusoidal", "relative", "alibi", "rope"]
# Options of recurrent layers without a counterpart here.
_RECURRENT_ONLY = (
    *("recurrent_dropout", "weight_drop", "zoneout"),
    *("layer_norm", "residual"),
)


@register("transformer")
@dataclass(frozen=True)
class TransformerEncoder(Encoder):
    """Pre-norm Transformer layers of `model.hidden_size` features, `model.num_layers` of them.

        seqtag train encoder=transformer model.encoder.positions=alibi model.num_layers=2

    With ``model.bidirectional=false`` a word attends only to itself and the words before it.
    `model.locked_dropout` drops features of each layer's input, with one mask for all words.

    Attributes:
        positions: how attention depends on positions.
            ``none``: not at all.
            ``sinusoidal``: a fixed vector of each position is added to the first layer's input
                (Vaswani et al. 2017).
            ``relative``: scores depend on the signed distance of two words, by a fixed vector of
                each distance and two learned biases of each head (Dai et al. 2019; Yan et al.
                2019).
            ``alibi``: scores fall linearly with the distance (Press et al. 2022). In both
                directions, half of the heads read to the left and half to the right.
            ``rope``: queries and keys are rotated by their position (Su et al. 2021).
        heads: number of attention heads; they share the features equally.
        feedforward: size of the hidden layer of each position-wise network, as a multiple of
            `model.hidden_size`.
        window: a word attends to words at most this far away; None for no limit.
        scaled: divide scores by the square root of a head's size. Yan et al. 2019 do not.
        dropout: dropout on what each sublayer adds.
        attention_dropout: dropout on the attention weights.

    Source: Vaswani et al. 2017; layer normalisation before each sublayer: Xiong et al. 2020.
    """

    positions: Positions = "rope"
    heads: Count = 4
    feedforward: Annotated[int, AtLeast(1)] = 4
    window: Count | None = None
    scaled: bool = True
    dropout: Share = 0.1
    attention_dropout: Share = 0.0

    sized_by_hidden = True

    def module(self, input_size: int, model: NetworkOptions, cell: Any) -> Any:
        """Return a `Transformer`."""
        from seqtag.model.encoders.modules.transformer import Transformer

        return Transformer(
            input_size,
            model.hidden_size,
            model.num_layers,
            self.heads,
            positions=self.positions,
            causal=not model.bidirectional,
            window=self.window,
            feedforward=self.feedforward,
            scaled=self.scaled,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            locked_dropout=model.locked_dropout,
        )

    def check(self, model: NetworkOptions) -> None:
        """Refuse sizes that heads cannot share, and options of recurrent layers."""
        for name in _RECURRENT_ONLY:
            if getattr(model, name):
                raise InputError(
                    f"model.{name}={getattr(model, name)} is an option of recurrent layers: leave "
                    "it out with encoder=transformer"
                )
        if self.positions == "alibi" and model.bidirectional and self.heads % 2:
            raise InputError(
                f"model.encoder.heads={self.heads}: positions=alibi in both directions needs an "
                "even number, of which half read to the left and half to the right"
            )
        multiple = self.multiple(None)
        if model.hidden_size % multiple:
            reason = f"{self.heads} heads" + (
                f" of an even size, which positions={self.positions} needs"
                if multiple != self.heads
                else ""
            )
            raise InputError(
                f"model.hidden_size={model.hidden_size} cannot be divided among {reason}: it must "
                f"be a multiple of {multiple}"
            )

    def multiple(self, cell: Any) -> int:
        """Return the number that the hidden size must be a multiple of."""
        in_pairs = self.positions in ("sinusoidal", "relative", "rope")
        return self.heads * (2 if in_pairs else 1)

    def reads_ahead(self, model: NetworkOptions) -> bool:
        """Return whether a word attends to words after it."""
        return model.bidirectional

    def parts(self, model: NetworkOptions) -> dict[str, int]:
        """Return the number of layers."""
        return {"model.num_layers": model.num_layers}
