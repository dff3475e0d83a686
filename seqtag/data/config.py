"""What a user may say about a corpus: one frozen dataclass, checked on construction."""

import codecs
import encodings.aliases
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Annotated, Any, Literal

from seqtag.checks import (
    AtLeast,
    AtMost,
    Count,
    FileName,
    Hint,
    NonEmpty,
    Share,
    Text,
    check_fields,
    checked,
    shown,
)
from seqtag.data.formats.base import find_format, read_file
from seqtag.data.formats.layout import Layout, separator_of
from seqtag.data.formats.lines import SourceFile
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, did_you_mean, unknown

SPLITS = ("train", "dev", "test")
Split = Literal["train", "dev", "test"]
# Columns that every data set has, whatever the corpus calls its own.
RESERVED = ("tokens", "labels", "length", "doc", "where")

_SEVERAL = Hint("several files: data.files.train=[a,b], or a glob such as data.path='*.txt'")
_Files = FileName | Annotated[tuple[FileName, ...], NonEmpty()] | None
# Everything else decides where the files are, not what is read from them.
_READER_KEYS = (
    "format",
    "columns",
    "token_column",
    "label_column",
    "features",
    "separator",
    "comment",
    "document_marker",
    "document_column",
    "absent",
    "encoding",
    "scheme",
    "label_names",
)


@dataclass(frozen=True)
class BatchConfig:
    """How much goes into a batch, which is that of all processes together.

    Attributes:
        sentences: at most this many sentences.
        tokens: at most this many tokens, padding counted; a longer sentence is a batch alone.
        workers: processes that prepare batches beside the training one; 0 for none.
    """

    sentences: Count = 32
    tokens: Count = 4096
    workers: Annotated[int, AtLeast(0), AtMost(1024)] = 0

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class StreamConfig:
    """How a training split is read while training goes on.

    Attributes:
        fit_sentences: the vocabulary, the label scheme and the labels are taken from so many of
            its sentences, from the beginnings of its files.
        buffer: sentences that are read, shuffled and made into batches at a time.
        batches_per_epoch: batches that count as an epoch.
    """

    fit_sentences: Count = 100_000
    buffer: Annotated[int, AtLeast(1), AtMost(10_000_000)] = 10_000
    batches_per_epoch: Count = 1000

    def __post_init__(self) -> None:
        check_fields(self, "data.stream")


