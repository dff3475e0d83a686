"""A mark for tokens without a label, in each format: they are neither trained on nor scored."""

import pytest

from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.doctor.doctor import examine

ROW = "{}\t{}\t_\t{}\t_\t_\t_\t_\t_\t_\n"
CONLLU = ROW.format(1, "a", "X") + ROW.format(2, "b", "?") + ROW.format(3, "c", "Y")
FILES = {
    "column": "a X\nb ?\nc Y\n",
    "conllu": CONLLU,
    "json": '{"tokens": ["a", "b", "c"], "labels": ["X", "?", "Y"]}\n',
    "csv": "tokens,labels\na b c,X ? Y\n",
}


def load(path, format, **settings):
    return load_corpus(CorpusConfig(format=format, path=str(path), dev_fraction=0, **settings))


def labels(corpus):
    return corpus.splits["train"][0]["labels"]


@pytest.mark.parametrize("format", FILES)
def test_the_mark_is_no_label(write, format):
    path = write("a", FILES[format])
    assert labels(load(path, format)) == ["X", "?", "Y"]
    corpus = load(path, format, unlabelled="?")
    assert labels(corpus) == ["X", None, "Y"]
    assert not [note for note in corpus.notes if "unlabelled" in note]


@pytest.mark.parametrize("format", ["column", "json", "csv"])
def test_the_mark_is_not_one_of_the_label_names(write, format):
    path = write("a", FILES[format])
    assert labels(load(path, format, unlabelled="?", label_names=["X", "Y"])) == ["X", None, "Y"]


def test_an_absent_field_of_conllu_can_be_the_mark(write):
    path = write("a.conllu", CONLLU.replace("?", "_"))
    assert labels(load(path, "conllu", unlabelled="_")) == ["X", None, "Y"]


def test_parquet(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"tokens": [["a", "b", "c"]], "labels": [["X", "?", None]]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert labels(load(tmp_path / "a.parquet", "parquet", unlabelled="?")) == ["X", None, None]


def test_spans_around_a_token_without_a_label(write):
    corpus = load(write("a", "a B-X\nb ?\nc I-X\nd O\n"), "column", unlabelled="?")
    assert corpus.scheme == "bio"
    assert labels(corpus) == ["B-X", None, "I-X", "O"]


def test_a_mark_that_never_occurs_is_noted(write):
    corpus = load(write("a", FILES["column"]), "column", unlabelled="??")
    note = "data.unlabelled=??: no token has this label in the column 'labels' (train)"
    assert note in corpus.notes
    assert note in [finding.message for finding in examine(corpus).findings]
