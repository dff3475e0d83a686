"""What every tagger does around its network: from text to arrays of ids, and from ids to spans.

No torch is needed. `seqtag.tagging.tagger` runs the network by torch, `seqtag.runtime` an exported
one by onnxruntime.

Legend: B sentences, T words, K labels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np

from seqtag.cells import CellDescription
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.data.text.split import Sentence, Token, replace_surrogates, split_text
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER, check_tokenizer
from seqtag.errors import InputError
from seqtag.tagging.batches import batches_by_length
from seqtag.tagging.bias import bias_scores
from seqtag.tagging.output import TaggedSentence, tagged_sentence
from seqtag.tagging.probabilities import chosen_probabilities
from seqtag.tagging.sentences import (
    iterate,
    pick_features,
    read_features,
    read_sentences,
    read_tokens,
)

# Number of sentences that `stream` tags together.
_WINDOW = 1024
# By feature, the values of each sentence, one per word; also a data frame or data set.
Features = Mapping[str, Iterable[Iterable[str]]]


class Wanted(NamedTuple):
    """What to compute in addition to labels."""

    probabilities: bool = False
    certainty: bool = False


class Decoded(NamedTuple):
    """What the network returns for a batch, by sentence; None for what is not `Wanted`.

    Attributes:
        ids: the ids of the labels, as many as the sentence has words.
        probabilities: the probability of every label at each word: (T, K).
        certainties: the certainty of the sentence.
    """

    ids: Sequence[list[int]]
    probabilities: Sequence[np.ndarray | None]
    certainties: Sequence[float | None]


class _Result(NamedTuple):
    """The labels of a sentence; the others are None if not requested."""

    labels: list[str]
    probabilities: list[float] | None
    certainty: float | None


class BaseTagger(ABC):
    """Base class of taggers: everything but the network.

    A subclass runs the network on a batch (`_decode`).

    Args:
        indexer: maps words to ids, as in training.
        labels: the label set.
        cell: the recurrent cell: its name and options.
        data: how the training corpus was read, as plain values, to evaluate on other files.
    """

    def __init__(
        self,
        indexer: Indexer,
        labels: LabelSet,
        cell: CellDescription,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.indexer, self.labels = indexer, labels
        self.cell, self.data = cell, data
        self.tokenizer: str = (data or {}).get("tokenizer", DEFAULT_TOKENIZER)
        check_tokenizer(self.tokenizer, "data.tokenizer")
        self.figures: Mapping[str, Any] | None = None
        self.scheme: str | None = None

    @abstractmethod
    def _decode(self, arrays: Mapping[str, np.ndarray], wanted: Wanted) -> Decoded:
        """Run the network on the arrays of `Indexer.arrays`."""

    @abstractmethod
    def _with_bias(self, scores_K: np.ndarray) -> Self:
        """Return a tagger that adds these numbers to the scores of labels."""

    @abstractmethod
    def _workers(self, batches: int) -> AbstractContextManager[Executor]:
        """Return the executor that runs `_decode` on this number of batches."""

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
        return self._tag(read_sentences(text), features, Wanted(probabilities, certainty))

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
        wanted = Wanted(probabilities, certainty)
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
        results = self._run(words, columns, Wanted())
        return [self.labels.rewrite(result.labels, self.scheme) for result in results]

    def with_scheme(self, scheme: str) -> Self:
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
        tagger = copy(self)
        tagger.scheme = scheme
        return tagger

    def with_bias(self, bias: Mapping[str, float], key: str = "bias") -> Self:
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
        return self if scores_K is None else self._with_bias(scores_K)

    def unknown_words(self, words: Iterable[str]) -> list[str]:
        """Return the words, each once, that the tagger has not seen in training."""
        return [word for word in dict.fromkeys(words) if self.indexer.is_unknown(word)]

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
            yield from self._tag(words, columns, Wanted(probabilities), done)
            done += len(words)
        for name, part in features.items():
            if list(islice(part, 1)):
                raise InputError(f"features[{name!r}] has more than the {done} sentences of words")

    def _tag(
        self, words: list[list[str]], features: Any, wanted: Wanted, offset: int = 0
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
        wanted: Wanted,
    ) -> list[_Result]:
        """Return the labels of each sentence, and what else is `wanted`."""
        empty = ([] if wanted.probabilities else None, 1.0 if wanted.certainty else None)
        results = [_Result([], *empty) for _ in sentences]
        batches = list(batches_by_length([len(sentence) for sentence in sentences]))
        with self._workers(len(batches)) as workers:
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

    def _encode(
        self,
        sentences: Sequence[list[str]],
        columns: Mapping[str, Sequence[list[str]]],
        rows: Sequence[int],
    ) -> dict[str, np.ndarray]:
        def select(column: Sequence[list[str]]) -> list[list[str]]:
            return [list(map(replace_surrogates, column[row])) for row in rows]

        features = {name: select(column) for name, column in columns.items()}
        return self.indexer.arrays(select(sentences), features)
