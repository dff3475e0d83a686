"""Corpora cached as Arrow files on disk, under a digest of what they were made from."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from seqtag.data.corpus.memory_mapped import open_table
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError
from seqtag.files import atomic_folder

if TYPE_CHECKING:
    import datasets

_META = "meta.json"
_BATCH_SENTENCES = 10_000
_BATCH_TOKENS = 200_000
_CHUNK = 1 << 20


def digest(*parts: Any) -> str:
    """Return a hexadecimal digest of JSON values; a Path stands for the bytes of its file."""
    hasher = hashlib.blake2b(digest_size=20)
    for part in parts:
        if isinstance(part, Path):
            inner = hashlib.blake2b()
            with part.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    inner.update(chunk)
            part = inner.hexdigest()
        hasher.update(json.dumps(part, sort_keys=True).encode() + b"\0")
    return hasher.hexdigest()


class CacheEntry:
    """A complete folder of the cache: Arrow files and their metadata."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.meta: dict[str, Any] = json.loads((folder / _META).read_text(encoding="utf-8"))

    def dataset(self, name: str) -> datasets.Dataset:
        """Open one Arrow file, memory-mapped."""
        import datasets
        from datasets.table import MemoryMappedTable

        path = self.folder / f"{name}.arrow"
        table = MemoryMappedTable(open_table(path), str(path))
        if table.num_rows != self.meta["rows"][name]:
            raise ValueError(f"{self.folder}: {name}.arrow is cut short")
        # A fingerprint of the content, so that results derived from the data set can be cached.
        return datasets.Dataset(table, fingerprint=digest(self.folder.name, name)[:16])


def cached(
    root: Path, key: str, names: Iterable[str], build: Callable[[Path], dict[str, Any]]
) -> tuple[CacheEntry, list[datasets.Dataset]]:
    """Return the cache entry `key` and its data sets `names`; build the entry if it is missing.

    `build(folder)` writes the Arrow files and returns the metadata. It writes to a temporary
    folder, which is then renamed: no other process ever sees an incomplete entry, and if two
    processes build the same one, the first to finish wins. A damaged entry is built again.
    """
    folder = root / "corpora" / key
    names = list(names)
    if folder.exists():
        try:
            entry = CacheEntry(folder)
            return entry, [entry.dataset(name) for name in names]
        except (OSError, ValueError, KeyError):
            shutil.rmtree(folder, ignore_errors=True)
    _build(folder, build)
    entry = CacheEntry(folder)
    return entry, [entry.dataset(name) for name in names]


def _build(folder: Path, build: Callable[[Path], dict[str, Any]]) -> None:
    try:
        with atomic_folder(folder, _publish, mode=0o700) as temporary:
            meta = build(temporary)
            (temporary / _META).write_text(json.dumps(meta), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{folder.parent}: cannot write the cache ({error.strerror or error}); set "
            "SEQTAG_CACHE or data.cache_dir to a writable folder with free space"
        ) from error


def _publish(temporary: Path, folder: Path) -> None:
    """Rename a folder to its final name, unless another process has already completed the entry."""
    try:
        temporary.rename(folder)
    except OSError:
        if not (folder / _META).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)


def schema(features: Iterable[str], factors: Iterable[str] = ()) -> pa.Schema:
    """Return the Arrow schema of a corpus: a list per feature, an int per factor."""
    strings = pa.list_(pa.string())
    return pa.schema(
        [
            ("tokens", strings),
            ("labels", strings),
            *((name, strings) for name in features),
            ("length", pa.int32()),
            ("doc", pa.int32()),
            ("where", pa.string()),
            *((name, pa.int32()) for name in factors),
        ]
    )


def write_sentences(
    path: Path, sentences: Iterable[tuple[Sentence, str]], features: tuple[str, ...]
) -> int:
    """Write (sentence, where) pairs to an Arrow file and return their number.

    Batches are bounded in sentences and tokens, so that memory does not grow with the corpus.

    Raises:
        InputError: for a string that is not Unicode text (a lone surrogate from a JSON escape).
    """
    columns = schema(features)
    rows = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, columns) as writer:
        for batch in _batches(sentences):
            writer.write_batch(_record_batch(batch, columns))
            rows += len(batch)
    return rows


def _batches(sentences: Iterable[tuple[Sentence, str]]) -> Iterator[list[tuple[Sentence, str]]]:
    batch: list[tuple[Sentence, str]] = []
    tokens = 0
    for pair in sentences:
        batch.append(pair)
        tokens += len(pair[0].tokens)
        if len(batch) >= _BATCH_SENTENCES or tokens >= _BATCH_TOKENS:
            yield batch
            batch, tokens = [], 0
    if batch:
        yield batch


def _record_batch(batch: list[tuple[Sentence, str]], columns: pa.Schema) -> pa.RecordBatch:
    sentences = [sentence for sentence, _ in batch]
    count = len(columns) - 5
    values = [
        [sentence.tokens for sentence in sentences],
        [sentence.labels for sentence in sentences],
        *([sentence.features[i] for sentence in sentences] for i in range(count)),
        [len(sentence.tokens) for sentence in sentences],
        [sentence.doc for sentence in sentences],
        [where for _, where in batch],
    ]
    try:
        arrays = [pa.array(v, type=field.type) for v, field in zip(values, columns, strict=True)]
    except UnicodeEncodeError as error:
        raise _surrogate_error(batch, error) from None
    return pa.record_batch(arrays, schema=columns)


def _surrogate_error(batch: list[tuple[Sentence, str]], error: UnicodeEncodeError) -> InputError:
    for sentence, where in batch:
        for text in chain(sentence.tokens, sentence.labels, *sentence.features):
            try:
                (text or "").encode()
            except UnicodeEncodeError:
                return InputError(f"{where}: {text!r} is not Unicode text (a lone surrogate)")
    return InputError(f"{batch[0][1]}: {error}")


def rewrite(
    sources: Iterable[tuple[Path, Callable[[pa.RecordBatch], pa.RecordBatch]]], target: Path
) -> int:
    """Concatenate Arrow files, each transformed batch by batch; return the number of rows."""
    rows = 0
    with pa.OSFile(str(target), "wb") as sink:
        writer = None
        for path, change in sources:
            with pa.OSFile(str(path)) as source, pa.ipc.open_stream(source) as reader:
                writer = writer or pa.ipc.new_stream(sink, reader.schema)
                for batch in reader:
                    changed = change(batch)
                    if changed.num_rows:
                        writer.write_batch(changed)
                    rows += changed.num_rows
        if writer is not None:
            writer.close()
    return rows
