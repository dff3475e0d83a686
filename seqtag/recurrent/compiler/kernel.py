"""A compiled kernel: its two functions, called on tensors.

B batch, T time, D features in, H hidden units, N directions.
"""

import ctypes
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.compiler.build import build, serialized
from seqtag.recurrent.compiler.plan import Plan, plan_of
from seqtag.recurrent.compiler.printer import print_kernel

Pointers = Sequence[Tensor | None]
# x and y, and in the backward pass their gradients.
Sequences = tuple[Tensor, Tensor, *tuple[Tensor | None, ...]]
_PROCESS = os.getpid()  # differs in a forked child
_SYMBOLS = ("seqtag_forward", "seqtag_backward", "seqtag_lanes")


class Kernel:
    """A cell's kernel for one dtype.

    Attributes:
        plan: the cell's plan.
        width: kept values are padded to a multiple of this many units.
    """

    def __init__(self, cell: Cell, dtype: str, traces: bool = False):
        self.plan: Plan = plan_of(cell, traces)
        name = type(cell).__name__.lower()
        library = build(print_kernel(self.plan, dtype), f"{name}_{dtype}", _SYMBOLS)
        self._forward = library.seqtag_forward
        self._backward = library.seqtag_backward
        self.width: int = library.seqtag_lanes()

    def padded(self, hidden: int) -> int:
        """Return `hidden` rounded up to a multiple of `width`."""
        return -(-hidden // self.width) * self.width

    def forward(
        self,
        x_BTD: Tensor,
        y_BTH: Tensor,
        lengths_B: Tensor | None,
        directions: int,
        per_direction: Pointers,
        rows_BT: Tensor | None = None,
    ) -> None:
        """Run all steps. `skeleton/interface.h` lists the tensors of each direction.

        With `rows_BT`, x is a table (1, entries, D), and `rows_BT` holds the entries to read.
        """
        self._call(self._forward, directions, lengths_B, (x_BTD, y_BTH), per_direction, rows_BT)

    def backward(
        self,
        x_BTD: Tensor,
        y_BTH: Tensor,
        grad_y_BTH: Tensor,
        grad_x_BTD: Tensor | None,
        lengths_B: Tensor | None,
        directions: int,
        per_direction: Pointers,
    ) -> None:
        """Run the backward pass of all steps."""
        sequences = (x_BTD, y_BTH, grad_y_BTH, grad_x_BTD)
        self._call(self._backward, directions, lengths_B, sequences, per_direction)

    def _call(
        self,
        function: Callable[..., int],
        directions: int,
        lengths_B: Tensor | None,
        sequences: Sequences,
        per_direction: Pointers,
        rows_BT: Tensor | None = None,
    ) -> None:
        x_BTD, y_BTH = sequences[:2]
        batch, time, hidden = y_BTH.shape
        hidden //= directions
        threads, entries = torch.get_num_threads(), 0 if rows_BT is None else x_BTD.shape[1]
        sizes = [time, batch, x_BTD.shape[2], hidden, directions, threads, entries]
        for tensor in sequences:
            sizes += tensor.stride()[:2] if tensor is not None else (0, 0)
        tensors = [lengths_B, rows_BT, *sequences, *per_direction]
        pointers = [team_address(), *(None if t is None else t.data_ptr() for t in tensors)]
        failed = function(
            (ctypes.c_int64 * len(sizes))(*sizes), (ctypes.c_void_p * len(pointers))(*pointers)
        )
        if failed:
            raise MemoryError(f"not enough memory for {batch} x {time} steps of {hidden} units")


@cache
@serialized
def kernel_of(cell: Cell, dtype: str, traces: bool = False) -> Kernel:
    """Return the kernel of a cell for "float32" or "float64", compiled at first use.

    With `traces` it also returns all values of the step, and takes their gradients.

    Raises:
        BuildError: if it cannot be compiled.
    """
    return Kernel(cell, dtype, traces)


def team_address() -> int | None:
    """Return the address of the function that runs a team of threads in torch's own OpenMP.

    Torch's threads stay active between two operations, and a second team would compete with them.
    A forked child does not have these threads: there, and if no such library is loaded, the kernel
    starts its own threads.
    """
    return _find_team_address() if os.getpid() == _PROCESS else None


@cache
def _find_team_address() -> int | None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    paths = {line.split()[-1] for line in maps.read_text().splitlines() if "/" in line}
    openmp = sorted(path for path in paths if "libgomp" in Path(path).name)
    # Other packages ship copies of their own: prefer torch's, then the system's.
    home = str(Path(torch.__file__).parent.parent)
    for path in sorted(openmp, key=lambda path: not path.startswith((f"{home}/torch", "/usr/lib"))):
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
        return ctypes.cast(library.GOMP_parallel, ctypes.c_void_p).value
    return None
