"""Checks of a layer's options, its cell and its inputs."""

import math
from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache
from typing import Annotated, Any

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.cells.matrix import MatrixCell
from seqtag.checks import AtLeast, AtMost, Share, checked
from seqtag.errors import InputError
from seqtag.recurrent.compiler.plan import UncompilableStep, why_untraceable

Size = Annotated[int, AtLeast(1), AtMost(2**31 - 1)]


def check_heads(cell: Cell, hidden_size: int) -> None:
    """Raise InputError if the cell's heads cannot share the units equally."""
    if hidden_size % cell.size_multiple:
        raise InputError(
            f"cell {cell} has {cell.size_multiple} heads, which do not divide hidden_size, "
            f"{hidden_size}: it must be a multiple of {cell.size_multiple}"
        )


def check_options(
    sizes: Mapping[str, int], shares: Mapping[str, float], flags: Mapping[str, bool]
) -> None:
    """Raise InputError for an invalid size, share or flag.

    Sizes are integers from 1 to 2^31 - 1, shares numbers from 0 to below 1, flags true or false.
    """
    for kind, values in ((Size, sizes), (Share, shares), (bool, flags)):
        for name, value in values.items():
            checked(value, kind, name)


class _StepArgument(dict[str, Any]):
    """Argument of a trial step. Reading a missing name raises an error that lists the names."""

    def __init__(
        self, cell: Cell, what: str, source: str, values: Mapping[str, Any], method: str = "step"
    ) -> None:
        super().__init__(values)
        self._text = f"cell {cell}: its {method} reads {what}[{{!r}}], which is not among {source}"

    def __missing__(self, name: str) -> Any:
        raise InputError(f"{self._text.format(name)} ({', '.join(self) or 'none'})")


class InitialValues(MutableMapping[str, Tensor]):
    """Argument of `start_biases` and `start_units`: tensors by name, to be changed in place.

    Args:
        cell: the cell, for messages.
        method: the name of the method that gets this argument.
        argument: the name of the argument.
        source: what the names are, for messages.
        values: the tensors.
    """

    def __init__(
        self, cell: Cell, method: str, argument: str, source: str, values: Mapping[str, Tensor]
    ) -> None:
        self._cell, self._method, self._argument, self._source = cell, method, argument, source
        self._values = dict(values)

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._values:
            raise self._missing(name)
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._values:
            raise self._missing(name)
        # After `bias["k"] += 1`, which works in place, Python assigns the same tensor.
        if value is not self._values[name]:
            place = f"{self._argument}[{name!r}]"
            raise InputError(
                f"cell {self._cell}: its {self._method} assigns {place}, which has no effect on "
                f"the layer; write in place: {place}.fill_(1.0)"
            )

    def __delitem__(self, name: str) -> None:
        raise InputError(f"cell {self._cell}: its {self._method} cannot delete {name!r}")

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _missing(self, name: str) -> InputError:
        return InputError(
            f"cell {self._cell}: its {self._method} uses {self._argument}[{name!r}], which is not "
            f"among {self._source} ({', '.join(self) or 'none'})"
        )


@cache
def check_cell(cell: Cell) -> None:
    """Check a cell's step against its gates, states, products and vectors, by a step on zeros.

    Steps with a matrix state are not checked.

    Raises:
        InputError: if the step reads an undeclared name, omits a state, returns a wrong shape or
            branches on a tensor, and if `kept` reads a value that the step does not return.
    """
    if isinstance(cell, MatrixCell):
        return
    zeros_BH = torch.zeros(2, 3, device="cpu")
    for product in cell.products:
        if product.state not in cell.states:
            raise InputError(
                f"cell {cell}: a product multiplies {product.state!r}, which is not among its "
                f"states ({', '.join(cell.states)})"
            )
    products = [gate for product in cell.products for gate in product.gates]
    rh = dict.fromkeys(products, zeros_BH) | dict.fromkeys(cell.inner_gates, lambda value: value)
    vectors = [vector.name for vector in cell.vectors]
    try:
        values = cell.step(
            _StepArgument(cell, "wx", "its gates", dict.fromkeys(cell.gates, zeros_BH)),
            _StepArgument(cell, "rh", "the gates of its products and its inner_gates", rh),
            _StepArgument(cell, "state", "its states", dict.fromkeys(cell.states, zeros_BH)),
            _StepArgument(cell, "unit", "its vectors", dict.fromkeys(vectors, zeros_BH[0])),
        )
    except TypeError as error:
        if "'Tensor' object is not callable" not in str(error):
            raise
        raise InputError(
            f"cell {cell}: its step calls rh[k], which is a function only for a gate k that is "
            f"among its inner_gates ({', '.join(cell.inner_gates) or 'none'})"
        ) from error
    except RuntimeError as error:
        if "Boolean value of Tensor" not in str(error):
            raise
        raise InputError(
            f"cell {cell}: its step uses a tensor as a condition (if, and, or, while), but each "
            "unit has its own value; compute the choice, for example with maximum, relu or sigmoid"
        ) from error
    for name in cell.states:
        if name not in values:
            raise InputError(f"cell {cell}: its step does not return the state {name!r}")
    for name, value in values.items():
        if not isinstance(value, Tensor) or value.shape != zeros_BH.shape:
            what = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise InputError(
                f"cell {cell}: its step must return tensors of the shape of the states, "
                f"{list(zeros_BH.shape)} in this trial, but {name!r} is {what}"
            )
    cell.kept(_StepArgument(cell, "values", "the values that its step returns", values, "kept"))
    if isinstance(why_untraceable(cell), UncompilableStep) and _mixes_units(cell):
        raise InputError(
            f"cell {cell}: its step combines units with an operation that is not a reduction of "
            "seqtag.cells.functions (unit_sum, unit_mean, unit_max, running_sum, layer_norm, ...)"
        )


