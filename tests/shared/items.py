"""Checks of generated items that the tests of several probes share."""

import hashlib
from collections.abc import Callable, Iterable, Mapping

from seqtag.probes.base import Probe, ProbeItem


def plain_text(item: ProbeItem) -> str:
    """Return tokens and labels as text."""
    return " ".join((*item.tokens, *map(str, item.labels)))


def sentence_text(item: ProbeItem) -> str:
    """Return a sentence with the label of its target, its template and its contrast, as text."""
    return " ".join(item.tokens) + item.labels[item.targets[0]] + item.template + item.contrast


def digest(
    probes: Iterable[Probe], each: int = 20, text: Callable[[ProbeItem], str] = plain_text
) -> str:
    """Return a digest of the first items of every split of some probes."""
    items = [
        item for probe in probes for split in probe.splits for item in probe.corpus(split, each, 0)
    ]
    return hashlib.sha256("\n".join(map(text, items)).encode()).hexdigest()[:16]


def check_seed(probe: Probe, factors: Mapping[str, int], *others: Mapping[str, int]) -> None:
    """Assert that split, factors and seed determine the items, and that other ones change them.

    Args:
        probe: the probe.
        factors: factors whose items are all different.
        others: further factors.
    """
    first = probe.generate(30, "train", factors, 3)
    assert first == probe.generate(30, "train", dict(reversed(factors.items())), 3)
    assert first[:20] == probe.generate(20, "train", factors, 3)
    changes = [("train", factors, 4), ("dev", factors, 3), *(("train", o, 3) for o in others)]
    for split, changed, seed in changes:
        other = probe.generate(30, split, changed, seed)
        assert not {item.tokens for item in first} & {item.tokens for item in other}
