"""Bytes to text: byte order marks, files that are not text, and errors with their line."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from seqtag.errors import InputError

# What compressed data is called in messages, by the ending of the file's name.
PACKED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}
# The first bytes of files that are not text, and what they are.
_FOREIGN = {
    b"\x1f\x8b": PACKED[".gz"],
    b"\xfd7zXZ\x00": PACKED[".xz"],
    b"(\xb5/\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PAR1\x15": "parquet",
    **{b"BZh%d1AY&SY" % level: PACKED[".bz2"] for level in range(1, 10)},
    **{b"BZh%d\x17rE8P\x90" % level: PACKED[".bz2"] for level in range(1, 10)},
}
# Byte order marks: what they are the mark of, and the codecs that read it. The longest first.
_MARKS = {
    codecs.BOM_UTF32_LE: ("utf-32", ("utf-32", "utf-32-le")),
    codecs.BOM_UTF32_BE: ("utf-32", ("utf-32", "utf-32-be")),
    codecs.BOM_UTF8: ("utf-8", ("utf-8", "utf-8-sig")),
    codecs.BOM_UTF16_LE: ("utf-16", ("utf-16", "utf-16-le")),
    codecs.BOM_UTF16_BE: ("utf-16", ("utf-16", "utf-16-be")),
}
_STARTS = (*_FOREIGN, *_MARKS)
# Codecs that may give lone surrogates, which are not characters.
_LAX = ("utf-7", "unicode_escape", "raw_unicode_escape")


@dataclass(frozen=True)
class Place:
    """What messages say about a text.

    Attributes:
        name: what they call it.
        encoding: of its bytes.
        setting: what sets the encoding.
        line: number of its first line.
        at_start: it is the start of a file, where a mark may be, not a later part.
    """

    name: str
    encoding: str
    setting: str = "data.encoding"
    line: int = 1
    at_start: bool = True


def decoded(raw: BinaryIO, place: Place, size: int) -> Iterator[str]:
    """Yield the text of each piece of input (of `size` bytes at most) without a byte order mark.

    Raises:
        InputError: for bytes that are not text in the encoding. All text before them has been
            yielded.
    """
    decoder = codecs.getincrementaldecoder(place.encoding)()
    codec = codecs.lookup(place.encoding).name
    line, at_start = place.line, place.at_start
    unseen = at_start
    for chunk in _chunks(raw, size, at_start):
        if unseen:
            _refuse_foreign(chunk, place, codec)
            unseen = False
        fault = None
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            text, fault = _before(error, decoder, chunk), error
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        nul = text.find("\0")
        if nul >= 0:
            text = text[:nul]
        if codec in _LAX:
            yield from _refuse_surrogates(text, place, line)
        line += text.count("\n")
        if text:
            yield text
        if nul >= 0:
            hint = "utf-16, perhaps" if not codec.startswith("utf-16") else "utf-32, perhaps"
            raise InputError(
                f"{place.name}:{line}: a NUL character, which text does not have: the file is "
                f"damaged, or not {place.encoding}: set {place.setting} ({hint})"
            )
        if fault is not None:
            raise _undecodable(fault, place, codec, line)


def _chunks(raw: BinaryIO, size: int, at_start: bool) -> Iterator[bytes]:
    """Yield pieces of input and, last, an empty one; the first is enough to know a mark by."""
    chunk = raw.read1(size)  # type: ignore[attr-defined]
    while at_start and any(len(chunk) < len(s) and s.startswith(chunk) for s in _STARTS):
        more = raw.read1(size)  # type: ignore[attr-defined]
        if not more:
            break
        chunk += more
    while chunk:
        yield chunk
        chunk = raw.read1(size)  # type: ignore[attr-defined]
    yield b""


def _refuse_foreign(start: bytes, place: Place, codec: str) -> None:
    """Refuse a file that begins like one that is not text, or with the mark of another encoding."""
    for mark, kind in _FOREIGN.items():
        if start.startswith(mark):
            raise InputError(f"{place.name}:1: this is not text but {kind} data: {_advice(kind)}")
    for mark, (name, codecs_) in _MARKS.items():
        if start.startswith(mark):
            if codec not in codecs_:
                raise InputError(
                    f"{place.name}:1: not {place.encoding} (it begins with the byte order mark of "
                    f"{name}): set {place.setting} ({name})"
                )
            return


def _advice(kind: str) -> str:
    if kind == "parquet":
        return "read it as parquet (data=parquet)"
    endings = [ending for ending, packed in PACKED.items() if packed == kind]
    rename = f", or let its name end in {endings[0]}" if endings else ""
    return f"unpack it{rename}"


def _before(error: UnicodeError, decoder: codecs.IncrementalDecoder, chunk: bytes) -> str:
    """Return the text of a piece of input before the byte that its decoder refused."""
    if not isinstance(error, UnicodeDecodeError):
        return ""
    # The decoder reports its own object, which may begin with bytes of the piece before.
    good = len(chunk) - (len(error.object) - error.start)
    try:
        return decoder.decode(chunk[:good]) if good > 0 else ""
    except UnicodeError:
        return ""


def _refuse_surrogates(text: str, place: Place, line: int) -> Iterator[str]:
    """Yield the text before a lone surrogate and refuse the rest; else nothing."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        good = text[: error.start]
        if good:
            yield good
        raise InputError(
            f"{place.name}:{line + good.count(chr(10))}: not {place.encoding} (a lone surrogate, "
            f"{text[error.start]!a})"
        ) from None


def _undecodable(error: UnicodeError, place: Place, codec: str, line: int) -> InputError:
    detail = str(error)
    if isinstance(error, UnicodeDecodeError):
        detail = f"byte 0x{error.object[error.start]:02x}, {error.reason}"
    hint = "latin-1 or cp1252, perhaps" if codec == "utf-8" else "utf-8, perhaps"
    return InputError(
        f"{place.name}:{line}: not {place.encoding} ({detail}): set {place.setting} ({hint})"
    )
