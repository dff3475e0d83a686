"""Read files and pipes as bytes and as text lines, with errors by line."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from seqtag.data.formats.decoding import COMPRESSIONS, Place, decode_pieces
from seqtag.errors import InputError

_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_CHUNK = 1 << 16
# Longer lines are refused, so that memory stays bounded; no text file has them.
_MAX_LINE = 1 << 26


@dataclass(frozen=True)
class SourceFile:
    """A local file, or a part of one.

    Attributes:
        path: path of the file.
        name: name of the file in messages.
        start: offset of the first byte.
        end: offset after the last byte; None for the end of the file.
        first_line: number of the first line.
    """

    path: Path
    name: str
    start: int = 0
    end: int | None = None
    first_line: int = 1


@dataclass(frozen=True)
class Source:
    """An open input that is read once: a file, a part of one, or a pipe.

        for numbered in source.numbered_lines():
            if numbered is not None:
                number, line = numbered

    Attributes:
        raw: the bytes of the input.
        place: name, encoding and first line of the input, for messages.
        after_crlf: whether the line before the first one ended in CR LF.
        folder: the folder of files, if the input is one; `raw` is then empty.
    """

    raw: BinaryIO
    place: Place
    after_crlf: bool = False
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Name of the input in messages."""
        return self.place.name

    @property
    def is_later_part(self) -> bool:
        """Whether it is a part of a file that does not begin at the file's start."""
        return not self.place.at_start

    def starts_with(self, start: bytes) -> bool:
        """Return whether the bytes begin with `start`, as far as that can be seen."""
        peek = getattr(self.raw, "peek", None)
        return peek is not None and peek(len(start)).startswith(start)

    def lines(self, keep_returns: bool = False) -> Iterator[list[str]]:
        """Yield lists of lines, as `line_lists` does."""
        return line_lists(self, keep_returns)

    def numbered_lines(
        self, keep_returns: bool = False, pieces: Iterable[str] | None = None
    ) -> Iterator[tuple[int, str] | None]:
        """Yield the number and text of each line, and None if no more input is available yet.

        `pieces` is the text, if it was decoded already.
        """
        number = self.place.line
        for lines in line_lists(self, keep_returns, pieces):
            yield from enumerate(lines, number)
            number += len(lines)
            yield None


def open_binary(file: SourceFile) -> IO[bytes]:
    """Open a file for reading; decompress it if its name ends in ``.gz``, ``.bz2`` or ``.xz``."""
    try:
        if file.start or file.end is not None:
            return io.BufferedReader(_FileSlice(file), _CHUNK)
        if is_compressed(file):
            return _OPENERS[_ending(file)](file.path, "rb")
        return file.path.open("rb")
    except OSError as error:
        raise unreadable(file, error) from error


def is_compressed(file: SourceFile) -> bool:
    """Return whether a file is compressed, according to its name."""
    return _ending(file) in _OPENERS


def _ending(file: SourceFile) -> str:
    return Path(file.name).suffix.lower()


class _FileSlice(io.RawIOBase):
    """The bytes of a file between two offsets."""

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
def open_source(
    file: SourceFile, encoding: str = "utf-8", setting: str = "data.encoding"
) -> Iterator[Source]:
    """Open a file, or a part of one, to be read once.

    Raises:
        InputError: if it cannot be opened.
    """
    place = Place(file.name, encoding, setting, file.first_line, at_start=not file.start)
    if file.path.is_dir():
        yield Source(io.BytesIO(), place, folder=file.path)
        return
    with open_binary(file) as raw:
        yield Source(raw, place, after_crlf=_is_after_crlf(file))


def text_lines(file: SourceFile, encoding: str, setting: str = "data.encoding") -> Iterator[str]:
    r"""Yield the lines of a text file without line ends; a byte order mark is dropped.

    Only ``\n`` and ``\r\n`` end a line. U+0085, U+2028 or a file separator can be part of a
    token, so `str.splitlines` cannot be used. A carriage return elsewhere is kept.

    Raises:
        InputError: if the file cannot be read, or is not text in this encoding; the message then
            names `setting`, which sets the encoding.
    """
    with open_source(file, encoding, setting) as source:
        if source.folder is not None:
            raise InputError(f"{file.name}: cannot be read: Is a directory")
        for lines in line_lists(source, keep_returns=True):
            yield from lines


