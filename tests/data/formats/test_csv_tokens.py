"""CSV files with a token per row: sentences by the column that names or numbers them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared.mutations import mutated

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.formats.base import find_format, read_source
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.lines import Source
from seqtag.errors import InputError

GMB = """Sentence #,Word,POS,Tag
Sentence: 1,"Mr, Smith",NNP,B-per
,left,VBD,O
Sentence: 2,Rome,NNP,B-geo

,.,.,O
"""
COLUMNS = {"token_column": "Word", "label_column": "Tag", "sentence_column": "Sentence #"}
names = st.sampled_from(["1", "2", "Sentence: 3", "a b"])
cells = st.text(st.sampled_from('ab,"\n \u2028é[]'), min_size=1, max_size=4)
tokens = st.lists(st.tuples(cells, st.sampled_from(["O", "B-X", "I-X"])), min_size=1, max_size=4)


def config(**settings):
    return CorpusConfig(**{"format": "csv", "path": "x", **COLUMNS, **settings})


def read(text, **settings):
    settings = config(**settings)
    source = Source(io.BytesIO(text.encode()), Place("a.csv", "utf-8"))
    return list(read_source(source, find_format("csv"), settings.layout()))


def test_the_sentence_cell_is_filled_at_the_first_token():
    one, two = read(GMB, features=["POS"])
    assert one.tokens == ["Mr, Smith", "left"]
    assert one.labels == ["B-per", "O"]
    assert one.features == [["NNP", "VBD"]]
    assert (one.line, one.lines) == (2, [2, 3])
    assert (two.tokens, two.lines) == (["Rome", "."], [4, 6])


@pytest.mark.parametrize("nothing", ["NaN", "nan", "None", " ", "<NA>"])
def test_other_cells_without_a_value(nothing):
    assert [s.tokens for s in read(GMB.replace("\n,", f"\n{nothing},"))] == [
        ["Mr, Smith", "left"], ["Rome", "."],
    ]  # fmt: skip


@given(st.lists(st.tuples(names, tokens), min_size=1, max_size=5), st.booleans())
def test_any_sentences_are_read_back(sentences, repeated):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Tag", "Word", "Sentence #"])
    expected = []
    for number, (name, rows) in enumerate(sentences):
        for i, (token, label) in enumerate(rows):
            writer.writerow([label, token, f"{name} {number}" if repeated or i == 0 else ""])
        expected.append(list(map(list, zip(*rows, strict=True))))
    assert [[s.tokens, s.labels] for s in read(text.getvalue())] == expected


def test_a_document_also_ends_a_sentence():
    text = "Sentence #,Word,Tag,doc\n1,a,X,p\n1,b,X,p\n1,c,X,q\n2,d,X,q\n"
    found = read(text, document_column="doc")
    assert [(s.tokens, s.doc) for s in found] == [(["a", "b"], 0), (["c"], 1), (["d"], 1)]


def test_labels_stored_as_integers_and_marks(write):
    text = "Sentence #,Word,Tag\n1,a,0\n,b,?\n2,c,1\n"
    (one, two) = read(text, label_names=["X", "Y"], unlabelled="?")
    assert (one.labels, two.labels) == (["X", None], ["Y"])
    corpus = load_corpus(config(path=str(write("a.csv", text)), dev_fraction=0))
    assert corpus.splits["train"]["labels"][:] == [["0", "?"], ["1"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Sentence #,Word,Tag\n,a,X\n", "a.csv:2: the first row has no value in the column"),
        ("Sentence #,Word,Tag\n1,a,X\n,,X\n", "a.csv:3: the token (column 'Word') is empty"),
        ("Sentence #,Word,Tag\n1,a,\n", "a.csv:2: the label (column 'Tag') is empty"),
        ("Sentence #,Word,Tag\n1,a\n", "a.csv:2: 2 columns where the header has 3"),
        ("Sentence,Word,Tag\n1,a,X\n", "no column 'Sentence #' (did you mean 'Sentence'?)"),
    ],
)
def test_wrong_files(text, message):
    with pytest.raises(InputError) as error:
        read(text)
    assert message in str(error.value)


def test_the_column_cannot_be_another_one():
    with pytest.raises(InputError, match=r"data\.sentence_column: 'Word' is already the column"):
        config(sentence_column="Word")


@given(mutated([GMB.encode(), GMB.replace("\n,", "\nSentence: 1,").encode()]))
def test_damaged_files_are_refused_or_read(data):
    source = Source(io.BytesIO(data), Place("a.csv", "utf-8"))
    try:
        for sentence in read_source(source, find_format("csv"), config().layout()):
            assert len(sentence.tokens) == len(sentence.labels) == len(sentence.lines) > 0
    except InputError as error:
        assert str(error).startswith("a.csv")  # noqa: PT017
