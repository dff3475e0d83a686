"""load_corpus as a whole: columns, schemes, splits, notes, and errors by file and line."""

import subprocess
import sys
import time
from itertools import chain

import datasets
import pytest

from seqtag.checks import from_plain
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.errors import InputError

TRAIN = """-DOCSTART- -X- O

EU NNP B-ORG
rejects VB O

Peter NNP B-PER
Black NNP I-PER

-DOCSTART- -X- O

a DT O
"""


def words(corpus, split):
    return list(chain.from_iterable(corpus.splits[split]["tokens"][:]))


def column(path, **settings):
    return CorpusConfig(format="column", path=str(path), **settings)


def test_columns_of_the_data_set(write):
    path = write("train.txt", TRAIN)
    corpus = load_corpus(
        column(path, columns=["tokens", "pos", "labels"], features=["pos"], dev_fraction=0)
    )
    rows = corpus.splits["train"]
    assert isinstance(rows, datasets.Dataset)
    assert rows.column_names == ["tokens", "labels", "pos", "length", "doc", "where"]
    assert rows.data.schema.field("length").type == rows.data.schema.field("doc").type == "int32"
    assert rows[1] == {
        "tokens": ["Peter", "Black"],
        "labels": ["B-PER", "I-PER"],
        "pos": ["NNP", "NNP"],
        "length": 2,
        "doc": 0,
        "where": "train.txt:6",
    }
    assert rows["doc"][:] == [0, 0, 1]
    assert (corpus.scheme, corpus.features, corpus.factors) == ("bio", ("pos",), ())
    assert corpus.notes == ("no development split (data.dev_fraction=0)",)


def test_documents_are_numbered_across_files(write, tmp_path):
    write("a.txt", "-DOCSTART- O\n\na O\n\n-DOCSTART- O\n\nb O\n")
    write("b.txt", "c O\n")
    config = column(tmp_path, files={"train": ["a.txt", "b.txt"]}, dev_fraction=0)
    rows = load_corpus(config).splits["train"]
    assert rows["doc"][:] == [0, 1, 2]
    assert rows["where"][:] == ["a.txt:3", "a.txt:7", "b.txt:1"]


@pytest.mark.parametrize(
    ("labels", "scheme", "stored_as", "stored_labels"),
    [
        ("I-X I-X O I-X B-X", "auto", "bio", "B-X I-X O B-X B-X"),
        ("I-X I-X O I-X B-X", "iob1", "bio", "B-X I-X O B-X B-X"),
        ("I-X I-X O I-X B-X", "bio", "bio", "I-X I-X O I-X B-X"),
        ("B-X I-X O", "auto", "bio", "B-X I-X O"),
        ("B-X E-X S-X O", "auto", "bioes", "B-X E-X S-X O"),
        ("B-X L-X U-X O", "auto", "bioes", "B-X E-X S-X O"),
        ("NN VB NN", "auto", "plain", "NN VB NN"),
        ("B-X I-X O", "plain", "plain", "B-X I-X O"),
    ],
)
def test_schemes(write, labels, scheme, stored_as, stored_labels):
    path = write("a.txt", "".join(f"w {label}\n" for label in labels.split()))
    corpus = load_corpus(column(path, scheme=scheme))
    assert corpus.scheme == stored_as
    assert corpus.splits["train"]["labels"][0] == stored_labels.split()
    assert any("IOB1" in note for note in corpus.notes) == (labels[0] == "I" and scheme != "bio")


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        (
            "auto",
            r"a.txt:5: 'X-Y' is not a label of the bio scheme.*auto found bio.*data.scheme=plain",
        ),
        ("bio", r"a.txt:5: 'X-Y' is not a label of the bio scheme"),
        ("bioes", r"a.txt:5: 'X-Y' is not a label of the bioes scheme"),
    ],
)
def test_a_label_that_is_not_in_the_scheme(write, scheme, message):
    path = write("a.txt", "a B-X\nb I-X\n\n# c\nd X-Y\ne O\n")
    with pytest.raises(InputError, match=message):
        load_corpus(column(path, scheme=scheme, comment="#"))


