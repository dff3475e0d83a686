"""The agreement probe, on examples by hand; english/test_subject.py has the shared tests."""

from __future__ import annotations

import pytest

from seqtag.probes.agreement import AgreementProbe
from seqtag.probes.english.lexicon import THINGS

PROBE = AgreementProbe()


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("The king VERB .", "SG"),
        ("The children VERB again .", "PL"),
        ("The nun who the kings near the boys saw VERB again .", "SG"),
        ("The kings ' child VERB .", "SG"),
        ("The king said that the nuns near the boy VERB .", "PL"),
    ],
)
def test_the_subject_decides(sentence, label):
    tokens = sentence.split()
    assert PROBE.oracle(tokens) == [label if token == "VERB" else None for token in tokens]


def test_only_nouns_are_marked_for_number():
    words = {word for item in PROBE.corpus("train", 400, 0) for word in item.tokens}
    assert PROBE.form_of.keys() & words
    assert not words & {*THINGS, "is", "are", "was", "were", "a", "this", "these"}


def test_every_error_is_the_number_of_an_attractor():
    for item in PROBE.generate(20, "test", {"attractors": 2, "distance": 20}, 0):
        (target,) = item.targets
        kinds = {number: PROBE.error_kind(item, target, number) for number in PROBE.labels}
        assert sorted(kinds.values()) == ["", "capture"]
        assert kinds[item.labels[target]] == ""
