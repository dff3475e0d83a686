"""Decode bytes to text: byte order marks, files that are not text, and errors by line."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from seqtag.errors import InputError

# Names of compression formats in messages, by the ending of the file name.
COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}
# The first bytes of files that are not text, and their formats.
_BINARY_SIGNATURES = {
    b"\x1f\x8b": COMPRESSIONS[".gz"],
    b"\xfd7zXZ\x00": COMPRESSIONS[".xz"],
    b"(\xb5/\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PAR1\x15": "parquet",
    **{b"BZh%d1AY&SY" % level: COMPRESSIONS[".bz2"] for level in range(1, 10)},
    **{b"BZh%d\x17rE8P\x90" % level: COMPRESSIONS[".bz2"] for level in range(1, 10)},
}
# Byte order marks: the name of the encoding, and the codecs that accept it. Longest first.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: ("utf-32", ("utf-32", "utf-32-le")),
    codecs.BOM_UTF32_BE: ("utf-32", ("utf-32", "utf-32-be")),
    codecs.BOM_UTF8: ("utf-8", ("utf-8", "utf-8-sig")),
    codecs.BOM_UTF16_LE: ("utf-16", ("utf-16", "utf-16-le")),
    codecs.BOM_UTF16_BE: ("utf-16", ("utf-16", "utf-16-be")),
}
_STARTS = (*_BINARY_SIGNATURES, *_BYTE_ORDER_MARKS)
# Codecs that may produce lone surrogates, which are not characters.
_SURROGATE_CODECS = ("utf-7", "unicode_escape", "raw_unicode_escape")


@dataclass(frozen=True)
class Place:
    """The name, encoding and first line of an input, for messages.

    Attributes:
        name: name of the input.
        encoding: encoding of its bytes.
        setting: the setting or option that sets the encoding.
        line: number of its first line.
        at_start: whether it begins at the start of a file, where a byte order mark may be.
    """

    name: str
    encoding: str
    setting: str = "data.encoding"
    line: int = 1
    at_start: bool = True


def decode_pieces(raw: BinaryIO, place: Place, size: int) -> Iterator[str]:
    """Yield the text of each piece of input (at most `size` bytes), without byte order mark.

    Raises:
        InputError: for bytes that are not text in the encoding, after yielding all text before
            them.
    """
    decoder = codecs.getincrementaldecoder(place.encoding)()
    codec = codecs.lookup(place.encoding).name
    line, at_start = place.line, place.at_start
    unchecked = at_start
    for chunk in _chunks(raw, size, at_start):
        if unchecked:
            _refuse_binary(chunk, place, codec)
            unchecked = False
        fault = None
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            text, fault = _text_before(error, decoder, chunk), error
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        nul = text.find("\0")
        if nul >= 0:
            text = text[:nul]
        if codec in _SURROGATE_CODECS:
            yield from _refuse_surrogates(text, place, line)
        line += text.count("\n")
        if text:
            yield text
        if nul >= 0:
            hint = "utf-16, perhaps" if not codec.startswith("utf-16") else "utf-32, perhaps"
            raise InputError(
                f"{place.name}:{line}: a NUL character, which is not text: the file is damaged, or "
                f"not {place.encoding}: set {place.setting} ({hint})"
            )
        if fault is not None:
            raise _undecodable(fault, place, codec, line)


def _chunks(raw: BinaryIO, size: int, at_start: bool) -> Iterator[bytes]:
    """Yield pieces of input and then b""; the first piece is long enough to recognise a mark."""
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


def _refuse_binary(start: bytes, place: Place, codec: str) -> None:
    """Raise an InputError for the signature of a binary file or the mark of another encoding."""
    for mark, kind in _BINARY_SIGNATURES.items():
        if start.startswith(mark):
            raise InputError(
                f"{place.name}:1: this is not text but {kind} data: {_unpack_advice(kind)}"
            )
    for mark, (name, codecs_) in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            if codec not in codecs_:
                raise InputError(
                    f"{place.name}:1: not {place.encoding} (it begins with the byte order mark of "
                    f"{name}): set {place.setting} ({name})"
                )
            return


def _unpack_advice(kind: str) -> str:
    if kind == "parquet":
        return "read it as parquet (data=parquet)"
    endings = [ending for ending, packed in COMPRESSIONS.items() if packed == kind]
    rename = f", or let its name end in {endings[0]}" if endings else ""
    return f"unpack it{rename}"


def _text_before(error: UnicodeError, decoder: codecs.IncrementalDecoder, chunk: bytes) -> str:
    """Return the text of a piece of input before the byte that could not be decoded."""
    if not isinstance(error, UnicodeDecodeError):
        return ""
    # `error.object` may begin with bytes of the previous piece.
    good = len(chunk) - (len(error.object) - error.start)
    try:
        return decoder.decode(chunk[:good]) if good > 0 else ""
    except UnicodeError:
        return ""


def _refuse_surrogates(text: str, place: Place, line: int) -> Iterator[str]:
    """If there is a lone surrogate, yield the text before it and raise an InputError."""
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
