"""Tagger: a trained network with all it takes to use it on text.

Legend: B sentences, T words, K labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqtag.data.encode import Encoder
from seqtag.data.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.io.artifact import Parts, load_folder, save_folder
from seqtag.io.output import TaggedSentence, tagged
from seqtag.io.text import Sentence, Token, split_text
from seqtag.io.workers import Workers
from seqtag.model.spellings import Spellings
from seqtag.model.tagger import TaggerNetwork

# A batch holds at most so many words, padding counted, and so many sentences.
_BATCH_TOKENS, _BATCH_SENTENCES = 4096, 128
# Sentences that `stream` looks at together.
_WINDOW = 1024
_SURROGATES = re.compile("[\ud800-\udfff]")

_WORD_TYPES = {str, np.str_}

Features = Mapping[str, Sequence[Sequence[str]]]


class Tagger:
    """A trained tagger.

        tagger = Tagger.load("model")
        for sentence in tagger.tag("Alex Graves is going to Paris."):
            print(sentence.spans)

    Args:
        network: the network; it is set to evaluation mode.
        encoder: words to numbers, as in training.
        labels: the labels.
        cell: the recurrent cell: its name and the fields of its spec.
        data: how the training corpus was read, as plain values, for evaluation on its splits.

    Attributes:
        figures: what training and evaluation measured, if the folder it came from tells.
    """

    def __init__(
        self,
        network: TaggerNetwork,
        encoder: Encoder,
        labels: LabelSet,
        cell: Mapping[str, Any] | str,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.network = network.eval()
        self.encoder, self.labels = encoder, labels
        self.cell, self.data = cell, data
        self.figures: Mapping[str, Any] | None = None
        characters = network.embedding.characters
        self._spellings = None if characters is None else Spellings(characters)

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
        tagger = cls(network, parts.encoder, parts.labels, parts.cell, parts.data)
        tagger.figures = parts.figures
        return tagger

    def save(self, folder: str | Path, figures: Mapping[str, Any] | None = None) -> None:
        """Write a model folder, over an older one at the same place.

        Raises:
            InputError: if the place is taken by something else, or cannot be written.
        """
        figures = self.figures if figures is None else figures
        parts = (self.network, self.encoder, self.labels, self.cell, self.data, figures)
        save_folder(folder, Parts(*parts))

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the input columns that it reads beside the words."""
        return tuple(self.encoder.features)

    def tag(
        self,
        text: str | Sequence[Sequence[str]],
        features: Features | None = None,
        probabilities: bool = False,
    ) -> list[TaggedSentence]:
        """Tag raw text, or sentences that are split into words already.

        Args:
            text: raw text, which is split into sentences and tokens (see `split_text`); or a
                list of sentences, each a list of words.
            features: for each further column that the tagger was trained with, a list of values
                for each sentence. Only for sentences that are split already.
            probabilities: also tell how probable each label is.

        Returns:
            A `TaggedSentence` for each sentence. Offsets are in characters of `text`; sentences
            that came split have none.

        Raises:
            InputError: if a column that the tagger reads is not given, or does not fit.
        """
        if isinstance(text, str):
            return self.tag_sentences(split_text(text), features, probabilities)
        sentences = [Sentence([Token(word) for word in words]) for words in _checked(text)]
        return self.tag_sentences(sentences, features, probabilities)

    def tag_sentences(
        self,
        sentences: Sequence[Sentence],
        features: Features | None = None,
        probabilities: bool = False,
    ) -> list[TaggedSentence]:
        """Tag sentences of `Token`, whose places are carried over to the spans."""
        words = [[token.text for token in sentence.tokens] for sentence in sentences]
        found = self._run(words, features, probabilities)
        scheme = self.labels.corpus_scheme
        return [
            tagged(sentence, labels, scheme, certain)
            for sentence, (labels, certain) in zip(sentences, found, strict=True)
        ]

    def predict(
        self, sentences: Sequence[Sequence[str]], features: Features | None = None
    ) -> list[list[str]]:
        """Return the labels of sentences of words, in the scheme of the corpus: the fast way.

        Raises:
            InputError: as `tag` does.
        """
        return [labels for labels, _ in self._run(_checked(sentences), features, False)]

    def stream(
        self, sentences: Iterable[Sequence[str]], probabilities: bool = False
    ) -> Iterator[TaggedSentence]:
        """Tag any number of sentences of words, holding no more than a thousand at a time."""
        waiting = iter(sentences)
        while window := list(islice(waiting, _WINDOW)):
            yield from self.tag(window, probabilities=probabilities)

    def _run(
        self, sentences: Sequence[Sequence[str]], features: Features | None, probabilities: bool
    ) -> list[tuple[list[str], list[float] | None]]:
        """Return labels and, if asked for, their probabilities by sentence."""
        self._check_features(sentences, features)
        results: list[tuple[list[str], list[float] | None]] = [
            ([], [] if probabilities else None) for _ in sentences
        ]
        batches = list(_batches([len(sentence) for sentence in sentences]))
        with Workers(self.device, len(batches)) as workers:
            waiting = [
                (
                    rows,
                    workers.submit(
                        self._decode, self._encode(sentences, features, rows), probabilities
                    ),
                )
                for rows in batches
            ]
            for rows, running in waiting:
                for row, ids_T, p_TK in zip(rows, *running.result(), strict=True):
                    labels = self.labels.decode(ids_T)
                    results[row] = (labels, None if p_TK is None else self._certainty(labels, p_TK))
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
        ids_BT = self.network.best_labels(emissions_BTK, lengths_B).tolist()
        ids = [ids_T[:length] for ids_T, length in zip(ids_BT, lengths, strict=True)]
        if not probabilities:
            return ids, [None] * len(ids)
        p_BTK = self.network.label_probabilities(emissions_BTK, lengths_B).cpu().numpy()
        return ids, [p_TK[:length] for p_TK, length in zip(p_BTK, lengths, strict=True)]

    def _encode(
        self, sentences: Sequence[Sequence[str]], features: Features | None, rows: Sequence[int]
    ) -> dict[str, torch.Tensor]:
        words = [sentences[row] for row in rows]
        columns = {name: [features[name][row] for row in rows] for name in self.features}
        for strings in (words, *columns.values()):
            _mend_surrogates(strings)
        return self.encoder.encode(words, columns)

    def _check_features(self, sentences: Sequence[Sequence[str]], features: Features | None):
        for name in self.features:
            if features is None or name not in features:
                raise InputError(
                    f"this tagger was trained with the column {name!r} as an input beside the "
                    f"words, and the input has none: give features={{{name!r}: ...}} with words "
                    "that are split already, or train one without it"
                )
            values = features[name]
            if len(values) != len(sentences):
                raise InputError(
                    f"features[{name!r}] has {len(values)} sentences, the words {len(sentences)}"
                )
            for number, (words, given) in enumerate(zip(sentences, values, strict=True)):
                if len(words) != len(given):
                    raise InputError(
                        f"sentence {number + 1}: {len(words)} words, but {len(given)} values of "
                        f"{name!r}"
                    )

    def _certainty(self, labels: Sequence[str], p_TK: np.ndarray) -> list[float]:
        """Return each label's probability: that of all the network's labels that spell it."""
        known = self.labels.labels
        if self.labels.scheme != self.labels.corpus_scheme:
            # bio and bioes tell the same spans: B is B or S of the other, I is I or E.
            known, labels = list(map(_as_bio, known)), list(map(_as_bio, labels))
        columns: dict[str, list[int]] = {}
        for number, label in enumerate(known):
            columns.setdefault(label, []).append(number)
        values = (p_TK[t, columns[label]].sum() for t, label in enumerate(labels))
        return [min(1.0, float(value)) for value in values]


def _checked(sentences: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    for sentence in sentences:
        if isinstance(sentence, str):
            raise InputError(
                "a list of sentences is expected, each a list of words, not a list of strings: "
                "for one sentence of words write [words], for raw text tag(text)"
            )
        if not set(map(type, sentence)) <= _WORD_TYPES:
            raise InputError(f"words are strings, not as in {list(sentence)[:5]!r}")
    return sentences


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


def _mend_surrogates(sentences: list[Sequence[str]]) -> None:
    """Put the replacement character for lone surrogates: they are no text, and have no bytes."""
    text = "".join(chain.from_iterable(sentences))
    if text.isascii() or not _SURROGATES.search(text):
        return
    sentences[:] = [[_SURROGATES.sub("\ufffd", word) for word in words] for words in sentences]


def _as_bio(label: str) -> str:
    return {"S": "B", "E": "I"}.get(label[0], label[0]) + label[1:]
