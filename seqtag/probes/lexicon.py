"""The words of the pronoun probe, and what kind each one is.

Determiners, verbs (past tense) and everything else but the persons are the same whatever the
gender and number of the subject, so that only a person's word tells what its pronoun must be.
"""

from __future__ import annotations

from typing import NamedTuple

GENDERS = ("M", "F", "PL")
PRON = "PRON"


class Persons(NamedTuple):
    """Words for persons of one gender: common nouns (after "the") and names."""

    nouns: tuple[str, ...]
    names: tuple[str, ...]


def _persons(nouns: str, names: str) -> Persons:
    return Persons(tuple(nouns.split()), tuple(names.split()))


# Families serve as the names of several people: "the Millers".
TRAINING = {
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
}
HELD_OUT = {
    "M": _persons("duke brother nephew bridegroom lord butler", "Walter George Edward Oscar Max"),
    "F": _persons("duchess sister niece bride lady maid", "Nora Grace Diana Olga Eva"),
    "PL": _persons(
        "cousins tourists pilots dancers lawyers clowns", "Potters Cooks Weavers Gardners Walkers"
    ),
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
# Each sits with a person or an animal before it and with anything behind it.
TRANSITIVE = ("saw", "followed", "watched", "liked", "missed", "noticed", "remembered", "passed")
INTRANSITIVE = (
    *("smiled", "slept", "laughed", "sang", "waited"),
    *("danced", "coughed", "sneezed", "sighed", "yawned"),
)
# What may stand between the comma and PRON.
LATER = ("then", "later", "soon")


def gender_of() -> dict[str, str]:
    """Return the gender (a member of `GENDERS`) of every word for a person."""
    return {
        word: gender
        for lexicon in (TRAINING, HELD_OUT)
        for gender, persons in lexicon.items()
        for word in (*persons.nouns, *persons.names)
    }


def possessive(word: str, gender: str) -> str:
    """Return the possessive mark behind a person, as a token of its own: "'s", or "'" ."""
    return "'" if gender == "PL" and word.endswith("s") else "'s"
