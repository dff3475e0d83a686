"""Cached digests and results: computed once, and again for changed files."""

import os

import pytest

from seqtag.data.corpus import fingerprints as module
from seqtag.data.corpus.cache import digest
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.corpus.fingerprints import cached_result, file_digest


@pytest.fixture
def old(write):
    """Return a function that writes a file with an old modification time."""

    def write_old(content):
        path = write("big.txt", content)
        os.utime(path, (1, 1))
        return path

    return write_old


@pytest.fixture
def digests(monkeypatch):
    """Return a list of the files that are read; all files count as large and old."""
    read = []

    def recorded_digest(*parts):
        read.extend(part for part in parts if isinstance(part, os.PathLike))
        return digest(*parts)

    monkeypatch.setattr(module, "digest", recorded_digest)
    monkeypatch.setattr(module, "_LARGE_BYTES", 4)
    monkeypatch.setattr(module, "_SETTLED_SECONDS", -1.0)
    return read


def test_a_large_file_is_read_once(old, digests, tmp_path):
    path = old("a word")
    expected = digest(path)
    assert [file_digest(path, tmp_path / "cache") for _ in range(3)] == [expected] * 3
    assert digests == [path]


def test_a_file_of_the_same_size_and_time_is_distinguished(old, digests, tmp_path):
    first = file_digest(old("a word"), tmp_path)
    (tmp_path / "big.txt").unlink()
    assert file_digest(old("a ward"), tmp_path) != first


def test_a_file_just_written_is_read_again(write, digests, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_SETTLED_SECONDS", 60)
    path = write("big.txt", "a word")
    assert file_digest(path, tmp_path) == file_digest(path, tmp_path)
    assert digests == [path, path]
    assert not (tmp_path / "digests").exists()


@pytest.mark.parametrize("damage", ["", '"half', "gone"])
def test_a_damaged_digest_file_is_replaced(old, digests, tmp_path, damage):
    path = old("a word")
    first = file_digest(path, tmp_path)
    (digest_file,) = (tmp_path / "digests").iterdir()
    digest_file.unlink() if damage == "gone" else digest_file.write_text(damage)
    assert file_digest(path, tmp_path) == first
    assert digests == [path, path]


def test_a_cache_that_cannot_be_written_does_no_harm(old, digests, write):
    path = old("a word")
    assert file_digest(path, write("no-folder", "")) == digest(path)


def test_results_of_a_corpus_are_cached_by_key(write):
    path = write("train.txt", "a O\n")
    rows = load_corpus(CorpusConfig(format="column", path=str(path), dev_fraction=0))
    train = rows.splits["train"]
    assert cached_result(train, ["x"], lambda: {"n": 1}) == {"n": 1}
    assert cached_result(train, ["x"], lambda: {"n": 2}) == {"n": 1}
    assert cached_result(train, ["y"], lambda: {"n": 2}) == {"n": 2}