def _is_after_crlf(file: SourceFile) -> bool:
    if file.start < 2:
        return False
    with file.path.open("rb") as raw:
        raw.seek(file.start - 2)
        return raw.read(2) == b"\r\n"


def text_pieces(source: Source) -> Iterator[str]:
    """Yield the text of each piece of input as it arrives.

    Raises:
        InputError: if the input cannot be read or is not text in its encoding, after yielding
            all text before the error. The message names the line.
    """
    try:
        yield from decode_pieces(source.raw, source.place, _CHUNK)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        name = source.place.name
        raise unreadable(SourceFile(Path(name), name), error) from error


def line_lists(
    source: Source, keep_returns: bool = False, pieces_of_text: Iterable[str] | None = None
) -> Iterator[list[str]]:
    r"""Yield lists of lines without line ends: the lines that each piece of input completes.

    A list may be empty. After any list, the next input may not be available yet. If the text was
    cut between the ``\r`` and the ``\n`` of its last line, this ``\r`` is removed too.

    Args:
        source: the input.
        keep_returns: whether a carriage return that is not before a line feed is part of the
            line. If not, it is an error: such files have old Mac line ends, and would be one line.
        pieces_of_text: the text, if it was decoded already.

    Raises:
        InputError: for bytes that are not text in the encoding, for a line that is too long, and
            for a carriage return, after yielding all lines before it. The message names the line.
    """
    pieces: list[str] = []
    size, number, after_crlf = 0, source.place.line, source.after_crlf
    for text in text_pieces(source) if pieces_of_text is None else pieces_of_text:
        pieces.append(text)
        size += len(text)
        if "\n" not in text:
            if size > _MAX_LINE:
                raise _line_too_long(source, number)
            yield []
            continue
        text = "".join(pieces)
        lines = text.split("\n")
        if len(lines[0]) > _MAX_LINE:
            raise _line_too_long(source, number)
        pieces = [lines.pop()]
        size = len(pieces[0])
        if "\r" in text:
            after_crlf = lines[-1].endswith("\r")
            lines = [line.removesuffix("\r") for line in lines]
            if not keep_returns:
                yield from _refuse_carriage_returns(source, lines, number)
        else:
            after_crlf = False
        number += len(lines)
        yield lines
    last = "".join(pieces)
    if len(last) > _MAX_LINE:
        raise _line_too_long(source, number)
    if last:
        last = [last.removesuffix("\r") if after_crlf else last]
        if not keep_returns:
            yield from _refuse_carriage_returns(source, last, number)
        yield last


def _refuse_carriage_returns(source: Source, lines: list[str], number: int) -> Iterator[list[str]]:
    """If a line has a carriage return, yield the lines before it and raise an InputError."""
    for position, line in enumerate(lines):
        if "\r" in line:
            yield lines[:position]
            raise InputError(
                f"{source.place.name}:{number + position}: a carriage return (\\r) without a line "
                "feed: old Mac line ends, or a stray character. Lines end in \\n or \\r\\n: "
                "convert the file (tr '\\r' '\\n') or remove it"
            )


def _line_too_long(source: Source, number: int) -> InputError:
    return InputError(
        f"{source.place.name}:{number}: a line of more than {_MAX_LINE:,} characters: not a text "
        "file, or one without line ends"
    )


def after_blank_line(raw: BinaryIO, in_sentence: Callable[[bytes], bool]) -> int:
    """Return the next position in a file after an empty line that certainly ends a sentence.

    Args:
        raw: the file, positioned at the start of a line.
        in_sentence: returns whether a non-empty line belongs to a sentence.
    """
    inside = False
    while line := raw.readline():
        if line.removesuffix(b"\n").removesuffix(b"\r").strip(b" \t"):
            inside = in_sentence(line)
        elif inside:
            return raw.tell()
    return raw.tell()


def unreadable(file: SourceFile, error: Exception) -> InputError:
    """Return the InputError for a file that could not be read or decompressed."""
    kind = COMPRESSIONS.get(_ending(file))
    reason = getattr(error, "strerror", None)
    if kind is None or reason:
        return InputError(f"{file.name}: cannot be read: {reason or error}")
    if isinstance(error, EOFError):
        return InputError(
            f"{file.name}: cut short: the {kind} data ends before its end marker; copy it again"
        )
    return InputError(f"{file.name}: cannot be read: damaged, or not {kind} data ({error})")
