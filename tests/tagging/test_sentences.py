"""Sentences of any type are read like lists, or refused with their position."""

from __future__ import annotations

import enum
from collections import UserList, deque

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from seqtag.data.encode import word_cache
from seqtag.data.text.split import Sentence, Token
from seqtag.errors import InputError
from seqtag.tagging import base

WORDS = [["Alex", "goes", "to", "Paris"], [], ["Anna"], ["in", "1999"]]
POS = [["NNP", "VBZ", "TO", "?"], [], ["NNP"], ["IN", "CD"]]
SQUARE = [["Alex", "goes"], ["to", "Paris"], ["Anna", "."]]


class Word(str):
    """A word that is never equal to another one and cannot be a key."""

    __slots__ = ()
    __hash__ = None

    def __eq__(self, other):
        return False

    def __str__(self):
        return "something else"


class Pick(enum.StrEnum):
    FIRST = "Alex"


class OldSequence:
    """A sequence with `__getitem__` only."""

    def __init__(self, items):
        self.items = items

    def __getitem__(self, number):
        return self.items[number]


def objects(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def series(rows, index=(7, 3, 3, 0)):
    return pd.Series(list(rows), index=list(index)[: len(rows)])


def shuffled(rows):
    """Return the rows as part of a longer Series whose order differs from its index."""
    longer = pd.Series([["never", "read"], *rows[::-1], ["or", "this"]])
    return longer.iloc[len(rows) : 0 : -1]


TYPES = {
    "tuples": lambda rows: tuple(map(tuple, rows)),
    "a Series": series,
    "a Series in another order": shuffled,
    "a Series of Series": lambda rows: series(
        [pd.Series(row, dtype=object)[::-1][::-1] for row in rows]
    ),
    "a Series of arrays": lambda rows: series([np.array(row, dtype=str) for row in rows]),
    "a Series of pyarrow": lambda rows: pd.Series(rows, dtype=pd.ArrowDtype(pa.list_(pa.string()))),
    "a Series of categories": lambda rows: [pd.Series(row, dtype="category") for row in rows],
    "an array of objects": objects,
    "arrays of str": lambda rows: [np.array(row, dtype=str) for row in rows],
    "arrays of StringDType": lambda rows: [
        np.array(row, dtype=np.dtypes.StringDType()) for row in rows
    ],
    "np.str_": lambda rows: [[np.str_(word) for word in row] for row in rows],
    "a generator": lambda rows: (row for row in rows),
    "generators": lambda rows: (iter(row) for row in rows),
    "an array of pyarrow": lambda rows: pa.array(rows),
    "a chunked array": lambda rows: pa.chunked_array(
        [pa.array(rows[:1]), pa.array(rows[1:], pa.list_(pa.string()))]
    ),
    "a large array": lambda rows: pa.array(rows, pa.large_list(pa.large_string())),
    "scalars of pyarrow": lambda rows: [pa.array(row, pa.string()) for row in rows],
    "a dictionary array": lambda rows: [
        pa.array(row, pa.string()).dictionary_encode() for row in rows
    ],
    "a column of a data set": lambda rows: datasets.Dataset.from_dict({"tokens": rows})["tokens"],
    "a column with a format": lambda rows: datasets.Dataset.from_dict({"tokens": rows}).with_format(
        "numpy"
    )["tokens"],
    "values of a dict": lambda rows: dict(enumerate(rows)).values(),
    "words as keys": lambda rows: [dict.fromkeys(row).keys() for row in rows],
    "deques": lambda rows: deque(map(deque, rows)),
    "UserList": lambda rows: UserList(map(UserList, rows)),
    "the old protocol": lambda rows: OldSequence(list(map(OldSequence, rows))),
    "a subclass of str": lambda rows: [[Word(word) for word in row] for row in rows],
    "map": lambda rows: map(list, rows),
}


@pytest.fixture(scope="module")
def pos_tagger(build_tagger_once):
    return build_tagger_once(features=("pos",))


@pytest.mark.parametrize("name", TYPES)
def test_types_of_sentences(pos_tagger, tagger, name):
    make = TYPES[name]
    expected, plain = pos_tagger.predict(WORDS, {"pos": POS}), tagger.predict(WORDS)
    assert tagger.predict(make(WORDS)) == plain
    assert [list(s.labels) for s in tagger.stream(make(WORDS))] == plain
    found = tagger.tag(make(WORDS))
    assert [list(s.labels) for s in found] == plain
    texts = [token.text for s in found for token in s.tokens]
    assert texts == [word for row in WORDS for word in row]
    assert set(map(type, texts)) == {str}
    assert pos_tagger.predict(make(WORDS), {"pos": make(POS)}) == expected
    streamed = pos_tagger.stream(make(WORDS), features={"pos": make(POS)})
    assert [list(s.labels) for s in streamed] == expected


@pytest.mark.parametrize("dtype", [str, object, np.dtypes.StringDType()])
def test_an_array_in_two_dimensions(tagger, dtype):
    assert tagger.predict(np.array(SQUARE, dtype=dtype)) == tagger.predict(SQUARE)
    assert tagger.predict(np.array(SQUARE, dtype=dtype).T) == tagger.predict(
        [list(row) for row in zip(*SQUARE, strict=True)]
    )


def test_a_filtered_series(tagger):
    sentences = pd.Series(WORDS)
    chosen = sentences[sentences.map(len) > 1]
    assert tagger.predict(chosen) == tagger.predict(list(chosen))
    order = sentences.iloc[[2, 0, 1]]
    assert tagger.predict(order) == tagger.predict([WORDS[2], WORDS[0], WORDS[1]])


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        datasets.Dataset.from_dict,
        lambda columns: pa.table({name: pa.array(rows) for name, rows in columns.items()}),
    ],
)
def test_features_by_name_of_any_table(pos_tagger, make):
    table = make({"id": [1, 2, 3, 4], "pos": POS})
    assert pos_tagger.predict(WORDS, table) == pos_tagger.predict(WORDS, {"pos": POS})
    with pytest.raises(InputError, match="'pos'"):
        pos_tagger.predict(WORDS, make({"id": [1, 2, 3, 4]}))


