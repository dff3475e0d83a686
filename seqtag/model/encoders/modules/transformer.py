"""Pre-norm Transformer layers, exact under padding.

Legend: B sentences, S steps, D features, A attention heads, E features of a head.
"""

import logging
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqtag.model.encoders.modules.positions import POSITIONS, Positions
from seqtag.recurrent.dropout import Dropout, dropout

log = logging.getLogger("seqtag")


class Transformer(nn.Module):
    """A stack of self-attention layers over right-padded sentences.

        encoder = Transformer(100, 128, num_layers=2, heads=4, positions="rope")
        y = encoder(x, lengths)  # (B, S, 100) to (B, S, 128)

    What stands after the end of a sentence changes no output before it, bit by bit; more padding
    changes it by rounding only.

    Args:
        input_size: number of features of the input.
        hidden_size: D.
        num_layers: number of layers.
        heads: A, which must divide D.
        positions: one of `POSITIONS`.
        causal: whether a step attends only to itself and earlier steps.
        window: the greatest distance of a step that another attends to; None for no limit.
        feedforward: size of the hidden layer of each position-wise network, as a multiple of D.
        scaled: divide scores by the square root of E.
        dropout: dropout on what each sublayer adds.
        attention_dropout: dropout on the attention weights.
        locked_dropout: dropout on the input of each layer, with one mask for all steps.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        heads: int = 4,
        *,
        positions: str = "rope",
        causal: bool = False,
        window: int | None = None,
        feedforward: int = 4,
        scaled: bool = True,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        locked_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.hidden_size = self.output_size = hidden_size
        self.num_layers, self.causal, self.window = num_layers, causal, window
        self.locked_dropout = locked_dropout
        self.positions = positions
        self.input = nn.Linear(input_size, hidden_size)
        self.layers = nn.ModuleList(
            _Layer(
                _Attention(
                    POSITIONS[positions](hidden_size, heads, causal),
                    hidden_size,
                    math.sqrt(heads / hidden_size) if scaled else 1.0,
                    attention_dropout,
                ),
                hidden_size,
                feedforward * hidden_size,
                dropout,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(hidden_size)
        # The longest sentence of training, in steps: attention is untested on longer ones. In the
        # dtype of the weights, as all tensors of a model folder.
        self.register_buffer("longest", torch.zeros(()))
        self._warned = False
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all matrices Xavier-uniform and set biases to 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                for block in module.weight.split(self.hidden_size):
                    nn.init.xavier_uniform_(block)
                nn.init.zeros_(module.bias)

    def forward(self, x_BSI: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """Return the features of each step: (B, S, D).

        Args:
            x_BSI: the input; values after the end of a sentence can be anything.
            lengths_B: number of steps of each sentence; None: all steps.
        """
        batch, steps, _ = x_BSI.shape
        if not x_BSI.numel():
            return x_BSI.new_zeros(batch, steps, self.hidden_size)
        self._note_length(steps)
        inside_BS = None
        if lengths_B is not None:
            inside_BS = torch.arange(steps, device=x_BSI.device) < lengths_B[:, None]
            x_BSI = x_BSI.masked_fill(~inside_BS[:, :, None], 0.0)
        x_BSD = self.input(x_BSI)
        first = self.layers[0].attention.positions
        x_BSD = first.add(x_BSD)
        visible = self._visible(steps, inside_BS, x_BSD.device)
        fixed_ASS = first.fixed_scores(x_BSD)
        for layer in self.layers:
            mask_B1D = None
            if self.locked_dropout and self.training:
                ones_B1D = x_BSD.new_ones(batch, 1, self.hidden_size)
                mask_B1D = dropout(ones_B1D, self.locked_dropout, True)
            x_BSD = layer(x_BSD, visible, fixed_ASS, mask_B1D)
        return self.norm(x_BSD)

    def _visible(self, steps: int, inside_BS: Tensor | None, device: torch.device) -> Tensor | None:
        """Return which steps each step attends to, (B or 1, 1, S, S); None for all.

        Each step attends to itself, also after the end of a sentence: a softmax over no step would
        be undefined.
        """
        at = torch.arange(steps, device=device)
        behind_SS = at[:, None] - at
        visible_11SS = None
        if self.causal or self.window is not None:
            farthest = steps if self.window is None else self.window
            ahead = 0 if self.causal else farthest
            visible_11SS = ((behind_SS <= farthest) & (behind_SS >= -ahead))[None, None]
        if inside_BS is None:
            return visible_11SS
        visible_B1SS = inside_BS[:, None, None, :] | (behind_SS == 0)
        return visible_B1SS if visible_11SS is None else visible_B1SS & visible_11SS

    def _note_length(self, steps: int) -> None:
        """Store the longest sentence of training; later, warn once of a longer one."""
        if self.training:
            self.longest.clamp_(min=steps)
        elif not self._warned and 0 < (longest := int(self.longest)) < steps:
            self._warned = True
            log.warning(
                "a sentence of %d steps, but the longest in training had %d: a Transformer with "
                "positions=%s is not reliable beyond that",
                steps,
                longest,
                self.positions,
            )

    def extra_repr(self) -> str:
        """Return the options that no submodule shows."""
        return f"positions={self.positions}, causal={self.causal}, window={self.window}"


class _Layer(nn.Module):
    """Attention and a position-wise network, each added to its input, which is normalised first."""

    def __init__(
        self, attention: "_Attention", size: int, feedforward: int, dropout: float
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(size)
        self.attention = attention
        self.feedforward_norm = nn.LayerNorm(size)
        self.feedforward = nn.Sequential(
            nn.Linear(size, feedforward), nn.GELU(), nn.Linear(feedforward, size)
        )
        self.dropout = Dropout(dropout)

    def forward(
        self,
        x_BSD: Tensor,
        visible: Tensor | None,
        fixed_ASS: Tensor | None,
        mask_B1D: Tensor | None,
    ) -> Tensor:
        read_BSD = self.attention_norm(x_BSD)
        if mask_B1D is not None:
            read_BSD = read_BSD * mask_B1D
        x_BSD = x_BSD + self.dropout(self.attention(read_BSD, visible, fixed_ASS))
        return x_BSD + self.dropout(self.feedforward(self.feedforward_norm(x_BSD)))


class _Attention(nn.Module):
    """Multi-head self-attention, by torch's `scaled_dot_product_attention`."""

    def __init__(self, positions: Positions, size: int, scale: float, dropout: float) -> None:
        super().__init__()
        self.positions, self.scale, self.dropout = positions, scale, dropout
        self.project_in = nn.Linear(size, 3 * size)  # queries, keys, values
        self.project_out = nn.Linear(size, size)

    def forward(self, x_BSD: Tensor, visible: Tensor | None, fixed_ASS: Tensor | None) -> Tensor:
        positions = self.positions
        heads = (positions.heads, positions.head_size)
        q, k, v = (
            part.unflatten(2, heads).transpose(1, 2)
            for part in self.project_in(x_BSD).chunk(3, dim=2)
        )
        q_BASE, added_BASS = positions.scores(positions.rotate(q))
        k_BASE = positions.rotate(k)
        mask = visible
        if added_BASS is not None or fixed_ASS is not None:
            mask = fixed_ASS[None] if added_BASS is None else added_BASS * self.scale
            if visible is not None:
                mask = mask.masked_fill(~visible, -torch.inf)
        read_BASE = F.scaled_dot_product_attention(
            q_BASE,
            k_BASE,
            v,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
            scale=self.scale,
        )
        return self.project_out(read_BASE.transpose(1, 2).flatten(2))
