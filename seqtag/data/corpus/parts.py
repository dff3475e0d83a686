"""A corpus in parts, read by several processes side by side and put together in order."""

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
from seqtag.data.formats.lines import SourceFile, is_packed
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError

T = TypeVar("T")

# Smaller parts are read before another process has even started; of larger ones the last would be
# waited for.
_LEAST_BYTES, _MOST_BYTES = 8 << 20, 64 << 20
_CHUNK = 1 << 24
# Encodings in which the byte of a line's end is never part of another character.
_PLAIN = re.compile(r"utf-8|ascii|iso8859-\d+|cp125\d|koi8-[rtu]")


class Part(NamedTuple):
    """Sentences that one process reads.

    Attributes:
        name: the file they are from.
        read: yields them; it can be sent to another process.
        goes_on: the first one's document is that of the last one of the part before.
    """

    name: str
    read: Callable[[], Iterable[Sentence]]
    goes_on: bool = False


def file_parts(files: list[SourceFile], config: CorpusConfig) -> list[Part]:
    """Return the files as parts; for several processes large ones are cut where they can be."""
    if config.processes > 1:
        size = sum(file.path.stat().st_size for file in files)
        share = min(_MOST_BYTES, max(_LEAST_BYTES, -(-size // config.processes)))
        files = cut_files(files, config, share)
    return [Part(file.name, partial(config.read, file), goes_on=file.start > 0) for file in files]


def cut_files(
    files: list[SourceFile], config: CorpusConfig, share: int = _MOST_BYTES
) -> list[SourceFile]:
    """Return the files in parts of about `share` bytes at most, where they can be cut."""
    return [
        part for file in files for part in _cut(file, -(-file.path.stat().st_size // share), config)
    ]


def in_processes(work: Callable[..., T], tasks: list[Any], processes: int) -> list[T]:
    """Return what `work` makes of each task, in their order, by so many processes at most.

    Raises:
        InputError: if a process was killed; and what `work` raises.
    """
    if min(processes, len(tasks)) <= 1:
        return [work(task) for task in tasks]
    # Not forked: this process may have threads by now.
    with ProcessPoolExecutor(min(processes, len(tasks)), get_context("spawn")) as pool:
        try:
            return list(pool.map(work, tasks))
        except BrokenProcessPool:
            raise InputError(
                "data: a process that read the corpus was killed, perhaps for want of memory; "
                f"data.processes={processes} is how many there are"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _cut(file: SourceFile, count: int, config: CorpusConfig) -> list[SourceFile]:
    """Cut a text file between sentences, into `count` parts of about one size or into fewer."""
    encoding = codecs.lookup(config.encoding).name
    if count < 2 or is_packed(file) or not _PLAIN.fullmatch(encoding):
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
    """Return the number of line ends in a part of a file."""
    count, left = 0, (part.end or 0) - part.start
    with part.path.open("rb") as raw:
        raw.seek(part.start)
        while left > 0 and (chunk := raw.read(min(left, _CHUNK))):
            count += chunk.count(b"\n")
            left -= len(chunk)
    return count
