"""The long time lag: the position of the symbol, and the distractors after it."""

from __future__ import annotations

from collections import Counter

from seqtag.probes.long_lag import DISTRACTORS, LongLagProbe

PROBE = LongLagProbe()


def test_there_are_only_distractors_between_symbol_and_trigger():
    for lag in (0, 1, 50, 1000):
        for item in PROBE.generate(4, "test", {"lag": lag}, 0):
            begin, symbol, *between, trigger = item.tokens
            assert (begin, trigger) == ("b", "e")
            assert symbol == item.labels[-1]
            assert len(between) == lag
            assert set(between) <= set(DISTRACTORS)
            assert item.targets[0] - item.cue_positions[0] - 1 == lag


def test_distractors_are_equally_likely_whatever_the_label():
    items = PROBE.generate(400, "train", {"lag": 50}, 2)
    for label in PROBE.labels:
        counts = Counter(t for i in items if i.labels[-1] == label for t in i.tokens[2:-1])
        expected = 200 * 50 / 100
        chi_square = sum((counts[symbol] - expected) ** 2 / expected for symbol in DISTRACTORS)
        assert chi_square < 148  # 99 degrees of freedom, p = 0.001


def test_there_are_no_cue_baselines():
    assert PROBE.baselines() == {}
    assert PROBE.chance({"lag": 7}) == 0.5
