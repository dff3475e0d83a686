"""The words of the English probes, by kind.

Each word for a person has a form: a gender (pronoun, reflexive) or a number (agreement).
Determiners, verbs (past tense) and all other words are independent of the form of the subject, so
that only the word for the person determines the label.
"""

from collections.abc import Mapping
from typing import NamedTuple

GENDERS = ("M", "F", "PL")
NUMBERS = ("SG", "PL")
# Placeholders of the word to predict (he, himself; laughs).
PRON, VERB = "PRON", "VERB"


class Persons(NamedTuple):
    """Words for persons of one form: common nouns (after "the") and names."""

    nouns: tuple[str, ...]
    names: tuple[str, ...]


# Persons by form.
Lexicon = Mapping[str, Persons]


def _persons(nouns: str, names: str = "") -> Persons:
    return Persons(tuple(nouns.split()), tuple(names.split()))


# Family names are the names of the plural: "the Millers".
BY_GENDER = {
    "training": {
        "M": _persons(
            "king waiter actor uncle father prince monk boy wizard grandfather",
            "Peter John Arthur David Thomas Martin Henry Robert Paul Simon",
        ),
        "F": _persons(
            "queen waitress actress aunt mother princess nun girl witch grandmother",
            "Anna Maria Emma Julia Sarah Laura Alice Helen Clara Ruth",
        ),
        "PL": _persons(
            "twins guards children neighbours soldiers students sailors farmers singers guests",
            "Millers Bakers Smiths Taylors Parkers Carters Coopers Turners Masons Fishers",
        ),
    },
    "held-out": {
        "M": _persons(
            "duke brother nephew bridegroom lord butler", "Walter George Edward Oscar Max"
        ),
        "F": _persons("duchess sister niece bride lady maid", "Nora Grace Diana Olga Eva"),
        "PL": _persons(
            "cousins tourists pilots dancers lawyers clowns",
            "Potters Cooks Weavers Gardners Walkers",
        ),
    },
}
# Every noun occurs in both numbers, so the stem gives no information about the label.
BY_NUMBER = {
    "training": {
        "SG": _persons(
            "king waiter actor uncle father prince monk boy wizard queen waitress actress aunt "
            "mother princess nun girl witch guard child neighbour soldier student sailor farmer"
        ),
        "PL": _persons(
            "kings waiters actors uncles fathers princes monks boys wizards queens waitresses "
            "actresses aunts mothers princesses nuns girls witches guards children neighbours "
            "soldiers students sailors farmers"
        ),
    },
    "held-out": {
        "SG": _persons(
            "duke brother nephew bridegroom lord butler duchess sister niece bride lady maid "
            "cousin tourist pilot dancer lawyer clown"
        ),
        "PL": _persons(
            "dukes brothers nephews bridegrooms lords butlers duchesses sisters nieces brides "
            "ladies maids cousins tourists pilots dancers lawyers clowns"
        ),
    },
}

ANIMALS = ("dog", "cat", "horse", "fox", "goat", "owl")
PLACES = (
    *("river", "house", "garden", "tower", "bridge", "gate"),
    *("lake", "church", "tree", "wall", "mill", "station"),
)
THINGS = (*ANIMALS, *PLACES)
ADJECTIVES = ("old", "small", "quiet", "dark", "lonely", "pretty")
ADVERBS = ("softly", "briefly", "again", "outside", "alone", "today")
OPENERS = ("Yesterday", "Later", "Afterwards", "Meanwhile")
PREPOSITIONS = ("near", "beside", "behind", "opposite")
LINKS = ("and", "but")
# Verbs that take a "that" clause.
REPORTING = ("said", "thought", "knew", "believed", "heard")
# Verbs that make sense with a person or animal as subject and any noun as object.
TRANSITIVE = ("saw", "followed", "watched", "liked", "missed", "noticed", "remembered", "passed")
INTRANSITIVE = (
    *("smiled", "slept", "laughed", "sang", "waited"),
    *("danced", "coughed", "sneezed", "sighed", "yawned"),
)
# Adverbs that may directly precede the placeholder or its verb.
LATER = ("then", "later", "soon")


def _form_of(lexicons: Mapping[str, Lexicon]) -> dict[str, str]:
    return {
        word: form
        for lexicon in lexicons.values()
        for form, persons in lexicon.items()
        for word in (*persons.nouns, *persons.names)
    }


# Form of each word for a person.
GENDER_OF = _form_of(BY_GENDER)
NUMBER_OF = _form_of(BY_NUMBER)


def possessive(word: str, form: str) -> str:
    """Return the possessive mark after a word for a person: "'s", or "'" after a plural in s."""
    return "'" if form == "PL" and word.endswith("s") else "'s"
