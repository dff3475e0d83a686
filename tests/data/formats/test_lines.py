"""Lines of text files: line ends, byte order marks, binary data, and pieces of any size."""

import bz2
import gzip
import io
import lzma

import pytest

from seqtag.data.formats.decoding import Place
from seqtag.data.formats.lines import Source, SourceFile, open_source, text_lines
from seqtag.errors import InputError


class Pieces(io.RawIOBase):
    """A stream that returns at most `size` bytes at a time, as a pipe may."""

    def __init__(self, content, size):
        self.raw, self.size = io.BytesIO(content), size

    def read1(self, size):
        return self.raw.read(min(size, self.size))


def outcome(lists):
    """Return the lines before any error, and its message or None."""
    lines = []
    try:
        for more in lists:
            lines += more
    except InputError as error:
        return lines, str(error)
    return lines, None


def file_lines(file, encoding, keep_returns=False):
    with open_source(file, encoding) as source:
        yield from source.lines(keep_returns)


def read(write, content, encoding="utf-8", keep_returns=False):
    """Return the outcome for a file, and check that it is the same in pieces of any size."""
    path = write("a.txt", content)
    whole = outcome(file_lines(SourceFile(path, "a.txt"), encoding, keep_returns))
    for size in (1, 2, 3, 5):
        source = Source(Pieces(path.read_bytes(), size), Place("a.txt", encoding))
        assert outcome(source.lines(keep_returns)) == whole
    return whole


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("", []),
        ("\ufeff", []),
        ("\n", [""]),
        ("a", ["a"]),
        ("a\r\nb\n\r\n c", ["a", "b", "", " c"]),
        # Cut between the CR and LF of the last line end.
        ("a\r\nb\r", ["a", "b"]),
        ("a\r\n\r", ["a", ""]),
        ("\ufeffa\x85b\u2028c\x1c\x0b\x0c\n", ["a\x85b\u2028c\x1c\x0b\x0c"]),
    ],
)
def test_line_ends(write, content, lines):
    assert read(write, content) == (lines, None)


@pytest.mark.parametrize(
    ("content", "num_before", "line"),
    [
        ("a\rb\rc\r", 0, 1),
        ("a\n\rb\n", 1, 2),
        ("a\nb\r", 1, 2),
        ("a\r\nb\nc\r", 2, 3),
        ("a\r\nb\r\r\n", 1, 2),
        ("a\n" * 5 + "x\ry\nb\n", 5, 6),
    ],
)
def test_a_carriage_return_alone_is_refused(write, content, num_before, line):
    lines, error = read(write, content)
    assert len(lines) == num_before
    assert error.startswith(f"a.txt:{line}: a carriage return")
    assert "old Mac" in error
    # Readers whose cells may contain carriage returns keep them.
    assert read(write, content, keep_returns=True)[1] is None


def test_a_later_part_of_a_file_is_read_like_the_file(write):
    path = write("a.txt", "a\r\n\r\nb\r")
    assert outcome(file_lines(SourceFile(path, "a.txt", 5, 7, 3), "utf-8")) == (["b"], None)
    path = write("a.txt", "a\n\nb\r")
    _, error = outcome(file_lines(SourceFile(path, "a.txt", 3, 5, 3), "utf-8"))
    assert error.startswith("a.txt:3: a carriage return")


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ("a\n".encode("utf-16"), "utf-8", "not utf-8 .*mark of utf-16.*data.encoding"),
        ("ab\n".encode("utf-16"), "latin-1", "not latin-1 .*mark of utf-16"),
        ("a\n".encode("utf-32"), "utf-8", "mark of utf-32"),
        ("a\n".encode("utf-32"), "utf-16", "mark of utf-32"),
        ("\ufeffa\n".encode("utf-16-be"), "utf-16-le", "mark of utf-16"),
        (b"\xef\xbb\xbfa\n", "cp1252", "mark of utf-8"),
        ("a\n".encode("utf-16-le"), "utf-8", r"a NUL character.* \(utf-16, perhaps\)"),
        ("a\n".encode("utf-32-be"), "latin-1", "a NUL character"),
        (b"\xff", "ascii", "not ascii .*utf-8, perhaps"),
        (b"+2AA-", "utf-7", "a lone surrogate"),
    ],
)
def test_another_encoding_is_reported(write, content, encoding, message):
    lines, error = read(write, content, encoding)
    assert lines == []
    assert error.startswith("a.txt:1: ")
    with pytest.raises(InputError, match=message):
        raise InputError(error)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7"])
def test_byte_order_marks_are_dropped(write, encoding):
    content = ("\ufeff" if encoding == "utf-16-le" else "") + "é\r\nb"
    assert read(write, content.encode(encoding), encoding) == (["é", "b"], None)


def test_lines_before_an_error_are_yielded(write):
    for fault, message in (
        (b"\xff", "not utf-8"),
        (b"\0", "a NUL character"),
        (b"\xc3", "not utf"),
    ):
        lines, error = read(write, b"a\nb\n\xc3\xa9" + fault)
        assert lines == ["a", "b"]
        assert error.startswith(f"a.txt:3: {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"a", mtime=0), r"gzip data: unpack it, or let its name end in \.gz"),
        (bz2.compress(b"a"), "bzip2 data: .*bz2"),
        (bz2.compress(b""), "bzip2 data: .*bz2"),
        (lzma.compress(b"a"), "xz data: .*xz"),
        (b"PK\x03\x04rest", "zip data: unpack it$"),
        (b"(\xb5/\xfdrest", "zstd data: unpack it$"),
        (b"PAR1\x15rest", "parquet data: read it as parquet"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_binary_files_are_reported(write, content, message, encoding):
    lines, error = read(write, content, encoding)
    assert lines == []
    with pytest.raises(InputError, match=f"^a.txt:1: this is not text but {message}"):
        raise InputError(error)


@pytest.mark.parametrize("text", ["PAR1 O\n", "PK O\n", "BZh9 O\n", "(µ\n", "ÿþ O\n"])
def test_texts_that_begin_like_binary_files_are_read(write, text):
    assert read(write, text) == ([text[:-1]], None)


def test_a_very_long_line_is_refused(write, monkeypatch):
    monkeypatch.setattr("seqtag.data.formats.lines._MAX_LINE", 100)
    _, error = read(write, "a\n" + "x" * 101)
    assert error.startswith("a.txt:2: a line of more than 100 characters")
    assert read(write, "x" * 100 + "\n" + "y" * 100)[1] is None


def test_text_lines_keep_carriage_returns(write):
    path = write("a.csv", 'a,"b\rc"\r\nd,e\r')
    assert list(text_lines(SourceFile(path, "a.csv"), "utf-8")) == ['a,"b\rc"', "d,e"]
