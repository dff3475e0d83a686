"""The oracle's parser, against sentences labelled by hand."""

from __future__ import annotations

import pytest

from seqtag.errors import InputError
from seqtag.probes.parsing import analyse

# Sentence, matrix subjects, other persons, depth of relative clauses behind the last subject.
BY_HAND = [
    ("Anna , PRON laughed .", ["Anna"], [], 0),
    ("The boy slept , but Anna , PRON laughed .", ["boy", "Anna"], [], 0),
    ("The king smiled , and PRON laughed .", ["king"], [], 0),
    ("The king 's sister smiled , but soon PRON laughed .", ["sister"], ["king"], 0),
    ("The guards ' king 's sister slept , and PRON sang .", ["sister"], ["guards", "king"], 0),
    ("Near the queen , Peter slept , and PRON sang .", ["Peter"], ["queen"], 0),
    ("Later , the nun behind the boy slept , and PRON sang .", ["nun"], ["boy"], 0),
    (
        "The nun saw the boy and the king , then slept , and PRON sang .",
        ["nun"],
        ["boy", "king"],
        0,
    ),
    (
        "The nun saw the boy , and the king slept and followed the cat , and PRON sang .",
        ["nun", "king"],
        ["boy"],
        0,
    ),
    (
        "The waiter who saw the queen who Peter liked slept , and PRON sang .",
        ["waiter"],
        ["queen", "Peter"],
        2,
    ),
    (
        "The actress who the king who the twins missed saw slept , and PRON sang .",
        ["actress"],
        ["king", "twins"],
        2,
    ),
    (
        "The nun who saw the boy slept , but the twins saw the old dog that passed Anna 's "
        "horse near the river and Peter , then slept again , and later PRON sang .",
        ["nun", "twins"],
        ["boy", "Anna", "Peter"],
        1,
    ),
]


@pytest.mark.parametrize(("sentence", "subjects", "others", "depth"), BY_HAND)
def test_analyse_agrees_with_the_hand(sentence, subjects, others, depth):
    tokens = sentence.split()
    found = analyse(tokens)
    assert [tokens[i] for i in found.subjects] == subjects
    assert [tokens[i] for i in found.others] == others
    assert found.depth == depth
    assert tokens[found.pronoun] == "PRON"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("", "token 1: expected the, found 'the end'"),
        ("The king smiled .", "token 4"),
        ("The king , smiled , and PRON laughed .", "token 3"),
        ("The river slept , and PRON laughed .", "no person"),
        ("The kang slept , and PRON laughed .", "found 'kang'"),
        ("The king who slept the , and PRON laughed .", "token"),
    ],
)
def test_no_sentence_of_the_grammar(sentence, said):
    with pytest.raises(InputError, match=said):
        analyse(sentence.split())
