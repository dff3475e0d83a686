"""What a shallow reader goes by, by hand."""

from __future__ import annotations

from seqtag.probes.english import cues
from seqtag.probes.english.lexicon import GENDER_OF

SENTENCE = "Near Anna , the king saw the twins , and PRON saw Peter ."
TOKENS = SENTENCE.split()


def test_persons_before_the_target():
    assert cues.persons_before(TOKENS, "PRON", GENDER_OF) == ["F", "M", "PL"]


def test_labels_are_at_the_target_alone():
    labels = cues.label_at(TOKENS, "PRON", "M")
    assert labels == [None] * 10 + ["M"] + [None] * 3


def test_baselines_take_the_first_the_last_or_most_of_the_persons():
    tokens = ["Near", "Anna", "the", "king", "saw", "Peter", "and", "the", "twins", "PRON"]
    said = {name: solve(tokens)[9] for name, solve in cues.baselines("PRON", GENDER_OF).items()}
    assert said == {"first_cue": "F", "last_cue": "PL", "frequent_cue": "M"}


def test_of_equally_frequent_forms_the_last_one_has_it():
    assert cues.baselines("PRON", GENDER_OF)["frequent_cue"](TOKENS)[10] == "PL"
