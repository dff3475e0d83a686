"""`Recurrent`: runs any cell over a batch of right-padded sequences.

B batch, T time, D features in, H hidden units, N directions (1 or 2), L layers, G gates.
"""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from seqtag.cells import Cell, CellDescription, build_cell
from seqtag.recurrent.checks import (
    check_cell,
    check_input,
    check_noise,
    check_options,
)
from seqtag.recurrent.convert import NOT_IN_TORCH, SHARED_OPTIONS, read_torch, write_torch
from seqtag.recurrent.counting import STEP, CountingCell, counting, with_step
from seqtag.recurrent.dropout import dropout
from seqtag.recurrent.engines.base import LayerCall, States
from seqtag.recurrent.engines.registry import ENGINES, check_engine, choose_engine
from seqtag.recurrent.entries import Entries
from seqtag.recurrent.noise import Noise, drop_weights, with_noise
from seqtag.recurrent.padding import Padding
from seqtag.recurrent.parameters import Direction
from seqtag.recurrent.states import initial_states, join_states

DIRECTIONS = ("fwd", "bwd")


class Recurrent(nn.Module):
    """A stack of recurrent layers, used like `torch.nn.LSTM(batch_first=True)`.

        layer = Recurrent("lstm", 100, 200, num_layers=2, bidirectional=True)
        y, (h, c) = layer(x, lengths)
        y, (h, c), trace = layer(x, lengths, trace=True)   # trace["l0.fwd"]["f"]: (B, T, H)

    Packing is not needed: no value after a sequence's end changes an output, a state or a
    gradient. The backward direction starts at each sequence's own end.

    Parameters, for layer l and direction fwd or bwd:
        layers.{l}.fwd.weight_input      W (G*H, D), later layers (G*H, N*H)
        layers.{l}.fwd.weight_recurrent  R (G*H, H)
        layers.{l}.fwd.bias              b (G*H): one bias, where torch has two
        layers.{l}.fwd.<name>            (H) for each vector of the cell, e.g. bias_recurrent of gru
        layers.{l}.norm.{weight,bias}    (N*H) from the second layer on, with layer_norm

    Each gate's block of W is initialised Xavier-uniform and its block of R orthogonal. Biases start
    at 0, or at the values that the cell sets.

    Under `torch.compile` a layer is one graph break and runs uncompiled, on its own kernels.

    Args:
        cell: a name, a mapping with the name and options of a cell, or an instance of
            `seqtag.cells.Cell`, also of your own. `seqtag.cells.CELLS.names()` lists the names.
        input_size: D.
        hidden_size: H.
        num_layers: L.
        bidirectional: also read each sequence backwards, and concatenate the outputs.
        bias: whether the layer has biases.
        dropout: share of features dropped on the input of each layer except the first.
        locked_dropout: share of features dropped on the input of every layer, with one mask for
            all steps of a sequence (Gal & Ghahramani 2016).
        recurrent_dropout: share of units dropped in the previous state where an R multiplies it,
            with one mask for all steps of a sequence (Gal & Ghahramani 2016).
        weight_drop: share of elements dropped in each R, with one mask per batch (Merity et al.
            2018).
        zoneout: probability that a unit of a state keeps its previous value at a step; evaluation
            uses the expectation (Krueger et al. 2017).
        residual: add the input of each layer except the first to its output.
        layer_norm: normalise the input of each layer except the first.
        engine: what runs the layer. "auto" uses the first of these that can run the cell, and logs
            once which one and why.
            "cpu": C++ generated from the cell's step and compiled at first use. On a CPU with a
                compiler, for every cell whose step uses only `seqtag.cells.functions`. Cells with
                a matrix state have a kernel of their own.
            "torch": torch's own kernels (oneDNN, cuDNN), for lstm, gru, rnn and rnn_relu; without
                noise in the recurrence.
            "triton": kernels for a GPU, generated from the cell's step; needs the package triton.
            "scan": parallel in time, for cells that are linear in their state: minlstm, mingru,
                rg_lru; without noise in the recurrence.
            "loop": torch operations step by step, in place, for every elementwise cell.
            "chunked": matrix products over chunks of steps, for cells with a matrix state: mlstm,
                deltanet, gated_deltanet, mamba2, rwkv7.
            "reference": the plain loop under autograd, for every cell; the slowest. The only
                engine with second derivatives.

    Noise in the recurrence is recurrent_dropout, and zoneout in training. In evaluation the only
    effect of noise options is zoneout's expectation.

    Raises:
        InputError: for an unknown cell or engine, a size below 1, a share outside [0, 1), or noise
            that cannot be applied to the cell.
    """

    def __init__(
        self,
        cell: CellDescription,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        locked_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        residual: bool = False,
        layer_norm: bool = False,
        engine: str = "auto",
    ):
        super().__init__()
        self.cell = build_cell(cell)
        check_cell(counting(self.cell))
        noise = {
            "recurrent_dropout": recurrent_dropout,
            "weight_drop": weight_drop,
            "zoneout": zoneout,
        }
        check_options(
            sizes={"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers},
            shares={"dropout": dropout, "locked_dropout": locked_dropout, **noise},
            flags={
                **{"bidirectional": bidirectional, "bias": bias, "residual": residual},
                "layer_norm": layer_norm,
            },
        )
        check_noise(self.cell, **noise)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.bias = bias
        self.dropout = dropout
        self.locked_dropout = locked_dropout
        self.recurrent_dropout = recurrent_dropout
        self.weight_drop = weight_drop
        self.zoneout = zoneout
        self.residual = residual
        self.layer_norm = layer_norm
        self.engine = check_engine(engine)
        self.layers = nn.ModuleList(self._build_layer(index) for index in range(num_layers))

    @classmethod
    def from_torch(cls, module: nn.RNNBase, engine: str = "auto") -> Recurrent:
        """Return a layer with the weights and options of an nn.LSTM, nn.GRU or nn.RNN.

        Inputs and outputs are batch first, whatever the module's setting.

        Raises:
            InputError: for any other module, or an LSTM with projections.
        """
        options, weights = read_torch(module)
        layer = cls(**options, engine=engine).to(next(module.parameters()))
        layer.load_state_dict(weights)
        return layer.train(module.training)

    def to_torch(self) -> nn.RNNBase:
        """Return the nn.LSTM, nn.GRU or nn.RNN with the same weights, batch first.

        Raises:
            InputError: if torch has no such cell or option.
        """
        options = {name: getattr(self, name) for name in (*SHARED_OPTIONS, *NOT_IN_TORCH)}
        return write_torch(self.cell, options, self.state_dict()).train(self.training)

    def _build_layer(self, index: int) -> nn.ModuleDict:
        size = self.output_size if index else self.input_size
        layer = nn.ModuleDict(
            {
                direction: Direction(self.cell, size, self.hidden_size, self.bias)
                for direction in self.directions
            }
        )
        if index and self.layer_norm:
            layer["norm"] = nn.LayerNorm(size)
        return layer

    @property
    def directions(self) -> tuple[str, ...]:
        """Names of the directions: ("fwd",) or ("fwd", "bwd")."""
        return DIRECTIONS if self.bidirectional else DIRECTIONS[:1]

    @property
    def output_size(self) -> int:
        """Number of features of y: N*H."""
        return self.hidden_size * len(self.directions)

    def forward(
        self,
        x_BTD: Tensor | Entries,
        lengths_B: Tensor | None = None,
        state: Tensor | tuple[Tensor, ...] | None = None,
        trace: bool = False,
    ) -> tuple[Any, ...]:
        """Run over a batch.

        Args:
            x_BTD: inputs, right-padded; or `Entries`, rows of a table.
            lengths_B: number of steps of each sequence, integers from 0 to T; None if all are T.
            state: initial state, (L*N, B, H) as `nn.LSTM` orders it; a tuple of these in the
                order of `cell.states` (h, c) if the cell has several. None for the default. A
                matrix state has (L*N, B, ...), with the axes of `cell.state_shape`.
            trace: also return the values of all gates and of all states that are vectors.

        Returns:
            y (B, T, N*H), 0 after the end; the state at each sequence's end, in the form of the
            initial one; with trace, {"l0.fwd": {name: (B, T, H)}, "l0.bwd": ..., ...}, in time
            order, 0 after the end.

        Raises:
            InputError: if a shape, a dtype, a device or a length does not fit.
        """
        if torch.compiler.is_dynamo_compiling():
            # Otherwise torch.compile would trace the checks and compile again for every T. As a
            # decorator, `disable` would add 1.5 s to each import of the package.
            return torch.compiler.disable(self._run)(x_BTD, lengths_B, state, trace)
        return self._run(x_BTD, lengths_B, state, trace)

    def _run(
        self,
        x_BTD: Tensor | Entries,
        lengths_B: Tensor | None,
        state: Tensor | tuple[Tensor, ...] | None,
        trace: bool,
    ) -> tuple[Any, ...]:
        entries = None
        if isinstance(x_BTD, Entries):
            entries = x_BTD if self._takes_entries(x_BTD, trace) else None
            x_BTD = x_BTD.gather() if entries is None else x_BTD.placeholder()
        check_input(x_BTD, self.input_size, self.layers[0]["fwd"].weight_input)
        padding = Padding.of(x_BTD, lengths_B)
        shape = (self.num_layers * len(self.directions), x_BTD.shape[0], self.hidden_size)
        weight = self.layers[0]["fwd"].weight_input
        states = initial_states(self.cell, state, shape, x_BTD, weight)
        states = [with_step(self.cell, start) for start in states]
        padded_steps = x_BTD.shape[1] - padding.time
        # Slicing has a backward pass, which copies, also if nothing is cut off.
        y_BTH = x_BTD[:, : padding.time] if padded_steps else x_BTD
        traces: dict[str, dict[str, Tensor]] = {}
        finals: list[States] = []
        for index in range(self.num_layers):
            by_row = None if index or entries is None else entries.first_steps(padding.time)
            own = states[len(finals) : len(finals) + len(self.directions)]
            y_BTH, ends, seen = self._run_layer(index, y_BTH, own, padding, trace, by_row)
            finals.extend(ends)
            for direction, values in zip(self.directions, seen, strict=False):
                traces[f"l{index}.{direction}"] = {
                    k: _extend(v, padded_steps)
                    for k, v in values.items()
                    if k != STEP or not self.cell.counts_steps
                }
        result = (_extend(y_BTH, padded_steps), join_states(self.cell, finals))
        return (*result, traces) if trace else result

    def _run_layer(
        self,
        index: int,
        x_BTD: Tensor,
        states: list[States],
        padding: Padding,
        trace: bool,
        entries: Entries | None,
    ) -> tuple[Tensor, Any, Any]:
        layer = self.layers[index]
        read_BTD = layer["norm"](x_BTD) if "norm" in layer else x_BTD
        if index:
            read_BTD = dropout(read_BTD, self.dropout, self.training)
        if self.locked_dropout and self.training:
            mask_B1D = read_BTD.new_ones(read_BTD.shape[0], 1, read_BTD.shape[2])
            read_BTD = read_BTD * dropout(mask_B1D, self.locked_dropout, True)
        cell, noise = self._cell_and_noise(read_BTD)
        engine = choose_engine(self.engine, cell, read_BTD, trace, noise)
        if padding.time == 0:  # kernels need at least one step
            engine = ENGINES["reference"]
        drop = self.weight_drop if self.training else 0.0
        weights = [drop_weights(layer[direction].weights(), drop) for direction in self.directions]
        entries = entries if engine.takes_entries else None
        call = LayerCall(cell, read_BTD, weights, states, padding, trace, noise, entries)
        y_BTH, ends, traces = engine.run(call)
        return y_BTH + x_BTD if index and self.residual else y_BTH, ends, traces

    def _takes_entries(self, entries: Entries, trace: bool) -> bool:
        """Return whether the engine takes `Entries`, and no gradients are needed."""
        if self.training or trace or torch.is_grad_enabled():
            return False
        x_BTD = entries.placeholder()
        return choose_engine(
            self.engine, self._cell_and_noise(x_BTD)[0], x_BTD, trace
        ).takes_entries

    def _cell_and_noise(self, x_BTD: Tensor) -> tuple[Cell, Noise | None]:
        """Return the cell to run, with zoneout if set, and the noise drawn for one layer."""
        sizes, shares = (
            (self.hidden_size, len(self.directions)),
            (self.recurrent_dropout, self.zoneout),
        )
        cell, noise = with_noise(self.cell, x_BTD, *sizes, *shares, self.training)
        return (CountingCell(cell) if self.cell.counts_steps else cell), noise

    def extra_repr(self) -> str:
        """Return the cell's spec, the sizes and every option that differs from its default."""
        text = f"{self.cell}, {self.input_size}, {self.hidden_size}"
        options = signature(type(self)).parameters
        defaults = {k: p.default for k, p in options.items() if p.default is not Parameter.empty}
        changed = ((k, getattr(self, k)) for k, v in defaults.items() if getattr(self, k) != v)
        return ", ".join([text, *(f"{key}={value!r}" for key, value in changed)])


def _extend(y_BTH: Tensor, steps: int) -> Tensor:
    """Append `steps` steps of zeros: padding that no sequence reaches."""
    return pad(y_BTH, (0, 0, 0, steps)) if steps else y_BTH
