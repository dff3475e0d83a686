"""The layout of a file to tag: that of the training corpus, options, and errors."""

from __future__ import annotations

import io

import pytest

from seqtag.data.formats.decoding import Place
from seqtag.data.formats.lines import Source
from seqtag.errors import InputError
from seqtag.tagging.layouts import Options, layout_of
from seqtag.tagging.readers import PAUSE, read_items

COLUMN = {"format": "column", "columns": ["_", "word", "pos", "ner"], "token_column": "word"}
COLUMN |= {"label_column": "ner", "features": ["pos"], "separator": None}


def read(content, data=COLUMN, features=("pos",), format_="column", **options):
    """Return the words and features that `seqtag tag` reads from a file."""
    layout = layout_of(format_, data, features, Options(**options), "m/config.json")
    raw = io.BufferedReader(io.BytesIO(content.encode()))
    items = read_items(Source(raw, Place("x", "utf-8")), format_, layout)
    return [
        ([token.text for token in item.sentence.tokens], *item.features.values())
        for item in items
        if item is not PAUSE
    ]


WANTED = [(["Eva", "ran"], ["NNP", "VBD"])]


@pytest.mark.parametrize(
    "content",
    [
        "1 Eva NNP O\n2 ran VBD O\n",
        "1 Eva NNP\n2 ran VBD\n",  # without the label
        "Eva NNP\nran VBD\n",  # only what the tagger reads
        "-DOCSTART- x\n\nEva \tNNP\n ran  VBD\r\n",
    ],
)
def test_columns_that_are_not_read_may_be_missing(content):
    assert read(content) == WANTED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "Eva\n",
            r"^x:1: 1 column where the tagger's training corpus has 4 \(_, word, pos, ner\), or",
        ),
        ("a b c d e\n", "^x:1: 5 columns where .* 3 .*or 2 .*: name every|^x:1: 5 columns"),
        ("1 Eva NNP O\n2 ran VBD\n", r"^x:2: 3 columns where the tagger's .* has 4"),
        ("Eva NNP\n\n1 ran VBD O\n", r"^x:3: 4 columns where line 1 has 2 \(word, pos\)"),
    ],
)
def test_rows_that_do_not_fit_are_refused(content, message):
    with pytest.raises(InputError, match=message):
        read(content)


def test_the_layout_of_the_training_corpus_is_used():
    data = {**COLUMN, "separator": "tab", "comment": "# id", "document_marker": None, "absent": "-"}
    content = "# id 1\n1\tNew York\t\tO\n1\t-DOCSTART-\tX\tO\n"
    assert read(content, data) == [(["New York", "-DOCSTART-"], ["-", "X"])]


def test_options_take_precedence():
    assert read("NNP,Eva\nVBD,ran\n", columns="pos,word", separator="comma") == WANTED
    assert read("NNP Eva\nVBD ran\n", columns="pos, tokens") == WANTED
    data = {**COLUMN, "comment": "#"}
    assert read("1 # X O\n", data, comment="") == [(["#"], ["X"])]
    assert read("# X\n1 # X O\n", COLUMN, comment="# X") == [(["#"], ["X"])]
    assert read("-DOCSTART- X\n", document_marker="") == [(["-DOCSTART-"], ["X"])]
    assert read("%% x\nEva NNP\nran VBD\n", document_marker="%%") == WANTED
    assert read("1\tNew York\tNNP\tO\n", separator="tab") == [(["New York"], ["NNP"])]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "word"}, r"^--columns: no column 'pos'; there are: word"),
        ({"columns": "wrd,pos"}, "^--columns: no column 'tokens'"),
        ({"columns": "word,word,pos"}, "^--columns names a column twice: word"),
        ({"columns": "*,word,pos"}, "must be the last name"),
        ({"separator": ""}, "--separator is empty"),
    ],
)
def test_contradictory_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        read("Eva NNP\n", **options)


@pytest.mark.parametrize(
    "data", [None, {"format": "probe"}, {"format": "json"}, {"format": "column"}]
)
def test_without_a_layout_the_first_column_is_the_token(data):
    assert read("Eva NNP x y\nran VBD\n", data) == WANTED
    assert read("12\xa0000\u2028 CD\n", data) == [(["12\xa0000\u2028"], ["CD"])]
    for content in ("New York\tNNP\n", "Eva\t\tNNP\n"):
        with pytest.raises(
            InputError, match=r"^x:1: ambiguous separator: .* some cells contain spaces"
        ):
            read(content, data)
    assert read("New York\tNNP\n", data, separator="tab") == [(["New York"], ["NNP"])]
    assert read("New\tYork NNP\n", data, separator="null") == [(["New"], ["York"])]


def test_conllu_for_a_tagger_with_conllu_features():
    row = "1\tEva\teva\tPROPN\t_\tNumber=Sing\t0\troot\t_\tX=a=b\n"
    features = ("upos", "feats.Number", "misc.X", "misc.Y")
    data = {"format": "conllu", "token_column": "lemma", "label_column": "deprel", "absent": "-"}
    expected = [(["eva"], ["PROPN"], ["Sing"], ["a=b"], ["-"])]
    assert read(row, data, features, "conllu") == expected
    assert read(row, None, features, "conllu")[0][0] == ["Eva"]
    text = "# global.columns = ID UPOS FORM\n1\tPROPN\tEva\n"
    assert read(text, None, (), "conllu") == [(["Eva"],)]
    with pytest.raises(InputError, match=r"^x:1: no column 'pos' .*json"):
        read(row, COLUMN, ("pos",), "conllu")


def test_json_keys_are_those_of_the_training_corpus():
    data = {"format": "json", "token_column": "words", "absent": "-"}
    record = '{"words": ["Eva", "ran"], "pos": [null, 3], "tokens": 5}'
    assert read(record, data, format_="json") == [(["Eva", "ran"], ["-", "3"])]
    record = '{"tokens": ["Eva", "ran"], "pos": ["NNP", "VBD"]}'
    assert read(record, data, format_="json") == WANTED


@pytest.mark.parametrize(
    "data",
    [
        {**COLUMN, "columns": 5},
        {**COLUMN, "columns": ["a", "b"]},
        {**COLUMN, "columns": [["x"], "word", "pos"], "token_column": 7},
        {**COLUMN, "separator": 5},
    ],
)
def test_an_impossible_layout_in_a_model_folder_is_refused(data):
    with pytest.raises(InputError, match=r"^m/config.json: "):
        read("1 Eva NNP O\n", data)


def csv_items(text, data=None, **options):
    return [words for (words,) in read(text, data, (), "csv", **options)]


def test_csv_with_a_token_per_row():
    data = {"format": "csv", "token_column": "Word", "label_column": "Tag", "sentence_column": "S"}
    text = "S,Word\n1,a\n,b\n2,c\n"
    assert csv_items(text, data) == [["a", "b"], ["c"]]
    assert csv_items(text.replace("S", "N"), data, sentence_column="N") == [["a", "b"], ["c"]]
    assert csv_items("s;tokens\n1;a\n", sentence_column="s", separator="semicolon") == [["a"]]
    with pytest.raises(InputError, match=r"x:1: CSV without labels .* with --sentence-column"):
        csv_items("tokens\na b\n")
    with pytest.raises(InputError, match=r"no column 'S'.*and --sentence-column"):
        csv_items("Word\na\n", data)
