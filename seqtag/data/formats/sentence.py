"""One sentence as every format yields it."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Sentence(NamedTuple):
    """A sentence of a file, for training or for tagging.

    Attributes:
        tokens: its tokens.
        labels: a label each; None is not trained on and not scored. Empty in a file to be tagged.
        features: a list of values for each further input column, in the order of the config.
        doc: number of its document within the file.
        line: line (or row) of the file where it begins, from 1.
        lines: line of each token; empty if all are on `line`.
        text: (to be tagged) raw text in place of tokens.
        id: (to be tagged) what the file calls it.
    """

    tokens: list[str]
    labels: list[str | None]
    features: list[list[str]]
    doc: int
    line: int
    lines: Sequence[int] = ()
    text: str | None = None
    id: Any = None

    def line_of(self, position: int) -> int:
        """Return the line of the token at `position`."""
        return self.lines[position] if self.lines else self.line
