"""Write a clause up to its predicate, with an exact number of tokens after the subject's head.

    clause    := [place+ "," | subject place* "said" "that"] subject modifier* [later]
    subject   := (person possessive)* person
    modifier  := place | ["and"] relative
    place     := near person
    relative  := who [verb person] filler | who person modifier* verb filler
    filler    := verbs and adverbs without persons

Persons are the only nouns, because in the agreement probe any noun could act as an attractor.
"""

from collections.abc import Sequence

from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.balance import Cast
from seqtag.probes.english.phrases import Phrases

# The parts of a template: what precedes the subject, and its first modifier.
OPENINGS = ("none", "place", "speech")
MODIFIERS = ("none", "place", "object", "subject")
# Templates held out from training: one opening for each modifier.
HELD_OUT = frozenset({"speech+none", "place+place", "none+object", "speech+subject"})
# Tokens of the shortest modifier with a person: "near the king".
_PLACE_TOKENS = 3


def max_persons(size: int) -> int:
    """Return the most persons that fit into `size` tokens after the subject's head."""
    return size // _PLACE_TOKENS


def min_size(persons: int) -> int:
    """Return the least number of tokens after the subject's head for this many persons."""
    return persons * _PLACE_TOKENS


def write(
    phrases: Phrases, cast: Cast, size: int, subjects: lex.Lexicon, held_out: bool
) -> tuple[list[str], int, str]:
    """Return the tokens before the predicate, the position of the subject's head, the template.

    Args:
        phrases: writes phrases with random words.
        cast: the persons: one subject, and at most `max_persons(size)` after it.
        size: tokens between the subject's head and the predicate.
        subjects: the words for the subject.
        held_out: whether to use a template held out from training.
    """
    slack = size - min_size(len(cast.after))
    modifier, after_subject = _ModifierWriter(phrases, slack).write(cast.after)
    allowed = [o for o in OPENINGS if (f"{o}+{modifier}" in HELD_OUT) == held_out]
    opening = phrases.pick(allowed)
    before = cast.before
    if opening != "none" and not before:
        before = cast.subjects  # another person of the subject's form, not an attractor
    in_opening = 0 if opening == "none" else 1 + int(phrases.random() * len(before))
    out: list[str] = []
    if opening == "place":
        phrases.opening(out, opening, before[:in_opening])
    elif opening == "speech":
        phrases.person(out, before[0])
        for form in before[1:in_opening]:
            phrases.place(out, form)
        out += (phrases.pick(lex.REPORTING), "that")
    owners = before[in_opening:]
    phrases.owners(out, owners)
    phrases.persons = subjects
    head = phrases.subject(out, cast.subjects[0], owned=bool(owners))
    out += after_subject
    out[0] = out[0][0].upper() + out[0][1:]
    return out, head, f"{opening}+{modifier}"