class _OneUnit(Tensor):
    """A tensor on which reductions over units return each unit's own value."""

    def sum_units(self) -> Tensor:
        """Return the tensor."""
        return self

    mean_units = max_units = running_sum = sum_units


def _mixes_units(cell: Cell) -> bool:
    """Return whether changing one unit of all arguments of a step changes another unit's value.

    Products and reductions do not count.
    """
    draw = torch.Generator().manual_seed(0)
    products = [gate for product in cell.products for gate in product.gates]
    vectors = [vector.name for vector in cell.vectors]
    groups = [
        {name: torch.rand(2, 3, generator=draw, device="cpu") for name in names}
        for names in (cell.gates, products, cell.states, vectors)
    ]
    results = []
    for change in (0.0, 0.5):
        arguments = [
            {
                name: (v + torch.tensor([change, 0.0, 0.0])).as_subclass(_OneUnit)
                for name, v in g.items()
            }
            for g in groups
        ]
        arguments[1] |= dict.fromkeys(cell.inner_gates, lambda value: value)
        results.append(cell.step(*arguments))
    before, after = results
    return any(not torch.equal(before[name][:, 1:], after[name][:, 1:]) for name in before)


def check_noise(cell: Cell, recurrent_dropout: float, weight_drop: float, zoneout: float) -> None:
    """Raise InputError for noise that cannot be applied to the cell."""
    shares = {"recurrent_dropout": recurrent_dropout, "weight_drop": weight_drop}
    for name, share in shares.items():
        if share and not (cell.products or cell.inner_gates):
            raise InputError(f"{name} needs a recurrent weight R, and {cell} has none")
    if zoneout and isinstance(cell, MatrixCell):
        raise InputError(f"zoneout keeps units of a state, and the state of {cell} is a matrix")
    for state, start in cell.initial_states.items():
        if zoneout and not math.isfinite(start):
            raise InputError(
                f"zoneout mixes a state with its previous value, but {state} of {cell} starts "
                f"at {start}"
            )


def check_input(x_BTD: Tensor, input_size: int, weight: Tensor) -> None:
    """Raise InputError unless x is (B, T, input_size) with the weight's dtype and device."""
    if not isinstance(x_BTD, Tensor):
        raise InputError(f"x must be a tensor, not {type(x_BTD).__name__}")
    if x_BTD.dim() != 3 or x_BTD.shape[2] != input_size:
        raise InputError(
            f"x must have the shape (batch, time, {input_size}), not {tuple(x_BTD.shape)}"
        )
    if not x_BTD.is_floating_point():
        raise InputError(f"x must be floating point, not {x_BTD.dtype}")
    if x_BTD.dtype == torch.float16 and x_BTD.device.type == "cpu":
        raise InputError("x is float16, which is for GPUs: on a CPU use float32 or bfloat16")
    if x_BTD.device != weight.device:
        raise InputError(f"x is on {x_BTD.device}, but the layer is on {weight.device}")
    if x_BTD.dtype != weight.dtype and not torch.is_autocast_enabled(x_BTD.device.type):
        raise InputError(f"x is {x_BTD.dtype}, but the layer is {weight.dtype}")
