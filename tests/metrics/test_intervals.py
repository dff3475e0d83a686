import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from seqtag.metrics.intervals import design_effect, wilson

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
# Items as (right, answers).
ITEMS = st.lists(
    st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=1,
    max_size=60,
)


def effect(right, n):
    """Return the design effect of items with these numbers of right answers and of answers."""
    right, n = np.array(right, float), np.array(n, float)
    sums = (right, n, right**2, right * n, n**2)
    return design_effect(*(np.array([values.sum()]) for values in sums))[0]


@SETTINGS
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_that_of_wilson_in_scipy(numbers):
    right, n = numbers
    low, high = wilson(np.array([right]), np.array([n]))
    expected = stats.binomtest(right, n).proportion_ci(method="wilson")
    np.testing.assert_allclose([low[0], high[0]], expected, atol=1e-6)
    assert 0 <= low[0] <= right / n <= high[0] <= 1


@SETTINGS
@given(st.lists(st.integers(0, 1), min_size=1, max_size=60))
def test_with_one_answer_per_item_the_effect_is_1(right):
    assert effect(right, [1] * len(right)) == 1


@SETTINGS
@given(st.lists(st.integers(0, 1), min_size=1, max_size=60), st.integers(2, 9))
def test_equal_answers_of_an_item_count_as_one(right, size):
    items = len(right)
    worth = size * items / effect([size * all_ for all_ in right], [size] * items)
    assert worth == pytest.approx(items)


@SETTINGS
@given(ITEMS)
def test_the_effect_is_at_least_1_and_independent_of_order(items):
    right, n = zip(*items, strict=True)
    value = effect(right, n)
    assert value >= 1
    assert effect(right[::-1], n[::-1]) == pytest.approx(value)
    # Wrong answers are as correlated as right ones.
    wrong = [answers - share for share, answers in items]
    assert effect(wrong, n) == pytest.approx(value)


def test_the_interval_has_its_nominal_coverage():
    """Answers of an item are correlated: each item's own share of right ones is drawn first."""
    rng = np.random.default_rng(0)
    held = dict.fromkeys(("items", "answers"), 0)
    studies, items, size = 600, 80, 5
    for _ in range(studies):
        right = rng.binomial(size, rng.beta(3.5, 1.5, items))  # 0.7 on average
        n = size * items
        worth = {"items": n / effect(right, [size] * items), "answers": n}
        for name, answers in worth.items():
            low, high = wilson(np.array([right.sum() / n * answers]), np.array([answers]))
            held[name] += low[0] <= 0.7 <= high[0]
    assert 0.93 <= held["items"] / studies <= 0.97
    assert held["answers"] / studies < 0.9
