"""What the columns of a file are: as a corpus was trained on, or as `seqtag tag` finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from seqtag.data.config import REST, SKIP, CorpusConfig
from seqtag.errors import InputError, did_you_mean

# What messages call the separators that have a name.
SEPARATORS = {
    None: "null (spaces and tabs)",
    "\t": "tab",
    " ": "space",
    ",": "comma",
    ";": "semicolon",
}


@dataclass(frozen=True)
class Layout:
    """The columns of a file and how they are told apart.

    Attributes:
        columns: (column) a name for each, as `CorpusConfig.columns` has them.
        token_column: the one with the tokens.
        label_column: the one with the labels; None where there are none to be read.
        features: further ones to be read.
        separator: (column) what stands between cells; None: spaces and tabs.
        comment: (column) how lines to be skipped begin.
        document_marker: (column) how a new document begins.
        absent: the value of a feature that a token lacks.
        settings: the name of the setting of a key in messages, as a format string.
        whose: what messages say before the number of columns.
        missing: what messages say of a column that is not there, after which there are.
        shorter: (column) what a file may have in place of `columns`, by its first row.
        presumed: (column) nobody said what stands between the cells: a row that comes out
            differently with tabs alone is refused.
    """

    columns: tuple[str, ...]
    token_column: str
    label_column: str | None = None
    features: tuple[str, ...] = ()
    separator: str | None = None
    comment: str | None = None
    document_marker: str | None = None
    absent: str = "_"
    settings: str = "data.{}"
    whose: str = "data.columns has"
    missing: str = ". Set data.{}"
    shorter: tuple[tuple[str, ...], ...] = ()
    presumed: bool = False

    @classmethod
    def of(cls, config: CorpusConfig) -> Layout:
        """Return the layout of a corpus."""
        return cls(
            *(config.columns, config.token_column, config.label_column, config.features),
            *(config.separator, config.comment, config.document_marker, config.absent),
        )

    def setting(self, key: str) -> str:
        """Return what sets a key: ``data.columns``, ``--columns``."""
        return self.settings.format(key)

    def require(self, there: list[str], where: str) -> None:
        """Raise an InputError if a column to be read is not among `there`."""
        wanted = [("token_column", self.token_column), ("label_column", self.label_column)]
        wanted += [("features", feature) for feature in self.features]
        for key, column in wanted:
            if column is not None and column not in there:
                raise InputError(
                    f"{where}: no column {column!r}{did_you_mean(str(column), there)}; there are: "
                    f"{', '.join(there) or 'none'}{self.missing.format(key)}"
                )

    def unlabelled(self, labels: str | None) -> Layout:
        """Return the layout for a file to be tagged, which may lack columns that are not read.

        Its first row has all columns, or all but that of the `labels`, or those alone that are
        read: the tokens and the features.
        """
        read = (self.token_column, *self.features)
        without = tuple(name for name in self.columns if name not in (labels, REST))
        alone = tuple(name for name in self.columns if name in read)
        shapes = dict.fromkeys((without, alone))
        shorter = tuple(shape for shape in shapes if shape != self.columns)
        return replace(self, label_column=None, shorter=shorter)


def splitter(separator: str | None) -> Callable[[str], list[str]]:
    """Return the function that cuts a line into cells."""
    if separator is not None:
        return lambda line: line.split(separator)
    return split_at_blanks


def split_at_blanks(line: str) -> list[str]:
    """Return the parts of a line between spaces and tabs."""
    # Not str.split(): it would also split at U+0085, U+2028, no-break spaces and separators.
    return [cell for cell in line.replace("\t", " ").split(" ") if cell]


def width_of(columns: tuple[str, ...]) -> tuple[int, bool]:
    """Return how many columns there are at least, and whether there are no further ones."""
    exact = columns[-1] != REST
    return len(columns) - (not exact), exact


def names_twice(columns: tuple[str, ...]) -> list[str]:
    """Return the names that more than one column has."""
    named = [name for name in columns if name != SKIP]
    return sorted({name for name in named if named.count(name) > 1})
