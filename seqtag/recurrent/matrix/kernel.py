"""The compiled kernel of cells with a matrix state: its library, and calls of its functions."""

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

from seqtag.recurrent.compiler.build import build, serialized
from seqtag.recurrent.compiler.kernel import team_address
from seqtag.recurrent.compiler.printer import SCALARS, skeleton

_SKELETON = ("vector.h", "products.h", "outer.h")
_FILES = tuple(
    f"{name}.h"
    for name in ("tiles", "chunk", "forward", "backward", "interface", "gated_norm", "linear")
)
_SYMBOLS = (
    *("seqtag_matrix_forward", "seqtag_matrix_backward", "seqtag_matrix_steps"),
    *("seqtag_gated_norm_forward", "seqtag_gated_norm_backward"),
    *("seqtag_linear_forward", "seqtag_linear_backward"),
)


@cache
@serialized
def library(dtype: str) -> ctypes.CDLL:
    """Return the library for "float32" or "float64", compiled at first use.

    Raises:
        BuildError: if it cannot be compiled.
    """
    scalar, single = SCALARS[dtype]
    own = ((files(__package__) / name).read_text(encoding="utf-8") for name in _FILES)
    head = f"#define S {scalar}\n#define SINGLE {single}\n"
    source = "\n".join((head, *map(skeleton, _SKELETON), *own))
    return build(source, f"matrix_{dtype}", _SYMBOLS)


def library_for(tensor: Tensor) -> ctypes.CDLL:
    """Return the library for the dtype of a tensor."""
    return library(str(tensor.dtype).removeprefix("torch."))


class Arguments:
    """The sizes and pointers of one call of a function of the kernel.

    Args:
        sizes: the first sizes; the number of threads comes after them.
        tensors: the first pointers; the team of threads comes before them.
    """

    def __init__(self, sizes: Sequence[int], tensors: Sequence[Tensor | None]):
        self.sizes = [*sizes, torch.get_num_threads()]
        self.tensors = list(tensors)

    def add_steps(self, *tensors: Tensor | None) -> None:
        """Append tensors (T, B, A, ...); an axis A of size 1 repeats."""
        for tensor in tensors:
            time, batch, head = (0, 0, 0) if tensor is None else tensor.stride()[:3]
            repeats = tensor is not None and tensor.shape[2] == 1
            self._add(tensor, time, batch, 0 if repeats else head)

    def add_states(self, *tensors: Tensor | None) -> None:
        """Append tensors (B, A, N, ...)."""
        for tensor in tensors:
            batch, head, row = (0, 0, 0) if tensor is None else tensor.stride()[:3]
            self._add(tensor, row, batch, head)

    def add_heads(self, tensor: Tensor | None) -> None:
        """Append a tensor (A) or (B, A)."""
        strides = (0, 0) if tensor is None else (0, *tensor.stride())[-2:]
        self._add(tensor, 0, *strides)

    def _add(self, tensor: Tensor | None, *strides: int) -> None:
        self.sizes += strides
        self.tensors.append(tensor)

    def call(self, name: str, like: Tensor) -> None:
        """Call a function of the library for the dtype of a tensor."""
        pointers = [team_address(), *(None if t is None else t.data_ptr() for t in self.tensors)]
        failed = library_for(like)[f"seqtag_{name}"](
            (ctypes.c_int64 * len(self.sizes))(*self.sizes),
            (ctypes.c_void_p * len(pointers))(*pointers),
        )
        if failed:
            raise MemoryError("not enough memory for the states of a layer")


def unit_stride(tensor: Tensor) -> Tensor:
    """Return a tensor whose last axis, if it is one of features, is contiguous."""
    return tensor if tensor.dim() < 4 or tensor.stride(3) == 1 else tensor.contiguous()
