"""The trie of names: the longest name at each position, compared with a search in plain lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.inputs.name_trie import NameTrie

TOKENS = st.sampled_from(["a", "b", "c", "New", "York"])
NAMES = st.lists(st.lists(TOKENS, min_size=1, max_size=4).map(" ".join), max_size=8)


def longest(names, sentence, start):
    """Return the length of the longest name at a position, by comparing every name."""
    lists = [name.split(" ") for name in names]
    return max(
        (len(name) for name in lists if sentence[start : start + len(name)] == name), default=0
    )


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(st.lists(TOKENS, max_size=6), max_size=4))
def test_the_longest_name_of_each_list(lists, sentences):
    trie = NameTrie.build(lists)
    ids_N = np.array(trie.token_ids([word for words in sentences for word in words]), np.int64)
    lengths = [len(words) for words in sentences]
    ends_N = np.repeat(np.cumsum(lengths), lengths).astype(np.int64)
    expected = [
        [longest(names, words, start) for names in lists]
        for words in sentences
        for start in range(len(words))
    ]
    assert trie.longest(ids_N, ends_N).tolist() == expected


@given(st.lists(NAMES, max_size=4))
def test_the_names_are_those_that_were_given(lists):
    trie = NameTrie.build(lists)
    for number, names in enumerate(lists):
        stored = list(trie.names(number))
        assert sorted(stored) == sorted(set(names))
        assert stored == sorted(stored, key=lambda name: name.count(" "))


@pytest.mark.parametrize("count", [1, 64])
def test_as_many_lists_as_there_are_bits(count):
    trie = NameTrie.build([[f"name {number}", "x"] for number in range(count)])
    ids_N = np.array(trie.token_ids(["name", str(count - 1), "x"]))
    lengths_NG = trie.longest(ids_N, np.array([3, 3, 3]))
    assert lengths_NG[0].tolist() == [0] * (count - 1) + [2]
    assert lengths_NG[2].tolist() == [1] * count
