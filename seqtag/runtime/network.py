"""The exported network: a graph of ONNX, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from seqtag import __version__
from seqtag.data.encode.indexer import Indexer
from seqtag.errors import InputError, listed
from seqtag.model_folder.hub import EXPORT, ONNX
from seqtag.model_folder.untrusted import DAMAGED, read_bounded, read_object, read_untrusted
from seqtag.runtime.chain import Chain
from seqtag.runtime.spellings import SpellingCache

# Increase it when a folder of a later version cannot be run by this one.
VERSION = 1
LABELS, MARGINALS, SCORES, TRANSITIONS = "labels", "marginals", "scores", "transitions"
# Inputs that may be left out. If `only_scores` is True, labels and marginals are not computed.
ONLY_SCORES, KNOWN_SPELLINGS, SPELLINGS = "only_scores", "known_spellings", "spellings"
_TRUE = np.array(True)
# Protocol buffers cannot be larger.
_MOST_BYTES = 2**31 - 1
_ERRORS_ONLY = 3


class Network:
    """The graph in a ``model.onnx``. Threads can share it; a pickle contains only the path.

    Attributes:
        inputs: names of the arrays that the graph reads.
        outputs: names and shapes of what it computes.
        chain: the transition scores of the CRF; None without one.
    """

    def __init__(self, path: Path, chain: Chain | None = None) -> None:
        self._path, self.chain = path, chain
        self._session = _session(path)
        self.inputs = [value.name for value in self._session.get_inputs()]
        self.outputs = {value.name: value.shape for value in self._session.get_outputs()}
        optional = [value.name for value in self._session.get_overridable_initializers()]
        self._can_skip = ONLY_SCORES in optional
        self._cache = None
        if KNOWN_SPELLINGS in optional and SPELLINGS in self.outputs:
            self._cache = SpellingCache(self.outputs[SPELLINGS][1])

    def __reduce__(self) -> tuple[Any, ...]:
        return Network, (self._path, self.chain)

    def run(self, arrays: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        """Return some outputs for the arrays of a batch (`Indexer.arrays`)."""
        optional = {}
        if self._can_skip and not {LABELS, MARGINALS} & {*outputs}:
            optional[ONLY_SCORES] = _TRUE
        if self._cache is None:
            return self._run(arrays, optional, outputs)
        arrays, optional[KNOWN_SPELLINGS], new = self._cache.split(arrays)
        *found, spelled_NF = self._run(arrays, optional, [*outputs, SPELLINGS])
        self._cache.add(new, spelled_NF)
        return found

    def _run(
        self,
        arrays: Mapping[str, np.ndarray],
        optional: Mapping[str, np.ndarray],
        outputs: Sequence[str],
    ) -> list[np.ndarray]:
        feeds = {_input_name(name): array for name, array in arrays.items()}
        return self._session.run(outputs, {n: feeds[n] for n in self.inputs} | optional)


def open_network(folder: Path, indexer: Indexer, num_labels: int) -> Network:
    """Return the network of an exported folder, after running it on two words.

    Raises:
        InputError: if a file is missing, damaged or of a later version, or does not belong to the
            other files of the folder.
    """
    path = folder / ONNX
    if not path.exists():
        raise InputError(
            f"{folder}: there is no {ONNX}; `seqtag export` makes an exported folder of a model "
            "folder, which seqtag.Tagger loads"
        )
    _check_version(folder / EXPORT)
    network = read_untrusted(path, lambda: Network(path))
    words = [["Try", "\u2603"]]
    arrays = indexer.arrays(words, dict.fromkeys(indexer.features, words))
    known = set(map(_input_name, arrays))
    if unknown := [name for name in network.inputs if name not in known]:
        raise InputError(
            f"{path}: it reads {listed(unknown)}, which this folder's tokenizer.json does not "
            f"give; {DAMAGED}"
        )
    shapes = [(1, 2), (1, 2, num_labels), (1, 2, num_labels)]
    found = read_untrusted(path, lambda: network.run(arrays, [LABELS, MARGINALS, SCORES]))
    if [array.shape for array in found] != shapes or found[0].max() >= num_labels:
        raise InputError(f"{path}: it does not have the labels of labels.json; {DAMAGED}")
    if TRANSITIONS in network.outputs:
        (table,) = read_untrusted(path, lambda: network.run(arrays, [TRANSITIONS]))
        if table.shape != (num_labels + 2, num_labels) or not (table < np.inf).all():
            raise InputError(f"{path}: its transitions are not scores of {num_labels} labels")
        network.chain = Chain.from_table(table)
    return network


def _check_version(path: Path) -> None:
    version = read_object(path).get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f"{path}: 'version' is {version!r}, not a version of seqtag; {DAMAGED}")
    if version > VERSION:
        raise InputError(
            f"{path}: version {version}; this is seqtag {__version__}, which reads versions up to "
            f"{VERSION}: pip install --upgrade seqtag"
        )


@cache
def _input_name(array: str) -> str:
    """Return the name of the input that takes an array: its name without the shape."""
    return array if array.startswith("feature.") else array.rpartition("_")[0]


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Batches run in parallel, each in one thread (see `Tagger.load`).
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # From memory, so that the graph cannot refer to other files.
    content = read_bounded(path, _MOST_BYTES)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # those of the library have no common class
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: onnxruntime cannot load it: {reason}") from None
