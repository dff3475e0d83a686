"""Tagger: a trained network with everything that is needed to use it on text.

Legend: B sentences, T words, K labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from seqtag.cells import CellDescription
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.data.text.split import Sentence, Token, replace_surrogates, split_text
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER, check_tokenizer
from seqtag.errors import InputError
from seqtag.inputs.modules.spelling_cache import SpellingCache
from seqtag.model.network import TaggerNetwork
from seqtag.model_folder.folder import CONFIG, Parts, load_folder, save_folder
from seqtag.model_folder.untrusted import read_untrusted
from seqtag.tagging.bias import bias_scores, with_bias
from seqtag.tagging.output import TaggedSentence, tagged_sentence
from seqtag.tagging.scores import (
    check_labels,
    check_scores,
    chosen_probabilities,
    log_certainties,
)
from seqtag.tagging.sentences import (
    iterate,
    pick_features,
    read_features,
    read_sentences,
    read_tokens,
)
from seqtag.tagging.workers import Workers

# Limits of a batch: words including padding, and sentences.
_BATCH_TOKENS, _BATCH_SENTENCES = 4096, 128
# Limits of a batch in `probabilities`.
_PROBABILITY_BATCH = BatchConfig(sentences=128, tokens=16_384)
# Number of sentences that `stream` tags together.
_WINDOW = 1024
# By feature, the values of each sentence, one per word; also a data frame or data set.
Features = Mapping[str, Iterable[Iterable[str]]]


class _Wanted(NamedTuple):
    """What to compute in addition to labels."""

    probabilities: bool = False
    certainty: bool = False


class _Result(NamedTuple):
    """The labels of a sentence; the others are None if not requested."""

    labels: list[str]
    probabilities: list[float] | None
    certainty: float | None


class Tagger:
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
        self.network = network.eval()
        self.indexer, self.labels = indexer, labels
        self.cell, self.data = cell, data
        self.tokenizer: str = (data or {}).get("tokenizer", DEFAULT_TOKENIZER)
        check_tokenizer(self.tokenizer, "data.tokenizer")
        self.figures: Mapping[str, Any] | None = None
        self.scheme: str | None = None
        characters = getattr(network.embedding, "characters", None)
        self._spellings = None if characters is None else SpellingCache(characters)

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu") -> Tagger:
        """Load a model folder; never runs code from it.

        Raises:
            InputError: if a file is missing, damaged or of a newer format, or the device cannot be
                used.
        """
        parts = load_folder(folder)
        try:
            network = parts.network.to(torch.device(device))
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"device {str(device)!r} cannot be used: {error}") from None
        rest = (parts.indexer, parts.labels, parts.cell, parts.data)
        tagger = read_untrusted(Path(folder) / CONFIG, lambda: cls(network, *rest))
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

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the input columns that the tagger reads in addition to the words."""
        return self.indexer.features

    def tag(
        self,
        text: str | Iterable[Iterable[str]],
        features: Features | None = None,
        probabilities: bool = False,
        certainty: bool = False,
    ) -> list[TaggedSentence]:
        """Tag raw text, or sentences of words.

        Args:
            text: raw text, which is split into sentences and tokens (see `split_text`) by the
                tagger's `tokenizer`; or sentences of words, as lists or other iterables (see
                `seqtag.tagging.sentences`).
            features: the values of each column in `features` of the tagger: for each sentence one
                string per word. Only for sentences of words.
            probabilities: also return the probability of each label.
            certainty: also return the certainty of each sentence.

        Returns:
            A `TaggedSentence` for each sentence. Offsets count characters of `text`; sentences of
            words have none.

        Raises:
            InputError: for input of another form, if a column that the tagger reads is missing or
                of another length, or if the tagger's scores are not finite.
        """
        if isinstance(text, str):
            sentences = split_text(str.__str__(text), tokenizer=self.tokenizer)
            return self.tag_sentences(sentences, features, probabilities, certainty)
        return self._tag(read_sentences(text), features, _Wanted(probabilities, certainty))

    def tag_sentences(
        self,
        sentences: Iterable[Sentence],
        features: Features | None = None,
        probabilities: bool = False,
        certainty: bool = False,
    ) -> list[TaggedSentence]:
        """Tag sentences of `Token`, whose offsets are copied to the spans.

        Raises:
            InputError: as `tag` does.
        """
        sentences, words = read_tokens(sentences)
        columns = read_features(features, self.features, words)
        wanted = _Wanted(probabilities, certainty)
        return self._combine(sentences, self._run(words, columns, wanted))

    def predict(
        self, sentences: Iterable[Iterable[str]], features: Features | None = None
    ) -> list[list[str]]:
        """Return only the labels of sentences of words, in the tagger's `scheme`.

        Faster than `tag`, since no spans are built.

        Raises:
            InputError: as `tag` does.
        """
        words = read_sentences(sentences)
        columns = read_features(features, self.features, words)
        results = self._run(words, columns, _Wanted())
        return [self.labels.rewrite(result.labels, self.scheme) for result in results]

    def with_scheme(self, scheme: str) -> Tagger:
        """Return a tagger whose labels are written in another scheme; it shares the weights.

            tagger.with_scheme("bmes").predict(sentences)

        Spans stay the same.

        Args:
            scheme: one of `seqtag.labels.SCHEMES`, or ``corpus``: as the files of the training
                corpus wrote the labels.

        Raises:
            InputError: for an unknown scheme, or one that cannot express the labels.
        """
        self.labels.check_output(scheme)
        tagger = Tagger(self.network, self.indexer, self.labels, self.cell, self.data)
        tagger.figures, tagger.tokenizer, tagger.scheme = self.figures, self.tokenizer, scheme
        return tagger

    def with_bias(self, bias: Mapping[str, float], key: str = "bias") -> Tagger:
        """Return a tagger that finds some labels more readily, or less; it shares the weights.

            tagger.with_bias({"PER": 2.0}).tag(text)  # more persons: more recall, less precision

        At each token, the odds of the labels of a type are multiplied by its factor. With a CRF,
        so are the odds of a sequence of labels, for each token that has the type in it.

        Args:
            bias: factors by span type or ``O``; by label if the labels are plain. 1 is neutral.
            key: the setting, for messages.

        Raises:
            InputError: for an unknown type or label, or a factor that is not a positive number.
        """
        scores_K = bias_scores(self.labels, bias, key)
        if scores_K is None:
            return self
        network = with_bias(self.network, scores_K)
        tagger = Tagger(network, self.indexer, self.labels, self.cell, self.data)
        tagger.figures, tagger.tokenizer, tagger.scheme = self.figures, self.tokenizer, self.scheme
        return tagger

    def unknown_words(self, words: Iterable[str]) -> list[str]:
        """Return the words, each once, that the tagger has not seen in training."""
        return [word for word in dict.fromkeys(words) if self.indexer.is_unknown(word)]

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

    def stream(
        self,
        sentences: Iterable[Iterable[str]],
        probabilities: bool = False,
        features: Features | None = None,
    ) -> Iterator[TaggedSentence]:
        """Tag an iterable of sentences of words lazily, about a thousand at a time.

        The values of `features` may be iterators too; they are read together with the sentences.

        Raises:
            InputError: as `tag` does; for a wrong sentence when the iteration reaches it.
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
            yield from self._tag(words, columns, _Wanted(probabilities), done)
            done += len(words)
        for name, part in features.items():
            if list(islice(part, 1)):
                raise InputError(f"features[{name!r}] has more than the {done} sentences of words")

    def _tag(
        self, words: list[list[str]], features: Any, wanted: _Wanted, offset: int = 0
    ) -> list[TaggedSentence]:
        columns = read_features(features, self.features, words, offset)
        sentences = [Sentence([Token(word) for word in row]) for row in words]
        return self._combine(sentences, self._run(words, columns, wanted))

    def _combine(
        self, sentences: Sequence[Sentence], results: Sequence[_Result]
    ) -> list[TaggedSentence]:
        scheme = self.labels.corpus_scheme
        tagged = [
            tagged_sentence(sentence, labels, scheme, probabilities, certainty)
            for sentence, (labels, probabilities, certainty) in zip(sentences, results, strict=True)
        ]
        if self.scheme is None:
            return tagged
        return [
            replace(sentence, labels=tuple(self.labels.rewrite(sentence.labels, self.scheme)))
            for sentence in tagged
        ]

    def _run(
        self,
        sentences: list[list[str]],
        columns: Mapping[str, list[list[str]]],
        wanted: _Wanted,
    ) -> list[_Result]:
        """Return the labels of each sentence, and what else is `wanted`."""
        empty = ([] if wanted.probabilities else None, 1.0 if wanted.certainty else None)
        results = [_Result([], *empty) for _ in sentences]
        batches = list(_batches([len(sentence) for sentence in sentences]))
        with Workers(self.device, len(batches)) as workers:
            waiting = [
                (
                    rows,
                    workers.submit(self._decode, self._encode(sentences, columns, rows), wanted),
                )
                for rows in batches
            ]
            for rows, running in waiting:
                for row, ids_T, p_TK, certainty in zip(rows, *running.result(), strict=True):
                    labels = self.labels.decode(ids_T)
                    probabilities_T = (
                        None if p_TK is None else chosen_probabilities(self.labels, labels, p_TK)
                    )
                    results[row] = _Result(labels, probabilities_T, certainty)
        return results

    @torch.inference_mode()
    def _decode(
        self, inputs: Mapping[str, torch.Tensor], wanted: _Wanted
    ) -> tuple[list[list[int]], list[np.ndarray | None], list[float | None]]:
        """Return label ids, probabilities (T, K) and certainty of each sentence."""
        lengths = inputs["lengths_B"].tolist()
        inputs = {name: tensor.to(self.device) for name, tensor in inputs.items()}
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
        return ids, probabilities, certainties

    def _encode(
        self,
        sentences: Sequence[list[str]],
        columns: Mapping[str, Sequence[list[str]]],
        rows: Sequence[int],
    ) -> dict[str, torch.Tensor]:
        def select(column: Sequence[list[str]]) -> list[list[str]]:
            return [list(map(replace_surrogates, column[row])) for row in rows]

        features = {name: select(column) for name, column in columns.items()}
        return self.indexer.encode(select(sentences), features)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of row numbers, longest sentences first; empty sentences are left out."""
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
