"""data.label_map: labels and types that are replaced, typos, the command line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.commands.overrides import quote_values
from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.label_map import LabelMap, parse_label_map
from seqtag.errors import InputError

BIO = "Eva b_per\nran X\n\nBob b_per\nXu i_per\nsat X\n"


def load(path, splits=None, **settings):
    config = {"format": "column", "path": str(path), "dev_fraction": 0, **settings}
    return load_corpus(CorpusConfig(**config), splits)


@pytest.mark.parametrize(
    ("replaced", "labels", "expected"),
    [
        ({"b_per": "B-PER", "X": "O"}, ["b_per", "X", "i_per"], ["B-PER", "O", "i_per"]),
        ({"PERSON": "PER"}, ["B-PERSON", "PERSON_I", "PERSON"], ["B-PER", "PER_I", "PER"]),
        ({"MISC": "O"}, ["B-MISC", "I-MISC", "O"], ["O", "O", "O"]),
        ({"X": None, "B-Y": None}, ["B-X", "X", "B-Y", "I-Y"], [None, None, None, "I-Y"]),
        ({"B-X": "O", "X": "Y"}, ["B-X", "I-X", None], ["O", "I-Y", None]),
        ({"X": "Y"}, ["Q-X", "BX", "B-XX"], ["Q-X", "BX", "B-XX"]),
    ],
)
def test_labels_and_types_are_replaced(replaced, labels, expected):
    label_map = LabelMap(replaced)
    assert label_map.apply(labels) == expected
    assert label_map.apply(labels) == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("{b_per: B-PER, X: O}", {"b_per": "B-PER", "X": "O"}),
        ("{b-per: null}", {"b-per": None}),
        ("{0: O, 1: B-X}", {"0": "O", "1": "B-X"}),
        (r"{B\:PER: B-PER}", {"B:PER": "B-PER"}),
        (r"{Case\=Nom: X}", {"Case=Nom": "X"}),
        ("[b_per=B-PER,X=O]", {"b_per": "B-PER", "X": "O"}),
        ("[人名=PER,B:PER=B-PER,B\u2013X=B-X,x=null]",
         {"人名": "PER", "B:PER": "B-PER", "B\u2013X": "B-X", "x": None}),
        ('["B|PER #=B-PER"]', {"B|PER #": "B-PER"}),
        ("{}", None),
    ],
)  # fmt: skip
def test_the_command_line(argument, expected):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    (word,) = quote_values([f"data.label_map={argument}"])
    value = OverridesParser.create().parse_override(word).value()
    assert parse_label_map(value) == expected
    assert parse_label_map(expected) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({True: "X"}, "the key must be a label as text, not True; write data.label_map="),
        ({"": "X"}, "the key must be"),
        ({"X": ""}, "the value of 'X' must be"),
        ({"X": ["O"]}, "the value of 'X' must be"),
        ({"X": 1.5}, "the value of 'X' must be"),
        (["X"], "'X' is not OLD=NEW"),
        (["X=Y=Z"], r"one equals sign; .* write a mapping"),
        (["=Z"], "the key must be"),
        ("X=O", r"write data.label_map=\[X=O\]"),
    ],
)
def test_wrong_values(value, message):
    with pytest.raises(InputError, match=message) as error:
        CorpusConfig(format="column", path="x", label_map=value)
    assert str(error.value).startswith("data.label_map")


def test_labels_are_replaced_before_the_scheme_is_determined(write, tmp_path):
    write("train.txt", BIO)
    write("dev.txt", "Eva b_per\nXu i_per\nran X\n")
    assert load(tmp_path).scheme == "plain"
    corpus = load(tmp_path, label_map={"b_per": "B-PER", "i_per": "I-PER", "X": "O"})
    assert corpus.scheme == "bio"
    assert corpus.splits["dev"]["labels"][0] == ["B-PER", "I-PER", "O"]
    corpus = load(tmp_path, label_map={"X": "O", "per": "PERSON"})
    assert corpus.splits["dev"]["labels"][0] == ["B-PERSON", "I-PERSON", "O"]
    corpus = load(tmp_path, label_map={"X": None})
    assert corpus.splits["dev"]["labels"][0] == ["B-per", "I-per", None]


def test_a_typo_is_an_error_if_the_whole_corpus_is_read_else_a_note(write, tmp_path):
    write("train.txt", BIO)
    write("test.txt", "ran X\n")
    message = r"data\.label_map: 'b_pre' \(did you mean 'b_per'\?\) is neither .* train, test; "
    with pytest.raises(InputError, match=message + "there are: O, b_per, i_per, per"):
        load(tmp_path, label_map={"b_pre": "B-PER", "X": "O"})
    corpus = load(tmp_path, ["test"], label_map={"b_per": "B-PER", "X": "O"})
    assert any("data.label_map: 'b_per' is neither" in note for note in corpus.notes)


def test_names_of_integers_come_first(write):
    path = write("train.jsonl", '{"tokens": ["Eva", "ran"], "labels": [1, 0]}\n')
    settings = {"format": "json", "label_names": ["X", "b_per"]}
    corpus = load(path, **settings, label_map={"X": "O", "b_per": "B-PER"})
    assert corpus.splits["train"]["labels"][0] == ["B-PER", "O"]


def test_a_stream(write):
    path = write("train.txt", f"{BIO}\n" * 3)
    corpus = load(
        path, streaming=True, label_names=["X", "b_per", "i_per"], label_map={"X": "O", "per": "P"}
    )
    assert corpus.stream.labels == ("O", "B-P", "I-P")
    rows = corpus.stream.read(corpus.stream.rows)
    assert [row["labels"] for row in rows][:2] == [["B-P", "O"], ["B-P", "I-P", "O"]]


labels = st.text(st.sampled_from("BIX_-O=:"), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.dictionaries(labels, st.none() | labels, max_size=4), st.lists(st.none() | labels))
def test_any_map(replaced, sentence):
    label_map = LabelMap(replaced)
    new = label_map.apply(sentence)
    assert label_map.used <= replaced.keys()
    for old, label in zip(sentence, new, strict=True):
        assert label == replaced.get(old, label)
        if not label_map.used:
            assert label == old


def test_a_label_with_two_replacements_is_refused():
    with pytest.raises(InputError, match="'X' is replaced by two labels"):
        parse_label_map(["X=A", "X=B"])
    assert parse_label_map(["X=A", "X=A"]) == {"X": "A"}
