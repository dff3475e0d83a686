"""Minimal pairs: the placeholder, its right and wrong class; the two sides of an item."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.suites.pairs import FORMS, as_sides, minimal_pair, pronoun_class, words


def pair(good: str, bad: str, name: str = "0"):
    return minimal_pair(words(good), words(bad), "group", name, "file:3")


@pytest.mark.parametrize(
    ("good", "bad", "placeholder", "gold", "foil"),
    [
        ("Kim saw himself.", "Kim saw herself.", "PRON", "M", "F"),
        ("Kim saw itself.", "Kim saw themselves.", "PRON", "N", "PL"),
        ("Then She left.", "Then They left.", "PRON", "F", "PL"),
        ("The cats sleep.", "The cats sleeps.", "VERB", "PL", "SG"),
        ("The cat watches us.", "The cat watch us.", "VERB", "SG", "PL"),
        ("Pigs fly.", "Pigs flies.", "VERB", "PL", "SG"),
        ("The cats weren't out.", "The cats isn't out.", "VERB", "PL", "SG"),
        ("The cat doesn't purr.", "The cat don't purr.", "VERB", "SG", "PL"),
        ("The cats purr.", "The cats purring.", "VERB", "PL", "ING"),
    ],
)
def test_the_differing_word_becomes_the_placeholder(good, bad, placeholder, gold, foil):
    built = pair(good, bad)
    assert (built.placeholder, built.gold, built.foil) == (placeholder, gold, foil)
    assert [built.good, built.bad] == [words(good)[built.position], words(bad)[built.position]]
    restored = [*built.tokens]
    restored[built.position] = built.good
    assert restored == words(good)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("The cat sleeps.", "The cat sleeps.", "must differ in one word"),
        ("The cat sleeps.", "A cat sleep.", "must differ in one word"),
        ("The cat sleeps.", "The cat sleeps now.", "must differ in one word"),
        ("The cat sleeps.", "The cat dances.", "'sleeps' and 'dances' are neither"),
        ("Kim saw him.", "Kim saw himself.", "neither pronouns of different"),
        ("The cat is out.", "The cat was out.", "nor the singular and plural"),
    ],
)
def test_other_pairs_of_sentences_are_rejected(good, bad, message):
    with pytest.raises(InputError, match=f"^file:3: .*{message}"):
        pair(good, bad)


@given(st.sampled_from([(c, f) for c, forms in FORMS.items() for f in forms]), st.booleans())
@settings(derandomize=True, deadline=None, max_examples=40)
def test_a_pronoun_has_the_class_of_its_form(class_and_form, capital):
    label, form = class_and_form
    assert pronoun_class(form.capitalize() if capital else form, "file:1") == label


def test_other_words_are_not_pronouns():
    with pytest.raises(InputError, match="file:1: 'himselves'"):
        pronoun_class("himselves", "file:1")


def test_sides_share_a_name_and_have_the_subject_as_antecedent():
    one = pair("The boy near the cats sleeps.", "The boy near the cats sleep.", "a")
    other = pair("The boys near the cats sleep.", "The boys near the cats sleeps.", "b")
    first, second = as_sides(one, other)
    assert (first.pair, second.pair) == ("a", "a")
    assert first.antecedent == second.antecedent == (1,)
    assert (first.gold, first.foil) == (second.foil, second.gold)


def test_tokens_after_the_placeholder_may_differ_between_sides():
    one = pair("The boy is good", "The boy are good", "a")
    other = pair("The boys are fond of tea", "The boys is fond of tea", "b")
    assert as_sides(one, other)[1].pair == "a"


@pytest.mark.parametrize(
    "good_bad",
    [
        ("The boys near the cats run.", "The boys near the cats runs."),
        ("The boy near the cats sleep.", "The boy near the cats sleeps."),
        ("The big boys near the cats sleep.", "The big boys near the cats sleeps."),
    ],
)
def test_other_pairs_are_not_sides(good_bad):
    one = pair("The boy near the cats sleeps.", "The boy near the cats sleep.", "a")
    other = pair(*good_bad, "b")
    assert as_sides(one, other) == (one, other)
