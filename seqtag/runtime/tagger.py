"""The tagger of an exported folder, without torch.

Legend: B sentences, T words, K labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from seqtag.cells import CellDescription
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.model_folder.config import CONFIG
from seqtag.model_folder.contents import read_contents
from seqtag.model_folder.hub import resolve_model
from seqtag.model_folder.untrusted import read_untrusted
from seqtag.runtime.decode import Decoder
from seqtag.runtime.network import Network, open_network
from seqtag.runtime.workers import workers
from seqtag.tagging.base import BaseTagger
from seqtag.tagging.results import Decoded, Wanted


class Tagger(BaseTagger):
    """An exported tagger.

        tagger = Tagger.load("exported")
        for sentence in tagger.tag("Alex Graves is going to Paris."):
            print(sentence.spans)

    Threads may share a tagger. It can be pickled and copied; a copy opens the same folder.

    Args:
        network: the exported network.
        indexer: maps words to ids, as in training.
        labels: the label set.
        cell: the recurrent cell: its name and options.
        data: how the training corpus was read, as plain values.
        threads: number of batches that run at the same time.
    """

    def __init__(
        self,
        network: Network,
        indexer: Indexer,
        labels: LabelSet,
        cell: CellDescription,
        data: Mapping[str, Any] | None = None,
        threads: int = 1,
    ) -> None:
        super().__init__(indexer, labels, cell, data)
        self._decoder = Decoder(network)
        self._threads = threads

    @classmethod
    def load(cls, folder: str | Path, threads: int = 1, revision: str | None = None) -> Tagger:
        """Load a folder that `seqtag export` has written; never runs code from it.

        Args:
            folder: the folder, or OWNER/NAME on the Hugging Face hub (see `resolve_model`).
            threads: number of batches of a large call that run at the same time.
            revision: branch, tag or commit of the repository.

        Raises:
            InputError: if a file is missing, damaged or of a newer format.
        """
        if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
            raise InputError(f"threads={threads!r}: must be a whole number of at least 1")
        folder = resolve_model(folder, revision)
        contents = read_contents(folder)
        network = open_network(folder, contents.indexer, len(contents.labels))
        parts = (network, contents.indexer, contents.labels, contents.cell, contents.data, threads)
        tagger = read_untrusted(folder / CONFIG, lambda: cls(*parts))
        tagger.figures = contents.figures
        return tagger

    def _workers(self, batches: int) -> AbstractContextManager[Executor]:
        return workers(min(self._threads, batches))

    def _with_bias(self, scores_K: np.ndarray) -> Tagger:
        tagger = copy(self)
        tagger._decoder = self._decoder.with_bias(scores_K)
        return tagger

    def _decode(self, arrays: Mapping[str, np.ndarray], wanted: Wanted) -> Decoded:
        return self._decoder(arrays, wanted)
