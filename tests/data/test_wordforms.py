"""The memory of word forms: letter case, spellings, pieces, and its being emptied."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.data import wordforms
from seqtag.data.vocabulary import SubwordConfig, build_vocabulary, train_subwords
from seqtag.data.wordforms import CASES, Column, WordForms, letter_case

WORDS = ["the", "The", "house", "IBM", "1999", "x", "👩‍🚀", "in\u200bvisible", "\x00", ""]
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def memory(subwords=True, max_characters=40):
    characters = build_vocabulary(Counter("".join(WORDS)))
    pieces = train_subwords([WORDS], SubwordConfig(vocab_size=60)) if subwords else None
    return WordForms(build_vocabulary(Counter(WORDS)), characters, pieces, max_characters)


@pytest.mark.parametrize(
    ("words", "case"),
    [
        (["word", "ß", "don't", "école"], "lower"),
        (["NATO", "U.S.", "ÉCOLE"], "upper"),
        (["Word", "A", "École", "O'neil"], "title"),
        (["McDonald", "iPhone", "eBay", "WoRd"], "mixed"),
        (["1999", "1,000.5", "-3", "12/24", "10:30", "٣", "²"], "number"),
        (["B2B", "1st", "3%", "covid-19"], "part_number"),
        (["", ".", "...", "--", "中文", "👍", "\u200b", "\x00"], "other"),
    ],
)
def test_letter_case(words, case):
    assert {CASES[letter_case(word)] for word in words} == {case}


@given(text)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_every_word_has_a_letter_case(word):
    assert 1 <= letter_case(word) < len(CASES)


def test_what_is_known_of_each_word():
    forms = memory()
    numbers = forms.lookup([*WORDS, "unheard", "the"])
    assert numbers[0] == numbers[-1]
    assert len(set(numbers)) == len(WORDS) + 1
    vocabulary, characters = (
        build_vocabulary(Counter(WORDS)),
        build_vocabulary(Counter("".join(WORDS))),
    )
    for word, number in zip([*WORDS, "unheard"], numbers, strict=False):
        assert forms.word_ids[number] == vocabulary[word]
        assert forms.case_ids[number] == letter_case(word)
        spelling = [characters[c] for c in word] or [0]
        assert forms.spellings(np.array([number])).tolist() == [spelling]


def test_spellings_are_padded_to_the_longest():
    forms = memory()
    spelled = forms.spellings(forms.lookup(["x", "", "house"]))
    assert spelled.shape == (3, 5)
    assert (spelled != 0).sum(1).tolist() == [1, 0, 5]
    assert forms.spellings(forms.lookup([])).shape == (0, 1)


@pytest.mark.parametrize(("limit", "kept"), [(5, "abcij"), (4, "abij"), (1, "a"), (10, None)])
def test_long_words_are_read_by_their_two_ends(limit, kept):
    characters = build_vocabulary(Counter("abcdefghij"))
    forms = WordForms(build_vocabulary({}), characters, None, limit)
    spelled = forms.spellings(forms.lookup(["abcdefghij"])).tolist()
    assert spelled == [[characters[c] for c in kept or "abcdefghij"]]


def test_pieces_of_each_word_in_order():
    forms = memory()
    words = ["house", "", "the", "house", "жж"]
    counts, flat = forms.pieces(forms.lookup(words))
    assert counts.sum() == len(flat)
    parts = np.split(flat, np.cumsum(counts)[:-1])
    assert parts[0].tolist() == parts[3].tolist()
    assert parts[1].tolist() == [1]  # nothing is left of it: piece 0
    assert parts[4].tolist() == [1, 1]  # two unknown characters
    assert (flat > 0).all()
    counts, flat = forms.pieces(forms.lookup([]))
    assert len(counts) == len(flat) == 0


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.lists(text, max_size=8), max_size=12))
def test_emptying_the_memory_changes_nothing(calls):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wordforms, "_MEMORY", 3)
        forgetful = memory()
        for words in calls:
            fresh = memory()
            old, new = forgetful.lookup(words), fresh.lookup(words)
            assert (forgetful.word_ids[old] == fresh.word_ids[new]).all()
            assert (forgetful.case_ids[old] == fresh.case_ids[new]).all()
            assert (forgetful.spellings(old) == fresh.spellings(new)).all()
            for one, other in zip(forgetful.pieces(old), fresh.pieces(new), strict=True):
                assert (one == other).all()
            assert len(forgetful.word_ids) <= 4 + len(words)  # bounded


def test_a_column_grows():
    column = Column(np.int64)
    for start in range(0, 5000, 50):
        column.extend(range(start, start + 50))
    assert column.values.tolist() == list(range(5000))
    column.extend(np.arange(10_000))
    assert column.size == 15_000
    assert column.values[-1] == 9999
