"""The model folder: a trained tagger as files that contain only data, no code.

    config.json        format, version, model, cell, data and figures as JSON values, and the
                       names of other packages whose parts the tagger uses
    model.safetensors  the weights
    tokenizer.json     the indexer: vocabularies and subwords
    labels.json        the labels and their schemes
    README.md          the model card, which is never read

Loading a model folder from an untrusted source never runs code from it: the weights are plain
arrays, and names are only looked up in registries. Nothing of the size of the weights is allocated
before the weights on disk match those of the configuration exactly.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from seqtag import __version__
from seqtag.cells import CellDescription
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.files import plain, replace_folder, write_json
from seqtag.model.network import TaggerNetwork
from seqtag.model_folder.card import model_card
from seqtag.model_folder.config import (
    CARD,
    CONFIG,
    ENCODER,
    FILES,
    FORMAT,
    LABELS,
    WEIGHTS,
)
from seqtag.model_folder.contents import read_contents
from seqtag.model_folder.packages import packages_of
from seqtag.model_folder.weights import load_network


class Parts(NamedTuple):
    """The content of a model folder.

    Attributes:
        network: the network; in evaluation mode after loading.
        indexer: maps words to ids.
        labels: the label set.
        cell: the recurrent cell: its name and options.
        data: how the training corpus was read, as plain values; None if unknown.
        figures: the figures of training and evaluation; None if unknown.
    """

    network: TaggerNetwork
    indexer: Indexer
    labels: LabelSet
    cell: CellDescription
    data: Mapping[str, Any] | None = None
    figures: Mapping[str, Any] | None = None


def save_folder(folder: str | Path, parts: Parts) -> None:
    """Write a model folder atomically, in place of an older one.

    Other files in an older folder (a ``.git``, notes) are kept. The heads of the auxiliary language
    model are needed only in training and left out.

    Raises:
        InputError: if something other than a model folder is at that path, it cannot be written, or
            a weight is not finite.
    """
    folder = Path(folder)
    for name, tensor in parts.network.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"{folder}: not written, because weights {name!r} are not finite")
    with replace_folder(folder, "model folder", FILES) as aside:
        _write(aside, parts, folder.name or folder.resolve().name)


def load_folder(folder: str | Path) -> Parts:
    """Read a model folder; the network is on the CPU.

    Raises:
        InputError: for a file that is missing, truncated, of a newer format, or inconsistent with
            the other files. The message names the file.
    """
    folder = Path(folder)
    contents = read_contents(folder)
    network = load_network(
        folder / WEIGHTS,
        contents.model,
        contents.cell,
        contents.indexer.inputs,
        contents.labels,
        folder / CONFIG,
    )
    return Parts(network, *contents[1:])


# Writing


def _write(folder: Path, parts: Parts, name: str) -> None:
    # Tagging does not use the language model, whose heads can be larger than all other weights.
    config = replace(parts.network.config, language_model=0.0)
    weights = {
        key: tensor.detach().to("cpu").contiguous().clone()
        for key, tensor in parts.network.state_dict().items()
        if not key.startswith("language_model.")
    }
    values = plain(
        {
            "format": FORMAT,
            "seqtag": __version__,
            "model": config.to_plain(),
            "cell": parts.cell,
            "data": parts.data,
            "figures": parts.figures,
        }
    )
    if packages := packages_of(values):
        values["packages"] = packages
    reads = [
        title for name in config.input_options for title in parts.indexer.inputs[name].titles()
    ]
    write_json(folder / CONFIG, values)
    write_json(folder / ENCODER, parts.indexer.to_plain())
    write_json(folder / LABELS, parts.labels.to_plain())
    try:
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    except SafetensorError as error:  # not an OSError, even if the disk is full
        raise InputError(f"{folder / WEIGHTS}: cannot be written: {error}") from error
    shutil.copymode(
        folder / CONFIG, folder / WEIGHTS
    )  # the library makes it readable by the owner only
    # Padding and unknown come first, then the most frequent words.
    words = parts.indexer.words.strings()[2:8] if "words" in parts.indexer.inputs else ()
    card = model_card(name, values, parts.labels, reads, words)
    (folder / CARD).write_text(card, encoding="utf-8")
