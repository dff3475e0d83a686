"""CoNLL-U output: every line of CoNLL-U input is kept, other input becomes valid CoNLL-U."""

from __future__ import annotations

import io

import conllu
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.formats.base import find_format
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.text.split import split_text
from seqtag.errors import InputError
from seqtag.tagging.conllu_output import ConlluOutput, label_place
from seqtag.tagging.output import tagged_sentence
from seqtag.tagging.readers import Item, read_items

TREEBANK = """\
# newdoc
# sent_id = a-1
# text = Vámonos al mar.
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\tNumber=Plur|Person=1\t0\troot\t0:root\t_
2\tnos\tnosotros\tPRON\t_\tCase=Acc\t1\tobj\t1:obj\tGloss=us|NER=O
# a comment between words
2.1\tfue\tir\tVERB\t_\t_\t_\t_\t1:conj\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
3\ta\ta\tADP\t_\t_\t5\tcase\t5:case\t_
4\tel\tel\tDET\t_\t_\t5\tdet\t5:det\t_

# only a comment

# sent_id = a-2
1\tmar\tmar\tNOUN\t_\t_\t0\troot\t0:root\tSpaceAfter=No

# text = nothing but an empty node
0.1\tx\t_\t_\t_\t_\t_\t_\t_\t_

"""


def read(text, format_="conllu", layout=None):
    source = Source(io.BytesIO(text.encode()), Place("x", "utf-8"))
    layout = layout or Layout((), token_column="form")
    return [item for item in read_items(source, format_, layout) if item is not None]


def write(items, column="upos", label="X", scheme="plain", probability=None):
    writer = ConlluOutput(column, "_")
    texts = [writer.begin()]
    for item in items:
        count = len(item.sentence.tokens)
        labels = [label(n) if callable(label) else label for n in range(count)]
        values = None if probability is None else [probability] * count
        texts.append(writer.sentence(tagged_sentence(item.sentence, labels, scheme, values), item))
    return "".join([*texts, writer.end()])


def test_everything_of_the_input_is_kept():
    output = write(read(TREEBANK), "upos", "_")
    expected = TREEBANK.replace("# only a comment\n\n", "# only a comment\n")
    for tag in ("VERB", "PRON", "ADP", "DET", "NOUN"):
        expected = expected.replace(f"\t{tag}\t_\tN", "\t_\t_\tN")
    kept = {line for line in expected.splitlines() if "\tfue" in line or "-" in line[:4]}
    lines = output.splitlines()
    assert kept <= set(lines)
    assert [line.split("\t")[:3] + line.split("\t")[4:] for line in lines] == [
        line.split("\t")[:3] + line.split("\t")[4:] for line in expected.splitlines()
    ]


def test_labels_go_where_training_read_them():
    items = read(TREEBANK)
    for column, label in (
        ("upos", "NEW"),
        ("xpos", "NEW"),
        ("deprel", "NEW"),
        ("feats", "A=B|C=D"),
        ("feats.Gender", "Fem"),
        ("misc.NER", "B-PER"),
        ("misc.Other", "B-PER"),
    ):
        output = write(items, column, label)
        layout = Layout((), token_column="form", label_column=column)
        source = Source(io.BytesIO(output.encode()), Place("x", "utf-8"))
        again = [s for s in find_format("conllu").read(source, layout) if s is not None]
        assert [s.tokens for s in again] == [[t.text for t in i.sentence.tokens] for i in items]
        assert {label for s in again for label in s.labels} == {label}


def test_pairs_keep_their_order_and_features_are_sorted():
    output = write(read(TREEBANK), "misc.NER", "B-X", probability=0.5).splitlines()
    assert output[5].endswith("\tGloss=us|NER=B-X|Probability=0.500000")
    output = write(read(TREEBANK), "feats.Mood", "Ind").splitlines()
    assert output[4].split("\t")[5] == "Mood=Ind|Number=Plur|Person=1"
    removed = write(read(TREEBANK), "misc.NER", "_").splitlines()
    assert removed[5].endswith("\tGloss=us")
    assert removed[4].endswith("\t_")


def test_conllu_plus():
    plus = "# global.columns = ID FORM UPOS\n1\ta\tX\n\n1\tb\tX\n\n"
    items = read(plus)
    assert write(items, "upos", "Y") == plus.replace("X", "Y")
    assert write(items[1:], "upos", "Y") == "# global.columns = ID FORM UPOS\n1\tb\tY\n\n"
    with pytest.raises(
        InputError, match="no column 'misc' for the labels; there are id, form, upos"
    ):
        write(items, "misc.NER", "Y")


def test_raw_text():
    (sentence,) = split_text("He didn't  go.")
    output = write([Item(sentence, {}), Item(sentence, {}, "doc 7")], "misc.NER", "O")
    first, second, _ = output.split("\n\n")
    assert first.split("\n") == [
        "# sent_id = 1",
        "# text = He didn't go.",
        "1\tHe\t_\t_\t_\t_\t_\t_\t_\tNER=O",
        "2\tdid\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No|NER=O",
        "3\tn't\t_\t_\t_\t_\t_\t_\t_\tNER=O",
        "4\tgo\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No|NER=O",
        "5\t.\t_\t_\t_\t_\t_\t_\t_\tNER=O",
    ]
    assert second.startswith("# sent_id = doc 7\n")


@pytest.mark.fuzz("text")
@given(st.text(st.one_of(st.sampled_from("ab #|=_\t'-.é漢\u200d"), st.characters(codec="utf-8"))))
def test_any_text_is_read_again_by_the_conllu_library(text):
    items = [Item(sentence, {}) for sentence in split_text(text)]
    output = write(items, "xpos", lambda n: f"L{n}")
    parsed = conllu.parse(output)
    assert [[token["form"] for token in s] for s in parsed] == [
        [token.text for token in item.sentence.tokens] for item in items
    ]
    for sentence, item in zip(parsed, items, strict=True):
        assert [token["xpos"] for token in sentence] == [f"L{n}" for n in range(len(sentence))]
        assert sentence.metadata["sent_id"].isdecimal()
        assert sentence.metadata["text"] == " ".join(item.sentence.text.split())


def test_the_column_of_the_training_corpus():
    assert label_place(None) == "misc.labels"
    assert label_place({"label_column": "xpos"}) == "xpos"
    assert label_place({"label_column": "feats.Number"}) == "feats.Number"
    assert label_place({"label_column": "ner"}) == "misc.ner"


@pytest.mark.parametrize(
    "column", ["form", "id", "deps", "misc.", "misc.a|b", "misc.a b", "x.y", "misc.a\nb", ""]
)
def test_columns_that_cannot_have_labels(column):
    with pytest.raises(InputError, match="cannot be written to the CoNLL-U column"):
        ConlluOutput(column, "_")


@pytest.mark.parametrize(("column", "label"), [("upos", "a b"), ("misc.NER", "a|b")])
def test_labels_that_would_break_a_row(column, label):
    with pytest.raises(InputError, match=r"the label .* cannot be written"):
        write(read(TREEBANK), column, label)


def test_tokens_that_would_break_a_row():
    layout = Layout((), token_column="tokens")
    for token in ("a\\tb", "a\\nb", " ", "a  b"):
        items = read(f'{{"tokens": ["{token}"]}}', "json", layout)
        with pytest.raises(InputError, match=r"the token .* cannot be written in CoNLL-U"):
            write(items)
