"""Counting in Arrow: the same as in Python, and only once for a corpus on disk."""

from collections import Counter

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.data.corpus import memory_mapped as mapped
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.encode import counting
from seqtag.data.encode.counting import column_lists, count_strings, distinct_labels
from seqtag.data.encode.indexer import EncodeConfig, Indexer

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
sentences = st.lists(st.lists(texts | st.none(), max_size=4), min_size=1, max_size=8)
STRINGS = datasets.Features(tokens=datasets.List(datasets.Value("string")))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(sentences, st.integers(1, 5))
def test_counts_in_arrow_equal_counts_in_python(lists, size):
    rows = datasets.Dataset.from_dict({"tokens": lists}, features=STRINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapped, "_BATCH_SENTENCES", size)
        counts = count_strings(rows, "tokens")
        assert list(column_lists(rows, "tokens")) == lists
    expected = Counter(string for strings in lists for string in strings if string is not None)
    assert counts == expected == count_strings([{"tokens": strings} for strings in lists], "tokens")


def test_only_selected_rows_are_counted():
    rows = datasets.Dataset.from_dict({"tokens": [["a"], ["b"], ["b", "c"]]}, features=STRINGS)
    assert count_strings(rows.select([2, 0]), "tokens") == Counter("abc")


def test_an_indexer_of_a_data_set_equals_one_of_its_sentences(write):
    path = write("a.txt", "\n\n".join(f"Wort{i % 7} p{i % 3} O\ndas p0 B-X" for i in range(30)))
    config = CorpusConfig(
        format="column", path=str(path), columns=("tokens", "pos", "labels"), features=("pos",)
    )
    train = load_corpus(config).splits["train"]
    for encode in (EncodeConfig(), EncodeConfig(min_count=2, subwords={"vocab_size": 30})):
        one, other = (
            Indexer.fit(sentences, encode, ("pos",)) for sentences in (train, train.to_list())
        )
        assert one.to_plain() == other.to_plain()


def test_labels_of_a_corpus_on_disk_are_counted_once(write, monkeypatch):
    path = write("train.txt", "a O\nb B-X\n\nc B-Y\n")
    config = CorpusConfig(format="column", path=str(path), dev_fraction=0)
    assert distinct_labels(load_corpus(config).splits["train"]) == ["B-X", "B-Y", "O"]

    def never(*_):
        raise AssertionError("the labels were counted again")

    monkeypatch.setattr(counting, "count_strings", never)
    train = load_corpus(config).splits["train"]
    assert distinct_labels(train) == ["B-X", "B-Y", "O"]
    with pytest.raises(AssertionError):  # nothing is cached for other rows of the same file
        distinct_labels(train.select([0]))
