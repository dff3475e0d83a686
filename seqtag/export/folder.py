"""The exported folder: a model folder with a graph in place of the weights.

    model.onnx   the whole tagger, from ids to labels
    export.json  inputs and outputs of the graph, quantisation, what was measured
    README.md    the model card, with a section on the export

and config.json, tokenizer.json and labels.json, which are those of the model folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from onnx import TensorProto, ValueInfoProto

from seqtag import __version__
from seqtag.export.graph import OPSET
from seqtag.export.network import PADDING, Exported
from seqtag.files import new_folder, write_json
from seqtag.model_folder.folder import CARD, CONFIG, ENCODER, LABELS

GRAPH, ABOUT = "model.onnx", "export.json"
# Increase it when an earlier runtime cannot run what this version writes.
VERSION = 1
_DTYPES = {TensorProto.INT64: "int64", TensorProto.FLOAT: "float32", TensorProto.BOOL: "bool"}


class Measured(NamedTuple):
    """The main score of a tagger before and after its export, from 0 to 1.

    Attributes:
        file: name of the file of labelled sentences.
        sentences: their number.
        score: name of the score, such as ``f1``.
        before, after: the score of the model folder and that of the exported graph.
    """

    file: str
    sentences: int
    score: str
    before: float
    after: float

    @property
    def loss(self) -> float:
        """The loss in points, that is, hundredths."""
        return 100 * (self.before - self.after)


def write_exported(
    output: str,
    folder: Path,
    exported: Exported,
    quantised: str | None = None,
    measured: Measured | None = None,
) -> None:
    """Write an exported folder atomically.

    Args:
        output: path of the new folder.
        folder: the model folder.
        exported: the graph.
        quantised: the type of quantised weights, ``int8``, or None.
        measured: what was measured, or None.

    Raises:
        InputError: if `output` exists or cannot be written.
    """
    about = _about(exported, quantised, measured)
    with new_folder(output) as aside:
        for name in (CONFIG, ENCODER, LABELS):
            shutil.copyfile(folder / name, aside / name)
        (aside / GRAPH).write_bytes(exported.model.SerializeToString())
        write_json(aside / ABOUT, about)
        card = folder / CARD
        text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
        section = _section(quantised, measured)
        (aside / CARD).write_text(f"{text.rstrip()}\n\n{section}".lstrip(), encoding="utf-8")


def _about(exported: Exported, quantised: str | None, measured: Measured | None) -> dict[str, Any]:
    graph = exported.model.graph
    arrays = exported.arrays
    inputs = [
        {"array": arrays[value.name], **_described(value)}
        for value in graph.input
        if value.name in arrays
    ]
    return {
        "version": VERSION,
        "seqtag": __version__,
        "format": "onnx",
        "opset": OPSET,
        "inputs": inputs,
        "optional_inputs": [_described(value) for value in graph.input if value.name not in arrays],
        "outputs": [_described(value) for value in graph.output],
        "padding_label": PADDING,
        "quantisation": quantised,
        "measured": None if measured is None else measured._asdict(),
    }


def _described(value: ValueInfoProto) -> Mapping[str, Any]:
    tensor = value.type.tensor_type
    shape = [d.dim_param or d.dim_value for d in tensor.shape.dim]
    return {"name": value.name, "dtype": _DTYPES[tensor.elem_type], "shape": shape}


def _section(quantised: str | None, measured: Measured | None) -> str:
    """Return the section of the card on the export."""
    kind = f"with weights quantised to {quantised}" if quantised else "in float32"
    text = (
        f"## Export\n\nThis folder contains the tagger as an ONNX graph, `{GRAPH}`, {kind}. It "
        f"runs with `seqtag.runtime`, without torch. `{ABOUT}` lists the inputs and outputs of the "
        "graph. "
    )
    if measured is None:
        return f"{text}Its accuracy was not measured after the export.\n"
    return (
        f"{text}On the {measured.sentences:,} sentences of `{measured.file}`, {measured.score} is "
        f"{measured.after:.2%}; before the export it was {measured.before:.2%}.\n"
    )