def test_splits_in_different_schemes(write, tmp_path):
    write("train.txt", "a B-X\nb E-X\nc S-X\n")
    write("test.txt", "a O\n")
    assert load_corpus(column(tmp_path)).scheme == "bioes"
    write("test.txt", "a B-X\nb I-X\n")
    corpus = load_corpus(column(tmp_path))
    assert corpus.scheme == "bioes"
    assert corpus.splits["test"]["labels"][0] == ["B-X", "E-X"]
    assert "test: converted from BIO to BIOES, the scheme of the corpus" in corpus.notes
    write("test.txt", "a NN\nb VB\n")
    with pytest.raises(InputError, match=r"plain labels.*train: bioes, test: plain.*data.scheme"):
        load_corpus(column(tmp_path))
    write("test.txt", "a B-X\nb I-X\n")
    assert load_corpus(column(tmp_path), ["test"]).scheme == "bio"


def test_a_development_split_is_held_out_with_a_note(write, tmp_path):
    write("train.txt", "".join(f"w{i} O\n\n" for i in range(40)))
    write("test.txt", "x O\n")
    corpus = load_corpus(column(tmp_path))
    assert list(corpus.splits) == ["train", "dev", "test"]
    train, dev = words(corpus, "train"), words(corpus, "dev")
    assert (len(train), len(dev)) == (36, 4)
    assert {*train, *dev} == {f"w{i}" for i in range(40)}
    assert corpus.notes[0] == (
        "no development split: held out 4 of 40 training sentences (dev_fraction=0.1, split_seed=0)"
    )
    alone = load_corpus(column(tmp_path), ["dev"])
    assert list(alone.splits) == ["dev"]
    assert words(alone, "dev") == dev
    assert words(load_corpus(column(tmp_path, split_seed=1)), "dev") != dev


def test_a_single_sentence_cannot_be_split(write):
    corpus = load_corpus(column(write("a.txt", "a O\n")))
    assert list(corpus.splits) == ["train"]
    assert "too few" in corpus.notes[0]


def test_only_the_requested_splits_are_read(write, tmp_path):
    write("train.txt", "wrong\n")
    write("test.txt", "a O\n")
    assert list(load_corpus(column(tmp_path), ["test"]).splits) == ["test"]
    with pytest.raises(InputError, match=r"train.txt:1: 1 column"):
        load_corpus(column(tmp_path))


def test_a_split_that_does_not_exist(write, tmp_path):
    write("train.txt", "a O\n")
    with pytest.raises(InputError, match=r"unknown split of data 'test'; known: train, dev"):
        load_corpus(column(tmp_path), ["test"])
    with pytest.raises(InputError, match=r"split of data 'trian' \(did you mean 'train'\?\)"):
        load_corpus(column(tmp_path), ["trian"])
    with pytest.raises(InputError, match=r"unknown split of data 'dev'; known: train"):
        load_corpus(column(tmp_path, dev_fraction=0), ["dev"])


@pytest.mark.parametrize("content", ["", "\n\n \n", "-DOCSTART- O\n\n"])
def test_empty_file(write, content):
    with pytest.raises(InputError, match=r"^train.txt: empty: this file has no sentence"):
        load_corpus(column(write("train.txt", content)))


@pytest.mark.parametrize("path", ["", "*.txt"])
def test_files_that_are_not_used_are_named(write, tmp_path, path):
    for name in ("train.txt", "test.txt"):
        write(name, "a O\nb O\n\n" * 5)
    assert not any("not used" in note for note in load_corpus(column(tmp_path / path)).notes)
    for name in (
        "eval.txt",
        "train_dev.txt",
        "README.txt",
        "stats.csv",
        ".hidden.txt",
        "sub/x.txt",
    ):
        write(name, "x")
    (note,) = (n for n in load_corpus(column(tmp_path / path)).notes if "not used" in n)
    assert "which split they are: eval.txt, train_dev.txt; data.files.dev=NAME" in note
    files = {"train": "train.txt", "dev": "eval.txt"}
    write("eval.txt", "a O\n")
    assert load_corpus(column(tmp_path, files=files)).notes == ()


