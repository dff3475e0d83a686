"""The sentence type that all formats yield."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


def labels_without(mark: str | None, labels: Sequence[Any]) -> list[Any]:
    """Return labels with None in place of `mark`, the label of tokens that have none."""
    return [None if label == mark else label for label in labels]


class Remark(NamedTuple):
    """A fact about a record, for the notes on a corpus.

    Attributes:
        message: the fact, in the plural: "spans that cut a token, left out". Equal messages are
            counted.
        where: the place of the record.
        example: what it is about, such as the text of a span; "" for nothing.
        is_problem: whether it is a mistake that `seqtag check` lists.
        counted: whether the notes say how often it occurs.
    """

    message: str
    where: str
    example: str = ""
    is_problem: bool = False
    counted: bool = True


class InputLines(NamedTuple):
    """The lines of a sentence to be tagged, which an output in the same format copies.

    Attributes:
        format: name of the format.
        fields: names of the columns.
        lines: line numbers and texts of all lines, comments included.
        words: line number of each token; the other lines have none.
        separator: (column) separator between cells; None: spaces and tabs.
        rest: (column) the lines after the last sentence of the file; empty until all is read.
    """

    format: str
    fields: tuple[str, ...]
    lines: list[tuple[int, str]]
    words: Sequence[int]
    separator: str | None = None
    rest: Sequence[tuple[int, str]] = ()


class Sentence(NamedTuple):
    """A sentence of a file, for training or for tagging.

        Sentence(["He", "lives"], ["PRON", "VERB"], features=[], doc=0, line=1)

    Attributes:
        tokens: its tokens.
        labels: a label per token; None is not trained on or scored. Empty in files to be tagged.
        features: a list of values for each feature column, in the order of the config.
        doc: number of its document within the file, from 0.
        line: line (or row) of the file where it begins, from 1.
        lines: line of each token; empty if all are on `line`.
        text: (only for tagging) raw text instead of tokens.
        id: (only for tagging) its id in the file.
        meta: (only for tagging) further data of the record, as JSON values.
        place: its place for messages, if it is not a line of the file that is read.
        remarks: facts about its record; a sentence without tokens may exist only for them.
        source: (only for tagging) its lines, if the format keeps them.
    """

    tokens: list[str]
    labels: list[str | None]
    features: list[list[str]]
    doc: int
    line: int
    lines: Sequence[int] = ()
    text: str | None = None
    id: Any = None
    meta: Mapping[str, Any] | None = None
    place: str | None = None
    remarks: tuple[Remark, ...] = ()
    source: InputLines | None = None

    def line_of(self, position: int) -> int:
        """Return the line of the token at `position`."""
        return self.lines[position] if self.lines else self.line
