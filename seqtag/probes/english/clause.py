"""From who appears to the subject of one clause, with an exact number of tokens behind its head.

    clause    := [place+ "," | subject place* "said" "that"] subject modifier* [later]
    subject   := (person possessive)* person
    modifier  := place | ["and"] relative
    place     := near person
    relative  := who [verb person] idle | who person modifier* verb idle
    idle      := verbs and adverbs without persons

Persons are the only nouns: number is asked for too, and a river would be one.
"""

from collections.abc import Sequence

from seqtag.probes.english import lexicon as lex
from seqtag.probes.english.balance import Cast
from seqtag.probes.english.phrases import Phrases

# What stands before the subject, and what comes first behind it.
OPENINGS = ("none", "place", "speech")
MODIFIERS = ("none", "place", "object", "subject")
# The pairs that training leaves out: one opening for each modifier.
HELD_OUT = frozenset({"speech+none", "place+place", "none+object", "speech+subject"})
# Tokens of the shortest phrase with a person: "near the king".
_PLACE = 3


def room(size: int) -> int:
    """Return how many persons fit into `size` tokens behind the subject's head."""
    return size // _PLACE


def least_size(persons: int) -> int:
    """Return how many tokens behind the subject's head so many persons take at least."""
    return persons * _PLACE


def write(
    phrases: Phrases, cast: Cast, size: int, subjects: lex.Lexicon, held_out: bool
) -> tuple[list[str], int, str]:
    """Return the tokens before the predicate, the position of the subject's head, the template.

    Args:
        phrases: what draws words and constructions.
        cast: who appears: one subject, at most `room(size)` persons behind it.
        size: tokens between the subject's head and the predicate.
        subjects: the lexicon that the subject is drawn from.
        held_out: whether the template is one of those that training leaves out.
    """
    modifier, behind = _Behind(phrases, size - _PLACE * len(cast.behind)).write(cast.behind)
    allowed = [o for o in OPENINGS if (f"{o}+{modifier}" in HELD_OUT) == held_out]
    opening = phrases.pick(allowed)
    front = cast.front
    if opening != "none" and not front:
        front = cast.subjects  # somebody of the subject's form, who is no attractor
    placed = 0 if opening == "none" else 1 + int(phrases.random() * len(front))
    out: list[str] = []
    if opening == "place":
        phrases.opening(out, opening, front[:placed])
    elif opening == "speech":
        phrases.person(out, front[0])
        for form in front[1:placed]:
            phrases.place(out, form)
        out += (phrases.pick(lex.REPORTING), "that")
    owners = front[placed:]
    phrases.owners(out, owners)
    phrases.persons = subjects
    head = phrases.subject(out, cast.subjects[0], owned=bool(owners))
    out += behind
    out[0] = out[0][0].upper() + out[0][1:]
    return out, head, f"{opening}+{modifier}"


class _Behind:
    """Writes what stands between a subject's head and its predicate.

    Pieces are written in order; then idle words are added to those that can take them, until the
    number of tokens is right.

    Attributes:
        slack: tokens left beyond the shortest form, a place for every person.
        pieces: what is written so far.
        verbs: for each piece, the verbs that may be added to it with "and"; none: nothing may.
        at_noun: whether the last piece ends in a noun, as the subject itself does.
    """

    def __init__(self, phrases: Phrases, slack: int) -> None:
        self.phrases = phrases
        self.slack = slack
        self.pieces: list[list[str]] = []
        self.verbs: list[Sequence[str]] = []
        self.at_noun = True

    def write(self, persons: Sequence[str]) -> tuple[str, list[str]]:
        """Return the kind of the first modifier, and all tokens."""
        random = self.phrases.random
        left = list(persons)
        if left:
            kind = self.phrases.pick(self.affordable())
        else:
            kind = "subject" if self.slack >= 2 else "none"
        if kind == "subject" and (not left or (self.slack >= 2 and random() < 0.3)):
            self.idler(0)
        elif left:
            self.modifier(kind, left)
        while left:
            self.modifier(self.phrases.pick(self.affordable()), left)
        later = self.idle()
        return kind, [token for piece in (*self.pieces, later) for token in piece]

    def affordable(self) -> Sequence[str]:
        """Return the kinds of modifier with a person that there is room for."""
        return MODIFIERS[1:] if self.slack >= (1 if self.at_noun else 2) else ("place",)

    def modifier(self, kind: str, left: list[str]) -> None:
        """Add a modifier with the first of the persons left."""
        phrases = self.phrases
        piece: list[str] = []
        if kind == "place":
            phrases.place(piece, left.pop(0))
            self.add(piece, (), at_noun=True)
            return
        if not self.at_noun:
            piece.append("and")
        piece.append("who")
        self.slack -= len(piece)
        if kind == "subject":
            piece.append(phrases.vary(lex.TRANSITIVE))
            phrases.person(piece, left.pop(0))
            self.add(piece, lex.INTRANSITIVE, at_noun=True)
        else:
            phrases.person(piece, left.pop(0))
            self.add(piece, (), at_noun=True)
            if left and phrases.random() < 0.4:
                self.inside(left.pop(0))
            self.add([phrases.vary(lex.TRANSITIVE)], lex.TRANSITIVE, at_noun=False)

    def inside(self, form: str) -> None:
        """Add a person between the subject of a relative clause and its verb.

        No more than one: three clauses that all wait for their verbs are no English any more.
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

    def idler(self, place: int) -> None:
        """Put "who slept" before the piece of that number."""
        self.pieces.insert(place, ["who", self.phrases.vary(lex.INTRANSITIVE)])
        self.verbs.insert(place, lex.INTRANSITIVE)
        self.at_noun = self.at_noun and place < len(self.pieces) - 1
        self.slack -= 2

    def closed(self, number: int) -> bool:
        """Return whether no relative clause follows directly behind that piece."""
        return number + 1 == len(self.pieces) or self.pieces[number + 1][0] not in ("who", "and")

    def idle(self) -> list[str]:
        """Use up the slack with words without persons; return what stands before the predicate."""
        phrases, random = self.phrases, self.phrases.random
        numbers = range(len(self.pieces))
        slots = [k for k in numbers if self.verbs[k] and self.closed(k)]
        later = []
        if self.slack and (random() < 0.3 if slots else self.slack == 1):
            later = [phrases.pick(lex.LATER)]
            self.slack -= 1
        if self.slack and not slots:
            # Then the last piece is a place.
            behind = [k for k in numbers if self.pieces[k][0] in lex.PREPOSITIONS]
            behind = [k for k in behind if self.closed(k)]
            slots = [1 + behind[int(random() * len(behind))]]
            self.idler(slots[0])
        while self.slack:
            number = slots[int(random() * len(slots))]
            size = min(self.slack, 1 + int(random() * 3))
            piece = self.pieces[number]
            if size > 1:
                piece += ("and", phrases.vary(self.verbs[number]))
            if size != 2:
                piece.append(phrases.vary(lex.ADVERBS))
            self.slack -= size
        return later
