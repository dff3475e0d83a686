"""Memory-mapped Arrow files whose pages are released after use."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import datasets

_BATCH_SENTENCES = 20_000
# By path: a data set stores the paths of its files, but not the mappings.
_MAPPINGS: WeakValueDictionary[str, mmap.mmap] = WeakValueDictionary()


def open_table(path: Path) -> pa.Table:
    """Memory-map an Arrow file and return its table, whose data stay on disk.

    Raises:
        OSError, ValueError: if there is no such file, or it is not an Arrow stream.
    """
    with path.open("rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    table = pa.ipc.open_stream(pa.py_buffer(mapping)).read_all()
    _MAPPINGS[os.path.abspath(path)] = mapping
    _drop_pages(mapping)  # `read_all` visited all batches
    return table


def drop_pages(rows: datasets.Dataset) -> None:
    """Release the pages of a data set's files from the resident memory of this process.

    They stay in the system's page cache, so reading them again takes microseconds.
    """
    for file in rows.cache_files:
        if mapping := _MAPPINGS.get(file["filename"]):
            _drop_pages(mapping)


def _drop_pages(mapping: mmap.mmap) -> None:
    if hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def lengths_of(rows: datasets.Dataset) -> np.ndarray:
    """Return the number of tokens of each sentence."""
    lengths = rows.data.column("length").to_numpy()
    drop_pages(rows)
    return lengths


def tables(rows: datasets.Dataset) -> Iterator[pa.Table]:
    """Yield the rows of a data set in order, as Arrow tables of bounded size."""
    for table in rows.with_format("arrow").iter(batch_size=_BATCH_SENTENCES):
        yield table
        drop_pages(rows)
