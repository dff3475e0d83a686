"""Data sets of the Hugging Face hub, through the datasets library."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from seqtag.data.config import SPLITS, CorpusConfig
from seqtag.data.corpus.parts import Part
from seqtag.data.corpus.stream import Stream
from seqtag.data.formats.base import with_input_errors
from seqtag.data.formats.parquet import class_label_names
from seqtag.data.formats.records import RecordReader, sentences_from_batches
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError

if TYPE_CHECKING:
    import datasets

Record = Mapping[str, Any]
_CONVERTED = "refs/convert/parquet"
_REPOSITORY = re.compile(r"(?:hf://datasets/)?((?:[\w.-]+/)?[\w.-]+)(?:@([^/]+|refs/.+))?/?")
_DEV_NAMES = ("validation", "dev", "valid", "val")
_ROWS = 1000
# Fewer rows than this are read before another process has even started.
_MIN_PART_ROWS = 20_000


def is_repository(path: str) -> bool:
    """Return whether `path` names a whole data set instead of files in one."""
    return _REPOSITORY.fullmatch(path) is not None


def load_splits(config: CorpusConfig) -> dict[str, datasets.Dataset]:
    """Return the splits of a hub data set, under the names train, dev and test.

    With `config.streaming` they are iterable data sets, which download nothing in advance.
    `config.files` can map train, dev and test to other splits of the data set. A data set with
    a loading script, which `datasets` no longer runs, is read from the hub's parquet conversion.

    Raises:
        InputError: if the data set cannot be loaded or has no split of a known name.
    """
    name, revision = _name_and_revision(config)
    try:
        loaded = _load(name, config.name, revision, config.streaming)
    except Exception as error:  # errors of datasets, hub client and network share no base class
        raise _unreachable(name, error) from error
    return _choose_splits(name, loaded, config)


def _name_and_revision(config: CorpusConfig) -> tuple[str, str | None]:
    """Return the name and the revision of the data set `data.path`."""
    match = _REPOSITORY.fullmatch(config.path or "")
    if match is None:
        raise InputError(f"data.path={config.path} is not a data set id (owner/name) or hf:// path")
    return match[1], config.revision or match[2]


def read_rows(
    name: str, rows: datasets.Dataset, config: CorpusConfig, first: int = 0
) -> Iterator[Sentence]:
    """Yield the sentences of a loaded split, or of a part that begins with row `first` (from 0).

    Messages use `name` as the file name.
    """
    layout = config.layout()
    reader = RecordReader(name, layout)
    reader.require(rows.column_names, name)
    rows = rows.select_columns(reader.roots(rows.column_names))
    decoders = class_label_names(rows.features)
    batches = rows.with_format("arrow").iter(batch_size=_ROWS)
    sentences = sentences_from_batches(batches, RecordReader(name, layout, decoders), first)
    yield from with_input_errors(sentences, name, "a data set of the hub", first + 1)


def make_stream(name: str, rows: datasets.IterableDataset, config: CorpusConfig) -> Stream:
    """Return the stream of a split loaded for streaming; messages use `name` as the file name."""
    layout = config.layout()
    if rows.column_names is not None:
        RecordReader(name, layout).require(rows.column_names, name)
    decoders = class_label_names(rows.features or {})
    labels = config.label_names or decoders.get(config.label_column, ())
    reader = RecordReader(name, layout, decoders)
    return Stream(
        *(rows, partial(_sentence, reader), name, config.features, config.stream, tuple(labels)),
        guard=_with_hub_errors,
    )


def _with_hub_errors(rows: Iterable[Record], name: str) -> Iterator[Record]:
    """Yield records of the hub; convert errors of the network and of files to an InputError."""
    try:
        yield from rows
    except Exception as error:  # errors of datasets, hub client and network share no base class
        raise _unreachable(name, error) from error


def _sentence(reader: RecordReader, record: Record, row: int = 0) -> tuple[Sentence, str]:
    # Row 0, no number: in training the shards of a stream come in a different order each time.
    return reader.sentence(record, row), reader.name


def read_stream(stream: Stream, count: int | None) -> Iterator[Sentence]:
    """Yield the sentences of a stream, only the first `count` unless it is None."""
    for row, record in enumerate(
        islice(_with_hub_errors(stream.rows, stream.name), count), start=1
    ):
        sentence, _ = stream.sentence(record, row=row)
        yield sentence


def commit_hash(config: CorpusConfig) -> str:
    """Return the hash of the commit that a data set's revision refers to."""
    from huggingface_hub import HfApi

    name, revision = _name_and_revision(config)
    try:
        return HfApi().dataset_info(name, revision=revision).sha or ""
    except Exception as error:  # errors of the hub client and the network share no base class
        raise _unreachable(name, error) from error


