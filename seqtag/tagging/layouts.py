"""The layout of a file to be tagged: the tagger's own, or what the options say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqtag.data.config import CorpusConfig
from seqtag.data.formats.base import FORMATS, find_format
from seqtag.data.formats.layout import REST, Layout, parse_separator
from seqtag.errors import InputError
from seqtag.model_folder.untrusted import read_untrusted

TOKENS = "tokens"
# What a model folder says about its corpus and `seqtag tag` follows: how columns are laid out.
# Paths, files and folders are not among it, for a stranger may have written them.
_FOLLOWED = (
    *("columns", "token_column", "label_column", "separator", "comment", "document_marker"),
    "absent",
)


@dataclass(frozen=True)
class Options:
    """What the command line says about columns; None: nothing.

    Attributes:
        columns: their names, as in ``_,tokens,pos,*``.
        separator: what stands between cells: ``tab``, ``comma``, ``null`` for spaces and tabs, ...
        comment: how lines to be skipped begin; empty: none are.
        document_marker: how lines that begin a document do; empty: none does.
    """

    columns: str | None = None
    separator: str | None = None
    comment: str | None = None
    document_marker: str | None = None

    def names(self) -> list[str]:
        """Return the options that were given, as they are written."""
        names = ("columns", "separator", "comment", "document_marker")
        return [f"--{name.replace('_', '-')}" for name in names if getattr(self, name) is not None]


def layout_of(
    format_: str,
    data: Mapping[str, Any] | None,
    features: Sequence[str],
    options: Options,
    where: str,
) -> Layout:
    """Return what is to be read from a file of `format_`, and how.

    Args:
        format_: the input format.
        data: how the tagger's training corpus was read, as its model folder says; may be None.
        features: the columns that the tagger reads beside the tokens.
        options: what the command line says; it goes first.
        where: the place of `data`, for messages.

    Raises:
        InputError: for columns that cannot be meant.
    """
    trained = read_untrusted(where, lambda: _trained(data, features))
    own = trained if trained is not None and trained.format == format_ else None
    format = find_format(format_)
    if format.positional:
        return _columns(own, trained, tuple(features), options)
    layout = own.layout() if own else Layout((), format.token_column, features=tuple(features))
    return replace(
        layout,
        label_column=None,
        document_column=None,
        setting_template="--{}",
        missing_advice=". The tagger reads it: --input-format column (see --columns) and json can "
        "have it",
    )


def _trained(data: Mapping[str, Any] | None, features: Sequence[str]) -> CorpusConfig | None:
    """Return how the training corpus was read, as far as it is known and of use."""
    name = None if data is None else data.get("format")
    if data is None or name not in FORMATS or find_format(name).tag_input is None:
        return None
    followed = {key: data[key] for key in _FOLLOWED if key in data}
    if find_format(name).positional and "columns" not in data:
        return None
    for key, value in followed.items():
        parts = value if key == "columns" and isinstance(value, list | tuple) else [value]
        if not all(isinstance(part, str | None) for part in parts):
            raise InputError(f"data.{key}={value!r}: text is expected")
    return CorpusConfig(format=name, path="-", features=tuple(features), **followed)


def _columns(
    own: CorpusConfig | None,
    trained: CorpusConfig | None,
    features: tuple[str, ...],
    options: Options,
) -> Layout:
    if own is not None:
        layout = own.layout().unlabelled(own.label_column)
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
    """Return the layout with other columns: those of the file, exactly."""
    token_column = layout.token_column if layout.token_column in columns else TOKENS
    layout = replace(
        layout,
        **{"columns": columns, "token_column": token_column, "alternatives": ()},
        columns_source="--columns has",
    )
    layout.check_columns()
    return layout
