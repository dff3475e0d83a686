"""Weights on disk to a network, checked before anything of their size is allocated.

K labels.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from seqtag.cells import CellDescription
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.inputs import Input
from seqtag.model.config import TaggerConfig
from seqtag.model.embed import find_input
from seqtag.model.network import TaggerNetwork
from seqtag.model.size import SkipInitialisation, meta_network
from seqtag.model_folder.untrusted import DAMAGED, read_untrusted, regular_file

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_MOST_PARTS = 1000  # of one kind

Form = tuple[str, tuple[int, ...]]  # dtype and shape of a tensor


def load_network(
    path: Path,
    config: TaggerConfig,
    cell: CellDescription,
    inputs: Mapping[str, Input],
    labels: LabelSet,
    config_path: Path,
) -> TaggerNetwork:
    """Build the network that `config` and `cell` describe and fill it with the weights at `path`.

    It is first laid out without memory, and its tensors are compared with those in the file: a
    configuration can make nothing larger than the file that came with it.

    Args:
        path: the weights (safetensors).
        config: what the network is made of.
        cell: the cell's name and fields.
        inputs: the inputs of a word by name.
        labels: the labels.
        config_path: where `config` and `cell` were read, for messages.

    Raises:
        InputError: if the file is missing or damaged, the description is none that seqtag knows,
            or the two do not go together.
    """
    found = read_untrusted(path, lambda: _read_header(path))
    read_untrusted(config_path, lambda: _refuse_more_parts(config, inputs, len(found), path.name))

    dtype = _dtype_of(found)

    # Transitions come in the square of K: they wait until the file is known to have K x K.
    empty = read_untrusted(
        config_path, lambda: meta_network(config, cell, inputs, len(labels)).to(dtype)
    )
    wanted = {name: _form(tensor) for name, tensor in empty.state_dict().items()}
    _check(path, found, wanted, config_path)
    transitions = labels.transitions if config.decoder == "crf" else None
    if transitions is not None and (length := transitions.length_without_path()) is not None:
        raise InputError(
            f"{path.with_name('labels.json')}: under the {labels.scheme} scheme these labels "
            f"allow no sequence of {length} tokens; {DAMAGED}"
        )

    def build() -> TaggerNetwork:
        # In the numbers of the file, whatever torch's default is at the moment.
        with SkipInitialisation():
            return TaggerNetwork(config, cell, inputs, len(labels), transitions).to(dtype)

    network = read_untrusted(path.with_name("labels.json"), build)
    read_untrusted(path, lambda: network.load_state_dict(_finite(load_file(path))))
    return network.eval()


def _refuse_more_parts(
    config: TaggerConfig, inputs: Mapping[str, Input], tensors: int, name: str
) -> None:
    """Refuse what has more parts than there are tensors: each takes time to lay out."""
    parts = config.built_encoder.parts(config)
    for input_name, options in config.input_options.items():
        parts |= find_input(inputs, input_name).parts(options)
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
            raise InputError(f"the tensor {name!r} has numbers that are not finite; {DAMAGED}")
    return tensors


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
            raise InputError(f"{path}: the tensor {name!r} is missing; {DAMAGED}")
    for name, (dtype, shape) in found.items():
        if name not in wanted:
            raise InputError(f"{path}: the tensor {name!r} has no place in the network; {DAMAGED}")
        if (dtype, shape) != wanted[name]:
            raise InputError(
                f"{path}: the tensor {name!r} is {dtype} {list(shape)}, but {config_path.name} "
                f"asks for {wanted[name][0]} {list(wanted[name][1])}; {DAMAGED}"
            )
