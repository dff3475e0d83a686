"""The parsers of the oracles, on sentences analysed by hand."""

from __future__ import annotations

import pytest

from seqtag.errors import InputError
from seqtag.probes.english.parsing import analyse, analyse_clause

# Sentence, matrix subjects, other persons, depth of relative clauses after the last subject.
SENTENCES = [
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


@pytest.mark.parametrize(("sentence", "subjects", "others", "depth"), SENTENCES)
def test_analyse(sentence, subjects, others, depth):
    tokens = sentence.split()
    analysis = analyse(tokens)
    assert [tokens[i] for i in analysis.subjects] == subjects
    assert [tokens[i] for i in analysis.others] == others
    assert analysis.depth == depth
    assert tokens[analysis.target] == "PRON"


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("", "token 1: expected the, found 'the end'"),
        ("The king smiled .", "token 4"),
        ("The king , smiled , and PRON laughed .", "token 3"),
        ("The river slept , and PRON laughed .", "the subject must be a person"),
        ("The kang slept , and PRON laughed .", "found 'kang'"),
        ("The king who slept the , and PRON laughed .", "token"),
    ],
)
def test_analyse_rejects_other_sentences(sentence, message):
    with pytest.raises(InputError, match=message):
        analyse(sentence.split())


# Sentence, deciding subject, other persons.
CLAUSES = [
    ("The king VERB .", "king", []),
    ("The kings ' nun soon VERB .", "nun", ["kings"]),
    ("The nun near the kings beside the boys VERB again .", "nun", ["kings", "boys"]),
    ("Near the kings , the nun VERB .", "nun", ["kings"]),
    ("The kings near the boy said that the nun VERB .", "nun", ["kings", "boy"]),
    ("The nun who the kings who the boys saw liked VERB .", "nun", ["kings", "boys"]),
    ("The nun who slept and sang again near the kings VERB .", "nun", ["kings"]),
    (
        "The nun who saw the kings and slept near the boys who the king saw and who sang VERB .",
        "nun",
        ["kings", "boys", "king"],
    ),
    ("The twins liked PRON .", "twins", []),
    ("The nun who saw the king near the twins liked PRON today .", "nun", ["king", "twins"]),
    ("The twins who the king saw then liked PRON .", "twins", ["king"]),
    ("The twins who slept thought that the king who slept liked PRON .", "king", ["twins"]),
]


@pytest.mark.parametrize(("sentence", "subject", "others"), CLAUSES)
def test_analyse_clause(sentence, subject, others):
    tokens = sentence.split()
    analysis = analyse_clause(tokens)
    assert [tokens[i] for i in analysis.subjects] == [subject]
    assert [tokens[i] for i in analysis.others] == others
    assert tokens[analysis.target] in ("VERB", "PRON")


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("The king smiled .", "token 4: expected PRON, found '.'"),
        ("The king near VERB .", "token 4: expected the, found 'VERB'"),
        ("The king who the nun VERB .", "token 6: expected verb"),
        ("The river VERB .", "the subject must be a person"),
        ("The king said the nun VERB .", "token 4: expected relative, found 'the'"),
        ("The king slept , and PRON sang .", "expected PRON, found ','"),
    ],
)
def test_analyse_clause_rejects_other_sentences(sentence, message):
    with pytest.raises(InputError, match=message):
        analyse_clause(sentence.split())