def test_empty_sentences_are_left_out_with_a_note(write):
    text = '{"tokens": ["a"], "labels": ["O"]}\n{"tokens": [], "labels": []}\n'
    corpus = load_corpus(CorpusConfig(format="json", path=str(write("a.jsonl", text))))
    assert corpus.splits["train"]["length"][:] == [1]
    assert "train: left out 1 sentences without a token (first: a.jsonl:2)" in corpus.notes
    assert corpus.origins["train"].empty == 1
    config = CorpusConfig(format="json", path=str(write("b.jsonl", text.splitlines()[1])))
    with pytest.raises(InputError, match=r"b.jsonl: empty"):
        load_corpus(config)


def test_null_labels_stay_null(write):
    text = '{"tokens": ["a", "b"], "labels": [null, "X"]}\n'
    corpus = load_corpus(CorpusConfig(format="json", path=str(write("a.jsonl", text))))
    assert corpus.splits["train"]["labels"][0] == [None, "X"]


def test_a_changed_file_is_read_again(write):
    path = write("a.txt", "a O\n")
    assert load_corpus(column(path)).splits["train"]["tokens"][0] == ["a"]
    write("a.txt", "b O\n")
    assert load_corpus(column(path)).splits["train"]["tokens"][0] == ["b"]
    assert load_corpus(column(path, columns=["labels", "tokens"])).splits["train"]["tokens"][0] == [
        "O"
    ]


def test_huge_sentence(write):
    corpus = load_corpus(column(write("a.txt", "word O\n" * 50_000)))
    assert corpus.splits["train"]["length"][:] == [50_000]


def test_reading_is_quick_the_second_time(write):
    path = write("a.txt", ("some NN O\nword VB B-X\n" * 10 + "\n") * 2000)
    config = column(path, columns=["tokens", "_", "labels"])

    def spent():
        start = time.process_time()  # CPU time, so that other processes do not count
        load_corpus(config)
        return time.process_time() - start

    assert spent() > 5 * spent()  # in fact about thirty times


def test_memory_does_not_grow_with_the_corpus(write, monkeypatch):
    import tracemalloc

    monkeypatch.setattr("seqtag.data.corpus.cache._BATCH_SENTENCES", 1000)

    def peak(name, sentences):
        path = write(name, "some O\nword B-X\n\n" * sentences)
        tracemalloc.start()
        load_corpus(column(path, dev_fraction=0))
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak_bytes

    peak("warm.txt", 100)
    # Both corpora fill several batches of written sentences. If the sentences of the large one
    # stayed in memory, they would need several times the peak of the small one.
    assert peak("large.txt", 20_000) < 2 * peak("small.txt", 2_500)


def test_unknown_key_is_refused_by_name():
    with pytest.raises(InputError, match=r"data: unknown key 'colums' \(did you mean 'columns'"):
        from_plain(CorpusConfig, {"format": "column", "path": "x", "colums": []}, "data")


def test_a_missing_file_is_reported_without_importing_datasets():
    code = (
        "import sys\nfrom seqtag.data.corpus.corpus import *\n"
        "try: load_corpus(CorpusConfig(format='column', path='/none/x'))\n"
        "except ValueError as e: print(e)\n"
        "assert not {'datasets', 'torch', 'lightning', 'hydra'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "data.path=/none/x: no such file" in done.stdout


def test_a_file_name_that_is_not_text(tmp_path):
    try:
        (tmp_path / "train\udcff.txt").write_text("a O\nb O\n\n" * 3)
    except OSError:
        pytest.skip("the file system of this machine takes names in UTF-8 alone")
    with pytest.raises(InputError, match=r"'train\\udcff\.txt': .* not text in UTF-8; rename it"):
        load_corpus(column(tmp_path))
