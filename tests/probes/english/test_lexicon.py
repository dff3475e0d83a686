"""The words of the English probes: no overlaps, and the right possessive marks."""

from __future__ import annotations

import pytest

from seqtag.probes.english import lexicon as lex

LEXICONS = {"gender": lex.BY_GENDER, "number": lex.BY_NUMBER}


@pytest.mark.parametrize("kind", LEXICONS)
def test_no_word_has_two_forms_or_two_kinds(kind):
    persons = [
        word
        for lexicon in LEXICONS[kind].values()
        for group in lexicon.values()
        for word in (*group.nouns, *group.names)
    ]
    others = [
        *(*lex.THINGS, *lex.ADJECTIVES, *lex.ADVERBS, *lex.OPENERS, *lex.PREPOSITIONS),
        *(*lex.LINKS, *lex.TRANSITIVE, *lex.INTRANSITIVE, *lex.LATER, *lex.REPORTING),
        *(lex.PRON, lex.VERB),
    ]
    assert len(persons) == len(set(persons))
    assert len(others) == len(set(others))
    # In lower case too, because a lower-casing vocabulary must not merge an opener with a person.
    assert not {w.lower() for w in persons} & {w.lower() for w in others}


@pytest.mark.parametrize(
    ("lexicons", "form_of", "forms"),
    [
        (lex.BY_GENDER, lex.GENDER_OF, lex.GENDERS),
        (lex.BY_NUMBER, lex.NUMBER_OF, lex.NUMBERS),
    ],
)
def test_all_forms_have_equally_many_words(lexicons, form_of, forms):
    for lexicon in lexicons.values():
        assert tuple(lexicon) == forms
        assert len({(len(p.nouns), len(p.names)) for p in lexicon.values()}) == 1
    assert set(form_of.values()) == set(forms)


def test_every_noun_occurs_in_both_numbers():
    for lexicon in lex.BY_NUMBER.values():
        for singular, plural in zip(lexicon["SG"].nouns, lexicon["PL"].nouns, strict=True):
            assert plural == {"child": "children", "lady": "ladies"}.get(singular) or (
                plural == singular + ("es" if singular[-2:] in ("ss", "ch") else "s")
            )


def test_training_and_held_out_nouns_share_no_stem():
    stems = {
        split: {noun[:5] for group in lexicon.values() for noun in group.nouns}
        for split, lexicon in lex.BY_NUMBER.items()
    }
    assert not stems["training"] & stems["held-out"]


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
