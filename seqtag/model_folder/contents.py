"""Read everything in a model folder but the weights, without importing torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seqtag.cells import CellDescription
from seqtag.checks import from_plain
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.model.config import TaggerConfig
from seqtag.model_folder.config import CONFIG, ENCODER, LABELS, MOST_ENCODER_BYTES, read_config
from seqtag.model_folder.packages import require_packages
from seqtag.model_folder.untrusted import read_object, read_untrusted


class Contents(NamedTuple):
    """The content of a model folder without the weights.

    Attributes:
        model: the configuration of the network.
        indexer: maps words to ids.
        labels: the label set.
        cell: the recurrent cell: its name and options.
        data: how the training corpus was read, as plain values; None if unknown.
        figures: the figures of training and evaluation; None if unknown.
    """

    model: TaggerConfig
    indexer: Indexer
    labels: LabelSet
    cell: CellDescription
    data: Mapping[str, Any] | None
    figures: Mapping[str, Any] | None


def read_contents(folder: Path) -> Contents:
    """Read a model folder without its weights.

    Raises:
        InputError: for a file that is missing, truncated, of a newer format, or inconsistent with
            the other files. The message names the file.
    """
    stored = read_config(folder)
    path = folder / CONFIG
    require_packages(stored, path)
    model = read_untrusted(path, lambda: from_plain(TaggerConfig, stored["model"], "model"))
    path = folder / ENCODER
    plain = read_object(path, MOST_ENCODER_BYTES)
    indexer = read_untrusted(
        path, lambda: Indexer.from_plain(plain, str(path), model.package_input_options)
    )
    _check_indexer(indexer, path)
    path = folder / LABELS
    labels = read_untrusted(path, lambda: LabelSet.from_plain(read_object(path), str(path)))
    return Contents(model, indexer, labels, stored["cell"], stored["data"], stored["figures"])


def _check_indexer(indexer: Indexer, path: Path) -> None:
    """Encode two words, so that a damaged indexer fails when loaded and not during tagging."""
    trial = [["Try", "\u2603"]]
    read_untrusted(path, lambda: indexer.arrays(trial, dict.fromkeys(indexer.features, trial)))
