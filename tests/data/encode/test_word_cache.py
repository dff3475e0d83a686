"""The cache of word ids: letter case, spellings, pieces; emptied, shared, interrupted."""

import itertools
import pickle
from collections import Counter
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.data.encode import word_cache
from seqtag.data.encode.word_cache import WordCache
from seqtag.errors import InputError
from seqtag.inputs import word_table
from seqtag.inputs.case import CASES, Case, letter_case
from seqtag.inputs.characters import Characters
from seqtag.inputs.subwords import Subwords
from seqtag.inputs.vocabulary import SubwordConfig, build_vocabulary, train_subwords
from seqtag.inputs.words import Words

WORDS = ["the", "The", "house", "IBM", "1999", "x", "👩‍🚀", "in\u200bvisible", "\x00", ""]
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def new_cache(max_characters=40):
    inputs = (
        Words(build_vocabulary(Counter(WORDS))),
        Characters(build_vocabulary(Counter("".join(WORDS))), max_characters),
        Case(),
        Subwords(train_subwords([WORDS], SubwordConfig(vocab_size=60))),
    )
    return WordCache({input_.name: input_ for input_ in inputs})


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


def spelled(cache, words):
    numbers, table = cache.lookup(words)
    return table.padded("characters", numbers)


def test_ids_of_each_word():
    numbers, table = new_cache().lookup([*WORDS, "unheard", "the"])
    assert numbers[0] == numbers[-1]
    assert len(set(numbers)) == len(WORDS) + 1
    vocabulary, characters = (
        build_vocabulary(Counter(WORDS)),
        build_vocabulary(Counter("".join(WORDS))),
    )
    for word, number in zip([*WORDS, "unheard"], numbers, strict=False):
        assert table.values("words")[number] == vocabulary[word]
        assert table.values("case")[number] == letter_case(word)
        spelling = [characters[c] for c in word] or [0]
        assert table.padded("characters", np.array([number])).tolist() == [spelling]


def test_spellings_are_padded_to_the_longest():
    padded = spelled(new_cache(), ["x", "", "house"])
    assert padded.shape == (3, 5)
    assert (padded != 0).sum(1).tolist() == [1, 0, 5]
    assert spelled(new_cache(), []).shape == (0, 1)


@pytest.mark.parametrize(
    ("limit", "characters_read"), [(5, "abcij"), (4, "abij"), (1, "a"), (10, None)]
)
def test_long_words_are_read_by_their_two_ends(limit, characters_read):
    characters = build_vocabulary(Counter("abcdefghij"))
    cache = WordCache({"characters": Characters(characters, limit)})
    ids = spelled(cache, ["abcdefghij"]).tolist()
    assert ids == [[characters[c] for c in characters_read or "abcdefghij"]]


def test_pieces_of_each_word_in_order():
    cache = new_cache()
    words = ["house", "", "the", "house", "жж"]
    numbers, table = cache.lookup(words)
    counts, flat = table.rows("subwords", numbers)
    assert counts.sum() == len(flat)
    parts = np.split(flat, np.cumsum(counts)[:-1])
    assert parts[0].tolist() == parts[3].tolist()
    assert parts[1].tolist() == [1]  # normalised to nothing: piece 0
    assert parts[4].tolist() == [1, 1]  # two unknown characters
    assert (flat > 0).all()
    numbers, table = cache.lookup([])
    counts, flat = table.rows("subwords", numbers)
    assert len(counts) == len(flat) == 0


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.lists(text, max_size=8), max_size=12))
def test_emptying_the_cache_changes_nothing(calls):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_cache, "_MAX_WORDS", 3)
        small = new_cache()
        for words in calls:
            (old, known), (new, fresh) = small.lookup(words), new_cache().lookup(words)
            assert (known.values("words")[old] == fresh.values("words")[new]).all()
            assert (known.values("case")[old] == fresh.values("case")[new]).all()
            assert (known.padded("characters", old) == fresh.padded("characters", new)).all()
            pieces = zip(known.rows("subwords", old), fresh.rows("subwords", new), strict=True)
            assert all((one == other).all() for one, other in pieces)
            assert len(known) <= 4 + len(words)  # bounded


def all_ids(cache, words):
    """Return all ids that a cache returns for some words."""
    numbers, table = cache.lookup(words)
    counts, pieces = table.rows("subwords", numbers)
    ids = [table.values(name)[numbers] for name in ("words", "case")]
    values = (*ids, table.padded("characters", numbers))
    return [value.tolist() for value in (*values, counts, pieces)]


def new_words(call):
    return ["the", chr(0x4E00 + call), "x" + chr(0x4E00 + call)]


EVERY = pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])


@EVERY
@pytest.mark.parametrize("copies", [False, True])
def test_an_interrupt_anywhere_changes_nothing(interrupt, copies, every):
    cache, other, seen = new_cache(), new_cache(), ["the"]
    for place in itertools.count(step=every):
        if copies:  # as during another call, or after an interrupted one
            cache._cached.extensible.clear()
        words = new_words(place)
        seen += words
        if not interrupt(lambda words=words: cache.lookup(words), place, word_cache, word_table):
            break
        checked = [*words, *seen[-6:], "later"]
        assert all_ids(cache, checked) == all_ids(other, checked)
    assert place > 250
    assert all_ids(cache, seen) == all_ids(other, seen)


@EVERY
def test_an_interrupt_while_the_cache_is_emptied(interrupt, monkeypatch, every):
    monkeypatch.setattr(word_cache, "_MAX_WORDS", 3)
    cache, other = new_cache(), new_cache()
    for place in itertools.count(step=every):
        cache.lookup(["these", "are", "the", "words", "before"])
        words = new_words(place)
        if not interrupt(lambda words=words: cache.lookup(words), place, word_cache, word_table):
            break
        assert all_ids(cache, words) == all_ids(other, words)
    assert place > 250


def test_a_word_that_the_tokenizer_fails_on():
    cache = new_cache()
    all_ids(cache, ["the"])
    with pytest.raises(TypeError):  # not valid Unicode text
        cache.lookup(["new", "\ud800", "house"])
    words = ["house", "new", "the", "newer"]
    assert all_ids(cache, words) == all_ids(new_cache(), words)


@pytest.mark.parametrize("limit", [200_000, 50])
def test_threads_share_a_cache(at_once, monkeypatch, limit):
    monkeypatch.setattr(word_cache, "_MAX_WORDS", limit)
    cache = new_cache()
    calls = [[f"w{(7 * call + n) % 400}" for n in range(12)] for call in range(150)]
    expected = [all_ids(new_cache(), words) for words in calls]

    def read(seed):
        order = np.random.default_rng(seed).permutation(len(calls)).tolist()
        return [call for call in order if all_ids(cache, calls[call]) != expected[call]]

    assert at_once(*(lambda seed=seed: read(seed) for seed in range(8))) == [[]] * 8


@pytest.mark.parametrize("copied", [deepcopy, lambda cache: pickle.loads(pickle.dumps(cache))])
def test_a_copy_has_no_cached_words(copied):
    cache = new_cache()
    before = all_ids(cache, WORDS)
    small = len(pickle.dumps(cache))
    all_ids(cache, [f"word {number}" for number in range(3000)])
    assert len(pickle.dumps(cache)) == small
    assert all_ids(copied(cache), WORDS) == before == all_ids(cache, WORDS)


def test_an_input_must_return_ids_for_each_word():
    class Short(Case):
        def ids(self, words):
            return super().ids(words)[1:]

    with pytest.raises(InputError, match="input 'case': 1 ids for 2 words"):
        WordCache({"case": Short()}).lookup(["a", "b"])
