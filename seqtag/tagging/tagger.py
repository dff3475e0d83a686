"""Tagger: a trained network with everything that is needed to use it on text.

Legend: B sentences, T words, K labels.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from seqtag.cells import CellDescription
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.inputs.modules.spelling_cache import SpellingCache
from seqtag.model.network import TaggerNetwork
from seqtag.model_folder.folder import CONFIG, Parts, load_folder, save_folder
from seqtag.model_folder.hub import resolve_model
from seqtag.model_folder.untrusted import read_untrusted
from seqtag.tagging.base import BaseTagger
from seqtag.tagging.results import Decoded, Wanted
from seqtag.tagging.scores import best_paths, check_labels, check_scores, log_certainties
from seqtag.tagging.workers import Workers

# Limits of a batch in `probabilities`.
_PROBABILITY_BATCH = BatchConfig(sentences=128, tokens=16_384)


class Tagger(BaseTagger):
    """A trained tagger.

        tagger = Tagger.load("model")
        for sentence in tagger.tag("Alex Graves is going to Paris."):
            print(sentence.spans)

        tagger.predict([["Alex", "left", "."]])  # words in, labels out: [["B-PER", "O", "O"]]

    Threads may share a tagger. It can be pickled and copied, e.g. for a pool of processes: a copy
    contains the weights and the vocabularies, but no cached results.

    Args:
        network: the network; it is set to evaluation mode.
        indexer: maps words to ids, as in training.
        labels: the label set.
        cell: the recurrent cell: its name and options.
        data: how the training corpus was read, as plain values, to evaluate on other files.

    Attributes:
        tokenizer: how `tag` splits raw text into tokens, as the training corpus was split.
        figures: the figures of training and evaluation in the model folder; None if unknown.
        scheme: the scheme of the labels that are returned (see `with_scheme`); None: as the
            training corpus is stored, bio or bioes.
    """

    def __init__(
        self,
        network: TaggerNetwork,
        indexer: Indexer,
        labels: LabelSet,
        cell: CellDescription,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(indexer, labels, cell, data)
        self.network = network.eval()
        characters = getattr(network.embedding, "characters", None)
        self._spellings = None if characters is None else SpellingCache(characters)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str | torch.device = "cpu",
        revision: str | None = None,
    ) -> Tagger:
        """Load a model folder, or OWNER/NAME from the Hugging Face hub; never runs code from it.

            Tagger.load("OWNER/NAME", revision="v1")

        Args:
            folder: the model folder, or the name of a repository (see `resolve_model`).
            device: the device of the network.
            revision: branch, tag or commit of the repository.

        Raises:
            InputError: if a file is missing, damaged or of a newer format, or the device cannot be
                used.
        """
        folder = resolve_model(folder, revision)
        parts = load_folder(folder)
        try:
            network = parts.network.to(torch.device(device))
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"device {str(device)!r} cannot be used: {error}") from None
        rest = (parts.indexer, parts.labels, parts.cell, parts.data)
        tagger = read_untrusted(folder / CONFIG, lambda: cls(network, *rest))
        tagger.figures = parts.figures
        return tagger

    def save(self, folder: str | Path, figures: Mapping[str, Any] | None = None) -> None:
        """Write a model folder atomically, in place of an older one.

        Args:
            folder: path of the model folder.
            figures: figures for the model card; by default those of the tagger.

        Raises:
            InputError: if something else is at that path, or it cannot be written.
        """
        figures = self.figures if figures is None else figures
        parts = (self.network, self.indexer, self.labels, self.cell, self.data, figures)
        save_folder(folder, Parts(*parts))

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next(self.network.parameters()).device

    def read(
        self,
        sentences: Sequence[Sequence[str]],
        features: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return the input tensors of the network for a batch of sentences, on its device.

        Raises:
            InputError: if a column that the tagger reads is missing or of another length.
        """
        inputs = self.indexer.encode(sentences, features)
        return {name: tensor.to(self.device) for name, tensor in inputs.items()}

    @torch.inference_mode()
    def probabilities(
        self, sentences: Sequence[Sequence[str]]
    ) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Yield the probabilities of all labels at each word, in batches of similar length.

        Each item is a list of B indices of sentences, and their probabilities: a CPU tensor of
        shape (B, T, K), which is 0 after the end of a sentence.
        """
        lengths = np.array([len(words) for words in sentences])
        for rows in BatchOrder(lengths, _PROBABILITY_BATCH, shuffle=False):
            inputs = self.read([sentences[row] for row in rows])
            yield rows, self.network.eval().probabilities(inputs).cpu()

    def _workers(self, batches: int) -> Workers:
        return Workers(self.device, batches)

    def _with_bias(self, scores_K: np.ndarray) -> Tagger:
        network = copy.copy(self.network)
        network._modules = dict(network._modules)
        network.projection = projection = copy.copy(network.projection)
        projection._parameters = dict(projection._parameters)
        bias_K = projection.bias.detach()
        projection.bias = nn.Parameter(bias_K + torch.from_numpy(scores_K).to(bias_K))
        tagger = copy.copy(self)
        tagger.network = network.eval()
        return tagger

    @torch.inference_mode()
    def _decode(self, arrays: Mapping[str, np.ndarray], wanted: Wanted) -> Decoded:
        lengths = arrays["lengths_B"].tolist()
        inputs = {name: torch.from_numpy(array).to(self.device) for name, array in arrays.items()}
        if self._spellings is not None and self.device.type == "cpu":
            inputs["spelled_UF"] = self._spellings(inputs["characters_UW"])
        emissions_BTK, lengths_B = self.network(inputs), inputs["lengths_B"]
        check_scores(self.network, emissions_BTK)
        ids_BT = self.network.best_labels(emissions_BTK, lengths_B)
        check_labels(ids_BT, lengths)
        ids = [ids_T[:length] for ids_T, length in zip(ids_BT.tolist(), lengths, strict=True)]
        probabilities: list[np.ndarray | None] = [None] * len(ids)
        certainties: list[float | None] = [None] * len(ids)
        if wanted.probabilities:
            p_BTK = self.network.label_probabilities(emissions_BTK, lengths_B).cpu().numpy()
            probabilities = [p_TK[:length] for p_TK, length in zip(p_BTK, lengths, strict=True)]
        if wanted.certainty:
            log_p_B = log_certainties(self.network, emissions_BTK, ids_BT, lengths_B)
            certainties = log_p_B.exp().tolist()
        paths = None
        if wanted.alternatives:
            paths = best_paths(self.network, emissions_BTK, lengths_B, wanted.alternatives)
        return Decoded(ids, probabilities, certainties, paths)
