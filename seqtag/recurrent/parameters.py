"""The parameters of one layer in one direction.

D features in, H hidden units, G gates.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqtag.cells import Cell
from seqtag.recurrent.checks import InitialValues, check_heads


class Weights(NamedTuple):
    """Parameters of one direction, as used in one call (after weight dropout).

    input_GD: W, blocks of rows in the order of `cell.gates`.
    recurrent: one R (G*H, H) for each of `cell.products`, with zeros between heads.
    inner_GH: R of the inner gates, in the order of `cell.inner_gates`; None if there are none.
    bias_G: b, or None.
    unit: parameters with one value per unit, (H); without bias, those that are biases are absent.
    """

    input_GD: Tensor
    recurrent: tuple[Tensor, ...]
    inner_GH: Tensor | None
    bias_G: Tensor | None
    unit: Mapping[str, Tensor]

    def unit_of(self, cell: Cell) -> dict[str, Tensor | float]:
        """Return the argument `unit` of the cell's step, with the number 0 for an absent bias."""
        return {vector.name: self.unit.get(vector.name, 0.0) for vector in cell.vectors}


class Direction(nn.Module):
    """The parameters of a cell in one direction, initialised as described in `Recurrent`."""

    def __init__(self, cell: Cell, input_size: int, hidden_size: int, bias: bool):
        super().__init__()
        check_heads(cell, hidden_size)
        self.cell = cell
        self.hidden_size = hidden_size
        self.gate_sizes = [cell.gate_size(gate, hidden_size) for gate in cell.gates]
        rows = sum(self.gate_sizes)
        self.weight_input = nn.Parameter(torch.empty(rows, input_size))
        # The product of the output has the plain name; others add the state that they multiply.
        self.recurrent = [
            "weight_recurrent" if p.state == cell.states[0] else f"weight_recurrent_{p.state}"
            for p in cell.products
        ]
        for name, product in zip(self.recurrent, cell.products, strict=True):
            self._add(name, len(product.gates) * hidden_size, hidden_size // product.heads)
        self.inner = "weight_inner" if cell.inner_gates else None
        if self.inner:
            self._add(self.inner, len(cell.inner_gates) * hidden_size, hidden_size)
        self.register_parameter("bias", None)
        if bias and cell.has_gate_bias:
            self._add("bias", rows)
        self.vectors = {v.name: v.start for v in cell.vectors if bias or not v.is_bias}
        for name in self.vectors:
            self._add(name, *cell.vector_shape(name, hidden_size))
        self.reset_parameters()

    def _add(self, name: str, *shape: int) -> None:
        self.register_parameter(name, nn.Parameter(torch.empty(shape)))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw W and R, and set biases and vectors to their initial values."""
        for block_HD in self.weight_input.split(self.gate_sizes):
            nn.init.xavier_uniform_(block_HD)
        starts = {
            name: product.start
            for name, product in zip(self.recurrent, self.cell.products, strict=True)
        }
        for name in (*self.recurrent, *([self.inner] if self.inner else [])):
            weight = getattr(self, name)
            if starts.get(name) == "zero":
                weight.zero_()
                continue
            for block in weight.split(weight.shape[1]):
                nn.init.orthogonal_(block)
        if self.bias is not None:
            blocks = self.bias.zero_().split(self.gate_sizes)
            gates = dict(zip(self.cell.gates, blocks, strict=True))
            self.cell.start_biases(
                InitialValues(self.cell, "start_biases", "bias", "its gates", gates)
            )
        for name, start in self.vectors.items():
            getattr(self, name).fill_(start)
        vectors = {name: getattr(self, name) for name in self.vectors}
        left_out = len(vectors) < len(self.cell.vectors)
        source = "its vectors in a layer without biases" if left_out else "its vectors"
        self.cell.start_units(InitialValues(self.cell, "start_units", "unit", source, vectors))

    def weights(self) -> Weights:
        """Return the parameters in the form that engines take."""
        recurrent = tuple(
            _block_diagonal(getattr(self, name), product.heads)
            for name, product in zip(self.recurrent, self.cell.products, strict=True)
        )
        inner = getattr(self, self.inner) if self.inner else None
        unit = {name: getattr(self, name) for name in self.vectors}
        return Weights(self.weight_input, recurrent, inner, self.bias, unit)

    def extra_repr(self) -> str:
        """Return the shapes of the parameters."""
        return ", ".join(f"{name}={tuple(p.shape)}" for name, p in self.named_parameters())


def _block_diagonal(weight: Tensor, heads: int) -> Tensor:
    """Return R (G*H, H) from its blocks (G*H, H / heads)."""
    if heads == 1:
        return weight
    size = weight.shape[1]
    blocks = weight.view(-1, heads, size, size)  # gate, head, row, column
    spread = torch.diag_embed(blocks.permute(0, 2, 3, 1))  # gate, row, column, head, head
    return spread.permute(0, 3, 1, 4, 2).reshape(-1, heads * size)
