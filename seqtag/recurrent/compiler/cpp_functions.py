"""C++ functions on CPU tensors, compiled at first use; callers fall back to torch's operations."""

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
    """A C++ file ``NAME.cpp`` of a package, and the names of its functions."""

    package: str
    name: str
    symbols: tuple[str, ...]


def load_functions(source: CppSource, like: Tensor) -> ctypes.CDLL | None:
    """Return the library with the functions of a file, compiled for the dtype of a tensor.

    Returns None if torch's operations must be used instead: on other devices, with other dtypes,
    under torch.compile, and without a compiler (which is logged once).
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
    """Call a function of the library with sizes and the addresses of contiguous tensors."""
    pointers = (ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors)
    function((ctypes.c_int64 * len(sizes))(*sizes), *pointers)
