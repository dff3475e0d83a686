"""What a user may say about a corpus: one frozen dataclass, checked on construction."""

from __future__ import annotations

import encodings.aliases
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from seqtag.errors import InputError, did_you_mean, from_plain, listed
from seqtag.labels import SCHEMES

FORMATS = ("column", "conllu", "json", "csv", "parquet", "hub")
SPLITS = ("train", "dev", "test")
SKIP = "_"
REST = "*"
# Columns that every data set has, whatever the corpus calls its own.
RESERVED = ("tokens", "labels", "length", "doc", "where")

_SEPARATORS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}
_TOKEN_COLUMN = {"conllu": "form"}
_LABEL_COLUMN = {"conllu": "upos", "hub": "ner_tags"}
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
class StreamConfig:
    """How a training split is read while training goes on.

    Attributes:
        fit_sentences: the vocabulary, the label scheme and the labels are taken from so many of
            its sentences, from the beginnings of its files.
        buffer: sentences that are read, shuffled and made into batches at a time.
        batches_per_epoch: batches that count as an epoch.
    """

    fit_sentences: int = 100_000
    buffer: int = 10_000
    batches_per_epoch: int = 1000

    def __post_init__(self) -> None:
        for name in ("fit_sentences", "buffer", "batches_per_epoch"):
            _at_least_one(name, getattr(self, name))


@dataclass(frozen=True)
class CorpusConfig:
    """Where a corpus is and how it is read. The YAML files under ``conf/data`` fill it.

    Attributes:
        format: one of `FORMATS`.
        path: file, folder, glob or URL; for ``hub`` a data set id or an ``hf://`` path.
        files: file, glob or URL (or a list of them) for each of train, dev and test, relative to
            `path`. None: found in the folder by their names.
        columns: (column) a name for each column of the file; ``_`` skips a column, a final ``*``
            allows any number of further ones.
        token_column: the column with the tokens. None: ``form`` for conllu, else ``tokens``.
        label_column: the column with the labels. None: ``upos`` for conllu, ``ner_tags`` for hub,
            else ``labels``.
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

    format: str
    path: str | None = None
    files: Mapping[str, Any] | None = None
    columns: tuple[str, ...] = ("tokens", "labels")
    token_column: str | None = None
    label_column: str | None = None
    features: tuple[str, ...] = ()
    separator: str | None = None
    comment: str | None = None
    document_marker: str | None = "-DOCSTART-"
    document_column: str | None = None
    absent: str = "_"
    encoding: str = "utf-8"
    scheme: str = "auto"
    label_names: tuple[str, ...] | None = None
    dev_fraction: float = 0.1
    split_seed: int = 0
    name: str | None = None
    revision: str | None = None
    streaming: bool = False
    stream: StreamConfig = field(default_factory=StreamConfig)
    processes: int = 1
    cache_dir: str | None = None

    def __post_init__(self) -> None:
        _one_of("format", self.format, FORMATS)
        _one_of("scheme", self.scheme, ("auto", *SCHEMES))
        self._set("files", _checked_files(self.files))
        for key in ("columns", "features", "label_names"):
            self._set(key, _names(key, getattr(self, key)))
        self._set("features", self.features or ())
        if self.label_names is not None:
            _check_label_names(self.label_names)
        self._set("token_column", self.token_column or _TOKEN_COLUMN.get(self.format, "tokens"))
        self._set("label_column", self.label_column or _LABEL_COLUMN.get(self.format, "labels"))
        self._set("separator", _SEPARATORS.get(self.separator or "", self.separator))
        if self.separator == "":
            raise InputError("data.separator is empty: use null for any spaces and tabs")
        self._set("comment", self.comment or None)
        self._set("document_marker", self.document_marker or None)
        _check_encoding(self.encoding)
        self._check_columns()
        if not 0 <= self.dev_fraction < 1:
            raise InputError(f"data.dev_fraction must be in [0, 1), not {self.dev_fraction}")
        _at_least_one("data.processes", self.processes)
        if not isinstance(self.streaming, bool):
            raise InputError(f"data.streaming is true or false, not {self.streaming!r}")
        if isinstance(self.stream, Mapping):
            self._set("stream", from_plain(StreamConfig, self.stream, "data.stream"))
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
        if self.format != "column":
            return
        named = [name for name in self.columns if name != SKIP]
        if len(set(named)) < len(named):
            raise InputError(f"data.columns names a column twice: {', '.join(self.columns)}")
        if REST in self.columns[:-1]:
            raise InputError(f"data.columns: {REST!r} (any further columns) can only stand last")
        require_columns(self, [name for name in named if name != REST], "data.columns")

    def reader_settings(self) -> dict[str, Any]:
        """Return the settings that decide what is read from given bytes, as plain values."""
        plain = asdict(self)
        return {key: plain[key] for key in _READER_KEYS}


def require_columns(config: CorpusConfig, there: list[str], where: str) -> None:
    """Raise an InputError if a column that `config` asks for is not among `there`."""
    wanted = [("token_column", config.token_column), ("label_column", config.label_column)]
    wanted += [("features", feature) for feature in config.features]
    if config.document_column and config.format != "column":
        wanted.append(("document_column", config.document_column))
    for key, column in wanted:
        if column not in there:
            raise InputError(
                f"{where}: no column {column!r}{did_you_mean(str(column), there[:1000])}; there "
                f"are: {listed(there)}. Set data.{key}"
            )


def _at_least_one(key: str, count: Any) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InputError(f"{key} must be a whole number of at least 1, not {count!r}")


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(
            f"data.{key}={value!r} is unknown{did_you_mean(value, known)}; it is one of: "
            f"{', '.join(known)}"
        )


def _names(key: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        raise InputError(f"data.{key} is a list: write data.{key}=[{value}]")
    return tuple(str(name) for name in value)


def _check_label_names(names: tuple[str, ...]) -> None:
    repeated = [name for number, name in enumerate(names) if name in names[:number]]
    if repeated or "" in names or not names:
        fault = f"{repeated[0]!r} is there twice" if repeated else "a name is missing"
        raise InputError(
            f"data.label_names={list(names)}: {fault}; it is a list of different names, the first "
            "one for 0: data.label_names=[O,B-X,...]"
        )


def _checked_files(files: Mapping[str, Any] | None) -> dict[str, Any] | None:
    given = {split: value for split, value in (files or {}).items() if value}
    for split in given:
        if split not in SPLITS:
            raise InputError(
                f"data.files: unknown split {split!r}{did_you_mean(split, SPLITS)}; "
                f"the splits are {', '.join(SPLITS)}"
            )
    return given or None


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        known = [name.replace("_", "-") for name in encodings.aliases.aliases.values()]
        raise InputError(
            f"data.encoding={encoding!r} is no text encoding that Python knows"
            f"{did_you_mean(encoding, known)}"
        ) from None
