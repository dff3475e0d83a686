"""Files of a corpus as bytes and as text lines, with exact line ends and decoding errors."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from seqtag.errors import InputError

_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_CHUNK = 1 << 20
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


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


def open_binary(file: SourceFile) -> IO[bytes]:
    """Open a file for reading; ``.gz``, ``.bz2`` and ``.xz`` are decompressed by their name."""
    try:
        if file.start or file.end is not None:
            return io.BufferedReader(_Part(file), _CHUNK)
        if is_packed(file):
            return _OPENERS[Path(file.name).suffix.lower()](file.path, "rb")
        return file.path.open("rb")
    except OSError as error:
        raise unreadable(file, error) from error


def is_packed(file: SourceFile) -> bool:
    """Return whether a file is compressed, by its name."""
    return Path(file.name).suffix.lower() in _OPENERS


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


def text_lines(file: SourceFile, encoding: str) -> Iterator[str]:
    r"""Yield the lines of a text file without their ends; a byte order mark is dropped.

    Only ``\n`` and ``\r\n`` end a line: U+0085, U+2028 or a file separator may be part of a token,
    which is why `str.splitlines` is of no use here.

    Raises:
        InputError: if the file cannot be read, or holds bytes that the encoding does not have.
    """
    try:
        with open_binary(file) as raw, io.TextIOWrapper(raw, encoding, newline="\n") as text:
            first = text.readline()
            if not file.start:
                first = first.removeprefix("\ufeff")
            if first:
                yield _chomp(first)
            for line in text:
                yield _chomp(line)
    except UnicodeError as error:
        raise _undecodable(file, encoding, error) from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise unreadable(file, error) from error


def _chomp(line: str) -> str:
    return line[:-2] if line.endswith("\r\n") else line.removesuffix("\n")


def unreadable(file: SourceFile, error: Exception) -> InputError:
    """Return the InputError for a file that the system or a decompressor could not read."""
    return InputError(f"{file.name}: cannot be read: {getattr(error, 'strerror', None) or error}")


def _undecodable(file: SourceFile, encoding: str, error: UnicodeError) -> InputError:
    """Find the line at fault by decoding once more: the text layer reads ahead of the lines."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = file.first_line
    with open_binary(file) as raw:
        start = raw.read(2)
        chunk = start + raw.read(_CHUNK)
        while True:
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as fault:
                # The decoder may have kept bytes of the chunk before: it reports its own object.
                good = fault.object[: fault.start]
                line += codecs.decode(good, encoding, "ignore").count("\n")
                error = fault
                break
            except UnicodeError:
                break
            if not chunk:
                break
            chunk = raw.read(_CHUNK)
    detail = str(error)
    if isinstance(error, UnicodeDecodeError):
        detail = f"byte 0x{error.object[error.start]:02x}, {error.reason}"
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    hint = _MARKS.get(start) or ("latin-1 or cp1252, perhaps" if is_utf8 else "utf-8, perhaps")
    return InputError(f"{file.name}:{line}: not {encoding} ({detail}): set data.encoding ({hint})")
