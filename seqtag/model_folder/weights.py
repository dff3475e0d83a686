"""Weights on disk to a network, checked before anything of their size is allocated.

K labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from seqtag.checks import from_plain
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.model_folder.untrusted import AGAIN, regular_file, trust

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_MOST_PARTS = 1000  # of one kind

Form = tuple[str, tuple[int, ...]]  # dtype and shape of a tensor


def load_network(
    path: Path,
    model: Mapping[str, Any],
    cell: Mapping[str, Any] | str,
    sizes: Mapping[str, Any],
    labels: LabelSet,
    config_path: Path,
) -> TaggerNetwork:
    """Build the network that `model` and `cell` describe and fill it with the weights at `path`.

    It is first laid out without memory, and its tensors are compared with those in the file: a
    configuration can make nothing larger than the file that came with it.

    Args:
        path: the weights (safetensors).
        model: the fields of a `TaggerConfig`, as plain values.
        cell: the cell's name and fields.
        sizes: numbers of ids, as ``Indexer.sizes`` has them.
        labels: the labels.
        config_path: where `model` and `cell` were read, for messages.

    Raises:
        InputError: if the file is missing or damaged, the description is none that seqtag knows,
            or the two do not go together.
    """
    found = trust(path, lambda: _read_header(path))
    config = trust(config_path, lambda: from_plain(TaggerConfig, model, "model"))
    trust(config_path, lambda: _refuse_more_parts(config, sizes, len(found), path.name))

    dtype = _dtype_of(found)

    def build(transitions: Any) -> TaggerNetwork:
        # In the numbers of the file, whatever torch's default is at the moment.
        with _Unfilled():
            return TaggerNetwork(config, cell, sizes, len(labels), transitions).to(dtype)

    # Transitions come in the square of K: they wait until the file is known to have K x K.
    with torch.device("meta"):
        outline = trust(config_path, lambda: build(None)).state_dict()
    _check(path, found, {name: _form(tensor) for name, tensor in outline.items()}, config_path)
    transitions = labels.transitions if config.decoder == "crf" else None
    if transitions is not None and (length := transitions.length_without_path()) is not None:
        raise InputError(
            f"{path.with_name('labels.json')}: under the {labels.scheme} scheme these labels "
            f"allow no sequence of {length} tokens; {AGAIN}"
        )
    network = trust(path.with_name("labels.json"), lambda: build(transitions))
    trust(path, lambda: network.load_state_dict(_finite(load_file(path))))
    return network.eval()


def _refuse_more_parts(
    config: TaggerConfig, sizes: Mapping[str, Any], tensors: int, name: str
) -> None:
    """Refuse what has more parts than there are tensors: each takes time to lay out."""
    widths = () if config.characters is None else config.characters.widths
    directions = 2 if config.bidirectional else 1
    parts = {
        "model.num_layers": directions * config.num_layers,
        "model.characters.widths": len(widths),
        "the features of tokenizer.json": len(sizes["features"]),
    }
    for key, count in parts.items():
        if count > min(tensors, _MOST_PARTS):
            raise InputError(f"{key} ask for {count:,} parts, but {name} has {tensors:,} tensors")


def _finite(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors.

    Raises:
        InputError: if one of their numbers is not finite.
    """
    for name, tensor in tensors.items():
        # Both are NaN where a number is; no second tensor of the same size is made.
        ends = torch.stack(tensor.aminmax())
        if not torch.isfinite(ends).all():
            raise InputError(f"the tensor {name!r} has numbers that are not finite; {AGAIN}")
    return tensors


class _Unfilled(TorchFunctionMode):
    """Leaves first weights as they are in memory: the loaded ones take their place at once.

    Drawing them would change the random numbers of whoever loads a tagger, and takes most of
    the time of a start: on the meta device alone it makes torch import its compiler.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        module, name = getattr(func, "__module__", ""), getattr(func, "__name__", "")
        if module == "torch.nn.init" or name in ("normal_", "uniform_"):
            return args[0] if args else kwargs["tensor"]
        if func is torch.linalg.qr:  # of an orthogonal first weight
            return args[0], args[0]
        return func(*args, **(kwargs or {}))


def _dtype_of(found: Mapping[str, Form]) -> torch.dtype:
    """Return the floating dtype of all weights in a file; float32 where they differ."""
    kinds = {dtype for dtype, _ in found.values()}
    kind = kinds.pop() if len(kinds) == 1 else "float32"
    return getattr(torch, kind) if kind in _DTYPES.values() else torch.float32


def _form(tensor: Tensor) -> Form:
    return str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)


def _read_header(path: Path) -> dict[str, Form]:
    """Return the forms of the tensors in a file without reading the tensors."""
    with safe_open(regular_file(path), framework="pt") as weights:
        parts = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118
        return {
            name: (_DTYPES.get(part.get_dtype(), part.get_dtype()), tuple(part.get_shape()))
            for name, part in parts.items()
        }


def _check(
    path: Path, found: Mapping[str, Form], wanted: Mapping[str, Form], config_path: Path
) -> None:
    for name in wanted:
        if name not in found:
            raise InputError(f"{path}: the tensor {name!r} is missing; {AGAIN}")
    for name, (dtype, shape) in found.items():
        if name not in wanted:
            raise InputError(f"{path}: the tensor {name!r} has no place in the network; {AGAIN}")
        if (dtype, shape) != wanted[name]:
            raise InputError(
                f"{path}: the tensor {name!r} is {dtype} {list(shape)}, but {config_path.name} "
                f"asks for {wanted[name][0]} {list(wanted[name][1])}; {AGAIN}"
            )
