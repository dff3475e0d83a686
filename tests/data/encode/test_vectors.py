"""Word vectors from text files: two formats, unusual words, errors by line, and the cache."""

import gzip
import math
import re
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqtag.cache import cache_root
from seqtag.data.encode import vectors
from seqtag.data.encode.vectors import load_vectors
from seqtag.errors import InputError

GLOVE = "the 1 2\nParis 3 4\nparis 5 6\nin 7 8\nthe 9 9\n"
STRINGS = ["<pad>", "<unk>", "the", "Paris", "PARIS", "In", "nowhere"]


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path / "cache"))


def load(path, strings=STRINGS, size=2):
    rows_N, vectors_ND = load_vectors(path, strings, size)
    assert rows_N.dtype == torch.int64
    assert vectors_ND.dtype == torch.float32
    assert vectors_ND.shape == (len(rows_N), size)
    return dict(zip(rows_N.tolist(), vectors_ND.tolist(), strict=True))


def cached_files():
    return sorted((cache_root() / "vectors").iterdir())


@pytest.mark.parametrize("header", ["", "5 2\n"], ids=["glove", "fasttext"])
@pytest.mark.parametrize("end", ["\n", " \n", "\r\n"])
def test_words_are_found_exactly_or_lower_cased(write, header, end):
    path = write("vectors.txt", (header + GLOVE).replace("\n", end))
    assert load(path) == {2: [1, 2], 3: [3, 4], 4: [5, 6], 5: [7, 8]}


def test_words_with_spaces_of_any_kind(write):
    words = ["a\u00a0b", "\u3000", ". . .", "x\u2028y", "z\x85", "👩‍🚀", "1", "1 /"]
    path = write("vectors.vec", "".join(f"{w} {i} -1e-3 \n" for i, w in enumerate(words)))
    vectors_by_row = load(path, ["<pad>", *words])
    assert {row: values[0] for row, values in vectors_by_row.items()} == {
        i + 1: i for i in range(8)
    }


def test_padding_never_has_a_vector_but_unknown_may(write):
    path = write("vectors.txt", "<pad> 1 1\n<unk> 2 2\n")
    assert load(path) == {1: [2, 2]}


def test_blank_lines_and_a_byte_order_mark(write):
    path = write("other.txt", "\ufeffa 1 2\n\nb 3 4\n\n")
    assert load(path, ["<pad>", "<unk>", "a", "b"]) == {2: [1, 2], 3: [3, 4]}


def test_no_match_is_an_error(write):
    path = write("vectors.txt", "le 1 2\nla 3 4\n")
    message = r"vectors.txt: none of the 2 words .* begins with 'le', 'la', the voc.* with .*'the'"
    with pytest.raises(InputError, match=message):
        load(path, ["<pad>", "<unk>", "the"])
    assert not (cache_root() / "vectors").exists()


def test_a_compressed_file(tmp_path):
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(GLOVE.encode()))
    assert load(path)[2] == [1, 2]
    path.write_bytes(gzip.compress(GLOVE.encode() * 99)[:-20])
    with pytest.raises(InputError, match=r"vectors\.txt\.gz: cut short"):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1 2 3\nb 1 2 3\n", "txt:1: the vectors have 3 dimensions, but words.size is 2"),
        ("9 300\na 1 2\n", "txt:1: the vectors have 300 dimensions"),
        ("a 1 2\nb 1\n", "txt:2: .*there are 1 numbers"),
        ("a 1 2\nb\n", "txt:2: .*there are 0 numbers"),
        ("a 1 2\nb 1 2 3\n", "txt:2: there are more than 2 numbers"),
        ("a 1 2\nthe 1 x\n", "txt:2: 'x' is not a number"),
        ("a 1 2\nthe 1  2\n", "txt:2"),
        ("a 1 2\nthe 1 1_0\n", "txt:2: '1_0' is not a number"),
        ("the\t1\t2\n", "txt:1: .*separated by spaces, not tabs"),
        ("9" * 5000 + " 2\nthe 1 2\n", "txt:1: the vectors have 1 dimensions"),
        ("a 1 2\nthe 1 nan\n", "txt:2: .*not finite"),
        ("a 1 2\nthe 1 1e99\n", "txt:2: .*not finite"),
        ("3 2\na 1 2\nb 1 2\n", "cut short: .*announces 3 words, but there are 2"),
        ("", "contains no word vectors"),
        ("\n\n", "contains no word vectors"),
        (b"9 2\n\x00\x01\x02binary", "txt:2"),
    ],
)
def test_errors(write, content, message):
    path = write("vectors.txt", content)
    with pytest.raises(InputError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert not (cache_root() / "vectors").exists()


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        load(tmp_path / "none.txt")


def test_vectors_are_cached_by_content(write, monkeypatch):
    path = write("vectors.txt", GLOVE)
    first = load(path)
    assert [file.suffix for file in cached_files()] == [".safetensors"]
    with monkeypatch.context() as patch:
        patch.setattr(vectors, "_read_vectors", None)  # reading again would fail
        assert load(path) == first
        assert load(write("copy.txt", GLOVE)) == first
    assert load(path, STRINGS[:3]) == {2: [1, 2]}
    assert load(write("vectors.txt", GLOVE.replace("1 2", "8 8", 1)))[2] == [8, 8]
    assert len(cached_files()) == 3


def test_a_damaged_cache_file_is_replaced(write):
    path = write("vectors.txt", GLOVE)
    first = load(path)
    cached_files()[0].write_bytes(b"cut short")
    assert load(path) == first
    assert len(cached_files()) == 1


def test_a_cache_that_cannot_be_written(write, monkeypatch):
    monkeypatch.setenv("SEQTAG_CACHE", str(write("taken", "")))
    with pytest.raises(InputError, match="cannot write the cache"):
        load(write("vectors.txt", GLOVE))


LINES = b"3 2\nthe 1 2\nParis -3e-1 4\nin 7 8\n"
CHANGES = st.sampled_from(
    [b" ", b"\n", b"1_0", b"nan", b"\t", b"\xff", b"9" * 5000, b"1", b"\0", b""]
)


@pytest.mark.fuzz("vectors")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # one cache serves all
@given(st.lists(st.tuples(st.integers(0, len(LINES)), st.integers(0, 5), CHANGES), max_size=3))
def test_damaged_files(changes):
    data = LINES
    for at, length, piece in changes:
        data = data[:at] + piece + data[at + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.txt"
        path.write_bytes(data)
        try:
            vectors_by_row, refusal = load(path), ""
        except InputError as error:
            vectors_by_row, refusal = {}, str(error)
    if refusal:
        assert re.match(r".*v\.txt(:\d+)?: ", refusal)
        return
    assert vectors_by_row
    for row, values in vectors_by_row.items():
        for value in values:
            assert math.isfinite(value)
        assert STRINGS[row].lower().encode() in data.lower()
