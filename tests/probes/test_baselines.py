"""Window baselines: the longest context seen decides, ties go to the first label alphabetically."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.probes.baselines import WindowBaseline, fit_baselines

SENTENCES = [["a", "b", "x"], ["a", "c", "x"], ["d", "c", "x"], ["y"]]
LABELS = [[None, None, "1"], [None, None, "2"], [None, None, "3"], ["0"]]


@pytest.mark.parametrize(
    ("size", "tokens", "label"),
    [
        (0, "a c x", "0"),  # all four labels once: the first alphabetically
        (1, "a c x", "1"),  # after x: 1, 2 and 3
        (2, "a c x", "2"),  # after "c x": 2 and 3
        (3, "d c x", "3"),
        (3, "e c x", "2"),  # "e c x" was never seen, "c x" was
        (3, "z", "0"),
        (9, "y", "0"),
    ],
)
def test_the_longest_context_seen_decides(size, tokens, label):
    tokens = tokens.split()
    assert WindowBaseline(size).fit(SENTENCES, LABELS)(tokens, len(tokens) - 1) == label


def test_context_ends_at_the_target_and_begins_at_the_first_token():
    baseline = WindowBaseline(3).fit(SENTENCES, LABELS)
    assert baseline(["a", "c", "x", "y"], 2) == "2"
    assert baseline(["y", "x"], 0) == "0"


def test_without_training_labels_it_predicts_none():
    assert WindowBaseline(2).fit([["a"]], [[None]])(["a"], 0) is None


def test_fit_baselines_returns_majority_context_free_and_window():
    fitted = fit_baselines(SENTENCES, LABELS)
    assert {name: baseline.size for name, baseline in fitted.items()} == {
        "majority": 0,
        "context_free": 1,
        "window": 4,
    }


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123")), min_size=1),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 4),
)
def test_a_longer_window_is_never_worse_on_its_training_items(pairs, size):
    sentences = [[token for token, _ in sentence] for sentence in pairs]
    labels = [[label for _, label in sentence] for sentence in pairs]

    def count_right(size: int) -> int:
        baseline = WindowBaseline(size).fit(sentences, labels)
        return sum(
            baseline(tokens, t) == label
            for tokens, row in zip(sentences, labels, strict=True)
            for t, label in enumerate(row)
        )

    assert count_right(size) <= count_right(size + 1)
