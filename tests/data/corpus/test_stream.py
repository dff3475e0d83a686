"""Streams: what is read of a training split before training and during it."""

import pytest

from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.errors import InputError


def streamed(path, format="column", **settings):
    return load_corpus(CorpusConfig(format=format, path=str(path), streaming=True, **settings))


def test_labels_of_a_stream_are_converted(write):
    path = write("train.txt", "a I-A\nb B-A\n\nc O\n\n" * 5)
    corpus = streamed(path)
    assert (corpus.scheme, corpus.origins["train"].scheme) == ("bio", "iob1")
    first = next(corpus.stream.read(corpus.stream.rows))
    assert (first["labels"], first["where"]) == (["B-A", "B-A"], "train.txt:1")
    broken = write("train.txt", "a I-A\nb B-A\n\n" * 5 + "c X\n")
    corpus = load_corpus(
        CorpusConfig(format="column", path=str(broken), streaming=True, stream={"fit_sentences": 2})
    )
    with pytest.raises(InputError, match=r"train.txt:16: 'X' is not a label of the iob1 scheme"):
        list(corpus.stream.read(corpus.stream.rows))


def test_the_first_sentences_are_from_each_file(write, tmp_path):
    for name in ("train-1.txt", "train-2.txt", "train-3.txt"):
        write(name, "".join(f"{name[6]}{i} O\n\n" for i in range(9)))
    corpus = streamed(tmp_path, stream={"fit_sentences": 5})
    known = [tokens for (tokens,) in corpus.splits["train"]["tokens"]]
    assert known == ["10", "11", "20", "21", "30", "31"]
    assert corpus.splits["train"]["where"][1] == "train-1.txt:3"
    assert len(list(corpus.stream.read(corpus.stream.rows))) == 27


def test_the_first_sentences_are_read_again_after_a_change(write):
    path = write("train.txt", "a O\n")
    assert streamed(path).splits["train"]["tokens"][0] == ["a"]
    write("train.txt", "b O\n\nb O\n")
    assert streamed(path).splits["train"]["tokens"][0] == ["b"]
    whole = load_corpus(CorpusConfig(format="column", path=str(path), dev_fraction=0))
    assert whole.stream is None
    assert whole.splits["train"].num_rows == 2


def test_features_and_label_names_of_a_stream(write):
    path = write("train.txt", "a N O\nb V B-X\n")
    settings = {"columns": ("tokens", "pos", "labels"), "features": ("pos",)}
    corpus = streamed(path, label_names=("B-Y",), **settings)
    assert corpus.stream.labels == ("B-Y",)
    (row,) = corpus.stream.read(corpus.stream.rows)
    assert row == {
        "tokens": ["a", "b"], "labels": ["O", "B-X"], "pos": ["N", "V"], "where": "train.txt:1"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"streaming": "yes"}, "data.streaming must be true or false"),
        ({"stream": {"bufer": 3}}, "unknown key 'bufer' .*did you mean 'buffer'"),
        ({"stream": {"batches_per_epoch": 0}}, "batches_per_epoch must be a whole number"),
    ],
)
def test_invalid_values_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        CorpusConfig(format="json", path="x", **wrong)
