"""The columns to read from a file, for training or for `seqtag tag`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seqtag.data.formats.span_options import SpanOptions
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER
from seqtag.errors import InputError, did_you_mean, listed

SKIP = "_"
REST = "*"
# Separators that have a name.
_SEPARATORS = {"null": None, "tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}


@dataclass(frozen=True)
class Layout:
    """The columns to read from a file, and how they are separated.

    Attributes:
        columns: (positional formats) a name for each column; `SKIP` for a column that is not
            read, a final `REST` for any number of further columns.
        token_column: the column of tokens.
        label_column: the column of labels; None if no labels are read.
        features: further columns to read.
        document_column: (formats with named columns) a new document starts where its value
            changes.
        sentence_column: (csv) a row has one token, and a new sentence starts where the value of
            this column changes; None: a row is a sentence.
        separator: separator between cells; None: the format's default.
        comment: prefix of lines to skip.
        document_marker: prefix of lines that start a new document.
        absent: value of a feature that a token lacks.
        encoding: encoding of text.
        label_names: names of labels that are stored as integers.
        open_labels: whether labels that are strings may be missing from `label_names`.
        setting_template: format string for the name of a setting or option in messages.
        columns_source: what messages say before the expected number of columns.
        missing_advice: format string with advice, for messages about a missing column.
        alternatives: (positional formats) other lists of columns that a file may have; its first
            row decides.
        separator_guessed: (positional formats) whether the separator is a guess; then a row is
            refused if splitting it at tabs alone would give other cells.
        tokenizer: (formats with raw text) how text is split into tokens.
        unlabelled: a label equal to this means that the token has no label.
        spans: (formats of annotation tools) how spans become labels; None: the defaults.
        whole_documents: (formats with named columns) whether to refuse a document that continues
            after another one, which the document numbers cannot express.
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
    open_labels: bool = False
    setting_template: str = "data.{}"
    columns_source: str = "data.columns has"
    missing_advice: str = ". Set data.{}"
    alternatives: tuple[tuple[str, ...], ...] = ()
    separator_guessed: bool = False
    tokenizer: str = DEFAULT_TOKENIZER
    unlabelled: str | None = None
    spans: SpanOptions | None = None
    whole_documents: bool = False
    sentence_column: str | None = None

    def setting(self, key: str) -> str:
        """Return the setting or option that sets a key: ``data.columns`` or ``--columns``."""
        is_option = self.setting_template.startswith("--")
        return self.setting_template.format(key.replace("_", "-") if is_option else key)

    def columns_to_read(self) -> dict[str, str]:
        """Return the columns to read, each with the key that sets it."""
        by_key = [("token_column", self.token_column), ("label_column", self.label_column)]
        by_key += [("features", feature) for feature in self.features]
        by_key += [("document_column", self.document_column)]
        by_key += [("sentence_column", self.sentence_column)]
        return {column: key for key, column in by_key if column is not None}

    def require(self, available: Sequence[str], where: str) -> None:
        """Raise an InputError if a column to read is not among the `available` columns."""
        for column, key in self.columns_to_read().items():
            if column not in available:
                raise InputError(
                    f"{where}: no column {column!r}{did_you_mean(column, available[:1000])}; there "
                    f"are: {listed(available)}{self.missing_advice.format(key)}"
                )

    def check_columns(self) -> None:
        """Raise an InputError if the names of the columns are invalid."""
        setting = self.setting("columns")
        if repeated := repeated_names(self.columns):
            raise InputError(f"{setting} names a column twice: {listed(repeated)}")
        if REST in self.columns[:-1]:
            raise InputError(f"{setting}: {REST!r} (any further columns) must be the last name")
        self.require([name for name in self.columns if name not in (SKIP, REST)], setting)

    def without_labels(self, labels: str | None) -> Layout:
        """Return the layout for a file to be tagged, which may lack columns that are not read.

        The file may have all columns, all except the column `labels`, or only those that are
        read, i.e. tokens and features.
        """
        read = (self.token_column, *self.features)
        without_labels = tuple(name for name in self.columns if name not in (labels, REST))
        only_read = tuple(name for name in self.columns if name in read)
        shapes = dict.fromkeys((without_labels, only_read))
        alternatives = tuple(shape for shape in shapes if shape != self.columns)
        return replace(self, label_column=None, alternatives=alternatives)


def parse_separator(text: str | None, setting: str) -> str | None:
    """Return the separator that a setting means; None for the format's default."""
    if text == "":
        raise InputError(f"{setting} is empty: use null for any spaces and tabs")
    return None if text is None else _SEPARATORS.get(text, text)


def named_separators() -> dict[str | None, str]:
    """Return the separators that have a name, with their names in messages."""
    names = {separator: name for name, separator in _SEPARATORS.items() if name != "\\t"}
    return {**names, None: "null (spaces and tabs)"}


def splitter(separator: str | None) -> Callable[[str], list[str]]:
    """Return the function that splits a line into cells."""
    if separator is not None:
        return lambda line: line.split(separator)
    return split_at_blanks


def split_at_blanks(line: str) -> list[str]:
    """Return the parts of a line between spaces and tabs."""
    # Not str.split(): it would also split at U+0085, U+2028, no-break spaces and separators.
    return [cell for cell in line.replace("\t", " ").split(" ") if cell]


def column_count(columns: tuple[str, ...]) -> tuple[int, bool]:
    """Return the minimum number of columns, and whether it is exact."""
    exact = columns[-1] != REST
    return len(columns) - (not exact), exact


def repeated_names(columns: tuple[str, ...]) -> list[str]:
    """Return the names that more than one column has."""
    named = [name for name in columns if name != SKIP]
    return sorted({name for name in named if named.count(name) > 1})
