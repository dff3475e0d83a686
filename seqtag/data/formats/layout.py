"""What the columns of a file are: as a corpus was trained on, or as `seqtag tag` finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seqtag.errors import InputError, did_you_mean, listed

SKIP = "_"
REST = "*"
# Separators that have a name.
_SEPARATORS = {"null": None, "tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}


@dataclass(frozen=True)
class Layout:
    """What is to be read from a file: its columns, and how they are separated.

    Attributes:
        columns: (positional formats) a name for each column; `SKIP` for one that is not read, a
            final `REST` for any number of further ones.
        token_column: the one with the tokens.
        label_column: the one with the labels; None where there are none to be read.
        features: further ones to be read.
        document_column: (formats that name their columns) a new document starts where its value
            changes.
        separator: what stands between cells; None: what the format has by default.
        comment: how lines to be skipped begin.
        document_marker: how a new document begins.
        absent: the value of a feature that a token lacks.
        encoding: of text.
        label_names: names of labels that are stored as integers.
        more_labels: a label that is a string may be another than those.
        settings: the name of the setting of a key in messages, as a format string.
        whose: what messages say before the number of columns.
        missing: what messages say of a column that is not there, after which there are.
        shorter: (positional) what a file may have in place of `columns`, by its first row.
        presumed: (positional) nobody said what stands between the cells: a row that comes out
            differently with tabs alone is refused.
    """

    columns: tuple[str, ...]
    token_column: str
    label_column: str | None = None
    features: tuple[str, ...] = ()
    document_column: str | None = None
    separator: str | None = None
    comment: str | None = None
    document_marker: str | None = None
    absent: str = "_"
    encoding: str = "utf-8"
    label_names: tuple[str, ...] | None = None
    more_labels: bool = False
    settings: str = "data.{}"
    whose: str = "data.columns has"
    missing: str = ". Set data.{}"
    shorter: tuple[tuple[str, ...], ...] = ()
    presumed: bool = False

    def setting(self, key: str) -> str:
        """Return what sets a key: ``data.columns``, ``--columns``."""
        return self.settings.format(key)

    def wanted(self) -> dict[str, str]:
        """Return the columns that are read, each with the key that names it."""
        by_key = [("token_column", self.token_column), ("label_column", self.label_column)]
        by_key += [("features", feature) for feature in self.features]
        by_key += [("document_column", self.document_column)]
        return {column: key for key, column in by_key if column is not None}

    def require(self, there: Sequence[str], where: str) -> None:
        """Raise an InputError if a column to be read is not among `there`."""
        for column, key in self.wanted().items():
            if column not in there:
                raise InputError(
                    f"{where}: no column {column!r}{did_you_mean(column, there[:1000])}; there "
                    f"are: {listed(there)}{self.missing.format(key)}"
                )

    def check_columns(self) -> None:
        """Raise an InputError if the names of the columns cannot be meant."""
        setting = self.setting("columns")
        if twice := names_twice(self.columns):
            raise InputError(f"{setting} names a column twice: {listed(twice)}")
        if REST in self.columns[:-1]:
            raise InputError(f"{setting}: {REST!r} (any further columns) can only stand last")
        self.require([name for name in self.columns if name not in (SKIP, REST)], setting)

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


def separator_of(text: str | None, setting: str) -> str | None:
    """Return the separator that a setting stands for; None: what the format has by default."""
    if text == "":
        raise InputError(f"{setting} is empty: use null for any spaces and tabs")
    return None if text is None else _SEPARATORS.get(text, text)


def separators() -> dict[str | None, str]:
    """Return the separators that have a name, and what messages call them."""
    called = {separator: name for name, separator in _SEPARATORS.items() if name != "\\t"}
    return {**called, None: "null (spaces and tabs)"}


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