@dataclass(frozen=True)
class CorpusConfig:
    """Where a corpus is and how it is read. The YAML files under ``conf/data`` fill it.

    Attributes:
        format: the name of a data format: one of `seqtag.data.formats`, or of an installed package.
        path: file, folder, glob or URL; for ``hub`` a data set id or an ``hf://`` path.
        files: file, glob or URL (or a list of them) for each of train, dev and test, relative to
            `path`. None: found in the folder by their names.
        columns: (column) a name for each column of the file; ``_`` skips a column, a final ``*``
            allows any number of further ones.
        token_column: the column with the tokens. None: the format's usual one.
        label_column: the column with the labels. None: the format's usual one.
        features: further input columns to keep.
        separator: (column, csv) what stands between cells: a string, or ``tab``, ``space``,
            ``comma``, ``semicolon``. None: spaces and tabs (column); a comma, or a tab for
            ``.tsv`` (csv).
        comment: (column) lines that begin with this are skipped. None: no comments.
        document_marker: (column) lines that begin with this start a new document.
        document_column: (json, csv, parquet, hub) a new document starts where its value changes.
        absent: value of a label or feature that a token lacks (conllu) or that is null (features).
        encoding: of text files.
        scheme: ``auto`` or one of ``seqtag.labels.SCHEMES``.
        label_names: names for labels that are stored as integers. A label that is a string must
            be one of them; with `streaming` they are further labels, beside those of the
            sentences that are read first.
        dev_fraction: share of the training sentences held out when there is no dev split; 0: none.
        split_seed: chooses which sentences those are.
        name: (hub) configuration of the data set.
        revision: (hub) branch, tag or commit.
        streaming: read the training split while training goes on, instead of all of it before.
        stream: how that is done.
        processes: how many of them read large files into Arrow, side by side.
        cache_dir: folder for the Arrow files. None: ``SEQTAG_CACHE``, else ``seqtag`` in
            ``XDG_CACHE_HOME`` or ``~/.cache``.

    Raises:
        InputError: for a value that cannot be meant.
    """

    format: Text
    path: Annotated[FileName, _SEVERAL] | None = None
    files: Mapping[str, Any] | None = None
    columns: tuple[Text, ...] = ("tokens", "labels")
    token_column: Text | None = None
    label_column: Text | None = None
    features: tuple[Text, ...] | None = ()
    separator: str | None = None
    comment: str | None = None
    document_marker: str | None = "-DOCSTART-"
    document_column: Text | None = None
    absent: str = "_"
    encoding: str = "utf-8"
    scheme: Literal["auto", "plain", "iob1", "bio", "bioes"] = "auto"
    label_names: tuple[str, ...] | None = None
    dev_fraction: Share = 0.1
    split_seed: Annotated[int, AtLeast(-(2**63)), AtMost(2**63 - 1)] = 0
    name: Text | None = None
    revision: Text | None = None
    streaming: bool = False
    stream: StreamConfig = field(default_factory=StreamConfig)
    processes: Annotated[int, AtLeast(1), AtMost(1024)] = 1
    cache_dir: FileName | None = None

    def __post_init__(self) -> None:
        check_fields(self, "data")
        self._set("files", _checked_files(self.files))
        self._set("features", self.features or ())
        if self.label_names is not None:
            _check_label_names(self.label_names)
        format = find_format(self.format)
        self._set("token_column", self.token_column or format.token_column)
        self._set("label_column", self.label_column or format.label_column)
        self._set("separator", separator_of(self.separator, "data.separator"))
        self._set("comment", self.comment or None)
        self._set("document_marker", self.document_marker or None)
        check_encoding(self.encoding)
        self._check_columns()
        if format.positional:
            self.layout().check_columns()
        if self.path is None and not self.files:
            raise InputError("data.path is missing: a file, folder, glob or URL of a corpus")

    def _set(self, key: str, value: Any) -> None:
        object.__setattr__(self, key, value)

    def _check_columns(self) -> None:
        for feature in self.features:
            if feature in (self.token_column, self.label_column):
                raise InputError(
                    f"data.features: {feature!r} is already the column of tokens or labels"
                )
            if feature in RESERVED:
                raise InputError(
                    f"data.features: the name {feature!r} is taken; call that column otherwise"
                )
        if len(set(self.features)) < len(self.features):
            raise InputError("data.features names a column twice")
        if self.token_column == self.label_column:
            raise InputError(
                f"data.token_column and data.label_column are both {self.label_column!r}"
            )

    def layout(self) -> Layout:
        """Return what is to be read from each file."""
        document_column = None if find_format(self.format).positional else self.document_column
        return Layout(
            *(self.columns, self.token_column, self.label_column, self.features),
            *(document_column, self.separator, self.comment, self.document_marker),
            *(self.absent, self.encoding, self.label_names, self.streaming),
        )

    def read(self, file: SourceFile) -> Iterator[Sentence]:
        """Yield the sentences of one of the files, or of a part of one.

        Raises:
            InputError: for whatever cannot be read, naming file and line.
        """
        return read_file(file, find_format(self.format), self.layout())

    def reader_settings(self) -> dict[str, Any]:
        """Return the settings that decide what is read from given bytes, as plain values."""
        plain = asdict(self)
        return {key: plain[key] for key in _READER_KEYS}


def _checked_files(files: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the files of the splits that have any; unknown splits and wrong values are refused."""
    for split, given in (files or {}).items():
        if split not in SPLITS:
            raise unknown("split in data.files", split, SPLITS)
        checked(given, _Files, f"data.files.{split}")
    return {split: given for split, given in (files or {}).items() if given} or None


def check_encoding(encoding: str, key: str = "data.encoding") -> None:
    """Refuse an encoding that Python does not know, or that is not one of the lines of a text.

    Python has others under such names: of domains (idna, punycode), of literals in programs
    (unicode_escape), of bytes (hex, zip).

    Raises:
        InputError: naming `key`.
    """
    fit = _encodes_lines(encoding)
    if fit is None:
        known = {name.replace("_", "-") for name in encodings.aliases.aliases.values()}
        raise InputError(
            f"{key}={shown(encoding)} is not a text encoding that Python knows"
            f"{did_you_mean(encoding, sorted(filter(_encodes_lines, known)))}"
        )
    if not fit:
        raise InputError(
            f"{key}={shown(encoding)} is not an encoding of lines of text; utf-8, latin-1 or "
            "cp1252, perhaps"
        )


def _check_label_names(names: tuple[str, ...]) -> None:
    repeated = [name for number, name in enumerate(names) if name in names[:number]]
    if repeated or "" in names or not names:
        fault = f"{repeated[0]!r} is there twice" if repeated else "a name is missing"
        raise InputError(
            f"data.label_names={list(names)}: {fault}; it is a list of different names, the first "
            "one for 0: data.label_names=[O,B-X,...]"
        )


@cache
def _encodes_lines(encoding: str) -> bool | None:
    """Return whether characters become bytes one after the other, line feeds as all others do.

    None for an encoding that Python does not know.
    """
    sample = f"a..{'b' * 80}-\\u0041\tc\r\n"
    try:
        if sample.encode(encoding).decode(encoding) != sample:
            return False
    except (LookupError, ValueError):  # ValueError: a name with a NUL, or UnicodeError
        return None
    encoder = codecs.getincrementalencoder(encoding)()
    pieces = [encoder.encode(character) for character in sample]
    if b"".join(pieces) + encoder.encode("", final=True) != sample.encode(encoding):
        return False
    return len(pieces[-1]) == len(pieces[-2]) == len(pieces[1])
