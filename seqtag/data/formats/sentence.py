"""One sentence as every reader yields it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Sentence(NamedTuple):
    """A sentence on its way from a file to Arrow.

    Attributes:
        tokens: its tokens.
        labels: a label each; None is not trained on and not scored.
        features: a list of values for each further input column, in the order of the config.
        doc: number of its document within the file.
        line: line (or row) of the file where it begins, from 1.
        lines: line of each token; empty if all are on `line`.
    """

    tokens: list[str]
    labels: list[str | None]
    features: list[list[str]]
    doc: int
    line: int
    lines: Sequence[int] = ()

    def line_of(self, position: int) -> int:
        """Return the line of the token at `position`."""
        return self.lines[position] if self.lines else self.line
