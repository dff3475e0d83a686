"""Cells of a CSV file: lists in each notation; strings are never joined."""

import csv
import io
import json
import re
import tempfile
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seqtag.data.config import CorpusConfig
from seqtag.data.formats.lines import SourceFile
from seqtag.data.formats.list_values import parse_list, row_lists
from seqtag.errors import InputError

EVA = ["Eva", "ran", "off"]


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ('["Eva", "ran", "off"]', EVA),
        ("['Eva', 'ran', 'off']", EVA),
        ("['Eva', 'ran', 'off',]", EVA),
        ("('Eva', 'ran', 'off')", EVA),
        ("('Eva',)", ["Eva"]),
        ("()", []),
        ("[]", []),
        (" [ ] ", []),
        ("['Eva' 'ran' 'off']", EVA),
        ("['Eva'\n 'ran'\n 'off']", EVA),
        ("array(['Eva', 'ran', 'off'], dtype=object)", EVA),
        ("np.array(['Eva', 'ran',\n       'off'], dtype='<U3')", EVA),
        ("array([], dtype=object)", []),
        ("[np.str_('Eva'), np.str_('ran')]", ["Eva", "ran"]),
        ("[np.int64(1), np.int64(0)]", [1, 0]),
        ("[1 0 -100]", [1, 0, -100]),
        ("[ 1  0 10]", [1, 0, 10]),
        ("[1., 2.5e+01]", [1.0, 25.0]),
        ("['it\\'s', \"it's\", '\"']", ["it's", "it's", '"']),
        (
            "['\\\\', '\\n', '\\xa0', '\\u2028', '\\U0001f600']",
            ["\\", "\n", "\xa0", "\u2028", "😀"],
        ),
        ('["\\ud83d\\ude00", null]', ["😀", None]),
        ("['a', None]", ["a", None]),
        ("['a' None]", ["a", None]),
        ("['[', ',', ']', '...', \"' '\"]", ["[", ",", "]", "...", "' '"]),
    ],
)
def test_a_list_in_each_notation(cell, items):
    assert parse_list(cell) == items


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("['Eva' 'ran', 'off']", "no comma between"),
        ("['Eva', 'ran' 'off']", "no comma between"),
        ("('Eva' 'ran')", "no comma between"),
        ("['Eva''ran']", "not an item"),
        ("('Eva')", "a tuple of one item ends with a comma"),
        ("['Eva' 'ran' ... 'off']", r"left out the items at '\.\.\.'.*more than 1,000"),
        ("array(['Eva', ..., 'off'], shape=(2000,), dtype='<U3')", "left out the items"),
        ("[{[]}]", "is not a string or number"),
        ("[{}]x", "no brackets"),
        ("{}", "no brackets"),
        ("", "no brackets"),
        ("[", "no brackets"),
        ("[,]", "not an item"),
        ("['a',,'b']", "not an item"),
        ("[Eva, ran]", "strings must be in quotes"),
        ("['a'.upper()]", "not an item"),
        ("['a' + 'b']", "not an item"),
        ("['a' * 9]", "not an item"),
        ("[b'a']", "not an item"),
        ("[f'{a}']", "not an item"),
        ("['\\q']", "not an escape"),
        ("['\\ude0']", "not an escape"),
        ("['\\N{BULLET}']", "not an escape"),
        ("['a\nb']", "not an item"),
        ("['a'", "no brackets"),
        ("[" + "9" * 5000 + "]", "a number has 5,000 digits"),
        ("[007]", "not an item"),
        ("[1_0]", "not an item"),
        ("[" * 9000 + "]" * 9000, "is not a string or number"),
        ("[['a'], ['b']" + "," + "]", "is not a string or number"),
    ],
)
def test_cells_that_are_not_lists(cell, reason):
    with pytest.raises(ValueError, match=reason):
        parse_list(cell)


def row(tokens, labels, *more):
    lists, _ = row_lists(
        [labels, tokens, *more], ["labels", "tokens", "pos", "lemma"][: 2 + len(more)]
    )
    return [lists[1], lists[0], *lists[2:]]


def test_the_cells_of_a_row_may_differ_in_notation():
    assert row("['Eva' 'ran']", '["O", "O"]', "('N', 'V')") == [
        ["Eva", "ran"],
        ["O", "O"],
        ["N", "V"],
    ]
    assert row("['Eva', 'ran']", "[0 1]") == [["Eva", "ran"], [0, 1]]
    assert row("('Eva', 'ran')", "(0, 1)") == [["Eva", "ran"], [0, 1]]


@pytest.mark.parametrize(
    ("tokens", "labels"),
    [
        ("[ 1 ]", "O O O"),
        ("[1]", "O"),
        ("[ \"a\" , 'b' ]", "O O O O O"),
        ("[]", "O"),
        ("( x )", "( NN )"),
        ("a b", "(A0* *)"),
        ("`` ''", "`` ''"),
        ('"Hello" he', '" ,'),
        ('("Hi there")', "O O"),
    ],
)
def test_brackets_and_quotes_are_words_if_labels_are_spaced(tokens, labels):
    assert row(tokens, labels) == [tokens.split(), labels.split()]
    assert row(tokens, labels, tokens) == [tokens.split(), labels.split(), tokens.split()]


