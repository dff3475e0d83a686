"""Shallow cues and their baselines, on examples by hand."""

from __future__ import annotations

from seqtag.probes.english import cues
from seqtag.probes.english.lexicon import GENDER_OF

SENTENCE = "Near Anna , the king saw the twins , and PRON saw Peter ."
TOKENS = SENTENCE.split()


def test_persons_before_the_target():
    assert cues.persons_before(TOKENS, "PRON", GENDER_OF) == ["F", "M", "PL"]


def test_only_the_target_has_a_label():
    labels = cues.label_at(TOKENS, "PRON", "M")
    assert labels == [None] * 10 + ["M"] + [None] * 3


def test_baselines_predict_the_first_last_and_most_frequent_form():
    tokens = ["Near", "Anna", "the", "king", "saw", "Peter", "and", "the", "twins", "PRON"]
    baselines = cues.baselines("PRON", GENDER_OF)
    predicted = {name: baseline(tokens)[9] for name, baseline in baselines.items()}
    assert predicted == {"first_cue": "F", "last_cue": "PL", "frequent_cue": "M"}


def test_frequent_cue_breaks_ties_by_the_last_form():
    assert cues.baselines("PRON", GENDER_OF)["frequent_cue"](TOKENS)[10] == "PL"
