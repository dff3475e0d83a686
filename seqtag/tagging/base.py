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
from itertools import islice
from typing import Annotated, Any, Self

import numpy as np

from seqtag.cells import CellDescription
from seqtag.checks import AtLeast, AtMost, checked
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.data.text.split import Sentence, Token, replace_surrogates, split_text
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER, check_tokenizer
from seqtag.errors import InputError
from seqtag.tagging.batches import batches_by_length
from seqtag.tagging.bias import bias_scores
from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.results import MOST_LISTED, Decoded, LabelPath, Result, Wanted, combine
from seqtag.tagging.sentences import (
    iterate,
    pick_features,
    read_features,
    read_sentences,
    read_tokens,
)

# Number of sentences that `stream` tags together.
_WINDOW = 1024
# The result for a sentence without words.
_EMPTY = Result([], np.zeros((0, 0)), 1.0, [LabelPath([], 1.0)])
# By feature, the values of each sentence, one per word; also a data frame or data set.
Features = Mapping[str, Iterable[Iterable[str]]]


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
        alternatives: int = 0,
        top_labels: int = 0,
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
            alternatives: also return this many sequences of labels for each sentence, the most
                probable first, with their probabilities.
            top_labels: also return this many labels for each token, the most probable first, with
                their probabilities.

        Returns:
            A `TaggedSentence` for each sentence. Offsets count characters of `text`; sentences of
            words have none.

        Raises:
            InputError: for input of another form, if a column that the tagger reads is missing or
                of another length, or if the tagger's scores are not finite.
        """
        wanted = (probabilities, certainty, alternatives, top_labels)
        if isinstance(text, str):
            sentences = split_text(str.__str__(text), tokenizer=self.tokenizer)
            return self.tag_sentences(sentences, features, *wanted)
        return self._tag(read_sentences(text), features, _wanted(*wanted))

    def tag_sentences(
        self,
        sentences: Iterable[Sentence],
        features: Features | None = None,
        probabilities: bool = False,
        certainty: bool = False,
        alternatives: int = 0,
        top_labels: int = 0,
    ) -> list[TaggedSentence]:
        """Tag sentences of `Token`, whose offsets are copied to the spans.

        Raises:
            InputError: as `tag` does.
        """
        sentences, words = read_tokens(sentences)
        columns = read_features(features, self.features, words)
        wanted = _wanted(probabilities, certainty, alternatives, top_labels)
        return self._combine(sentences, self._run(words, columns, wanted), wanted)

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
        labels = (self.labels.decode(result.ids) for result in self._run(words, columns, Wanted()))
        return [self.labels.rewrite(one, self.scheme) for one in labels]

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
        return self._combine(sentences, self._run(words, columns, wanted), wanted)

    def _combine(
        self, sentences: Sequence[Sentence], results: Sequence[Result], wanted: Wanted
    ) -> list[TaggedSentence]:
        return [
            combine(sentence, result, self.labels, self.scheme, wanted)
            for sentence, result in zip(sentences, results, strict=True)
        ]

    def _run(
        self,
        sentences: list[list[str]],
        columns: Mapping[str, list[list[str]]],
        wanted: Wanted,
    ) -> list[Result]:
        """Return the labels of each sentence, and what else is `wanted`."""
        results = [_EMPTY] * len(sentences)
        if wanted.top_labels:
            wanted = wanted._replace(probabilities=True)
        batches = list(batches_by_length([len(sentence) for sentence in sentences]))
        with self._workers(len(batches)) as workers:
            running = [
                workers.submit(self._decode, self._encode(sentences, columns, rows), wanted)
                for rows in batches
            ]
            for rows, batch in zip(batches, running, strict=True):
                decoded = batch.result()
                paths = decoded.paths or [()] * len(rows)
                for row, *parts in zip(rows, *decoded[:3], paths, strict=True):
                    results[row] = Result(*parts)
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


def _wanted(probabilities: bool, certainty: bool, alternatives: int, top_labels: int) -> Wanted:
    """Return what is wanted in addition to labels.

    Raises:
        InputError: for a wrong number.
    """
    for name, number in (("alternatives", alternatives), ("top_labels", top_labels)):
        checked(number, Annotated[int, AtLeast(0), AtMost(MOST_LISTED)], name)
    return Wanted(probabilities, certainty, alternatives, top_labels)
