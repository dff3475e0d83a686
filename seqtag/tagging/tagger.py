"""Tagger: a trained network with all it takes to use it on text.

Legend: B sentences, T words, K labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqtag.cells import CellDescription
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.inputs.modules.spelling_cache import SpellingCache
from seqtag.model.network import TaggerNetwork
from seqtag.model_folder.folder import Parts, load_folder, save_folder
from seqtag.tagging.output import TaggedSentence, tagged_sentence
from seqtag.tagging.scores import check_labels, check_scores, chosen_probabilities
from seqtag.tagging.sentences import (
    iterate,
    pick_features,
    read_features,
    read_sentences,
    read_tokens,
)
from seqtag.tagging.text import Sentence, Token, replace_surrogates, split_text
from seqtag.tagging.workers import Workers

# A batch holds at most so many words, padding counted, and so many sentences.
_BATCH_TOKENS, _BATCH_SENTENCES = 4096, 128
# A batch of `probabilities`.
_JUDGED = BatchConfig(sentences=128, tokens=16_384)
# Sentences that `stream` tags together.
_WINDOW = 1024
# Of each word, in sentences; also a data frame or data set with such columns.
Features = Mapping[str, Iterable[Iterable[str]]]


class Tagger:
    """A trained tagger.

        tagger = Tagger.load("model")
        for sentence in tagger.tag("Alex Graves is going to Paris."):
            print(sentence.spans)

    Threads may share a tagger. It can be pickled and copied, for a pool of processes say: a copy
    holds the weights and the vocabularies, and nothing that was remembered of texts.

    Args:
        network: the network; it is set to evaluation mode.
        indexer: words to numbers, as in training.
        labels: the labels.
        cell: the recurrent cell: its name and the fields of its spec.
        data: how the training corpus was read, as plain values, for evaluation on its splits.

    Attributes:
        figures: what training and evaluation measured, if the folder it came from tells.
    """

    def __init__(
        self,
        network: TaggerNetwork,
        indexer: Indexer,
        labels: LabelSet,
        cell: CellDescription,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.network = network.eval()
        self.indexer, self.labels = indexer, labels
        self.cell, self.data = cell, data
        self.figures: Mapping[str, Any] | None = None
        characters = getattr(network.embedding, "characters", None)
        self._spellings = None if characters is None else SpellingCache(characters)

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu") -> Tagger:
        """Load a model folder. Nothing in it can run code.

        Raises:
            InputError: if a file is missing, damaged or of a later format, or there is no such
                device.
        """
        parts = load_folder(folder)
        try:
            network = parts.network.to(torch.device(device))
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"device {str(device)!r} cannot be used: {error}") from None
        tagger = cls(network, parts.indexer, parts.labels, parts.cell, parts.data)
        tagger.figures = parts.figures
        return tagger

    def save(self, folder: str | Path, figures: Mapping[str, Any] | None = None) -> None:
        """Write a model folder, over an older one at the same place.

        Raises:
            InputError: if the place is taken by something else, or cannot be written.
        """
        figures = self.figures if figures is None else figures
        parts = (self.network, self.indexer, self.labels, self.cell, self.data, figures)
        save_folder(folder, Parts(*parts))

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the input columns that it reads beside the words."""
        return self.indexer.features

    def tag(
        self,
        text: str | Iterable[Iterable[str]],
        features: Features | None = None,
        probabilities: bool = False,
    ) -> list[TaggedSentence]:
        """Tag raw text, or sentences that are split into words already.

        Args:
            text: raw text, which is split into sentences and tokens (see `split_text`); or
                sentences, each of words: lists, or any other iterables (see `io.inputs`).
            features: for each further column that the tagger was trained with, the values of
                each sentence. Only for sentences that are split already.
            probabilities: also return how probable each label is.

        Returns:
            A `TaggedSentence` for each sentence. Offsets are in characters of `text`; sentences
            that came split have none.

        Raises:
            InputError: for what is not sentences of words, if a column that the tagger reads is
                not given or does not fit, or if the tagger has no finite scores for its labels.
        """
        if isinstance(text, str):
            return self.tag_sentences(split_text(str.__str__(text)), features, probabilities)
        return self._tag(read_sentences(text), features, probabilities)

    def tag_sentences(
        self,
        sentences: Iterable[Sentence],
        features: Features | None = None,
        probabilities: bool = False,
    ) -> list[TaggedSentence]:
        """Tag sentences of `Token`, whose places are carried over to the spans.

        Raises:
            InputError: as `tag` does.
        """
        sentences, words = read_tokens(sentences)
        columns = read_features(features, self.features, words)
        return self._combine(sentences, self._run(words, columns, probabilities))

    def predict(
        self, sentences: Iterable[Iterable[str]], features: Features | None = None
    ) -> list[list[str]]:
        """Return the labels of sentences of words, in the scheme of the corpus: the fast way.

        Raises:
            InputError: as `tag` does.
        """
        words = read_sentences(sentences)
        columns = read_features(features, self.features, words)
        return [labels for labels, _ in self._run(words, columns, False)]

    def read(
        self,
        sentences: Sequence[Sequence[str]],
        features: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return what the network reads of a batch of sentences of words, on its device.

        Raises:
            InputError: if a column that the tagger reads is not given or does not fit.
        """
        inputs = self.indexer.encode(sentences, features)
        return {name: tensor.to(self.device) for name, tensor in inputs.items()}

    @torch.inference_mode()
    def probabilities(
        self, sentences: Sequence[Sequence[str]]
    ) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Yield how probable each label is at each word, for batches of similar lengths.

        With the numbers of a batch's sentences comes (B, T, K), on the CPU, 0 behind the end.
        """
        lengths = np.array([len(words) for words in sentences])
        for rows in BatchOrder(lengths, _JUDGED, shuffle=False):
            inputs = self.read([sentences[row] for row in rows])
            yield rows, self.network.eval().probabilities(inputs).cpu()

    def stream(
        self,
        sentences: Iterable[Iterable[str]],
        probabilities: bool = False,
        features: Features | None = None,
    ) -> Iterator[TaggedSentence]:
        """Tag any number of sentences of words, holding no more than a thousand at a time.

        `features` are iterables as well, and are read side by side with the sentences.

        Raises:
            InputError: as `tag` does; for a sentence that cannot be read after those before it.
        """
        columns = pick_features(features, self.features)
        waiting = {name: iterate(column, name) for name, column in columns.items()}
        return self._stream(iterate(sentences, None), waiting, probabilities)

    def _stream(
        self, sentences: Iterator[Any], features: Mapping[str, Iterator[Any]], probabilities: bool
    ) -> Iterator[TaggedSentence]:
        done = 0
        while window := list(islice(sentences, _WINDOW)):
            words = read_sentences(window, done)
            columns = {name: list(islice(part, len(words))) for name, part in features.items()}
            yield from self._tag(words, columns, probabilities, done)
            done += len(words)
        for name, part in features.items():
            if list(islice(part, 1)):
                raise InputError(f"features[{name!r}] has more sentences than the words ({done})")

    def _tag(
        self, words: list[list[str]], features: Any, probabilities: bool, offset: int = 0
    ) -> list[TaggedSentence]:
        columns = read_features(features, self.features, words, offset)
        sentences = [Sentence([Token(word) for word in row]) for row in words]
        return self._combine(sentences, self._run(words, columns, probabilities))

    def _combine(
        self,
        sentences: Sequence[Sentence],
        found: Sequence[tuple[list[str], list[float] | None]],
    ) -> list[TaggedSentence]:
        scheme = self.labels.corpus_scheme
        return [
            tagged_sentence(sentence, labels, scheme, certain)
            for sentence, (labels, certain) in zip(sentences, found, strict=True)
        ]

    def _run(
        self,
        sentences: list[list[str]],
        columns: Mapping[str, list[list[str]]],
        probabilities: bool,
    ) -> list[tuple[list[str], list[float] | None]]:
        """Return labels and, if asked for, their probabilities by sentence."""
        results: list[tuple[list[str], list[float] | None]] = [
            ([], [] if probabilities else None) for _ in sentences
        ]
        batches = list(_batches([len(sentence) for sentence in sentences]))
        with Workers(self.device, len(batches)) as workers:
            waiting = [
                (
                    rows,
                    workers.submit(
                        self._decode, self._encode(sentences, columns, rows), probabilities
                    ),
                )
                for rows in batches
            ]
            for rows, running in waiting:
                for row, ids_T, p_TK in zip(rows, *running.result(), strict=True):
                    labels = self.labels.decode(ids_T)
                    probabilities_T = (
                        None if p_TK is None else chosen_probabilities(self.labels, labels, p_TK)
                    )
                    results[row] = (labels, probabilities_T)
        return results

    @torch.inference_mode()
    def _decode(
        self, inputs: Mapping[str, torch.Tensor], probabilities: bool
    ) -> tuple[list[list[int]], list[np.ndarray | None]]:
        """Return each sentence's label ids and, if asked for, probabilities (T, K)."""
        lengths = inputs["lengths_B"].tolist()
        inputs = {name: tensor.to(self.device) for name, tensor in inputs.items()}
        if self._spellings is not None and self.device.type == "cpu":
            inputs["spelled_UF"] = self._spellings(inputs["characters_UW"])
        emissions_BTK, lengths_B = self.network(inputs), inputs["lengths_B"]
        check_scores(self.network, emissions_BTK)
        ids_BT = self.network.best_labels(emissions_BTK, lengths_B)
        check_labels(ids_BT, lengths)
        ids = [ids_T[:length] for ids_T, length in zip(ids_BT.tolist(), lengths, strict=True)]
        if not probabilities:
            return ids, [None] * len(ids)
        p_BTK = self.network.label_probabilities(emissions_BTK, lengths_B).cpu().numpy()
        return ids, [p_TK[:length] for p_TK, length in zip(p_BTK, lengths, strict=True)]

    def _encode(
        self,
        sentences: Sequence[list[str]],
        columns: Mapping[str, Sequence[list[str]]],
        rows: Sequence[int],
    ) -> dict[str, torch.Tensor]:
        def text(given: Sequence[list[str]]) -> list[list[str]]:
            return [list(map(replace_surrogates, given[row])) for row in rows]

        chosen = {name: text(column) for name, column in columns.items()}
        return self.indexer.encode(text(sentences), chosen)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield rows of similar length, the longest first; rows of empty sentences are left out."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if not lengths[row]:
            break
        longest = lengths[batch[0]] if batch else 0
        if len(batch) == _BATCH_SENTENCES or longest * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
