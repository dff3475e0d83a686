"""Functions in C++ beside torch's operations: built at first use, called on tensors of a CPU."""

import ctypes
import logging
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import torch
from torch import Tensor

from seqtag.recurrent.compiler.build import BuildError, build, serialized

logger = logging.getLogger("seqtag")

_SCALARS = {torch.float32: "float", torch.float64: "double"}


class CppSource(NamedTuple):
    """A file ``NAME.cpp`` of a package, and the functions in it."""

    package: str
    name: str
    symbols: tuple[str, ...]


def load_functions(source: CppSource, like: Tensor) -> ctypes.CDLL | None:
    """Return the functions of a file, for a tensor's dtype.

    None where torch's operations must be used: on other devices, with other dtypes, under
    torch.compile, and without a compiler (then one log line says so).
    """
    if like.device.type != "cpu" or like.dtype not in _SCALARS or torch.compiler.is_compiling():
        return None
    return _build(source, _SCALARS[like.dtype])


@cache
@serialized
def _build(source: CppSource, scalar: str) -> ctypes.CDLL | None:
    text = (files(source.package) / f"{source.name}.cpp").read_text(encoding="utf-8")
    try:
        return build(f"#define S {scalar}\n{text}", f"{source.name}_{scalar}", source.symbols)
    except BuildError as error:
        logger.warning("%s runs on torch's operations: %s", source.name, error)
        return None


def call_function(
    function: Callable[..., object], sizes: tuple[int, ...], *tensors: Tensor
) -> None:
    """Call one of them with its sizes and the addresses of contiguous tensors."""
    pointers = (ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors)
    function((ctypes.c_int64 * len(sizes))(*sizes), *pointers)
