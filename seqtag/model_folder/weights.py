"""Load the weights of a network, checked before anything of their size is allocated.

Legend: K labels.
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

DtypeAndShape = tuple[str, tuple[int, ...]]  # of a tensor


def load_network(
    path: Path,
    config: TaggerConfig,
    cell: CellDescription,
    inputs: Mapping[str, Input],
    labels: LabelSet,
    config_path: Path,
) -> TaggerNetwork:
    """Build the network that `config` and `cell` describe and fill it with the weights at `path`.

    The network is first built without memory (on the meta device), and its tensors are compared
    with those in the file. So a configuration cannot allocate more memory than its weights need.

    Args:
        path: the file of the weights (safetensors).
        config: the configuration of the network.
        cell: the cell: its name and options.
        inputs: the inputs of a word by name.
        labels: the label set.
        config_path: the file of `config` and `cell`, for messages.

    Raises:
        InputError: if the file is missing or damaged, the configuration is invalid, or the two do
            not match.
    """
    stored = read_untrusted(path, lambda: _read_header(path))
    read_untrusted(config_path, lambda: _refuse_more_parts(config, inputs, len(stored), path.name))

    dtype = _dtype_of(stored)

    # Transitions take K x K values, so they are built only after the check of the file's shapes.
    empty = read_untrusted(
        config_path, lambda: meta_network(config, cell, inputs, len(labels)).to(dtype)
    )
    expected = {name: _dtype_and_shape(tensor) for name, tensor in empty.state_dict().items()}
    _check(path, stored, expected, config_path)
    transitions = labels.transitions if config.decoder == "crf" else None
    if transitions is not None and (length := transitions.length_without_path()) is not None:
        raise InputError(
            f"{path.with_name('labels.json')}: under the {labels.scheme} scheme these labels "
            f"allow no sequence of {length} tokens; {DAMAGED}"
        )

    def build() -> TaggerNetwork:
        # In the dtype of the file, not in torch's current default.
        with SkipInitialisation():
            return TaggerNetwork(config, cell, inputs, len(labels), transitions).to(dtype)

    network = read_untrusted(path.with_name("labels.json"), build)
    read_untrusted(path, lambda: network.load_state_dict(_finite(load_file(path))))
    return network.eval()


def _refuse_more_parts(
    config: TaggerConfig, inputs: Mapping[str, Input], tensors: int, name: str
) -> None:
    """Raise an error if a network has more parts than tensors, since building each takes time."""
    parts = config.built_encoder.parts(config)
    for input_name, options in config.input_options.items():
        parts |= find_input(inputs, input_name).parts(options)
    for key, count in parts.items():
        if count > min(tensors, _MOST_PARTS):
            raise InputError(f"{key} require {count:,} parts, but {name} has {tensors:,} tensors")


def _finite(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Check that all values of the tensors are finite; return the tensors.

    Raises:
        InputError: if one is not.
    """
    for name, tensor in tensors.items():
        # Minimum and maximum are NaN if any value is; they need no second tensor of this size.
        ends = torch.stack(tensor.aminmax())
        if not torch.isfinite(ends).all():
            raise InputError(f"the tensor {name!r} has values that are not finite; {DAMAGED}")
    return tensors


def _dtype_of(stored: Mapping[str, DtypeAndShape]) -> torch.dtype:
    """Return the floating dtype of all weights in a file; float32 if they differ."""
    kinds = {dtype for dtype, _ in stored.values()}
    kind = kinds.pop() if len(kinds) == 1 else "float32"
    return getattr(torch, kind) if kind in _DTYPES.values() else torch.float32


def _dtype_and_shape(tensor: Tensor) -> DtypeAndShape:
    return str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)


def _read_header(path: Path) -> dict[str, DtypeAndShape]:
    """Return dtype and shape of the tensors in a file, without reading their values."""
    with safe_open(regular_file(path), framework="pt") as weights:
        parts = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118
        return {
            name: (_DTYPES.get(part.get_dtype(), part.get_dtype()), tuple(part.get_shape()))
            for name, part in parts.items()
        }


def _check(
    path: Path,
    stored: Mapping[str, DtypeAndShape],
    expected: Mapping[str, DtypeAndShape],
    config_path: Path,
) -> None:
    for name in expected:
        if name not in stored:
            raise InputError(f"{path}: the tensor {name!r} is missing; {DAMAGED}")
    for name, (dtype, shape) in stored.items():
        if name not in expected:
            raise InputError(f"{path}: the network has no tensor {name!r}; {DAMAGED}")
        if (dtype, shape) != expected[name]:
            raise InputError(
                f"{path}: the tensor {name!r} is {dtype} {list(shape)}, but {config_path.name} "
                f"requires {expected[name][0]} {list(expected[name][1])}; {DAMAGED}"
            )