def row_parts(name: str, rows: datasets.Dataset, config: CorpusConfig) -> list[Part]:
    """Return a loaded split as one part for each process that reads it."""
    count = min(config.processes, max(1, len(rows) // _MIN_PART_ROWS))
    if config.document_column:
        count = 1  # the number of a document depends on all earlier rows
    starts = [len(rows) * i // count for i in range(count + 1)]
    return [
        Part(
            name,
            partial(read_rows, name, rows.select(range(start, end)), config, start),
            continues_document=start > 0,
        )
        for start, end in pairwise(starts)
    ]


def _load(name: str, configuration: str | None, revision: str | None, streaming: bool) -> Any:
    """Load a data set by its id, from its parquet conversion if it has a loading script."""
    import datasets

    options = {"streaming": True} if streaming else {}
    try:
        return datasets.load_dataset(name, configuration, revision=revision, **options)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
    files = converted_files(name, configuration, _list_converted(name))
    return datasets.load_dataset("parquet", data_files=files, **options)


def _list_converted(name: str) -> list[str]:
    """Return the paths (configuration/split/file) in the parquet conversion of a data set."""
    from huggingface_hub import HfApi

    files = HfApi().list_repo_files(name, repo_type="dataset", revision=_CONVERTED)
    return [path for path in files if path.endswith(".parquet")]


def converted_files(name: str, configuration: str | None, paths: list[str]) -> dict[str, list[str]]:
    """Return, by split, the ``hf://`` paths of a configuration in a parquet conversion."""
    by_configuration: dict[str, dict[str, list[str]]] = {}
    for path in sorted(paths):
        owner, split, _ = path.split("/", 2)
        # The hub calls a partially converted split partial-train.
        split = split.removeprefix("partial-")
        address = f"hf://datasets/{name}@{_CONVERTED}/{path}"
        by_configuration.setdefault(owner, {}).setdefault(split, []).append(address)
    available = ", ".join(by_configuration) or "none"
    if configuration is None and len(by_configuration) == 1:
        return next(iter(by_configuration.values()))
    if configuration not in by_configuration:
        raise InputError(
            f"{name}: set data.name to one of the configurations of this data set: {available}"
        )
    return by_configuration[configuration]


def _choose_splits(
    name: str, loaded: dict[str, datasets.Dataset], config: CorpusConfig
) -> dict[str, datasets.Dataset]:
    available = ", ".join(loaded)
    if config.files:
        for split, name_on_hub in config.files.items():
            if name_on_hub not in loaded:
                raise InputError(
                    f"{name}: data.files.{split}={name_on_hub}: no such split; there are: "
                    f"{available}"
                )
        return {split: loaded[config.files[split]] for split in SPLITS if split in config.files}
    candidates = {"train": ("train",), "dev": _DEV_NAMES, "test": ("test",)}
    splits = {
        split: loaded[next(n for n in names if n in loaded)]
        for split, names in candidates.items()
        if any(n in loaded for n in names)
    }
    if not splits:
        raise InputError(f"{name}: set data.files.train to one of its splits: {available}")
    return splits


def _unreachable(name: str, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    reason = str(error).partition("\n")[0] or type(error).__name__
    return InputError(
        f"{name}: cannot be loaded from the hub: {reason} (check the id of the data set, "
        "data.path; its configuration, data.name; and its branch or tag, data.revision)"
    )
