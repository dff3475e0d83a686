"""Formal languages: other definitions of them against the generator, and near misses."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.items import digest

from seqtag.errors import InputError
from seqtag.probes.languages import LANGUAGES
from seqtag.probes.recognition import RecognitionProbe

every_language = pytest.mark.parametrize("name", LANGUAGES)
repeatable = settings(derandomize=True, deadline=None, max_examples=100)


def is_dyck(string):
    """Cancel adjacent pairs; two brackets of depth 1 to 3 vanish in three rounds or fewer."""
    text = string
    for _ in range(3):
        # In each round all innermost groups of adjacent pairs vanish.
        text = re.sub(r"(\(\)|\[\])+", "", text)
    return not text


def is_reversal(string):
    half, rest = string[: len(string) // 2], list(string[len(string) // 2 :])
    return len(string) % 2 == 0 and all(rest.pop() == symbol for symbol in half)


OTHERWISE = {
    "first": lambda s: re.fullmatch("b[ab]*", s),
    "repeat": lambda s: re.fullmatch("(ab)*", s),
    "dyck": is_dyck,
    "majority": lambda s: sum({"a": -1, "b": 1}[c] for c in s) > 0,
    "reversal": is_reversal,
    "marked_reversal": lambda s: s.count("#") == 1 and is_reversal(s.replace("#", "")) and same(s),
    "marked_copy": lambda s: re.fullmatch(r"([ab]*)#\1", s),
}


def same(string):
    """Return whether both sides of the mark have the same length."""
    first, second = string.split("#")
    return len(first) == len(second)


@st.composite
def languages_and_lengths(draw):
    probe = RecognitionProbe(draw(st.sampled_from(tuple(LANGUAGES))))
    lengths = (*probe.training["length"], *probe.quick["length"])
    return probe, draw(st.sampled_from(lengths))


@repeatable
@given(languages_and_lengths(), st.sampled_from(["train", "test"]), st.integers(0, 2**40))
def test_labels_agree_with_another_definition(case, split, seed):
    probe, length = case
    items = probe.generate(4, split, {"length": length}, seed)
    assert Counter(i.labels[-1] for i in items) == {"yes": 2, "no": 2}
    for item in items:
        string = "".join(item.tokens[:-1])
        assert len(string) == length
        assert set(string) <= set(probe.language.symbols)
        name = probe.name.removeprefix("language_")
        assert item.labels[-1] == ("yes" if OTHERWISE[name](string) else "no")
        assert probe.oracle(item.tokens) == list(item.labels)


@every_language
def test_all_short_strings_are_recognised(name):
    language = LANGUAGES[name]
    strings = [""]
    for _ in range(5):
        strings = [string + symbol for string in strings for symbol in language.symbols]
        for string in strings:
            assert bool(OTHERWISE[name](string)) == language.contains(list(string))


@every_language
def test_near_misses_are_among_the_other_strings(name):
    """About a quarter of the strings outside differ from one in the language by one symbol."""
    probe = RecognitionProbe(name)
    length = probe.quick["length"][0]
    items = probe.generate(200, "train", {"length": length}, 1)
    outside = [list(item.tokens[:-1]) for item in items if item.labels[-1] == "no"]

    def is_near(string):
        return any(
            probe.language.contains([*string[:place], symbol, *string[place + 1 :]])
            for place in range(length)
            for symbol in probe.language.symbols
        )

    assert len(outside) == 100
    assert sum(map(is_near, outside)) > 10


@every_language
def test_the_seed_determines_the_items(name):
    probe = RecognitionProbe(name)
    factors = {"length": probe.quick["length"][1]}
    first = probe.generate(40, "train", factors, 3)
    assert first[:20] == probe.generate(20, "train", factors, 3)
    assert first != probe.generate(40, "train", factors, 4)
    assert first != probe.generate(40, "dev", factors, 3)


def test_generated_items_are_unchanged():
    """If this fails because the probe generates other items now, raise its version."""

    def text(item):
        return " ".join((*item.tokens, str(item.labels[-1])))

    assert RecognitionProbe.version == 1
    assert digest(map(RecognitionProbe, LANGUAGES), text=text) == "f9787b3d4434cec5"


@every_language
def test_grids_are_possible_and_reach_beyond_training(name):
    probe = RecognitionProbe(name)
    assert [f["length"] for f in probe.grid()] == list(probe.evaluation["length"])
    assert all(probe.possible({"length": length}) for length in probe.training["length"])
    quick = probe.grid(quick=True)
    assert [probe.within(factors) for factors in quick] == [True, True, True, False, False]


def test_wrong_arguments_are_refused():
    with pytest.raises(InputError, match=r"unknown language 'dick' \(did you mean 'dyck'\?\)"):
        RecognitionProbe("dick")
    with pytest.raises(InputError, match=r"no item has length 4: lengths are 1, 3, 5"):
        RecognitionProbe("marked_copy").generate(1, "train", {"length": 4}, 0)
    with pytest.raises(InputError, match=r"lengths are 2, 4, 6"):
        RecognitionProbe("dyck").generate(1, "train", {"length": 0}, 0)
    for tokens in ("", "a b", "a x ?", "?"):
        with pytest.raises(InputError, match="expected a string of a, b followed by"):
            RecognitionProbe("first").oracle(tokens.split())
