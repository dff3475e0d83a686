"""Conversion of states between the form of `nn.LSTM` (for callers) and of engines.

B batch, D features in, H hidden units, N directions, L layers.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.errors import InputError

State = Tensor | tuple[Tensor, ...]  # (L*N, B, H); a tuple of these if a cell has several


def initial_states(
    cell: Cell, state: State | None, shape: tuple[int, int, int], x_BTD: Tensor, weight: Tensor
) -> list[dict[str, Tensor]]:
    """Return the initial states, (B, H) by name, for each direction of each layer in order.

    Args:
        cell: the cell.
        state: the caller's state; None for the cell's default.
        shape: (L*N, B, H).
        x_BTD: the input; the caller's state must have its dtype and device.
        weight: a parameter of the layer; default states get its dtype and device.

    Raises:
        InputError: for a wrong number of tensors, or a wrong shape, dtype or device.
    """
    shapes = {n: (*shape[:2], *cell.state_shape(n, shape[2])) for n in cell.states}
    if state is None:
        starts = cell.initial_states
        parts = tuple(weight.new_full(shapes[name], starts.get(name, 0.0)) for name in cell.states)
    else:
        parts = _checked(state, shapes, x_BTD)
    return [dict(zip(cell.states, row, strict=True)) for row in zip(*parts, strict=True)]


def join_states(cell: Cell, finals: Sequence[Mapping[str, Tensor]]) -> State:
    """Return the final states in the form for callers; `finals` is by layer, then direction."""
    parts = tuple(torch.stack([final[name] for final in finals]) for name in cell.states)
    return parts if len(parts) > 1 else parts[0]


def _checked(
    state: Tensor | tuple[Tensor, ...],
    shapes: Mapping[str, tuple[int, ...]],
    x_BTD: Tensor,
) -> tuple[Tensor, ...]:
    """Return the caller's state as one tensor for each name.

    Raises:
        InputError: for a wrong number of tensors, or a wrong shape, dtype or device.
    """
    parts = (state,) if isinstance(state, Tensor) else state
    if not isinstance(parts, tuple | list) or len(parts) != len(shapes):
        expected = "a tensor" if len(shapes) == 1 else f"a tuple of {len(shapes)}"
        raise InputError(f"state must be {expected} ({', '.join(shapes)})")
    for (name, shape), part in zip(shapes.items(), parts, strict=True):
        if not isinstance(part, Tensor):
            raise InputError(f"state {name} must be a tensor, not {type(part).__name__}")
        if tuple(part.shape) != shape:
            raise InputError(
                f"state {name} must have the shape {shape}, (layers * directions, batch, "
                f"{'hidden' if len(shape) == 3 else '...'}), not {tuple(part.shape)}"
            )
        if part.device != x_BTD.device:
            raise InputError(f"state {name} is on {part.device}, but x is on {x_BTD.device}")
        same = part.dtype == x_BTD.dtype or torch.is_autocast_enabled(x_BTD.device.type)
        if not same or not part.is_floating_point():
            raise InputError(f"state {name} is {part.dtype}, but x is {x_BTD.dtype}")
    return tuple(parts)
