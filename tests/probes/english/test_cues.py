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
    positions = {"first_cue": "F", "second": "M", "last_but_one": "M", "last_cue": "PL"}
    # Four persons: the form with index 4 % 3.
    assert predicted == positions | {"frequent_cue": "M", "number": "F"}


def test_with_one_person_all_positions_are_that_person():
    predicted = cues.baselines("PRON", GENDER_OF)
    names = ("first_cue", "second", "last_but_one", "last_cue", "frequent_cue")
    assert {predicted[name](["Anna", ",", "PRON"])[2] for name in names} == {"F"}


def test_frequent_cue_breaks_ties_by_the_last_form():
    assert cues.baselines("PRON", GENDER_OF)["frequent_cue"](TOKENS)[10] == "PL"
