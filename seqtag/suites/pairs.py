"""The common form of all suites: a sentence with a placeholder, its right class and a wrong one.

    Katherine can't help herself.  |  Katherine can't help himself.
    ->  Katherine ca n't help PRON .    gold F, foil M

The word in which the good and the bad sentence differ becomes the placeholder of the English
probes: PRON for pronouns and anaphors (classes M, F, N and PL), VERB for verbs (classes SG and PL).
One bad verb of BLiMP is a participle; its class is ING, which no model has as a label. Sentences
are tokenized like the raw text of a tagger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seqtag.data.text.split import Token, split_text
from seqtag.errors import InputError
from seqtag.probes.english.lexicon import PRON, VERB

# Forms of pronouns by class.
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
    """One minimal pair of a suite.

    Attributes:
        tokens: the sentence with the placeholder.
        position: position of the placeholder in `tokens`.
        gold: class of the good word. In suites of stereotypes (Winogender, WinoBias), where no
            answer is right, the class that agrees with the stereotype.
        foil: class of the bad word.
        good, bad: the good and the bad word as spelled in the suite; "" if the suite has none.
        antecedent: positions of the tokens that decide; empty if the suite does not mark them.
        group: paradigm or condition; scores are reported by group.
        pair: name of the pair within its group. Two pairs with the same name are the two sides
            of one item: the subject differs, and the good and the bad word are exchanged.
        where: file and line, or the equivalent of a line in the suite's format.
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
        """The placeholder token: PRON or VERB."""
        return self.tokens[self.position]


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text with their offsets, without sentence boundaries."""
    return [token for sentence in split_text(text) for token in sentence.tokens]


def words(text: str) -> list[str]:
    """Return the tokens of a text as strings."""
    return [token.text for token in tokenize(text)]


def pronoun_class(form: str, where: str) -> str:
    """Return the class of a pronoun: M, F, N or PL.

    Raises:
        InputError: naming `where`, if the word is not a third-person pronoun.
    """
    if form.lower() not in _CLASS:
        raise InputError(f"{where}: {form!r} is not a pronoun with a gender or number")
    return _CLASS[form.lower()]


def minimal_pair(
    good: Sequence[str], bad: Sequence[str], group: str, pair: str, where: str
) -> Pair:
    """Return the pair of two sentences that differ in one token.

    Raises:
        InputError: naming `where`, if they do not differ in exactly one token, or if the two
            tokens are neither pronouns of different classes nor forms of one verb.
    """
    differing = [i for i, (g, b) in enumerate(zip(good, bad, strict=False)) if g != b]
    if len(good) != len(bad) or len(differing) != 1:
        raise InputError(
            f"{where}: the good and the bad sentence must differ in one word: "
            f"{' '.join(good)!r}, {' '.join(bad)!r}"
        )
    position = differing[0]
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
    """Return two pairs with a common name and their antecedents, if they are sides of one item.

    Sides have the same two words at the same position, with good and bad exchanged. The first
    token in which their sentences differ is the deciding subject, the antecedent. Tokens after
    the placeholder may differ too, as in SyntaxGym. Other pairs are returned unchanged.
    """
    before = zip(first.tokens[: first.position], second.tokens[: second.position], strict=False)
    changed = [i for i, (one, other) in enumerate(before) if one != other]
    exchanged = (first.good, first.bad) == (second.bad, second.good)
    if not (exchanged and first.position == second.position and changed):
        return first, second
    subject = (changed[0],)
    return replace(first, antecedent=subject), replace(second, antecedent=subject, pair=first.pair)


def _classes(good: str, bad: str, where: str) -> tuple[str, str, str]:
    """Return the placeholder, the class of the good word and the class of the bad word."""
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
    """Return the possible spellings of the third person singular of a regular verb."""
    return (f"{verb}s", f"{verb}es", f"{verb[:-1]}ies" if verb.endswith("y") else "")