def test_changes_by_the_caller_during_tagging_are_not_seen(tagger):
    rows = [list(row) for row in WORDS]
    stream = tagger.stream(rows)
    next(stream)
    rows[3].append("more")
    assert [len(s.labels) for s in stream] == [0, 1, 2]


def test_text_of_a_subclass(tagger):
    assert tagger.tag(Word("Alex goes to Paris.")) == tagger.tag("Alex goes to Paris.")
    assert tagger.tag(np.str_("Alex goes.")) == tagger.tag("Alex goes.")
    assert tagger.predict([[Pick.FIRST]]) == tagger.predict([["Alex"]])


def test_tokens_of_any_type(tagger):
    plain = [Sentence([Token("Alex", 0, 4), Token("goes", 5, 9)], "Alex goes"), Sentence([])]
    expected = tagger.tag_sentences(plain)
    odd = [Sentence(tuple(Token(np.str_(t.text), *t[1:]) for t in s.tokens), s.text) for s in plain]
    for given in (iter(plain), objects(odd), pd.Series(odd, index=[5, 1]), tuple(odd)):
        assert tagger.tag_sentences(given) == expected
    for wrong in (WORDS, [["Alex"]], [None], ["Alex"]):
        with pytest.raises(
            InputError, match="sentence 1: expected a Sentence with a list of Token"
        ):
            tagger.tag_sentences(wrong)
    with pytest.raises(InputError, match=r"sentence 2, word 1: words are strings, not 5 \(int\)"):
        tagger.tag_sentences([plain[0], Sentence([Token(5)])])


def calls(tagger):
    return (tagger.predict, tagger.tag, lambda sentences: list(tagger.stream(sentences)))


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, 5, 2.5, float("nan"), b"Alex goes", bytearray(b"x"), {"tokens": WORDS}, True),
        *(set(map(tuple, WORDS)), frozenset(), pd.NA, np.array(5), pa.scalar(None)),
        *(torch.tensor(1), object()),
    ],
)
def test_errors_for_other_types_of_sentences(tagger, wrong):
    for call in calls(tagger):
        with pytest.raises(InputError, match="expected a list of sentences, each a list of w"):
            call(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        *("Alex", np.str_("Alex"), b"Alex", None, 3, float("nan"), pd.NA, {"Alex": 1}, {"Alex"}),
        *(pa.scalar(None, pa.list_(pa.string())), np.array("x"), pa.scalar("Alex")),
    ],
)
def test_errors_for_other_types_of_a_sentence(tagger, pos_tagger, wrong):
    for call in calls(tagger):
        with pytest.raises(InputError, match=r"^sentence 3 is .*each a list of words: for one"):
            call([["Alex"], [], wrong])
    with pytest.raises(InputError, match=r"^features\['pos'\]: sentence 2 is .*list of values$"):
        pos_tagger.predict([["a"], ["b"]], {"pos": [["X"], wrong]})


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, 3, float("nan"), pd.NA, b"Alex", np.bytes_(b"x"), ["Alex"], np.array(["x"])),
        *(pd.NaT, pa.scalar(None, pa.string()), pa.scalar(3), torch.tensor(1), Token("Alex")),
        {"a": "b"},
    ],
)
def test_errors_for_other_types_of_a_word(tagger, pos_tagger, wrong):
    for call in calls(tagger):
        with pytest.raises(InputError, match=r"^sentence 2, word 3: words are strings, not "):
            call([["Alex"], ["a", Word("b"), wrong, None], [None]])
    for words in (["a", "b"], ["a", "b", "c"]):
        with pytest.raises(InputError, match=r"^features\['pos'\], sentence 1, word 2: values are"):
            pos_tagger.predict([words], {"pos": [["X", wrong]]})


