"""Columns within columns: objects, and lists of objects, in JSON and parquet."""

import io
import json

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from shared.mutations import mutated

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.corpus.hub import read_rows
from seqtag.data.formats.base import find_format, read_source
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.lines import Source
from seqtag.errors import InputError

STRUCT = {"ann": {"tokens": ["a", "b"], "labels": ["O", "B-X"], "pos": ["N", "V"]}, "m": {"d": "p"}}
ROWS = {
    "ann": [
        {"tokens": "a", "labels": "O", "pos": "N"},
        {"tokens": "b", "labels": "B-X", "pos": "V"},
    ],
    "m": {"d": "p"},
}
COLUMNS = {"token_column": "ann.tokens", "label_column": "ann.labels", "features": ["ann.pos"]}
COLUMNS |= {"document_column": "m.d", "dev_fraction": 0}


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def load(format, path, **settings):
    return load_corpus(CorpusConfig(**{"format": format, "path": str(path), **COLUMNS, **settings}))


def read(data, **settings):
    layout = CorpusConfig(**{"format": "json", "path": "x", **COLUMNS, **settings}).layout()
    source = Source(io.BytesIO(data), Place("a.json", "utf-8"))
    return [s for s in read_source(source, find_format("json"), layout) if s is not None]


def check(corpus):
    row = corpus.splits["train"][0]
    assert (row["tokens"], row["labels"], row["ann.pos"]) == (["a", "b"], ["O", "B-X"], ["N", "V"])
    assert corpus.splits["train"]["doc"][:] == [0, 1]


@pytest.mark.parametrize("record", [STRUCT, ROWS])
def test_json(write, record):
    other = {**record, "m": {"d": "q"}}
    check(load("json", write("a.jsonl", lines(record, other))))
    check(load("json", write("b.json", json.dumps({"data": [record, other]}, indent=1))))


@pytest.mark.parametrize("record", [STRUCT, ROWS])
def test_parquet(tmp_path, record):
    table = pa.Table.from_pylist([record, {**record, "m": {"d": "q"}}])
    pq.write_table(table, tmp_path / "a.parquet")
    check(load("parquet", tmp_path / "a.parquet"))


@pytest.mark.parametrize("as_list", [True, False])
def test_names_of_integer_labels_are_read_from_the_file(tmp_path, as_list):
    label = datasets.ClassLabel(names=["O", "B-X"])
    if as_list:
        kind, value = [{"t": datasets.Value("string"), "l": label}], [{"t": "a", "l": 1}]
    else:
        kind = {"t": datasets.List(datasets.Value("string")), "l": datasets.List(label)}
        value = {"t": ["a"], "l": [1]}
    rows = datasets.Dataset.from_dict({"ann": [value]}, datasets.Features({"ann": kind}))
    rows.to_parquet(tmp_path / "a.parquet")
    settings = {"token_column": "ann.t", "label_column": "ann.l", "features": []}
    settings |= {"document_column": None}
    corpus = load("parquet", tmp_path / "a.parquet", **settings)
    assert corpus.splits["train"][0]["labels"] == ["B-X"]
    config = CorpusConfig(**{"format": "hub", "path": "a/b", **COLUMNS, **settings})
    (sentence,) = read_rows("a/b", rows, config)
    assert (sentence.tokens, sentence.labels) == (["a"], ["B-X"])


def test_a_column_with_a_dot_in_its_name_comes_first():
    record = {"ann.tokens": ["x"], "ann": {"tokens": ["a"], "labels": ["O"]}}
    (sentence,) = read(lines(record).encode(), features=[], document_column=None)
    assert sentence.tokens == ["x"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"an": {}}, "a.json:1: no column 'ann.labels'"),
        ({"ann": ["a"]}, "ann[0] is 'a'; an object with the key"),
        ({"ann": None}, "a.json:1: ann is None; an object with the key"),
        ({"ann": {"labels": ["O"]}}, "a.json:1: ann has no key 'tokens'; there are: labels"),
        ({"ann": [{"tokens": "a"}]}, "a.json:1: ann[0] has no key 'labels'; there are: tokens"),
        ({"ann": {"tokens": ["a"], "labels": "O"}}, "ann.labels is 'O'; a list is expected"),
    ],
)
def test_wrong_records(record, message):
    with pytest.raises(InputError) as error:
        read(lines(record).encode(), features=[], document_column=None)
    assert message.partition(" 'ann.labels'")[0] in str(error.value)


def test_a_repeated_key_is_refused():
    line = b'{"ann": {"tokens": ["a"], "tokens": ["b"], "labels": ["O"]}}\n'
    with pytest.raises(InputError, match=r"a\.json:1: the key 'tokens' of ann occurs more than"):
        read(line, features=[], document_column=None)


@given(mutated([lines(STRUCT, ROWS).encode(), json.dumps([STRUCT, ROWS]).encode()]))
def test_damaged_files_are_refused_or_read(data):
    try:
        for sentence in read(data):
            assert len(sentence.tokens) == len(sentence.labels) == len(sentence.features[0])
    except InputError as error:
        assert str(error).startswith("a.json")  # noqa: PT017
