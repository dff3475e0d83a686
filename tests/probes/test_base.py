"""The contract of a probe: checked arguments and a reproducible source of chance."""

from __future__ import annotations

import dataclasses

import pytest

from seqtag.errors import InputError
from seqtag.probes.base import ProbeItem, pick, shuffled
from seqtag.probes.pronoun import PronounProbe

PROBE = PronounProbe()


def test_stream_depends_on_every_part_of_its_key():
    draws = {PROBE.stream(*key).random() for key in [(1, 2), (2, 1), (12,), ("1", 2), (1, 2, 0)]}
    assert len(draws) == 5
    assert PROBE.stream("train", 7).random() == PROBE.stream("train", 7).random()


def test_stream_is_the_same_on_every_machine():
    assert PROBE.stream("train", 7).random() == 0.5880846008626682


def test_shuffled_is_a_permutation_and_leaves_its_input_alone():
    values = list(range(50))
    order = shuffled(PROBE.stream("order").random, values)
    assert values == list(range(50))
    assert sorted(order) == values
    assert order != values


def test_shuffled_gives_all_orders_equally_often():
    random = PROBE.stream("orders").random
    orders = [tuple(shuffled(random, "abc")) for _ in range(6000)]
    assert all(abs(orders.count(order) - 1000) < 120 for order in set(orders))
    assert len(set(orders)) == 6


def test_pick_reaches_every_option():
    random = PROBE.stream("pick").random
    assert {pick(random, "abcd") for _ in range(200)} == set("abcd")


def test_items_cannot_be_changed():
    item = PROBE.generate(1, "train", {"distance": 5}, 0)[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        item.tokens = ()
    assert isinstance(item, ProbeItem)


@pytest.mark.parametrize(
    ("n", "split", "factors", "said"),
    [
        (-1, "train", {"distance": 5}, "-1 items"),
        (1, "tests", {"distance": 5}, "did you mean 'test'"),
        (1, "train", {"distence": 5}, "did you mean 'distance'"),
        (1, "train", {"distance": 5.0}, "factor distance must be a whole number from 0, got 5.0"),
        (1, "train", {"distance": True}, "got True"),
        (1, "train", {"distance": 5, "attractors": -1}, "factor attractors"),
    ],
)
def test_wrong_arguments_are_named(n, split, factors, said):
    with pytest.raises(InputError, match=said):
        PROBE.generate(n, split, factors, 0)
