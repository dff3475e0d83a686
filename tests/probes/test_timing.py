"""Measuring spike delays: intervals and their labels."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from seqtag.errors import InputError
from seqtag.probes.timing import TimingProbe

PROBE = TimingProbe()


@pytest.mark.parametrize(("interval", "spikes"), [(1, 1), (10, 3), (50, 10), (100, 3)])
def test_intervals_are_the_reference_plus_the_label(interval, spikes):
    for item in PROBE.generate(10, "test", {"interval": interval, "spikes": spikes}, 0):
        spike_positions = [i for i, token in enumerate(item.tokens) if token == "|"]
        assert set(item.tokens) <= {"|", "."}
        assert item.cue_positions == tuple(spike_positions)
        assert item.targets == tuple(spike_positions[2:])
        assert spike_positions[:2] == [0, interval]
        assert spike_positions[-1] == len(item.tokens) - 1
        delays = [str(b - a - interval) for a, b in pairwise(spike_positions[1:])]
        assert delays == [item.labels[target] for target in item.targets]


def test_every_sequence_of_delays_occurs():
    items = PROBE.generate(200, "train", {"interval": 12, "spikes": 3}, 0)
    drawn = {tuple(item.labels[i] for i in item.targets) for item in items}
    assert drawn == set(product("01", repeat=3))


def test_there_are_no_cue_baselines():
    assert PROBE.baselines() == {}
    assert PROBE.chance({"interval": 30, "spikes": 3}) == 0.5


@pytest.mark.parametrize("name", ["interval", "spikes"])
def test_impossible_factors_are_rejected(name):
    with pytest.raises(InputError, match=f"the least {name} is 1"):
        PROBE.generate(1, "train", {name: 0}, 0)
