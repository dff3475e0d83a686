"""The cache: entries are results by content, never incomplete, and rebuilt if damaged."""

import os
import threading
from functools import partial

import numpy as np
import pytest

from seqtag.data.corpus.cache import cached, digest
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.corpus.parts import Part
from seqtag.data.corpus.write import build_held_out, build_split, held_out_mask
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


@pytest.mark.parametrize(("size", "fraction", "count"), [(0, 0.1, 0), (1, 0.5, 0), (2, 0.1, 1),
                         (10, 0.99, 9), (8936, 0.1, 894), (100, 0, 0)])  # fmt: skip
def test_held_out_sentences_depend_only_on_the_arguments(size, fraction, count):
    mask = held_out_mask(size, fraction, seed=3)
    assert mask.sum() == count
    assert (mask == held_out_mask(size, fraction, seed=3)).all()
    if size > 1000:
        assert (mask != held_out_mask(size, fraction, seed=4)).any()


def test_held_out_never_changes():
    assert np.flatnonzero(held_out_mask(20, 0.2, 0)).tolist() == [1, 8, 18, 19]


def test_splitting_across_batches_keeps_order(tmp_path):
    (tmp_path / "all").mkdir()
    builder(2500)(tmp_path / "all")
    mask = held_out_mask(2500, 0.1, 0)
    key = "parts"
    _, (train, dev) = cached(
        tmp_path, key, ["train", "dev"],
        lambda folder: build_held_out(folder, tmp_path / "all" / "data.arrow", mask),
    )  # fmt: skip
    assert [tokens[0] for tokens in dev["tokens"]] == [f"w{i}" for i in np.flatnonzero(mask)]
    assert [tokens[0] for tokens in train["tokens"]] == [f"w{i}" for i in np.flatnonzero(~mask)]