def test_one_string_instead_of_sentences(tagger):
    for call in (tagger.predict, tagger.stream):
        with pytest.raises(InputError, match=r"'Alex goes'.*\[words\].*tag\(text\)"):
            call("Alex goes")


@pytest.mark.parametrize("wrong", [None, {}, {"upos": POS}, pd.DataFrame({"upos": POS})])
def test_a_missing_feature(pos_tagger, wrong):
    for call in (pos_tagger.predict, pos_tagger.tag):
        with pytest.raises(InputError, match="column 'pos' in addition to"):
            call(WORDS, wrong)
    with pytest.raises(InputError, match=r"features=\{'pos': \.\.\.\}"):
        pos_tagger.stream(WORDS, features=wrong)


@pytest.mark.parametrize("wrong", [POS, "pos", 5, np.array(SQUARE), pd.Series(POS), set()])
def test_features_without_names(pos_tagger, wrong):
    with pytest.raises(InputError, match="'pos'"):
        pos_tagger.predict(WORDS, wrong)


@pytest.mark.parametrize("wrong", [None, 5, "NNP", {"a": POS}, set()])
def test_a_feature_that_is_not_a_list(pos_tagger, wrong):
    with pytest.raises(InputError, match=r"^features\['pos'\]: expected a list of sentences"):
        pos_tagger.predict(WORDS, {"pos": wrong})


def test_a_stream_counts_sentences_from_its_start(pos_tagger, monkeypatch):
    monkeypatch.setattr(base, "_WINDOW", 2)
    stream = pos_tagger.stream([["a"]] * 5 + [["b", None]], features={"pos": [["X"]] * 9})
    with pytest.raises(InputError, match=r"^sentence 6, word 2: words are strings, not None"):
        list(stream)
    cases = [
        (6, "has 5 sentences, but there are 6 sentences of words"),
        (4, "has more than the 4 sentences of words"),
    ]
    for sentences, message in cases:
        found = pos_tagger.stream(iter([["a"]] * sentences), features={"pos": [["X"]] * 5})
        assert [next(found).labels for _ in range(4)]
        with pytest.raises(InputError, match=message):
            list(found)
    with pytest.raises(InputError, match=r"^sentence 4: 1 words, but 2 values of 'pos'"):
        list(pos_tagger.stream([["a"]] * 4, features={"pos": [["X"]] * 3 + [["X", "Y"]]}))


def test_errors_of_a_generator_are_passed_on(tagger):
    def broken():
        yield ["Alex"]
        raise TypeError("mine")

    for call in calls(tagger):
        with pytest.raises(TypeError, match=r"^mine$"):
            call(broken())


@pytest.mark.parametrize("words", [4000, pytest.param(250_000, marks=pytest.mark.slow)])
def test_many_different_words(tagger, words, monkeypatch):
    """More distinct words than caches hold, in sentences of very different lengths."""
    monkeypatch.setattr(word_cache, "_MAX_WORDS", words * 4 // 5)
    given = [f"w{number}" for number in range(words)]
    sentences = [given[: words // 2], [], given[words // 2 : -1], given[-1:]]
    found = tagger.predict(sentences)
    assert list(map(len, found)) == list(map(len, sentences))
    assert found[3] == tagger.predict([given[-1:]])[0]


def test_many_short_sentences(tagger):
    sentences = [["Alex"], [], ["Paris", "."]] * 1000
    assert tagger.predict(sentences) == tagger.predict(sentences[:3]) * 1000
