"""Tagged sentences as a table for spreadsheets: CSV with a row per token."""

import csv
import io

from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.readers import Item
from seqtag.tagging.unknown_words import UnknownWords
from seqtag.tagging.writer import Writer


class Spreadsheet(Writer):
    """CSV with a header, and a row per token.

    Sentences are numbered from 1; one without tokens has a number, but no row. ``start`` and
    ``end`` are empty if the input was words.

    Args:
        probabilities: whether to write the column ``probability``.
        unknown: how words that are unknown from training are marked in a further column; None: no
            such column.
    """

    def __init__(self, probabilities: bool, unknown: UnknownWords | None) -> None:
        self._probabilities, self._unknown = probabilities, unknown
        self._number = 0

    def begin(self) -> str:
        """Return the header."""
        header = ["sentence", "token", "label", "start", "end"]
        header += ["probability"] * self._probabilities
        header += ["unknown"] * (self._unknown is not None)
        return _rows([header])

    def sentence(self, sentence: TaggedSentence, item: Item) -> str:
        """Return a row for each token."""
        self._number += 1
        rows = []
        for place, (token, label) in enumerate(zip(sentence.tokens, sentence.labels, strict=True)):
            row = [self._number, token.text, label, token.start, token.end]
            if sentence.probabilities is not None:
                row.append(f"{sentence.probabilities[place]:.6f}")
            if self._unknown is not None:
                row.append(self._unknown.mark_of(token.text))
            rows.append(row)
        return _rows(rows)


def _rows(rows: list[list]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
