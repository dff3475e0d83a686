"""Right answers of a finished training on its test split, by length of sentences and of spans.

S sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seqtag.errors import InputError
from seqtag.labels import spans
from seqtag.metrics.analysis import LENGTHS
from seqtag.metrics.tokens import Slices
from seqtag.model_folder.untrusted import read_untrusted

# Slices of a test split.
ALL, SENTENCE_LENGTH, SPAN_LENGTH = "all", "sentence_length", "span_length"
_SENTENCES = Slices((1, 6, 11, 21, 31, 51))
_SPANS = Slices((1, 2, 3, 4, 6))
assert _SENTENCES.names[:-1] == LENGTHS
SPAN_LENGTHS = _SPANS.names[:-1]


class Tagged(NamedTuple):
    """A sentence with gold and predicted labels; a gold label is None where it is not scored."""

    gold: tuple[str | None, ...]
    predicted: tuple[str, ...]


class Counts(NamedTuple):
    """Right, predicted and gold spans of each sentence; of labels, the last two are equal.

    F1 is 2 right / (predicted + gold), which is the accuracy where these two are equal.
    """

    right_S: np.ndarray
    predicted_S: np.ndarray
    gold_S: np.ndarray

    @property
    def score(self) -> float:
        """F1 or accuracy; nan if there is nothing to count."""
        found = self.predicted_S.sum() + self.gold_S.sum()
        return float(2 * self.right_S.sum() / found) if found else float("nan")


def read_tagged(path: Path) -> list[Tagged]:
    """Return the sentences of a file ``predictions.conll`` that a training has written.

    Raises:
        InputError: for a file that cannot be read, or a line without word, gold and predicted
            label.
    """
    text = read_untrusted(path, lambda: path.read_text(encoding="utf-8"))
    if not text.endswith("\n\n"):
        raise InputError(f"{path}: the file is empty or has no end; train the tagger again")
    sentences: list[Tagged] = []
    rows: list[tuple[str | None, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        columns = line.split(" ")
        if line and len(columns) != 3:
            raise InputError(
                f"{path}:{number}: a word, its gold and its predicted label are expected, "
                f"separated by single spaces, not {line[:60]!r}"
            )
        if line:
            rows.append((None if columns[1] == "_" else columns[1], columns[2]))
        elif rows:
            gold, predicted = zip(*rows, strict=True)
            sentences.append(Tagged(gold, predicted))
            rows = []
    return sentences


def count_slices(sentences: Sequence[Tagged], scheme: str) -> dict[tuple[str, str], Counts]:
    """Return the counts of all sentences, and by length of the sentence and of the span.

    A span counts by its own length: among predicted spans by the predicted one, among gold spans by
    the gold one, which are equal for a right span. Plain labels have no spans.

    Args:
        sentences: the test split with its predictions.
        scheme: the scheme of the labels, ``plain``, ``iob1``, ``bio`` or ``bioes``.

    Returns:
        The counts by (slice, value), such as ("sentence_length", "1-5").
    """
    by_span = np.zeros((len(_SPANS.names), 3, len(sentences)), dtype=np.int64)
    whole = np.zeros((3, len(sentences)), dtype=np.int64)
    long = np.zeros(len(sentences), dtype=np.int64)
    for row, sentence in enumerate(sentences):
        long[row] = _SENTENCES.index(len(sentence.gold))
        if scheme == "plain":
            scored = [pair for pair in zip(*sentence, strict=True) if pair[0] is not None]
            whole[:, row] = (sum(g == p for g, p in scored), len(scored), len(scored))
            continue
        predicted = [None if g is None else p for g, p in zip(*sentence, strict=True)]
        own, found = set(spans(sentence.gold, scheme)), set(spans(predicted, scheme))
        for kind, group in enumerate((own & found, found, own)):
            for span in group:
                by_span[_SPANS.index(span.end - span.start), kind, row] += 1
        whole[:, row] = (len(own & found), len(found), len(own))
    slices = {(ALL, ""): Counts(*whole)}
    for number, name in enumerate(LENGTHS):
        slices[SENTENCE_LENGTH, name] = Counts(*whole * (long == number))
    if scheme != "plain":
        for number, name in enumerate(SPAN_LENGTHS):
            slices[SPAN_LENGTH, name] = Counts(*by_span[number])
    return slices