@pytest.mark.parametrize(
    ("tokens", "labels", "message"),
    [
        ("['Eva', 'ran']", "O O", "tokens is a list, .*, but labels is not, 'O O': write both as"),
        ("['Eva' 'ran']", "O O", "tokens is a list"),
        ("['Eva' ... 'ran']", "O O O", "tokens is a list"),
        ("('Eva', 'ran')", "O O", "tokens is a list"),
        ("array(['Eva', 'ran'], dtype=object)", "O O O", "tokens is a list"),
        ("Eva ran", "['O', 'O']", "tokens is not a list: 'Eva ran'.*expected a list as JSON"),
        ("[Eva, ran]", "[O, O]", "labels is not a list"),
        ('c("Eva", "ran")', 'c("O", "O")', "labels is a list in an unsupported notation"),
        ("Eva ran", "c(1, 0)", "labels is a list in an unsupported notation"),
        ("{Eva,ran}", "{O,O}", "labels is a list in an unsupported notation"),
        ("Index(['Eva'])", "Index(['O'])", "labels is a list in an unsupported notation"),
        (
            "<ArrowStringArray>\n['Eva']",
            "<ArrowStringArray>\n['O']",
            "labels is a list in an unsupp",
        ),
        ("Eva", '"O"', "labels has a label in quotes: '\"O\"'"),
        ("Eva ran", "'O' 'O'", "labels has a label in quotes"),
        ("['Eva' 'ran']", "['O' ... 'O']", "labels is not a list.*left out"),
    ],
)
def test_rows_that_mix_lists_and_spaced_strings(tokens, labels, message):
    with pytest.raises(ValueError, match=message):
        row(tokens, labels)


def test_a_list_of_numbers_among_spaced_strings():
    with pytest.raises(ValueError, match="pos is a list"):
        row("Eva ran", "O O", "[1 0]")
    assert row("[1] x", "O O", "[1] x") == [["[1]", "x"], ["O", "O"], ["[1]", "x"]]


def read_csv(text, **settings):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(text.encode())
        config = CorpusConfig(format="csv", path=str(path), **settings)
        return list(config.read(SourceFile(path, "a.csv")))


def written(rows, notation):
    """Return a CSV file of rows of lists, whose cells are printed by `notation`."""
    stream = io.StringIO()
    lines = csv.writer(stream)
    lines.writerow(["tokens", "labels", "pos"])
    lines.writerows([notation(list(cell)) for cell in row] for row in rows)
    return stream.getvalue()


def by_pandas(rows):
    return pd.DataFrame(rows, columns=["tokens", "labels", "pos"]).to_csv(index=False)


NOTATIONS = {
    "json": lambda rows: written(rows, json.dumps),
    "raw json": lambda rows: written(rows, lambda cell: json.dumps(cell, ensure_ascii=False)),
    "repr": lambda rows: written(rows, repr),
    "tuple": lambda rows: written(rows, lambda cell: repr(tuple(cell))),
    "numpy": lambda rows: written(rows, lambda cell: str(np.array(cell, object))),
    "numpy's strings": lambda rows: written(rows, lambda cell: str(np.array(cell, str))),
    "numpy's repr": lambda rows: written(rows, lambda cell: repr(np.array(cell, object))),
    "scalars": lambda rows: written(rows, lambda cell: repr(list(map(np.str_, cell)))),
    "pandas": by_pandas,
}
NASTY = st.sampled_from(
    ["'", '"', "\\", ",", "[", "]", "(", "...", "\n", "\u2028", "\x85", "\x1c", "é"]
)
STRING = st.one_of(NASTY, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))
STRING = st.lists(STRING, min_size=1, max_size=3).map("".join)
ROW = st.lists(st.tuples(STRING, STRING, STRING), min_size=1, max_size=6)
ROWS = st.lists(ROW, min_size=1, max_size=3).map(
    lambda rows: [tuple(list(column) for column in zip(*row, strict=True)) for row in rows]
)


@pytest.mark.fuzz("csv")
@given(rows=ROWS, notation=st.sampled_from(sorted(NOTATIONS)))
def test_lists_in_each_notation_round_trip(rows, notation):
    # NumPy's fixed-width strings drop trailing NUL characters.
    ends = any(string.endswith("\0") for row in rows for cell in row for string in cell)
    assume(notation != "numpy's strings" or not ends)
    sentences = read_csv(NOTATIONS[notation](rows), features=["pos"])
    assert [(s.tokens, s.labels, *s.features) for s in sentences] == rows


def test_csv_written_by_datasets_round_trips():
    rows = [(["it's", "a", "\n"], ["O", "B-X", "O"], ["N", '"', "]"]), (["b"], ["O"], ["N"])]
    table = dict(zip(("tokens", "labels", "pos"), map(list, zip(*rows, strict=True)), strict=True))
    stream = io.BytesIO()
    datasets.Dataset.from_dict(table).to_csv(stream)
    sentences = read_csv(stream.getvalue().decode(), features=["pos"])
    assert [(s.tokens, s.labels, *s.features) for s in sentences] == rows


@pytest.mark.fuzz("csv")
@given(rows=ROWS)
def test_spaced_strings_round_trip_or_are_refused(rows):
    text = written(rows, " ".join)
    try:
        sentences = read_csv(text, features=["pos"])
    except InputError as error:
        refusal = str(error)
    else:
        refusal = None
    if refusal:
        assert refusal.startswith("a.csv:")
        return
    as_words = [
        tuple([word for word in re.split("[ \n\t]", " ".join(cell)) if word] for cell in row)
        for row in rows
    ]
    assert [(s.tokens, s.labels, *s.features) for s in sentences] == as_words


@pytest.mark.fuzz("csv")
@given(st.text(st.sampled_from(list("[]()'\",\\ \nabx01.N{}:")), max_size=30))
def test_the_items_of_a_list_occur_in_its_cell(cell):
    try:
        items = parse_list(cell)
    except ValueError:
        return
    for item in items:
        if isinstance(item, str) and "\\" not in cell:
            assert f"'{item}'" in cell or f'"{item}"' in cell
