"""Gazetteers as an input: positions in matches, letter case, model folders, hostile values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.encode.indexer import Indexer
from seqtag.errors import InputError
from seqtag.inputs.gazetteers import Gazetteers
from seqtag.inputs.options import EncodeConfig, GazetteerConfig

CITIES = ["New York", "New York City", "York", "Rome"]


def indexer(gazetteers):
    plain = Indexer.fit([{"tokens": ["a"]}], EncodeConfig(), ())
    return Indexer(plain.config, {**plain.inputs, "gazetteers": gazetteers})


def marks(gazetteers, *sentences):
    """Return a string of marks per sentence of the first gazetteer, such as "OBE"."""
    ids_BTG = indexer(gazetteers).encode([s.split() for s in sentences])["gazetteers_BTG"]
    return ["".join(" OBIES"[code] for code in row) for row in ids_BTG[:, :, 0].tolist()]


def test_the_longest_match_from_the_left_wins():
    gazetteers = Gazetteers({"city": CITIES})
    found = marks(gazetteers, "New York City or New York", "Rome York", "New", "")
    assert found == ["BIEOBE", "SS    ", "O     ", "      "]


def test_names_do_not_cross_sentences():
    assert marks(Gazetteers({"city": CITIES}), "in New", "York") == ["OO", "S "]


def test_matches_do_not_overlap():
    assert marks(Gazetteers({"x": ["a b", "b c d", "d"]}), "a b c d", "b c d d") == ["BEOS", "BIES"]


@pytest.mark.parametrize(("ignore_case", "expected"), [(False, "OOO"), (True, "BES")])
def test_case_can_be_ignored(ignore_case, expected):
    gazetteers = Gazetteers({"city": ["New York", "STRASSE"]}, ignore_case)
    assert marks(gazetteers, "NEW york Straße") == [expected]


def test_each_gazetteer_has_ids_of_its_own():
    gazetteers = Gazetteers({"city": CITIES, "name": ["York", "Ada"]})
    ids_BTG = indexer(gazetteers).encode([["Ada", "York"]])["gazetteers_BTG"]
    assert ids_BTG.tolist() == [[[1, 10], [5, 10]]]
    assert gazetteers.size == 11


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=3),
        st.lists(st.text("abAB", min_size=1, max_size=2), max_size=5),
        max_size=4,
    ),
    st.booleans(),
    st.lists(st.lists(st.text("abAB", max_size=2), max_size=5), max_size=3),
)
def test_saved_and_loaded(lists, ignore_case, sentences):
    built = indexer(Gazetteers(lists, ignore_case))
    loaded = Indexer.from_plain(json.loads(json.dumps(built.to_plain())))
    assert loaded.to_plain() == built.to_plain()
    assert loaded.inputs["gazetteers"].names == tuple(lists)
    before, after = built.encode(sentences), loaded.encode(sentences)
    assert before.keys() == after.keys()
    assert all(before[name].equal(after[name]) for name in before)


def test_without_gazetteers_nothing_is_stored_or_encoded():
    plain = Indexer.fit([{"tokens": ["a"]}], EncodeConfig(), ())
    assert "gazetteers" not in plain.to_plain()
    assert "gazetteers_BTG" not in plain.encode([["a"]])


@pytest.mark.parametrize(
    "plain",
    [
        *(3, [], {}, {"lists": {}}, {"lists": [], "ignore_case": False}),
        *({"lists": {"a": "x"}, "ignore_case": False}, {"lists": {"a": [1]}, "ignore_case": False}),
        {"lists": {"a": ["x"]}, "ignore_case": 1},
        {"lists": {"a": [" ".join("x" * 101)]}, "ignore_case": False},
        {"lists": {str(n): [] for n in range(65)}, "ignore_case": False},
    ],
)
def test_other_values_in_a_model_folder_are_refused(plain):
    folder = indexer(Gazetteers({})).to_plain() | {"gazetteers": plain}
    with pytest.raises(InputError):
        Indexer.from_plain(folder)


def test_files_are_named_after_their_stem():
    config = GazetteerConfig.from_plain(["a/cities.txt", "b/names.v2.txt.gz"], True, "utf-8")
    assert config.files == {"cities": "a/cities.txt", "names.v2": "b/names.v2.txt.gz"}
    named = GazetteerConfig.from_plain({"CITY": "a/cities.txt"}, False, "latin-1")
    assert (named.files, named.encoding) == ({"CITY": "a/cities.txt"}, "latin-1")
    assert GazetteerConfig.from_plain(None, False, "utf-8") is None
    assert GazetteerConfig.from_plain({}, False, "utf-8") is None


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("cities.txt", r"data.gazetteers must be a list.*write data.gazetteers=\[cities.txt\]"),
        (["a/x.txt", "b/x.txt"], "two files are called 'x': name them, data.gazetteers={A: a/x"),
        ({"CITY": 3}, "data.gazetteers.CITY must be a path, not 3"),
        ({"CITY": ["a", "b"]}, "data.gazetteers.CITY must be a path"),
        ({f"g{n}": "x" for n in range(65)}, "65 files; at most 64"),
    ],
)
def test_wrong_settings_are_refused(files, message):
    with pytest.raises(InputError, match=message):
        GazetteerConfig.from_plain(files, False, "utf-8")
