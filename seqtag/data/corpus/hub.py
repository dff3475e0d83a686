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
from seqtag.data.formats.base import guarded
from seqtag.data.formats.parquet import names_of
from seqtag.data.formats.records import RecordReader, from_batches
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError

if TYPE_CHECKING:
    import datasets

Record = Mapping[str, Any]
_CONVERTED = "refs/convert/parquet"
_REPOSITORY = re.compile(r"(?:hf://datasets/)?((?:[\w.-]+/)?[\w.-]+)(?:@([^/]+|refs/.+))?/?")
_DEV_NAMES = ("validation", "dev", "valid", "val")
_ROWS = 1000
# Fewer are read before another process has even started.
_LEAST_ROWS = 20_000


def is_repository(path: str) -> bool:
    """Return whether `path` names a whole data set, rather than files of one."""
    return _REPOSITORY.fullmatch(path) is not None


def load_splits(config: CorpusConfig) -> dict[str, datasets.Dataset]:
    """Return the splits of a hub data set as its authors have them, named train, dev and test.

    With `config.streaming` they are iterable data sets, of which nothing was downloaded yet.
    `config.files` may name the hub's split for each of ours. A data set that still has a loading
    script, which datasets no longer runs, is read from the hub's parquet conversion.

    Raises:
        InputError: if it cannot be had, or has no split that we know.
    """
    name, revision = _named(config)
    try:
        loaded = _load(name, config.name, revision, config.streaming)
    except Exception as error:  # datasets, the hub's client and the network have no common base
        raise _unreachable(name, error) from error
    return _named_splits(name, loaded, config)


def _named(config: CorpusConfig) -> tuple[str, str | None]:
    """Return the name and the revision of a data set."""
    match = _REPOSITORY.fullmatch(config.path or "")
    if match is None:
        raise InputError(f"data.path={config.path} is no data set id (owner/name) or hf:// path")
    return match[1], config.revision or match[2]


def read_rows(
    name: str, rows: datasets.Dataset, config: CorpusConfig, before: int = 0
) -> Iterator[Sentence]:
    """Yield the sentences of one loaded split; `name` stands for a file name in messages.

    They are numbered as rows that have so many others `before` them.
    """
    layout = config.layout()
    layout.require(rows.column_names, name)
    rows = rows.select_columns(list(layout.wanted()))
    decoders = names_of(rows.features)
    batches = rows.with_format("arrow").iter(batch_size=_ROWS)
    sentences = from_batches(batches, RecordReader(name, layout, decoders), before)
    yield from guarded(sentences, name, "a data set of the hub", before + 1)


def stream_of(name: str, rows: datasets.IterableDataset, config: CorpusConfig) -> Stream:
    """Return a split that was loaded for streaming; `name` stands for a file name in messages."""
    layout = config.layout()
    if rows.column_names is not None:
        layout.require(rows.column_names, name)
    decoders = names_of(rows.features or {})
    labels = config.label_names or decoders.get(config.label_column, ())
    reader = RecordReader(name, layout, decoders)
    return Stream(
        *(rows, partial(_sentence, reader), name, config.features, config.stream, tuple(labels)),
        guard=_guarded,
    )


def _guarded(rows: Iterable[Record], name: str) -> Iterator[Record]:
    """Yield records of the hub; turn what the network or damaged files raise into an InputError."""
    try:
        yield from rows
    except Exception as error:  # datasets, the hub's client and the network have no common base
        raise _unreachable(name, error) from error


def _sentence(reader: RecordReader, record: Record, row: int = 0) -> tuple[Sentence, str]:
    # In training a stream is not numbered: its shards come in another order each time.
    return reader.sentence(record, row), reader.name


def read_stream(stream: Stream, count: int | None) -> Iterator[Sentence]:
    """Yield the sentences of a stream, only so many of them if `count` says so."""
    for row, record in enumerate(islice(_guarded(stream.rows, stream.name), count), start=1):
        sentence, _ = stream.sentence(record, row=row)
        yield sentence


def commit(config: CorpusConfig) -> str:
    """Return the commit of the hub that a data set is at."""
    from huggingface_hub import HfApi

    name, revision = _named(config)
    try:
        return HfApi().dataset_info(name, revision=revision).sha or ""
    except Exception as error:  # the hub's client and the network have no common base
        raise _unreachable(name, error) from error


def row_parts(name: str, rows: datasets.Dataset, config: CorpusConfig) -> list[Part]:
    """Return the rows of one loaded split in a part for each process that reads them."""
    count = min(config.processes, max(1, len(rows) // _LEAST_ROWS))
    if config.document_column:
        count = 1  # which document goes on is known only from the rows before
    starts = [len(rows) * i // count for i in range(count + 1)]
    return [
        Part(
            name,
            partial(read_rows, name, rows.select(range(start, end)), config, start),
            goes_on=start > 0,
        )
        for start, end in pairwise(starts)
    ]


def _load(name: str, configuration: str | None, revision: str | None, streaming: bool) -> Any:
    """Load a data set by its id; from its parquet conversion if it has a loading script."""
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
    """Return the ``hf://`` paths of each split of one configuration of a parquet conversion."""
    by_configuration: dict[str, dict[str, list[str]]] = {}
    for path in sorted(paths):
        owner, split, _ = path.split("/", 2)
        # Splits that were converted only in part are called partial-train.
        split = split.removeprefix("partial-")
        address = f"hf://datasets/{name}@{_CONVERTED}/{path}"
        by_configuration.setdefault(owner, {}).setdefault(split, []).append(address)
    there = ", ".join(by_configuration) or "none"
    if configuration is None and len(by_configuration) == 1:
        return next(iter(by_configuration.values()))
    if configuration not in by_configuration:
        raise InputError(
            f"{name}: set data.name to one of the configurations of this data set: {there}"
        )
    return by_configuration[configuration]


def _named_splits(
    name: str, loaded: dict[str, datasets.Dataset], config: CorpusConfig
) -> dict[str, datasets.Dataset]:
    there = ", ".join(loaded)
    if config.files:
        for split, wanted in config.files.items():
            if wanted not in loaded:
                raise InputError(
                    f"{name}: data.files.{split}={wanted}: no such split; there are: {there}"
                )
        return {split: loaded[config.files[split]] for split in SPLITS if split in config.files}
    theirs = {"train": ("train",), "dev": _DEV_NAMES, "test": ("test",)}
    found = {
        split: loaded[next(n for n in names if n in loaded)]
        for split, names in theirs.items()
        if any(n in loaded for n in names)
    }
    if not found:
        raise InputError(f"{name}: set data.files.train to one of its splits: {there}")
    return found


def _unreachable(name: str, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    reason = str(error).partition("\n")[0] or type(error).__name__
    return InputError(
        f"{name}: cannot be loaded from the hub: {reason} (data.path is the id of a data set, "
        "data.name its configuration, data.revision a branch or tag)"
    )
