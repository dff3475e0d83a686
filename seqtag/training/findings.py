"""What an evaluation writes: predictions, confusions, and a page of errors."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.files import atomic_file, utf8_bytes, write_text
from seqtag.metrics.analysis import Analysis
from seqtag.metrics.examples import Sentence

log = logging.getLogger("seqtag")

PREDICTIONS, CONFUSION, PAGE = FILES = ("predictions.conll", "confusion.csv", "errors.html")
# The gold label of an unlabelled word.
_UNLABELLED = "_"
# White space inside a word or label would be read as the end of a column.
_BLANK = re.compile(r"\s")
_VISIBLE_BLANK = "\u2581"


class Findings:
    """Writes predictions as they come; confusions and a page of errors at the end.

        with Findings.in_folder(folder, tagger.labels, examples=20) as findings:
            scores = evaluate_split(tagger, corpus, "test", batches, findings=findings)
            findings.write("Errors", scores)

    Args:
        folder: the folder of the files.
        analysis: counts errors.
        predictions: the open file of predictions.
    """

    def __init__(self, folder: Path, analysis: Analysis, predictions: TextIO) -> None:
        self.analysis = analysis
        self._folder, self._predictions = folder, predictions

    @classmethod
    @contextmanager
    def in_folder(cls, folder: Path, labels: LabelSet, examples: int) -> Iterator[Findings]:
        """Yield an object whose file of predictions is complete at the end, or not there at all.

        Args:
            folder: the folder of the files; it is created.
            labels: the labels of the tagger.
            examples: number of sentences that the page shows for each kind of error.

        Raises:
            InputError: if a file cannot be written.
        """
        analysis = Analysis(labels.corpus_labels, labels.corpus_scheme, examples)
        path = folder / PREDICTIONS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (
                atomic_file(path) as aside,
                aside.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
            ):
                yield cls(folder, analysis, file)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error

    def add(self, sentence: Sentence) -> None:
        """Count a sentence and write its predictions."""
        self.analysis.add(sentence)
        self._predictions.write(as_columns(sentence))

    def figures(self) -> dict[str, Any]:
        """Return the figures for ``metrics.json``."""
        return self.analysis.figures()

    def write(self, title: str, scores: Mapping[str, Any]) -> None:
        """Write the confusions and the page of errors; warn of labels unseen in training.

        Raises:
            InputError: if a file cannot be written.
        """
        from seqtag.report.errors_page import errors_page

        write_text(self._folder / CONFUSION, confusion_table(self.analysis))
        page = errors_page(title, self.analysis, scores)
        write_text(self._folder / PAGE, utf8_bytes(page).decode("utf-8"))
        if unseen := self.analysis.unseen:
            log.warning(unseen_note(unseen, scores, self.analysis.spanning))


def model_title(folder: Path) -> str:
    """Return a name for a model folder: a folder called ``model`` has the name of its run."""
    place = folder.resolve()
    return place.parent.name if place.name == "model" and place.parent.name else place.name


def as_columns(sentence: Sentence) -> str:
    """Return a sentence as lines of word, gold and predicted label, and an empty line.

    The columns are separated by single spaces, as conlleval reads them. White space inside a word
    or label becomes "▁", and so does an empty word. An unlabelled word has the gold label "_".
    """
    rows = zip(sentence.tokens, sentence.gold, sentence.predicted, strict=True)
    return "".join(f"{' '.join(map(_column, row))}\n" for row in rows) + "\n"


def _column(value: str | None) -> str:
    if value is None:
        return _UNLABELLED
    return _BLANK.sub(_VISIBLE_BLANK, value) or _VISIBLE_BLANK


def confusion_table(analysis: Analysis) -> str:
    """Return the confusions as comma-separated values, the most frequent first."""
    head = ["gold", "predicted", *(["kind"] if analysis.spanning else []), "count"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    counts = sorted(analysis.confusion.items(), key=lambda item: (-item[1], item[0]))
    writer.writerows([*names, count] for names, count in counts)
    return utf8_bytes(text.getvalue()).decode("utf-8")


def unseen_note(unseen: Mapping[str, int], scores: Mapping[str, Any], spanning: bool) -> str:
    """Return a message that names the labels of a corpus that the tagger cannot predict."""
    what, name = ("spans", "f1") if spanning else ("tokens", "accuracy")
    shown = _listed([f"{label} ({count:,} {what})" for label, count in unseen.items()])
    without = scores["without_unseen_labels"][name]
    return (
        f"labels unseen in training, which this tagger cannot predict: {shown}. They count as "
        f"errors: {name} is {scores[name]:.2%} with them and {without:.2%} without them"
    )


def _listed(names: Collection[str], most: int = 10) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(list(names)[:most]) + more
