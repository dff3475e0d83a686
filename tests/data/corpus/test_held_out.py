"""Development and test splits and folds that are held out of the training split."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.corpus.held_out import CODES, balanced_folds, held_out_count, split_codes
from seqtag.errors import InputError

MANY = "".join(f"w{i} X\n\n" for i in range(2500))
DOCUMENTS = "".join(
    "-DOCSTART- X\n\n" + "".join(f"d{doc} X\ns{i} Y\n\n" for i in range(1 + doc % 5))
    for doc in range(20)
)
sizes_of_documents = st.lists(st.integers(1, 9), min_size=2, max_size=30)
seeds = st.integers(-(2**62), 2**62)


def config(**settings):
    return CorpusConfig(format="column", path="x", **settings)


def codes(size, splits=("dev",), **settings):
    return split_codes(np.arange(size), config(**settings), splits)


def codes_or_none(units, settings):
    """Return the codes with both splits held out; None if only one document is left for dev."""
    left = split_codes(units, settings, ("test",)) == CODES["train"]
    if len(set(units[left])) > 1:
        return split_codes(units, settings, ("dev", "test"))
    with pytest.raises(InputError, match=r"data\.dev_fraction: 1 training document is left"):
        split_codes(units, settings, ("dev", "test"))
    return None


def load(path, **settings):
    return load_corpus(CorpusConfig(format="column", path=str(path), **settings))


def tokens(corpus, split):
    return list(chain.from_iterable(corpus.splits[split]["tokens"][:]))


@pytest.mark.parametrize(("size", "fraction", "count"), [(1, 0.5, 0), (2, 0.1, 1),
                         (10, 0.99, 9), (8936, 0.1, 894), (100, 0, 0)])  # fmt: skip
def test_number_of_held_out_sentences(size, fraction, count):
    assert held_out_count(size, fraction) == count


@given(st.integers(2, 60), st.floats(0.001, 0.999), st.integers(0, 2**32 - 1))
def test_development_sentences_are_those_of_earlier_versions(size, fraction, seed):
    order = np.random.RandomState(seed).permutation(size)
    expected = sorted(order[: min(max(1, round(size * fraction)), size - 1)].tolist())
    chosen = codes(size, dev_fraction=fraction, split_seed=seed)
    assert np.flatnonzero(chosen).tolist() == expected


def test_held_out_sentences_never_change():
    assert np.flatnonzero(codes(20, dev_fraction=0.2)).tolist() == [1, 8, 18, 19]


@given(st.integers(2, 60), st.integers(2, 10), seeds)
def test_each_sentence_is_in_exactly_one_test_fold(size, folds, seed):
    folds = min(folds, size)
    each = [
        codes(size, ("dev", "test"), folds=folds, fold=fold, split_seed=seed)
        for fold in range(folds)
    ]
    tested = np.sum([one == CODES["test"] for one in each], axis=0)
    assert (tested == 1).all()
    counts = [int((one == CODES["test"]).sum()) for one in each]
    assert max(counts) - min(counts) <= 1
    for one in each:
        left = size - int((one == CODES["test"]).sum())
        assert int((one == CODES["dev"]).sum()) == held_out_count(left, 0.1)


@given(sizes_of_documents, st.integers(2, 8), seeds)
def test_folds_of_documents_keep_them_together(sizes, folds, seed):
    folds = min(folds, len(sizes))
    units = np.repeat(np.arange(len(sizes)), sizes)
    tested = np.zeros(len(units), int)
    for fold in range(folds):
        settings = config(folds=folds, fold=fold, split_seed=seed, split_by="document")
        one = codes_or_none(units, settings)
        if one is None:
            return
        tested += one == CODES["test"]
        assert set(one) == set(CODES.values())
        for split in CODES.values():
            assert set(units[one == split]).isdisjoint(units[one != split])
    assert (tested == 1).all()


@given(sizes_of_documents, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_held_out_documents_do_not_exceed_the_share(sizes, test, dev):
    units = np.repeat(np.arange(len(sizes)), sizes)
    settings = config(test_fraction=test, dev_fraction=dev, split_by="document")
    if len(sizes) < 3:
        return
    one = codes_or_none(units, settings)
    if one is None:
        return
    for split in CODES.values():
        assert set(units[one == split]).isdisjoint(units[one != split])
    count = int((one == CODES["test"]).sum())
    assert min(sizes) <= count <= max(held_out_count(len(units), test), min(sizes))


def test_folds_are_balanced():
    assert balanced_folds(np.array([5, 1, 1, 1, 2]), 2).tolist() == [0, 1, 1, 1, 1]
    assert balanced_folds(np.ones(5, int), 2).tolist() == [0, 1, 0, 1, 0]


def test_splitting_across_batches_keeps_the_order(write):
    corpus = load(write("a.txt", MANY), test_fraction=0.2)
    assert {split: rows.num_rows for split, rows in corpus.splits.items()} == {
        "train": 1800, "dev": 200, "test": 500,
    }  # fmt: skip
    for split in corpus.splits:
        numbers = [int(word[1:]) for word in tokens(corpus, split)]
        assert numbers == sorted(numbers)
    assert sorted(chain.from_iterable(tokens(corpus, split) for split in corpus.splits)) == sorted(
        f"w{i}" for i in range(2500)
    )
    assert corpus.notes[:2] == (
        "no test split: held out 500 of 2,500 training sentences (test_fraction=0.2, split_seed=0)",
        "no development split: held out 200 of 2,000 training sentences (dev_fraction=0.1, "
        "split_seed=0)",
    )


def test_a_test_split_that_exists_is_used(write, tmp_path):
    write("c/train.txt", MANY)
    write("c/test.txt", "t X\n")
    corpus = load(tmp_path / "c", test_fraction=0.2)
    assert tokens(corpus, "test") == ["t"]
    assert corpus.splits["train"].num_rows == 2250


def test_whole_documents_are_held_out(write):
    corpus = load(write("a.txt", DOCUMENTS), split_by="document", test_fraction=0.2)
    documents = {split: set(tokens(corpus, split)[::2]) for split in corpus.splits}
    assert sum(map(len, documents.values())) == len(set.union(*documents.values())) == 20
    assert "(4 documents)" in corpus.notes[0]


def test_a_fold_is_the_test_split(write):
    path = write("a.txt", MANY)
    parts = [load(path, folds=3, fold=fold) for fold in range(3)]
    assert sorted(chain.from_iterable(tokens(part, "test") for part in parts)) == sorted(
        f"w{i}" for i in range(2500)
    )
    assert parts[1].notes[0] == (
        "fold 1 of 0 to 2 is the test split: 833 of 2,500 training sentences (split_seed=0)"
    )
    again = load(path, folds=3, fold=1)
    assert tokens(again, "test") == tokens(parts[1], "test")
    other = load(path, folds=3, fold=1, split_seed=1)
    assert tokens(other, "test") != tokens(parts[1], "test")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 3, "fold": 3}, "data.fold=3: with data.folds=3 the folds are 0 to 2"),
        ({"fold": 1}, "data.fold=1: set data.folds, the number of folds, too"),
        ({"folds": 3}, "`seqtag train -m ... data.folds=3 data.fold=0,1,2` runs all of them"),
        ({"folds": 1, "fold": 0}, "data.folds must be"),
        ({"folds": 2, "fold": 0, "test_fraction": 0.1}, "set only one"),
        ({"folds": 2, "fold": 0, "streaming": True}, "nothing can be held out of a stream"),
        ({"test_fraction": 0.1, "streaming": True}, "data.test_fraction: nothing can be held out"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(InputError) as error:
        config(**settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("a X\n\nb X\n", {"folds": 3, "fold": 0}, "data.folds=3, but the training split has 2 sen"),
        (DOCUMENTS, {"folds": 21, "fold": 0, "split_by": "document"}, "has 20 documents"),
        ("a X\n\nb X\n", {"split_by": "document"}, "data.dev_fraction: 1 training document"),
        ("a X\n", {"test_fraction": 0.5}, "data.test_fraction: 1 training sentence in all"),
    ],
)
def test_too_few_sentences_or_documents(write, text, settings, message):
    with pytest.raises(InputError) as error:
        load(write("a.txt", text), **settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_folds_of_a_corpus_with_a_test_split(write, tmp_path):
    write("c/train.txt", MANY)
    write("c/test.txt", "t X\n")
    with pytest.raises(InputError, match=r"the corpus has one \(test.txt\): name only"):
        load(tmp_path / "c", folds=3, fold=0)
    corpus = load(tmp_path / "c", folds=3, fold=0, files={"train": "train.txt"})
    assert corpus.splits["test"].num_rows == 834


def test_a_document_that_continues_later_is_refused(write):
    row = '{{"tokens": ["a"], "labels": ["{}"], "id": "{}"}}\n'
    path = write(
        "a.jsonl", "".join(row.format("XY"[i % 2], name) for i, name in enumerate("aabac"))
    )
    settings = {"format": "json", "path": str(path), "document_column": "id", "dev_fraction": 0}
    assert load_corpus(CorpusConfig(**settings)).splits["train"]["doc"][:] == [0, 0, 1, 2, 3]
    with pytest.raises(InputError, match=r"a\.jsonl:4: id is 'a' again"):
        load_corpus(CorpusConfig(**settings, split_by="document"))
