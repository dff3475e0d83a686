"""The splits of a corpus, and how to read each of them: files, hub data sets, streams."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtag.cache import cache_root
from seqtag.data.config import SPLITS, CorpusConfig
from seqtag.data.corpus.cache import digest
from seqtag.data.corpus.find import CorpusFile, find_splits, unused_files
from seqtag.data.corpus.fingerprints import file_digest
from seqtag.data.corpus.parts import Part, file_parts
from seqtag.data.corpus.stream import Stream, first_sentences, stream_files
from seqtag.data.formats.base import find_format, format_by_ending
from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError

if TYPE_CHECKING:
    import datasets


@dataclass(frozen=True)
class SplitSource:
    """How to identify and read the content of a split.

    Attributes:
        names: names of its files.
        identity: returns the JSON values that identify its content, for the cache key.
        files: returns its local files, downloaded if need be.
        parts: returns its parts; of a streamed split only the beginning.
        stream: returns the stream of a streamed split.
        unused: names of files next to those of the corpus that belong to no split.
    """

    names: tuple[str, ...]
    identity: Callable[[], list[Any]]
    files: Callable[[], list[SourceFile]]
    parts: Callable[[], list[Part]]
    stream: Callable[[], Stream] | None = None
    unused: tuple[str, ...] = ()


def find_sources(config: CorpusConfig) -> dict[str, SplitSource]:
    """Return the splits of a corpus, in the order of `SPLITS`."""
    if config.format == "hub":
        from seqtag.data.corpus import hub

        if hub.is_repository(config.path or ""):
            make_source = _hub_stream if config.streaming else _hub_split
            splits = hub.load_splits(config)
            return {split: make_source(config, split, rows) for split, rows in splits.items()}
        config = replace(config, format=format_by_ending(config.path or ""))
    splits = find_splits(config)
    for file in chain.from_iterable(splits.values()):
        _require_text_name(file)
    unused = tuple(unused_files(config, splits))
    sources = {s: _file_split(config, splits[s], unused) for s in SPLITS if s in splits}
    if config.streaming and "train" in sources:
        sources["train"] = _beginning_of(sources["train"], config)
    return sources


def _require_text_name(file: CorpusFile) -> None:
    """Raise an InputError for a file name that is not text and so cannot be cached."""
    try:
        file.name.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{file.name!r}: the name of this file is not text in UTF-8; rename it"
        ) from None


def _file_split(
    config: CorpusConfig, corpus_files: list[CorpusFile], unused: tuple[str, ...]
) -> SplitSource:
    fetched: list[SourceFile] = []

    def files() -> list[SourceFile]:
        if not fetched:
            fetched.extend(file.fetch(cache_root(config.cache_dir)) for file in corpus_files)
        return fetched

    def identity() -> list[Any]:
        root = cache_root(config.cache_dir)
        contents = [(file.name, file_digest(file.path, root)) for file in files()]
        return [*_reader_identity(config), contents]

    def parts() -> list[Part]:
        return file_parts(files(), config)

    names = tuple(file.name for file in corpus_files)
    return SplitSource(names, identity, files, parts, unused=unused)


def _reader_identity(config: CorpusConfig) -> list[Any]:
    """Return JSON values that identify how files are read, apart from their bytes.

    For the format of another package this includes a digest of its code.
    """
    format = type(find_format(config.format))
    settings = [config.reader_settings()]
    if format.__module__.startswith(f"{__name__.partition('.')[0]}."):
        return settings
    try:
        return [*settings, digest(Path(inspect.getfile(format)))]
    except (TypeError, OSError):  # the class is not defined in a file
        return settings


def _beginning_of(split: SplitSource, config: CorpusConfig) -> SplitSource:
    """Return a split of files as a streamed split, of which only the beginning is read."""

    def identity() -> list[Any]:
        # Not their bytes, since the files must not be read completely.
        stats = [(file.name, file.path.stat()) for file in split.files()]
        versions = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
        return [*_reader_identity(config), "beginning", config.stream.fit_sentences, versions]

    return replace(
        split,
        identity=identity,
        parts=lambda: first_sentences(split.files(), config),
        stream=lambda: stream_files(split.files(), config),
    )


def _hub_stream(config: CorpusConfig, split: str, rows: datasets.IterableDataset) -> SplitSource:
    """Return a streamed split of the hub; of training only the beginning is read."""
    from seqtag.data.corpus import hub

    name = f"{config.path}[{split}]"
    stream = hub.make_stream(name, rows, config)
    count = config.stream.fit_sentences if split == "train" else None
    identity = [config.reader_settings(), name, count, hub.commit_hash(config)]
    parts = [Part(name, partial(hub.read_stream, stream, count))]
    return SplitSource((name,), lambda: identity, list, lambda: parts, lambda: stream)


def _hub_split(config: CorpusConfig, split: str, rows: datasets.Dataset) -> SplitSource:
    from seqtag.data.corpus import hub

    name = f"{config.path}[{split}]"
    # The fingerprint of `datasets` identifies what a table was made from.
    identity = [config.reader_settings(), name, rows._fingerprint]

    return SplitSource((name,), lambda: identity, list, lambda: hub.row_parts(name, rows, config))
