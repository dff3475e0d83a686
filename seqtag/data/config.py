"""Settings of a corpus: one frozen dataclass, checked on construction."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
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
)
from seqtag.data.formats.base import find_format, read_file
from seqtag.data.formats.layout import Layout, parse_separator
from seqtag.data.formats.lines import SourceFile
from seqtag.data.formats.sentence import Sentence
from seqtag.data.formats.span_options import SpanOptions
from seqtag.data.label_map import parse_label_map
from seqtag.data.text.encodings import check_encoding
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER, check_tokenizer
from seqtag.errors import InputError, unknown
from seqtag.inputs.options import NormalForm

SPLITS = ("train", "dev", "test")
Split = Literal["train", "dev", "test"]
Scheme = Literal[
    "auto", "plain", "io", "iob1", "bio", "ioe1", "ioe2", "bioes", "bilou", "bmes", "bmewo"
]  # auto and `seqtag.labels.SCHEMES`
# Column names of the internal data sets, which no feature column can have.
RESERVED = ("tokens", "labels", "length", "doc", "where")

_SEVERAL = Hint("for several files set data.files.train=[a,b] or a glob, data.path='*.txt'")
_Files = FileName | Annotated[tuple[FileName, ...], NonEmpty()] | None
# The settings that decide what is read from given bytes; the others say where the files are.
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
    "tokenizer",
)
# Later ones and their defaults, which are left out, so that earlier cache entries stay valid.
_LATER_READER_KEYS = (
    ("unlabelled", None),
    ("label_map", None),
    ("sentence_column", None),
    ("split_by", "sentence"),
    ("spans", None),
)


@dataclass(frozen=True)
class BatchConfig:
    """Size limits of a batch, which counts the sentences of all training processes together.

    Attributes:
        sentences: maximum number of sentences.
        tokens: maximum number of tokens, padding included; a longer sentence is its own batch.
        workers: data-loading processes of each training process; 0: none.
    """

    sentences: Count = 32
    tokens: Count = 4096
    workers: Annotated[int, AtLeast(0), AtMost(1024)] = 0

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class StreamConfig:
    """How a training split is streamed during training.

    Attributes:
        fit_sentences: number of sentences, from the beginnings of the files, that define the
            vocabulary, the label scheme and the labels.
        buffer: number of sentences that are read, shuffled and batched at a time.
        batches_per_epoch: number of batches that count as an epoch.
    """

    fit_sentences: Count = 100_000
    buffer: Annotated[int, AtLeast(1), AtMost(10_000_000)] = 10_000
    batches_per_epoch: Count = 1000

    def __post_init__(self) -> None:
        check_fields(self, "data.stream")


@dataclass(frozen=True)
class CorpusConfig:
    """Where a corpus is and how to read it, as set by the YAML files under ``conf/data``.

        config = CorpusConfig(format="column", path="my/corpus", columns=("tokens", "labels"))

    Attributes that only some formats use name these formats in parentheses.

    Attributes:
        format: name of a data format: one of `seqtag.data.formats`, or of an installed package.
        path: file, folder, glob or URL; for ``hub`` a data set id or an ``hf://`` path.
        files: file, glob or URL (or a list of them) for each of train, dev and test, relative to
            `path`. None: splits are recognised by the file names in the folder.
        columns: (column) a name for each column of the file; ``_`` skips a column, a final ``*``
            allows any number of further columns.
        token_column: the column of tokens. None: the format's default.
        label_column: the column of labels. None: the format's default.
        features: further columns that the tagger reads as input.
        separator: (column, csv) separator between cells: a string, or ``tab``, ``space``,
            ``comma``, ``semicolon``. None: spaces and tabs (column); a comma, or a tab for
            ``.tsv`` (csv).
        comment: (column) lines that begin with this are skipped. None: no comments.
        document_marker: (column) lines that begin with this start a new document.
        document_column: (json, csv, parquet, hub) a new document starts where its value changes.
        sentence_column: (csv) a row has one token, and a new sentence starts where the value of
            this column changes; an empty cell continues the sentence. None: a row is a sentence.
        absent: value for a label or feature that a token lacks (conllu), or for a null feature.
        encoding: encoding of text files.
        scheme: ``auto`` or one of ``seqtag.labels.SCHEMES``.
        label_names: names of labels that are stored as integers. Labels that are strings must be
            among them. With `streaming` they only add to the labels of the first sentences.
        label_map: labels or span types to replace before the scheme is determined, by old name; a
            mapping, or a list of ``OLD=NEW``. None as the new name means no label.
        unlabelled: a label equal to this means that the token has no label: it is neither trained
            on nor scored.
        normalize: Unicode form to which words are converted for the network, in training and use;
            tokens in files and output stay as they are. None: words are not converted.
        dev_fraction: share of the training sentences held out when there is no dev split; 0: none.
        test_fraction: likewise for the test split, which is held out first.
        folds: number of folds of a cross-validation; one of them is the test split. None: no folds.
        fold: the fold that is the test split, from 0.
        split_by: whether sentences are held out one by one, or whole documents.
        split_seed: seed of the choice of held-out sentences.
        name: (hub) configuration of the data set.
        revision: (hub) branch, tag or commit.
        tokenizer: how raw text is split into tokens: in training data that has raw text, and by
            `seqtag tag`. One of `seqtag.data.text.tokenizers.TOKENIZERS`, or a regular expression.
        spans: (spans) how the spans of annotation tools become labels. None for other formats.
        streaming: read the training split during training instead of in advance.
        stream: options of streaming.
        processes: number of processes that convert large files to Arrow.
        cache_dir: folder for the Arrow files. None: ``SEQTAG_CACHE``, else ``seqtag`` in
            ``XDG_CACHE_HOME`` or ``~/.cache``.

    Raises:
        InputError: for an invalid value or combination of values.
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
    sentence_column: Text | None = None
    absent: str = "_"
    encoding: str = "utf-8"
    scheme: Scheme = "auto"
    label_names: tuple[str, ...] | None = None
    label_map: Mapping[Any, Any] | tuple[Text, ...] | None = None
    unlabelled: Text | None = None
    normalize: NormalForm | None = None
    dev_fraction: Share = 0.1
    test_fraction: Share = 0.0
    folds: Annotated[int, AtLeast(2), AtMost(100_000)] | None = None
    fold: Annotated[int, AtLeast(0)] | None = None
    split_by: Literal["sentence", "document"] = "sentence"
    split_seed: Annotated[int, AtLeast(-(2**63)), AtMost(2**63 - 1)] = 0
    name: Text | None = None
    revision: Text | None = None
    tokenizer: Text = DEFAULT_TOKENIZER
    spans: SpanOptions | None = None
    streaming: bool = False
    stream: StreamConfig = field(default_factory=StreamConfig)
    processes: Annotated[int, AtLeast(1), AtMost(1024)] = 1
    cache_dir: FileName | None = None

    def __post_init__(self) -> None:
        check_fields(self, "data")
        self._set("files", _checked_files(self.files))
        self._set("features", self.features or ())
        self._set("label_map", parse_label_map(self.label_map))
        if self.label_names is not None:
            _check_label_names(self.label_names)
        format = find_format(self.format)
        self._set("token_column", self.token_column or format.token_column)
        self._set("label_column", self.label_column or format.label_column)
        self._set("separator", parse_separator(self.separator, "data.separator"))
        self._set("comment", self.comment or None)
        self._set("document_marker", self.document_marker or None)
        check_encoding(self.encoding)
        check_tokenizer(self.tokenizer, "data.tokenizer")
        self._check_columns()
        if format.reads_spans:
            self._check_spans()
        self._check_held_out()
        if format.positional:
            self.layout().check_columns()
        if self.path is None and not self.files:
            raise InputError("data.path is missing: set it to a file, folder, glob or URL")

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
                    f"data.features: the name {feature!r} is reserved; rename that column"
                )
        if len(set(self.features)) < len(self.features):
            raise InputError("data.features names a column twice")
        if self.sentence_column in (self.token_column, self.label_column, *self.features):
            raise InputError(
                f"data.sentence_column: {self.sentence_column!r} is already the column of tokens, "
                "labels or a feature"
            )
        if self.token_column == self.label_column:
            raise InputError(
                f"data.token_column and data.label_column are both {self.label_column!r}"
            )

    def _check_spans(self) -> None:
        """Check the settings of a format whose spans become BIO labels."""
        self._set("spans", self.spans or SpanOptions())
        if self.scheme not in ("auto", "bio"):
            raise InputError(
                f"data.scheme={self.scheme}: spans are read as bio labels; leave it at auto; "
                "data.tag_scheme is the scheme of the tagger"
            )
        self._set("scheme", "bio")
        if self.features:
            raise InputError("data.features: texts with spans have no further columns")
        if self.streaming:
            raise InputError("data.streaming=true: files of annotation tools are not streamed")

    def _check_held_out(self) -> None:
        folds, fold = self.folds, self.fold
        if folds is None and fold is not None:
            raise InputError(f"data.fold={fold}: set data.folds, the number of folds, too")
        if folds is not None and fold is None:
            numbers = ",".join(map(str, range(min(folds, 10)))) + ",..." * (folds > 10)
            raise InputError(
                f"data.folds={folds}: set data.fold, the fold that is the test split; "
                f"`seqtag train -m ... data.folds={folds} data.fold={numbers}` runs all of them"
            )
        if folds is not None and fold is not None and fold >= folds:
            raise InputError(
                f"data.fold={fold}: with data.folds={folds} the folds are 0 to {folds - 1}"
            )
        if folds is not None and self.test_fraction:
            raise InputError(
                "data.folds and data.test_fraction both hold out a test split: set only one"
            )
        if self.streaming and (folds is not None or self.test_fraction):
            key = "folds" if folds is not None else "test_fraction"
            raise InputError(
                f"data.{key}: nothing can be held out of a stream: leave it out, or set "
                "data.streaming=false"
            )

    def layout(self) -> Layout:
        """Return the columns to read from each file."""
        document_column = None if find_format(self.format).positional else self.document_column
        return Layout(
            *(self.columns, self.token_column, self.label_column, self.features),
            *(document_column, self.separator, self.comment, self.document_marker),
            *(self.absent, self.encoding, self.label_names, self.streaming),
            tokenizer=self.tokenizer,
            unlabelled=self.unlabelled,
            spans=self.spans,
            whole_documents=self.split_by == "document",
            sentence_column=self.sentence_column if self.format == "csv" else None,
        )

    def read(self, file: SourceFile) -> Iterator[Sentence]:
        """Yield the sentences of a file or of a part of a file.

        Raises:
            InputError: if the file cannot be read; the message names file and line.
        """
        return read_file(file, find_format(self.format), self.layout())

    def reader_settings(self) -> dict[str, Any]:
        """Return the settings that affect what is read from a file, as JSON values."""
        plain = asdict(self)
        settings = {key: plain[key] for key in _READER_KEYS}
        later = {key: plain[key] for key, default in _LATER_READER_KEYS if plain[key] != default}
        return settings | later


def _checked_files(files: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the splits that name files; raise an InputError for unknown splits or wrong values."""
    for split, value in (files or {}).items():
        if split not in SPLITS:
            raise unknown("split in data.files", split, SPLITS)
        checked(value, _Files, f"data.files.{split}")
    return {split: value for split, value in (files or {}).items() if value} or None


def _check_label_names(names: tuple[str, ...]) -> None:
    repeated = [name for number, name in enumerate(names) if name in names[:number]]
    if repeated or "" in names or not names:
        fault = f"{repeated[0]!r} occurs twice" if repeated else "a name is missing"
        raise InputError(
            f"data.label_names={list(names)}: {fault}; it is a list of different names, the first "
            "one for 0: data.label_names=[O,B-X,...]"
        )
