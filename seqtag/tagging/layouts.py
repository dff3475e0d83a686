"""The layout of a file to tag: that of the training corpus, changed by command line options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqtag.data.config import CorpusConfig
from seqtag.data.formats.base import FORMATS, find_format
from seqtag.data.formats.layout import REST, Layout, parse_separator
from seqtag.errors import InputError
from seqtag.model_folder.untrusted import read_untrusted

TOKENS = "tokens"
# Settings that `seqtag tag` takes from the corpus description in a model folder: the columns.
# Paths are not among them, since a model folder may come from an untrusted source.
_LAYOUT_KEYS = (
    *("columns", "token_column", "label_column", "separator", "comment", "document_marker"),
    *("absent", "tokenizer", "sentence_column"),
)
_MISSING = ". The tagger reads it: use --input-format column (see --columns) or json"
_MISSING_IN_CSV = (
    ". The tagger reads columns with the names of the training corpus, and --sentence-column"
)


@dataclass(frozen=True)
class Options:
    """Command line options for files in columns; None if not given.

    Attributes:
        columns: names of the columns, as in ``_,tokens,pos,*``.
        separator: separator of cells: ``tab``, ``comma``, ``null`` for spaces and tabs, ...
        comment: beginning of lines to skip; empty to skip none.
        document_marker: beginning of lines that separate documents; empty for none.
        sentence_column: (csv) the column that names or numbers the sentences.
    """

    columns: str | None = None
    separator: str | None = None
    comment: str | None = None
    document_marker: str | None = None
    sentence_column: str | None = None

    def names(self) -> list[str]:
        """Return the names of the given options, as on the command line."""
        names = ("columns", "separator", "comment", "document_marker", "sentence_column")
        return [f"--{name.replace('_', '-')}" for name in names if getattr(self, name) is not None]


def layout_of(
    format_: str,
    data: Mapping[str, Any] | None,
    features: Sequence[str],
    options: Options,
    where: str,
) -> Layout:
    """Return the layout of a file of `format_`.

    Args:
        format_: the input format.
        data: how the tagger's training corpus was read, from its model folder; may be None.
        features: the columns that the tagger reads in addition to the tokens.
        options: the command line options, which take precedence.
        where: the file that contains `data`, for messages.

    Raises:
        InputError: for columns that are contradictory or incomplete.
    """
    trained = read_untrusted(where, lambda: _trained(data, features))
    own = trained if trained is not None and trained.format == format_ else None
    format = find_format(format_)
    if format.positional:
        return _columns(own, trained, tuple(features), options)
    layout = own.layout() if own else Layout((), format.token_column, features=tuple(features))
    if options.separator is not None:
        separator = parse_separator(options.separator, "--separator")
        layout = replace(layout, separator=separator)
    if options.sentence_column is not None:
        layout = replace(layout, sentence_column=options.sentence_column)
    return replace(
        layout,
        label_column=None,
        document_column=None,
        setting_template="--{}",
        missing_advice=_MISSING_IN_CSV if format_ == "csv" else _MISSING,
    )


def _trained(data: Mapping[str, Any] | None, features: Sequence[str]) -> CorpusConfig | None:
    """Return how the training corpus was read; None if its layout is unknown or cannot be used."""
    name = None if data is None else data.get("format")
    if data is None or name not in FORMATS or find_format(name).tag_input is None:
        return None
    settings = {key: data[key] for key in _LAYOUT_KEYS if key in data}
    if find_format(name).positional and "columns" not in data:
        return None
    for key, value in settings.items():
        parts = value if key == "columns" and isinstance(value, list | tuple) else [value]
        if not all(isinstance(part, str | None) for part in parts):
            raise InputError(f"data.{key}={value!r}: must be text")
    return CorpusConfig(format=name, path="-", features=tuple(features), **settings)


def _columns(
    own: CorpusConfig | None,
    trained: CorpusConfig | None,
    features: tuple[str, ...],
    options: Options,
) -> Layout:
    if own is not None:
        layout = own.layout().without_labels(own.label_column)
        layout = replace(layout, columns_source="the tagger's training corpus has")
    else:
        token_column = (trained.token_column if trained else None) or TOKENS
        layout = Layout(
            columns=(token_column, *features, REST),
            token_column=token_column,
            features=features,
            document_marker="-DOCSTART-",
            absent="_" if trained is None else trained.absent,
            separator_guessed=True,
            columns_source="without --columns a row has",
        )
    layout = replace(layout, setting_template="--{}", missing_advice="")
    if options.columns is not None:
        layout = _named(layout, tuple(name.strip() for name in options.columns.split(",")))
    if options.separator is not None:
        separator = parse_separator(options.separator, "--separator")
        layout = replace(layout, separator=separator, separator_guessed=False)
    if options.comment is not None:
        layout = replace(layout, comment=options.comment or None)
    if options.document_marker is not None:
        layout = replace(layout, document_marker=options.document_marker or None)
    return layout


def _named(layout: Layout, columns: tuple[str, ...]) -> Layout:
    """Return the layout with the columns of ``--columns``, which must match the file exactly."""
    token_column = layout.token_column if layout.token_column in columns else TOKENS
    layout = replace(
        layout,
        **{"columns": columns, "token_column": token_column, "alternatives": ()},
        columns_source="--columns has",
    )
    layout.check_columns()
    return layout
