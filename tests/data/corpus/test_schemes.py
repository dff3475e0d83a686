"""Corpora in the schemes of other traditions: stored labels, notes, findings and errors."""

import pytest

from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.corpus.schemes import LabelReader
from seqtag.data.doctor.doctor import examine
from seqtag.errors import InputError
from seqtag.labels import Notation


def load(path, **settings):
    return load_corpus(
        CorpusConfig(**{"format": "column", "path": str(path), "dev_fraction": 0, **settings})
    )


def lines(labels):
    return "".join(f"w {label}\n" if label else "\n" for label in labels.split(" "))


@pytest.mark.parametrize(
    ("labels", "stored", "note"),
    [
        (
            "B-NAME M-NAME E-NAME O S-ORG",
            "B-NAME I-NAME E-NAME O S-ORG",
            "the labels are BMES; they were converted to BIOES",
        ),
        (
            "B-X M-X E-X O W-Y",
            "B-X I-X E-X O S-Y",
            "the labels are BMEWO; they were converted to BIOES",
        ),
        (
            "I-X E-X O E-Y I-X E-X",
            "B-X I-X O B-Y B-X I-X",
            "the labels are IOE2; they were converted to BIO",
        ),
        (
            "I-X I-X O I-X E-X I-X O",
            "B-X I-X O B-X I-X B-X O",
            "the labels are IOE1; they were converted to BIO",
        ),
        (
            "b-per i-per o",
            "B-per I-per O",
            "the labels are BIO, written b-TYPE and o; they were converted to B-TYPE and O",
        ),
        (
            "PER_B PER_M PER_E O",
            "B-PER I-PER E-PER O",
            "the labels are BMES, written TYPE_B and O; they were converted to BIOES",
        ),
    ],
)
def test_labels_are_converted_with_a_note(write, labels, stored, note):
    corpus = load(write("train.txt", lines(labels)))
    assert corpus.splits["train"]["labels"][0] == stored.split(" ")
    assert note in corpus.notes
    assert len([text for text in corpus.notes if "the labels are" in text]) == 1
    report = examine(corpus)
    found = [f.message for f in report.findings if f.message.startswith("label scheme: ")]
    assert found == [
        f"label scheme: {corpus.origins['train'].reader.described()}, converted to {corpus.scheme}"
    ]


def test_io_is_read_if_it_is_set(write):
    path = write("train.txt", lines("PER PER O LOC O O O O O"))
    assert load(path).scheme == "plain"
    corpus = load(path, scheme="io")
    assert corpus.splits["train"]["labels"][0][:4] == ["B-PER", "I-PER", "O", "B-LOC"]
    assert "the labels are IO; they were converted to BIO" in corpus.notes
    with pytest.raises(InputError, match=r"b\.txt:1: 'B-X' .*the io scheme.*data\.scheme=auto"):
        load(write("b.txt", "w B-X\n"), scheme="io")


def test_overlapping_spans_of_bmewo_v_are_counted(write):
    corpus = load(write("train.txt", lines("B-X M-X V-X V-X E-X W-Y O")))
    assert corpus.splits["train"]["labels"][0][:5] == ["B-X", "I-X", "I-X", "I-X", "E-X"]
    assert any("2 tokens have the letter V" in note for note in corpus.notes)


def test_illegal_labels_of_ioe_are_counted(write):
    corpus = load(write("train.txt", lines("I-X E-X O I-X E-X I-X O")), scheme="ioe2")
    assert "train: repaired 1 illegal ioe2 labels" in corpus.notes


def test_a_mixture_of_bio_and_bioes(write):
    text = "w B-X\nw I-X\n\n" * 12 + "w B-X\nw E-X\n\nw S-X\n\n" * 12
    corpus = load(write("train.txt", text))
    assert corpus.scheme == "bioes"
    assert {*map(tuple, corpus.splits["train"]["labels"])} == {("B-X", "E-X"), ("S-X",)}
    assert "the labels mix BIO and BIOES; they were converted to BIOES" in corpus.notes


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (
            "w B-X\nw M-X\nw E-X\n" * 9 + "w X\n",
            {},
            r"train.txt:28: 'X' is not a label of the bmes scheme",
        ),
        ("w B_X\nw I_X\n" * 12 + "w X\n", {}, r"train.txt:25: 'X' .* expected O, B_TYPE or I_TYPE"),
        ("w B-X\nw M-X\n", {"scheme": "bio"}, "'M-X' is not a label of the bio scheme"),
        ("w B-X\n", {"scheme": "bmess"}, "did you mean 'bmes'"),
    ],
)
def test_labels_outside_the_notation(write, text, settings, message):
    with pytest.raises(InputError, match=message):
        load(write("train.txt", text), **settings)


def test_unlabelled_tokens_stay_unlabelled():
    reader = LabelReader(Notation("bmes", lower=True))
    assert reader.convert(["b-x", None, "e-x"]) == ["B-x", None, "E-x"]
    mixed = LabelReader(Notation("bioes"), mixed=True)
    assert mixed.convert(["B-x", None, "I-x", "S-x"]) == ["B-x", None, "E-x", "S-x"]


def test_splits_in_different_notations_are_converted_to_that_of_training(write, tmp_path):
    write("train.txt", lines("I-X I-X O I-X B-X"))
    write("dev.txt", lines("x_b x_m x_e o"))
    write("test.txt", lines("B-X L-X U-X O"))
    corpus = load(tmp_path)
    assert corpus.scheme == "bio"
    labels = {split: rows["labels"][0] for split, rows in corpus.splits.items()}
    assert labels["train"] == ["B-X", "I-X", "O", "B-X", "B-X"]
    assert labels["dev"] == ["B-x", "I-x", "I-x", "O"]
    assert labels["test"] == ["B-X", "I-X", "B-X", "O"]
    for note in (
        "train: the labels are IOB1; they were converted to BIO",
        "dev: the labels are BMES, written TYPE_b and o; they were converted to BIOES",
        "dev: converted from BIOES to BIO, the scheme of the corpus",
        "test: the labels are BILOU; L and U were converted to E and S (BIOES)",
    ):
        assert note in corpus.notes
    (scheme,) = [f for f in examine(corpus).findings if f.message.startswith("label scheme")]
    assert scheme.message == (
        "label scheme: bilou and bmes, written TYPE_b and o and iob1, converted to bio"
    )
    assert load(tmp_path).notes == corpus.notes


def test_a_rare_type_that_resembles_a_frequent_one_is_a_note(write):
    corpus = load(write("train.txt", lines("PERSON_B PERSON_I O " * 200 + "PRESON_B")))
    (note,) = [note for note in corpus.notes if "typo" in note]
    assert note.startswith("train: train.txt:601: the rare type 'PRESON' (1 times) resembles")
