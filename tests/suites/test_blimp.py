"""Reading BLiMP's JSON lines."""

from __future__ import annotations

import pytest

from seqtag.errors import InputError
from seqtag.suites.blimp import read_blimp

VERBS = "distractor_agreement_relative_clause"


def test_a_line_becomes_a_pair(source, blimp_line):
    lines = blimp_line("Olga can't see herself.", "Olga can't see himself.", pairID="7")
    (pair,) = read_blimp(source("anaphor.jsonl", "\n" + lines))
    assert pair.tokens == ("Olga", "ca", "n't", "see", "PRON", ".")
    assert (pair.position, pair.gold, pair.foil) == (4, "F", "M")
    assert (pair.good, pair.bad) == ("herself", "himself")
    assert (pair.group, pair.pair) == ("anaphor_gender_agreement", "7")
    assert pair.where == "anaphor.jsonl:2"


@pytest.mark.parametrize(
    ("sentence", "subject"),
    [
        ("Olga {}.", "Olga"),
        ("The cook who met the girls {}.", "cook"),
        ("A lot of cooks who met Olga {}.", "cooks"),
        ("Cooks {}.", "Cooks"),
        ("{} the cook.", None),
    ],
)
def test_the_antecedent_is_the_subject_at_the_start_of_the_sentence(
    source, blimp_line, sentence, subject
):
    line = blimp_line(sentence.format("sings"), sentence.format("sing"), VERBS)
    (pair,) = read_blimp(source("verbs.jsonl", line))
    assert [pair.tokens[i] for i in pair.antecedent] == [subject] * (subject is not None)


@pytest.mark.parametrize(
    ("good", "bad", "more", "message"),
    [
        ("Olga sings.", "Olga sang well.", {}, "must differ in one word"),
        ("Olga sings.", "Olga slings.", {}, "are neither pronouns"),
        (
            "The cooks like tea.",
            "The cook like tea.",
            {"one_prefix_method": False},
            "do not differ in the verb",
        ),
        (
            "The cooks like tea.",
            "The cook like tea.",
            {"linguistics_term": "x"},
            "do not differ in the verb",
        ),
        ("Olga sings.", None, {}, "no text under 'sentence_bad'"),
        ("Olga sings.", "Olga sing.", {"pairID": 3}, "no text under 'pairID'"),
    ],
)
def test_other_paradigms_are_rejected_with_their_line(source, blimp_line, good, bad, more, message):
    lines = blimp_line("Olga sings.", "Olga sing.", VERBS) + blimp_line(good, bad, VERBS, **more)
    with pytest.raises(InputError, match=f"^verbs.jsonl:2: .*{message}"):
        read_blimp(source("verbs.jsonl", lines))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "not JSON"),
        ("[1]", "a JSON list"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5000, "not JSON"),
    ],
)
def test_other_records_are_rejected(source, content, message):
    with pytest.raises(InputError, match=f"^x.jsonl:1: {message}"):
        read_blimp(source("x.jsonl", content))
