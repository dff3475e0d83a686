"""Divide a corpus into parts that several processes read in parallel."""

import codecs
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

from seqtag.data.config import CorpusConfig
from seqtag.data.formats.base import find_format
from seqtag.data.formats.lines import SourceFile, is_compressed
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError

T = TypeVar("T")

# Smaller parts are read before another process has even started; with larger ones, the other
# processes would have to wait for the last part.
_MIN_PART_BYTES, _MAX_PART_BYTES = 8 << 20, 64 << 20
_CHUNK = 1 << 24
# Encodings in which the byte of a line feed is never part of another character.
_PLAIN = re.compile(r"utf-8|ascii|iso8859-\d+|cp125\d|koi8-[rtu]")


class Part(NamedTuple):
    """A part of a corpus, which one process reads.

    Attributes:
        name: the name of its file.
        read: returns its sentences; picklable, so that another process can call it.
        continues_document: whether it begins in the document in which the previous part ends.
    """

    name: str
    read: Callable[[], Iterable[Sentence]]
    continues_document: bool = False


def file_parts(files: list[SourceFile], config: CorpusConfig) -> list[Part]:
    """Return the files as parts; large files are cut if there are several processes."""
    if config.processes > 1:
        size = sum(file.path.stat().st_size for file in files)
        share = min(_MAX_PART_BYTES, max(_MIN_PART_BYTES, -(-size // config.processes)))
        files = cut_files(files, config, share)
    return [
        Part(file.name, partial(config.read, file), continues_document=file.start > 0)
        for file in files
    ]


def cut_files(
    files: list[SourceFile], config: CorpusConfig, share: int = _MAX_PART_BYTES
) -> list[SourceFile]:
    """Return the files cut into parts of at most about `share` bytes, if they can be cut."""
    return [
        part for file in files for part in _cut(file, -(-file.path.stat().st_size // share), config)
    ]


def map_in_processes(work: Callable[..., T], tasks: list[Any], processes: int) -> list[T]:
    """Return `work(task)` of each task, in order, computed by at most `processes` processes.

    Raises:
        InputError: if a process was killed. Errors of `work` are passed on.
    """
    if min(processes, len(tasks)) <= 1:
        return [work(task) for task in tasks]
    # Not forked, because this process may have threads.
    with ProcessPoolExecutor(min(processes, len(tasks)), get_context("spawn")) as pool:
        try:
            return list(pool.map(work, tasks))
        except BrokenProcessPool:
            raise InputError(
                "data: a process that read the corpus was killed, perhaps for lack of memory; "
                f"lower data.processes={processes}"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _cut(file: SourceFile, count: int, config: CorpusConfig) -> list[SourceFile]:
    """Cut a text file between sentences, into at most `count` parts of about equal size."""
    encoding = codecs.lookup(config.encoding).name
    if count < 2 or is_compressed(file) or not _PLAIN.fullmatch(encoding):
        return [file]
    format, layout = find_format(config.format), config.layout()
    size = file.path.stat().st_size
    with file.path.open("rb") as raw:
        if not format.can_be_cut(raw, layout):
            return [file]
        places = {0, size}
        for i in range(1, count):
            raw.seek(size * i // count)
            raw.readline()
            places.add(format.next_break(raw, layout))
    parts, line = [], 1
    for start, end in pairwise(sorted(places)):
        parts.append(replace(file, start=start, end=end, first_line=line))
        line += _lines(parts[-1])
    return parts


def _lines(part: SourceFile) -> int:
    """Return the number of line feeds in a part of a file."""
    count, left = 0, (part.end or 0) - part.start
    with part.path.open("rb") as raw:
        raw.seek(part.start)
        while left > 0 and (chunk := raw.read(min(left, _CHUNK))):
            count += chunk.count(b"\n")
            left -= len(chunk)
    return count
