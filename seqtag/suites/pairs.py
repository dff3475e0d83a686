"""The common form of all suites: a sentence with one word hidden, its right class and a wrong one.

    Katherine can't help herself.  |  Katherine can't help himself.
    ->  Katherine ca n't help PRON .    gold F, foil M

The word in which good and bad sentence differ becomes the placeholder that the generated probes
ask at: PRON for pronouns and anaphors, whose classes are M, F, N and PL, and VERB for verbs,
whose classes are SG and PL. (One bad verb of BLiMP is a participle: its class is ING, which no
model has.) Tokens are those that a tagger makes of raw text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seqtag.errors import InputError
from seqtag.probes.english.lexicon import PRON, VERB
from seqtag.tagging.text import Token, split_text

# Forms of a pronoun by class.
FORMS = {
    "M": ("himself", "he", "him", "his"),
    "F": ("herself", "she", "her", "hers"),
    "N": ("itself", "it", "its"),
    "PL": ("themselves", "they", "them", "their", "theirs"),
}
_CLASS = {form: label for label, forms in FORMS.items() for form in forms}
_NUMBER = {
    **dict.fromkeys(("is", "was", "has", "does"), "SG"),
    **dict.fromkeys(("are", "were", "have", "do"), "PL"),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """One judgement of a suite.

    Attributes:
        tokens: the sentence, with the placeholder in place.
        position: place of the placeholder in it.
        gold: class of the good word. Where the text does not decide (Winogender, WinoBias), the
            class that goes with the stereotype.
        foil: class of the bad word.
        good: the good word, bad: the bad one, as the suite spells them; "" where it does not.
        antecedent: places of the tokens that decide; empty if the suite does not tell.
        group: paradigm or condition, by which scores are reported.
        pair: name of the judgement within its group. Two of one name are the sides of one
            item: the subject changes, and good and bad word change roles.
        where: file and line, or what the format has in place of lines.
    """

    tokens: tuple[str, ...]
    position: int
    gold: str
    foil: str
    good: str
    bad: str
    antecedent: tuple[int, ...]
    group: str
    pair: str
    where: str

    @property
    def placeholder(self) -> str:
        """PRON or VERB."""
        return self.tokens[self.position]


def tokenize(text: str) -> list[Token]:
    """Return all tokens of a text with their places, sentence borders forgotten."""
    return [token for sentence in split_text(text) for token in sentence.tokens]


def words(text: str) -> list[str]:
    """Return all tokens of a text as strings."""
    return [token.text for token in tokenize(text)]


def pronoun_class(form: str, where: str) -> str:
    """Return M, F, N or PL for a pronoun.

    Raises:
        InputError: if the word is none.
    """
    if form.lower() not in _CLASS:
        raise InputError(f"{where}: {form!r} is no pronoun that tells gender or number")
    return _CLASS[form.lower()]


def minimal_pair(
    good: Sequence[str], bad: Sequence[str], group: str, pair: str, where: str
) -> Pair:
    """Return the pair that two sentences make, which differ in one token.

    Raises:
        InputError: if they differ in more or less than that, or the two words are neither
            pronouns nor forms of one verb, of different classes.
    """
    places = [i for i, (g, b) in enumerate(zip(good, bad, strict=False)) if g != b]
    if len(good) != len(bad) or len(places) != 1:
        raise InputError(
            f"{where}: the good and the bad sentence must differ in one word: "
            f"{' '.join(good)!r}, {' '.join(bad)!r}"
        )
    position = places[0]
    placeholder, gold, foil = _classes(good[position], bad[position], where)
    return Pair(
        tokens=(*good[:position], placeholder, *good[position + 1 :]),
        position=position,
        gold=gold,
        foil=foil,
        good=good[position],
        bad=bad[position],
        antecedent=(),
        group=group,
        pair=pair,
        where=where,
    )


def as_sides(first: Pair, second: Pair) -> tuple[Pair, Pair]:
    """Return two pairs as the sides of one item, if they are: the same name, the antecedent known.

    Sides have the same good and bad word with roles exchanged, at the same place. The first
    word in which their sentences differ is what decides: the subject. (What comes behind the
    placeholder may differ as well; SyntaxGym's does.) Pairs that are no sides come back as they
    are.
    """
    before = zip(first.tokens[: first.position], second.tokens[: second.position], strict=False)
    changed = [i for i, (one, other) in enumerate(before) if one != other]
    exchanged = (first.good, first.bad) == (second.bad, second.good)
    if not (exchanged and first.position == second.position and changed):
        return first, second
    subject = (changed[0],)
    return replace(first, antecedent=subject), replace(second, antecedent=subject, pair=first.pair)


def _classes(good: str, bad: str, where: str) -> tuple[str, str, str]:
    """Return placeholder, class of the good word and class of the bad one."""
    good, bad = good.lower(), bad.lower()
    if good in _CLASS and bad in _CLASS:
        placeholder, gold, foil = PRON, _CLASS[good], _CLASS[bad]
    elif good in _NUMBER and bad in _NUMBER:
        placeholder, gold, foil = VERB, _NUMBER[good], _NUMBER[bad]
    elif good in _third_person(bad):
        return VERB, "SG", "PL"
    elif bad in _third_person(good):
        return VERB, "PL", "SG"
    elif bad == f"{good}ing":
        return VERB, "PL", "ING"
    else:
        gold = foil = ""
    if gold == foil:
        raise InputError(
            f"{where}: {good!r} and {bad!r} are neither pronouns of different gender or number "
            "nor the singular and plural of one verb"
        )
    return placeholder, gold, foil


def _third_person(verb: str) -> tuple[str, ...]:
    """Return how the third person singular of a regular verb may be spelled."""
    return (f"{verb}s", f"{verb}es", f"{verb[:-1]}ies" if verb.endswith("y") else "")
