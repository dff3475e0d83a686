"""The reflexive probe, on examples by hand; english/test_subject.py has the shared tests."""

from __future__ import annotations

import pytest

from seqtag.probes.base import ProbeItem
from seqtag.probes.reflexive import ReflexiveProbe

PROBE = ReflexiveProbe()


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("The king liked PRON .", "M"),
        ("The nun who the kings near the twins saw liked PRON .", "F"),
        ("The king said that the nun near the twins liked PRON today .", "F"),
        ("The nun who saw the king said that the twins liked PRON .", "PL"),
    ],
)
def test_the_subject_of_the_same_clause_decides(sentence, label):
    tokens = sentence.split()
    assert PROBE.oracle(tokens) == [label if token == "PRON" else None for token in tokens]


def test_distance_1_has_only_the_verb_between_subject_and_reflexive():
    for item in PROBE.generate(30, "dev", {"distance": 1}, 0):
        assert item.cue_positions[0] == item.targets[0] - 2


def test_kinds_of_error():
    sentence = "The king near the nun liked PRON ."
    item = ProbeItem(
        tuple(sentence.split()), (*[None] * 6, "M", None), (6,), {}, (1,), "", "", "last"
    )
    kinds = {form: PROBE.error_kind(item, 6, form) for form in PROBE.labels}
    assert kinds == {"M": "", "F": "capture", "PL": "wrong"}
