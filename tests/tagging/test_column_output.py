"""Column output: every line of a column file is kept, and only the labels change."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.formats.base import find_format
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.text.split import split_text
from seqtag.errors import InputError
from seqtag.tagging.column_output import ColumnOutput
from seqtag.tagging.output import tagged_sentence
from seqtag.tagging.readers import Item, read_items

FILE = """\
# made by hand

-DOCSTART- -X- O

 EU   NNP  B-ORG
# a comment inside
rejects VBZ\tO

\t
Peter NNP B-PER
-DOCSTART- -X- O
Paris NNP B-LOC

# the end
"""
COLUMNS = ("tokens", "pos", "labels")


def read(text, columns=COLUMNS, separator=None, comment="#", marker="-DOCSTART-"):
    layout = Layout(columns, "tokens", None, (), None, separator, comment, marker)
    source = Source(io.BytesIO(text.encode()), Place("x", "utf-8"))
    return (item for item in read_items(source, "column", layout) if item is not None)


def write(items, column="labels", label="X", probability=None, required=False):
    writer = ColumnOutput(column, required)
    texts = [writer.begin()]
    for item in items:
        count = len(item.sentence.tokens)
        labels = [label(n) if callable(label) else label for n in range(count)]
        values = None if probability is None else [probability] * count
        texts.append(writer.sentence(tagged_sentence(item.sentence, labels, "plain", values), item))
    return "".join([*texts, writer.end()])


def test_everything_but_the_labels_is_kept():
    output = write(read(FILE), label="X")
    assert output == re.sub(r"B-[A-Z]+$|(?<=VBZ\t)O$", "X", FILE, flags=re.MULTILINE)
    assert write(read(FILE), "pos", "X", required=True) == re.sub("NNP|VBZ", "X", FILE)


def test_labels_and_probabilities_are_added_where_the_file_has_no_column_for_them():
    output = write(read("a  b\nc\td\n\n", ("tokens", "pos")), label="X", probability=0.5)
    assert output == "a  b  X  0.500000\nc\td\tX\t0.500000\n\n"
    assert write(read("a\nb \n", ("tokens", "*")), label="X") == "a\tX\nb\tX\n"
    tabs = read("a\tx y\t\nb\t\t\n", separator="\t")
    assert write(tabs, "ner", "X") == "a\tx y\t\tX\nb\t\t\tX\n"
    assert write(read("a b O\n"), probability=1.0) == "a b X 1.000000\n"


def test_sentences_in_another_order_are_still_apart():
    first, second, third = read(FILE)
    assert write([third, second]) == ("-DOCSTART- -X- O\nParis NNP X\n\n\t\nPeter NNP X\n")
    assert write([second, first]).startswith("\t\nPeter NNP X\n\n# made by hand\n")


def test_other_input_gets_two_columns():
    (sentence,) = split_text("He left.")
    assert write([Item(sentence, {})]) == "He\tX\nleft\tX\n.\tX\n\n"


@pytest.mark.parametrize(("separator", "label"), [(None, "a b"), (None, ""), ("\t", "a\tb")])
def test_labels_that_would_break_a_row(separator, label):
    line = (separator or " ").join(("a", "b", "c"))
    with pytest.raises(InputError, match=r"the label .* cannot be written to a column"):
        write(read(line, separator=separator), label=label)


def test_an_unknown_column_of_labels():
    with pytest.raises(InputError, match=r"no column 'labls' \(did you mean 'labels'\?\)"):
        write(read(FILE), "labls", required=True)


CELL = st.text(st.sampled_from("ab-é漢.1"), min_size=1, max_size=4)
BLANKS = st.sampled_from([" ", "\t", "  ", " \t "])


@st.composite
def column_files(draw):
    """Draw the lines of a file: (None, line), or (the line before and after the label, line)."""
    separator = draw(st.sampled_from([None, "\t", ","]))
    has_labels = draw(st.booleans())
    lines = []
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["row", "row", "row", "blank", "comment", "marker"]))
        if kind == "row":
            cells = [draw(CELL) for _ in range(2 + has_labels)]
            between = [draw(BLANKS) if separator is None else separator for _ in cells[1:]]
            line = cells[0] + "".join(map(str.__add__, between, cells[1:]))
            cut = len(line) - len(cells[-1]) if has_labels else len(line)
            lines.append(((line[:cut], "" if has_labels else between[-1]), line))
        else:
            line = {"blank": draw(st.sampled_from(["", " "])), "comment": "# c", "marker": "-DOC-"}
            lines.append((None, line[kind]))
    return lines, separator, has_labels


@pytest.mark.fuzz("text")
@given(column_files())
def test_any_file_is_kept_and_its_labels_are_read_again(drawn):
    lines, separator, has_labels = drawn
    columns = COLUMNS if has_labels else COLUMNS[:2]
    text = "".join(f"{line}\n" for _, line in lines)
    items = list(read(text, columns, separator, "#", "-DOC-"))
    output = write(items, label=lambda n: f"L{n}")
    layout = Layout(COLUMNS, "tokens", "labels", (), None, separator, "#", "-DOC-")
    source = Source(io.BytesIO(output.encode()), Place("x", "utf-8"))
    again = [s for s in find_format("column").read(source, layout) if s is not None]
    assert [s.labels for s in again] == [
        [f"L{n}" for n in range(len(item.sentence.tokens))] for item in items
    ]
    if items:
        assert [line if parts is None else "".join(parts) for parts, line in lines] == [
            re.sub(r"L\d+$", "", line) for line in output.splitlines()
        ]