class _ModifierWriter:
    """Writes the modifiers between a subject's head and its predicate.

    Pieces are written in order. Then verbs and adverbs (fillers) are appended to the pieces that
    allow them, until the number of tokens is exact.

    Attributes:
        slack: tokens left beyond the shortest form, which is a place for each person.
        pieces: the pieces so far.
        verbs: for each piece, the verbs that can be appended with "and"; empty if it allows no
            fillers.
        at_noun: whether the tokens so far end in a noun, which may be the subject's head.
    """

    def __init__(self, phrases: Phrases, slack: int) -> None:
        self.phrases = phrases
        self.slack = slack
        self.pieces: list[list[str]] = []
        self.verbs: list[Sequence[str]] = []
        self.at_noun = True

    def write(self, persons: Sequence[str]) -> tuple[str, list[str]]:
        """Return the kind of the first modifier and all tokens, with these persons in order."""
        random = self.phrases.random
        remaining = list(persons)
        if remaining:
            kind = self.phrases.pick(self.affordable())
        else:
            kind = "subject" if self.slack >= 2 else "none"
        if kind == "subject" and (not remaining or (self.slack >= 2 and random() < 0.3)):
            self.insert_short_relative(0)
        elif remaining:
            self.add_modifier(kind, remaining)
        while remaining:
            self.add_modifier(self.phrases.pick(self.affordable()), remaining)
        later = self.fill()
        return kind, [token for piece in (*self.pieces, later) for token in piece]

    def affordable(self) -> Sequence[str]:
        """Return the kinds of modifier with a person that the slack allows."""
        return MODIFIERS[1:] if self.slack >= (1 if self.at_noun else 2) else ("place",)

    def add_modifier(self, kind: str, remaining: list[str]) -> None:
        """Add a modifier with the first person of `remaining`, and remove that person from it."""
        phrases = self.phrases
        piece: list[str] = []
        if kind == "place":
            phrases.place(piece, remaining.pop(0))
            self.add(piece, (), at_noun=True)
            return
        if not self.at_noun:
            piece.append("and")
        piece.append("who")
        self.slack -= len(piece)
        if kind == "subject":
            piece.append(phrases.vary(lex.TRANSITIVE))
            phrases.person(piece, remaining.pop(0))
            self.add(piece, lex.INTRANSITIVE, at_noun=True)
        else:
            phrases.person(piece, remaining.pop(0))
            self.add(piece, (), at_noun=True)
            if remaining and phrases.random() < 0.4:
                self.add_inside(remaining.pop(0))
            self.add([phrases.vary(lex.TRANSITIVE)], lex.TRANSITIVE, at_noun=False)

    def add_inside(self, form: str) -> None:
        """Add a person between the subject of a relative clause and its verb.

        At most one per relative clause: three center-embedded clauses are unreadable.
        """
        phrases = self.phrases
        piece: list[str] = []
        if self.slack and phrases.random() < 0.5:
            piece.append("who")
            phrases.person(piece, form)
            piece.append(phrases.vary(lex.TRANSITIVE))
            self.slack -= 1
        else:
            phrases.place(piece, form)
        self.add(piece, (), at_noun=True)

    def add(self, piece: list[str], verbs: Sequence[str], at_noun: bool) -> None:
        self.pieces.append(piece)
        self.verbs.append(verbs)
        self.at_noun = at_noun

    def insert_short_relative(self, index: int) -> None:
        """Insert a piece like "who slept" at this index."""
        self.pieces.insert(index, ["who", self.phrases.vary(lex.INTRANSITIVE)])
        self.verbs.insert(index, lex.INTRANSITIVE)
        self.at_noun = self.at_noun and index < len(self.pieces) - 1
        self.slack -= 2

    def is_extensible(self, index: int) -> bool:
        """Return whether no relative clause directly follows the piece at this index."""
        return index + 1 == len(self.pieces) or self.pieces[index + 1][0] not in ("who", "and")

    def fill(self) -> list[str]:
        """Use up the slack with fillers; return the one that directly precedes the predicate."""
        phrases, random = self.phrases, self.phrases.random
        indices = range(len(self.pieces))
        slots = [k for k in indices if self.verbs[k] and self.is_extensible(k)]
        later = []
        if self.slack and (random() < 0.3 if slots else self.slack == 1):
            later = [phrases.pick(lex.LATER)]
            self.slack -= 1
        if self.slack and not slots:
            # In this case the last piece is a place, so `places` is not empty.
            places = [k for k in indices if self.pieces[k][0] in lex.PREPOSITIONS]
            places = [k for k in places if self.is_extensible(k)]
            slots = [1 + places[int(random() * len(places))]]
            self.insert_short_relative(slots[0])
        while self.slack:
            index = slots[int(random() * len(slots))]
            size = min(self.slack, 1 + int(random() * 3))
            piece = self.pieces[index]
            if size > 1:
                piece += ("and", phrases.vary(self.verbs[index]))
            if size != 2:
                piece.append(phrases.vary(lex.ADVERBS))
            self.slack -= size
        return later
