"""The base class of probes: argument checks, grids, corpora, reproducible random numbers."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import pytest

from seqtag.errors import InputError
from seqtag.probes.base import Probe, ProbeItem, pick, shuffled
from seqtag.probes.pronoun import PronounProbe

PROBE = PronounProbe()


class Toy(Probe):
    """Predict the letter `lag` tokens before the target; at most half of those between are x."""

    name = "toy"
    version = 1
    labels = ("a", "b")
    bidirectional_safe = True
    axis = "lag"
    unit = "tokens"
    training = MappingProxyType({"lag": (1, 2, 4), "noise": (0, 1)})
    evaluation = MappingProxyType({"lag": (2, 4, 8), "noise": (0, 1, 3)})
    quick = MappingProxyType({"lag": (2, 8)})

    def generate(self, n, split, factors, seed):
        checked = self.check(n, split, factors)
        full = {name: checked.get(name, values[0]) for name, values in self.evaluation.items()}
        lag, noise = full.values()
        between = ("x",) * noise + ("y",) * (lag - noise)
        random = self.random_stream(split, lag, noise, seed).random
        return [self.item((pick(random, self.labels), *between, "?"), full) for _ in range(n)]

    def item(self, tokens, factors):
        last = len(tokens) - 1
        return ProbeItem(tokens, (*[None] * last, tokens[0]), (last,), factors, (0,), "", "", "")

    def oracle(self, tokens):
        return [None] * (len(tokens) - 1) + [tokens[0]]

    def chance(self, factors):
        return 1 / 2

    def baselines(self):
        return {}

    def possible(self, factors):
        return 2 * factors["noise"] <= factors["lag"]


TOY = Toy()


def test_random_stream_depends_on_every_part_of_its_key():
    draws = {
        PROBE.random_stream(*key).random() for key in [(1, 2), (2, 1), (12,), ("1", 2), (1, 2, 0)]
    }
    assert len(draws) == 5
    assert PROBE.random_stream("train", 7).random() == PROBE.random_stream("train", 7).random()


def test_random_stream_is_the_same_on_every_machine():
    assert PROBE.random_stream("train", 7).random() == 0.5880846008626682


def test_shuffled_returns_a_permutation_and_keeps_its_input():
    values = list(range(50))
    order = shuffled(PROBE.random_stream("order").random, values)
    assert values == list(range(50))
    assert sorted(order) == values
    assert order != values


def test_shuffled_returns_all_orders_equally_often():
    random = PROBE.random_stream("orders").random
    orders = [tuple(shuffled(random, "abc")) for _ in range(6000)]
    assert all(abs(orders.count(order) - 1000) < 120 for order in set(orders))
    assert len(set(orders)) == 6


def test_pick_returns_every_option():
    random = PROBE.random_stream("pick").random
    assert {pick(random, "abcd") for _ in range(200)} == set("abcd")


def test_items_are_immutable():
    item = PROBE.generate(1, "train", {"distance": 5}, 0)[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        item.tokens = ()
    assert isinstance(item, ProbeItem)


@pytest.mark.parametrize(
    ("n", "split", "factors", "message"),
    [
        (-1, "train", {"distance": 5}, "n must be at least 0, not -1"),
        (1, "tests", {"distance": 5}, "did you mean 'test'"),
        (1, "train", {"distence": 5}, "did you mean 'distance'"),
        (
            1,
            "train",
            {"distance": 5.0},
            "factor distance must be a whole number of at least 0",
        ),
        (1, "train", {"distance": True}, "not True"),
        (1, "train", {"distance": 5, "attractors": -1}, "factor attractors"),
    ],
)
def test_wrong_arguments_are_rejected(n, split, factors, message):
    with pytest.raises(InputError, match=message):
        PROBE.generate(n, split, factors, 0)


def test_grid_has_all_possible_combinations():
    assert TOY.grid() == [
        {"lag": 2, "noise": 0},
        {"lag": 2, "noise": 1},
        {"lag": 4, "noise": 0},
        {"lag": 4, "noise": 1},
        {"lag": 8, "noise": 0},
        {"lag": 8, "noise": 1},
        {"lag": 8, "noise": 3},
    ]


def test_quick_grid_leaves_other_factors_at_their_first_value():
    assert TOY.grid(quick=True) == [{"lag": 2, "noise": 0}, {"lag": 8, "noise": 0}]


def test_override_replaces_the_values_of_factors():
    assert TOY.grid(override={"lag": [6, 6], "noise": [3]}) == [{"lag": 6, "noise": 3}]
    assert TOY.grid(override={"lag": [6], "noise": [3]}) == [{"lag": 6, "noise": 3}]
    assert TOY.grid(quick=True, override={"noise": [1, 2]}) == [
        {"lag": 2, "noise": 1},
        {"lag": 8, "noise": 1},
        {"lag": 8, "noise": 2},
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"lagg": [1]}, "unknown factor of the probe .* 'lagg' .did you mean 'lag'"),
        ({"noise": [1.5]}, "factor noise must be a whole number of at least 0, not 1.5"),
        ({"lag": [2], "noise": [2, 3]}, r"no item has factors of this grid: lag \[2\], noise"),
        ({"lag": []}, "no item has factors of this grid"),
    ],
)
def test_impossible_grids_are_rejected(override, message):
    with pytest.raises(InputError, match=message):
        TOY.grid(override=override)


def test_draw_factors_covers_all_possible_combinations_of_the_training_range():
    random = TOY.random_stream("draw").random
    drawn = [tuple(TOY.draw_factors(random, "train", number).values()) for number in range(300)]
    assert set(drawn) == {(1, 0), (2, 0), (2, 1), (4, 0), (4, 1)}


def test_draw_factors_cycles_through_the_quick_grid_in_judged_splits():
    random = TOY.random_stream("draw").random
    drawn = [TOY.draw_factors(random, "test", number)["lag"] for number in range(4)]
    assert drawn == [2, 8, 2, 8]


def test_within_requires_every_factor_in_its_range():
    assert TOY.within({"lag": 4, "noise": 1})
    assert not TOY.within({"lag": 3, "noise": 1})
    assert not TOY.within({"lag": 4, "noise": 3})


def test_error_kind_is_wrong_or_empty_by_default():
    (item,) = TOY.generate(1, "test", {"lag": 2}, 0)
    kinds = {TOY.error_kind(item, 3, letter) for letter in TOY.labels if letter != item.labels[3]}
    assert kinds == {"wrong"}
    assert TOY.error_kind(item, 3, item.labels[3]) == ""


def test_corpus_mixes_the_factors_in_random_order():
    items = TOY.corpus("train", 200, 0)
    order = [item.factors["lag"] for item in items]
    assert set(order) == {1, 2, 4}
    assert order != sorted(order)
    assert items == TOY.corpus("train", 200, 0)
    assert items != TOY.corpus("train", 200, 1)


def test_corpus_at_a_single_lag():
    items = TOY.corpus("train", 20, 0, lag=30)
    assert [item.factors for item in items] == 20 * [{"lag": 30, "noise": 0}]
    assert TOY.corpus("dev", 20, 0, lag=30) != items
    with pytest.raises(InputError, match=r"unknown split .*'tran'"):
        TOY.corpus("tran", 20, 0, lag=30)
