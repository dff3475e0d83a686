"""Which splits a corpus has, and how each of them is read: files, hub data sets, streams."""

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
from seqtag.data.corpus.find import Place, find_splits, unused_files
from seqtag.data.corpus.fingerprints import file_digest
from seqtag.data.corpus.parts import Part, file_parts
from seqtag.data.corpus.stream import Stream, first_sentences, stream_files
from seqtag.data.formats.base import find_format, format_of
from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError

if TYPE_CHECKING:
    import datasets


@dataclass(frozen=True)
class Source:
    """A split that can be read: what identifies its content, and how to read it.

    Of a split with a `stream` only the beginning is read at once. `unused` are the names of files
    beside those of the corpus that are part of no split.
    """

    names: tuple[str, ...]
    identity: Callable[[], list[Any]]
    files: Callable[[], list[SourceFile]]
    parts: Callable[[], list[Part]]
    stream: Callable[[], Stream] | None = None
    unused: tuple[str, ...] = ()


def find_sources(config: CorpusConfig) -> dict[str, Source]:
    """Return every split that there is, in the order of `SPLITS`."""
    if config.format == "hub":
        from seqtag.data.corpus import hub

        if hub.is_repository(config.path or ""):
            made = _hub_stream if config.streaming else _hub_split
            splits = hub.load_splits(config)
            return {split: made(config, split, rows) for split, rows in splits.items()}
        config = replace(config, format=format_of(config.path or ""))
    found = find_splits(config)
    for place in chain.from_iterable(found.values()):
        _require_text_name(place)
    unused = tuple(unused_files(config, found))
    made = {split: _file_split(config, found[split], unused) for split in SPLITS if split in found}
    if config.streaming and "train" in made:
        made["train"] = _beginning_of(made["train"], config)
    return made


def _require_text_name(place: Place) -> None:
    """Refuse a file whose name is not text: it could not be written into the cache."""
    try:
        place.name.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{place.name!r}: the name of this file is not text in UTF-8; rename it"
        ) from None


def _file_split(config: CorpusConfig, places: list[Place], unused: tuple[str, ...]) -> Source:
    fetched: list[SourceFile] = []

    def files() -> list[SourceFile]:
        if not fetched:
            fetched.extend(place.fetch(cache_root(config.cache_dir)) for place in places)
        return fetched

    def identity() -> list[Any]:
        root = cache_root(config.cache_dir)
        contents = [(file.name, file_digest(file.path, root)) for file in files()]
        return [*_reader(config), contents]

    def parts() -> list[Part]:
        return file_parts(files(), config)

    names = tuple(place.name for place in places)
    return Source(names, identity, files, parts, unused=unused)


def _reader(config: CorpusConfig) -> list[Any]:
    """Return what decides, beside a file's bytes, what is read from it.

    Of a format that is not of this package its code does.
    """
    format = type(find_format(config.format))
    settings = [config.reader_settings()]
    if format.__module__.startswith(f"{__name__.partition('.')[0]}."):
        return settings
    try:
        return [*settings, digest(Path(inspect.getfile(format)))]
    except (TypeError, OSError):  # it is not defined in a file
        return settings


def _beginning_of(split: Source, config: CorpusConfig) -> Source:
    """Return the beginning of a split of files, which is a stream as a whole."""

    def identity() -> list[Any]:
        # Not their bytes: they are not to be read as a whole even once.
        stats = [(file.name, file.path.stat()) for file in split.files()]
        versions = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
        return [*_reader(config), "beginning", config.stream.fit_sentences, versions]

    return replace(
        split,
        identity=identity,
        parts=lambda: first_sentences(split.files(), config),
        stream=lambda: stream_files(split.files(), config),
    )


def _hub_stream(config: CorpusConfig, split: str, rows: datasets.IterableDataset) -> Source:
    """Return a split of the hub: of training the beginning, the others whole."""
    from seqtag.data.corpus import hub

    name = f"{config.path}[{split}]"
    stream = hub.stream_of(name, rows, config)
    count = config.stream.fit_sentences if split == "train" else None
    identity = [config.reader_settings(), name, count, hub.commit(config)]
    parts = [Part(name, partial(hub.read_stream, stream, count))]
    return Source((name,), lambda: identity, list, lambda: parts, lambda: stream)


def _hub_split(config: CorpusConfig, split: str, rows: datasets.Dataset) -> Source:
    from seqtag.data.corpus import hub

    name = f"{config.path}[{split}]"
    # datasets tells its tables by a fingerprint of what they were made from.
    identity = [config.reader_settings(), name, rows._fingerprint]

    return Source((name,), lambda: identity, list, lambda: hub.row_parts(name, rows, config))
