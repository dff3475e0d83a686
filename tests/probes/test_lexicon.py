"""The words of the pronoun probe: no overlaps, and the right possessive marks."""

from __future__ import annotations

import pytest

from seqtag.probes import lexicon as lex


def test_no_word_has_two_genders_or_two_kinds():
    persons = [
        word
        for lexicon in (lex.TRAINING, lex.HELD_OUT)
        for group in lexicon.values()
        for word in (*group.nouns, *group.names)
    ]
    others = [
        *(*lex.THINGS, *lex.ADJECTIVES, *lex.ADVERBS, *lex.OPENERS, *lex.PREPOSITIONS),
        *(*lex.LINKS, *lex.TRANSITIVE, *lex.INTRANSITIVE, *lex.LATER, lex.PRON),
    ]
    assert len(persons) == len(set(persons)) == len(lex.gender_of())
    assert len(others) == len(set(others))
    # Lower case too: a vocabulary that folds case must not merge an opener with a person.
    assert not {w.lower() for w in persons} & {w.lower() for w in others}


def test_genders_have_as_many_words_each():
    for lexicon in (lex.TRAINING, lex.HELD_OUT):
        assert tuple(lexicon) == lex.GENDERS
        assert len({(len(p.nouns), len(p.names)) for p in lexicon.values()}) == 1


@pytest.mark.parametrize(
    ("word", "gender", "mark"),
    [
        ("king", "M", "'s"),
        ("Thomas", "M", "'s"),
        ("actress", "F", "'s"),
        ("guards", "PL", "'"),
        ("children", "PL", "'s"),
        ("Millers", "PL", "'"),
    ],
)
def test_possessive(word, gender, mark):
    assert lex.possessive(word, gender) == mark
