"""Files of a corpus as bytes and as text lines, with exact line ends and decoding errors."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from seqtag.data.formats.decoding import PACKED, Place, decoded
from seqtag.errors import InputError

_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_CHUNK = 1 << 16
# A line of more characters than this is not one of a text file; memory would not be bounded.
_LONGEST = 1 << 26


@dataclass(frozen=True)
class SourceFile:
    """A local file, or a part of one, and the name by which messages call it.

    Attributes:
        path: where it is.
        name: what messages call it.
        start: byte at which the part begins; 0 for that of the file.
        end: byte before which it ends; None for the end of the file.
        first_line: number of the part's first line.
    """

    path: Path
    name: str
    start: int = 0
    end: int | None = None
    first_line: int = 1


@dataclass(frozen=True)
class Source:
    """An open input that is read once: a file, a part of one, or a pipe.

    Attributes:
        raw: the bytes, from where the input begins.
        place: name, encoding and advice for messages, and the number of the first line.
        after_crlf: the line before the first one ended in a carriage return and a line feed.
    """

    raw: BinaryIO
    place: Place
    after_crlf: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.place.name

    @property
    def is_later_part(self) -> bool:
        """There are sentences of the same file before it."""
        return not self.place.at_start

    def lines(self, keep_returns: bool = False) -> Iterator[list[str]]:
        """Yield the lines in lists, as `line_lists` does."""
        return line_lists(self, keep_returns)

    def numbered_lines(self, keep_returns: bool = False) -> Iterator[tuple[int, str] | None]:
        """Yield the number and the text of each line, and None where nothing more is there yet."""
        number = self.place.line
        for found in line_lists(self, keep_returns):
            yield from enumerate(found, number)
            number += len(found)
            yield None


def open_binary(file: SourceFile) -> IO[bytes]:
    """Open a file for reading; ``.gz``, ``.bz2`` and ``.xz`` are decompressed by their name."""
    try:
        if file.start or file.end is not None:
            return io.BufferedReader(_Part(file), _CHUNK)
        if is_packed(file):
            return _OPENERS[_ending(file)](file.path, "rb")
        return file.path.open("rb")
    except OSError as error:
        raise unreadable(file, error) from error


def is_packed(file: SourceFile) -> bool:
    """Return whether a file is compressed, by its name."""
    return _ending(file) in _OPENERS


def _ending(file: SourceFile) -> str:
    return Path(file.name).suffix.lower()


class _Part(io.RawIOBase):
    """The bytes of a file from one place to another."""

    def __init__(self, file: SourceFile) -> None:
        self._raw = file.path.open("rb", buffering=0)
        self._raw.seek(file.start)
        self._left = (file.path.stat().st_size if file.end is None else file.end) - file.start

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(memoryview(buffer)[: self._left])
        self._left -= count
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


@contextmanager
def open_source(file: SourceFile, encoding: str = "utf-8") -> Iterator[Source]:
    """Open a file, or a part of one, to be read once.

    Raises:
        InputError: if the system refuses to.
    """
    with open_binary(file) as raw:
        place = Place(file.name, encoding, line=file.first_line, at_start=not file.start)
        yield Source(raw, place, after_crlf=_is_after_crlf(file))


def text_lines(file: SourceFile, encoding: str) -> Iterator[str]:
    r"""Yield the lines of a text file without their ends; a byte order mark is dropped.

    Only ``\n`` and ``\r\n`` end a line: U+0085, U+2028 or a file separator may be part of a token,
    which is why `str.splitlines` is of no use here. A carriage return elsewhere is kept.

    Raises:
        InputError: if the file cannot be read, or is not text in that encoding.
    """
    with open_source(file, encoding) as source:
        for lines in line_lists(source, keep_returns=True):
            yield from lines


def _is_after_crlf(file: SourceFile) -> bool:
    if file.start < 2:
        return False
    with file.path.open("rb") as raw:
        raw.seek(file.start - 2)
        return raw.read(2) == b"\r\n"


def text_pieces(source: Source) -> Iterator[str]:
    """Yield the text of each piece of input, as it comes.

    Raises:
        InputError: if it cannot be read, or is not text in the encoding. It names the line, and
            all text before has been yielded.
    """
    try:
        yield from decoded(source.raw, source.place, _CHUNK)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        name = source.place.name
        raise unreadable(SourceFile(Path(name), name), error) from error


def line_lists(source: Source, keep_returns: bool = False) -> Iterator[list[str]]:
    r"""Yield the lines of a text without their ends: a list of those that each piece completes.

    After each list nothing more is at hand for now; it may be empty. A text that was cut between
    the ``\r`` and the ``\n`` of its last line has this line without the ``\r``.

    Args:
        source: the text.
        keep_returns: a carriage return elsewhere than before a line feed stays part of the line.
            Otherwise it is refused: it ends the lines of old Mac files, which would be one line.

    Raises:
        InputError: for what is not text in the encoding, a line that never ends, and a carriage
            return. It names the line, and all lines before it have been yielded, whatever pieces
            the text comes in.
    """
    pieces: list[str] = []
    size, number, after_crlf = 0, source.place.line, source.after_crlf
    for text in text_pieces(source):
        pieces.append(text)
        size += len(text)
        if "\n" not in text:
            if size > _LONGEST:
                raise _endless(source, number)
            yield []
            continue
        text = "".join(pieces)
        lines = text.split("\n")
        if len(lines[0]) > _LONGEST:
            raise _endless(source, number)
        pieces = [lines.pop()]
        size = len(pieces[0])
        if "\r" in text:
            after_crlf = lines[-1].endswith("\r")
            lines = [line.removesuffix("\r") for line in lines]
            if not keep_returns:
                yield from _before_returns(source, lines, number)
        else:
            after_crlf = False
        number += len(lines)
        yield lines
    last = "".join(pieces)
    if len(last) > _LONGEST:
        raise _endless(source, number)
    if last:
        last = [last.removesuffix("\r") if after_crlf else last]
        if not keep_returns:
            yield from _before_returns(source, last, number)
        yield last


def _before_returns(source: Source, lines: list[str], number: int) -> Iterator[list[str]]:
    """Yield the lines before one with a carriage return and refuse that one; else nothing."""
    for position, line in enumerate(lines):
        if "\r" in line:
            yield lines[:position]
            raise InputError(
                f"{source.place.name}:{number + position}: a carriage return (\\r) without a line "
                "feed: old Mac line ends, or a stray character. Lines end in \\n or \\r\\n: "
                "convert the file (tr '\\r' '\\n') or remove it"
            )


def _endless(source: Source, number: int) -> InputError:
    return InputError(
        f"{source.place.name}:{number}: a line of more than {_LONGEST:,} characters: not a text "
        "file, or one without line ends"
    )


def after_blank_line(raw: BinaryIO, in_sentence: Callable[[bytes], bool]) -> int:
    """Return the next place of a file behind an empty line that ends a sentence for sure.

    Args:
        raw: the file, at the start of a line.
        in_sentence: whether a line that is not empty belongs to a sentence.
    """
    inside = False
    while line := raw.readline():
        if line.removesuffix(b"\n").removesuffix(b"\r").strip(b" \t"):
            inside = in_sentence(line)
        elif inside:
            return raw.tell()
    return raw.tell()


def unreadable(file: SourceFile, error: Exception) -> InputError:
    """Return the InputError for a file that the system or a decompressor could not read."""
    kind = PACKED.get(_ending(file))
    reason = getattr(error, "strerror", None)
    if kind is None or reason:
        return InputError(f"{file.name}: cannot be read: {reason or error}")
    if isinstance(error, EOFError):
        return InputError(
            f"{file.name}: cut short: the {kind} data ends before its end marker; copy it again"
        )
    return InputError(f"{file.name}: cannot be read: damaged, or not {kind} data ({error})")
