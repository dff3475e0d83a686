"""The cache: entries are results by content, never incomplete, and rebuilt if damaged."""

import os
import threading
from functools import partial

import pytest

from seqtag.data.corpus.cache import cached, digest
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.corpus.parts import Part
from seqtag.data.corpus.write import build_split
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError


def sentences(count):
    return [Sentence([f"w{i}", "x"], ["B-X", "O"], [], 0, 3 * i + 1) for i in range(count)]


def builder(count=3):
    return lambda folder: build_split(folder, [Part("a", partial(sentences, count))], (), "auto")


def test_an_entry_is_built_once(tmp_path):
    _, (rows,) = cached(tmp_path, "key", ["data"], builder())
    assert rows["tokens"][1] == ["w1", "x"]
    assert rows.cache_files[0]["filename"].endswith("key/data.arrow")

    def never(folder):
        raise AssertionError("the entry is there")

    _, (again,) = cached(tmp_path, "key", ["data"], never)
    assert again[:] == rows[:]
    assert again._fingerprint == rows._fingerprint


@pytest.mark.parametrize("damage", ["cut", "empty", "no meta", "bad meta", "no data"])
def test_damaged_entries_are_built_again(tmp_path, damage):
    entry, _ = cached(tmp_path, "key", ["data"], builder(4000))
    data, meta = entry.folder / "data.arrow", entry.folder / "meta.json"
    match damage:
        case "cut":
            os.truncate(data, data.stat().st_size // 2)
        case "empty":
            os.truncate(data, 0)
        case "no meta":
            meta.unlink()
        case "bad meta":
            meta.write_text("{")
        case "no data":
            data.unlink()
    _, (rows,) = cached(tmp_path, "key", ["data"], builder(4000))
    assert rows.num_rows == 4000


def test_a_failed_build_leaves_nothing(tmp_path):
    def fails(folder):
        (folder / "half").write_text("x")
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        cached(tmp_path, "key", ["data"], fails)
    assert list((tmp_path / "corpora").iterdir()) == []


def test_two_builds_at_once(tmp_path):
    both = threading.Barrier(2)

    def slow(folder):
        both.wait(timeout=10)
        meta = builder()(folder)
        both.wait(timeout=10)
        return meta

    results = []

    def run():
        results.append(cached(tmp_path, "key", ["data"], slow)[1][0][:])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert results[0] == results[1]
    assert [path.name for path in (tmp_path / "corpora").iterdir()] == ["key"]


def test_a_cache_that_cannot_be_written(write):
    path = write("a.txt", "a O\n")
    with pytest.raises(InputError, match=r"cannot write the cache .* set SEQTAG_CACHE"):
        load_corpus(CorpusConfig(format="column", path=str(path), cache_dir=str(path)))


def test_digest_distinguishes_values_and_bytes(write):
    one, two = write("a", "x"), write("b", "x")
    assert digest(one) == digest(two) != digest(write("c", "y"))
    assert digest("ab", "c") != digest("a", "bc")
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
