"""Phrases of the small English grammar of the probes, with words drawn at random."""

from collections.abc import Callable, Sequence

from seqtag.probes.base import pick
from seqtag.probes.english import lexicon as lex

# Verb phrases without persons, by length. I, T: verb without and with an object; d: "the";
# n: thing or animal; p: preposition; l: place; a: adjective; r: adverb.
_BODIES = {
    1: ("I",),
    2: ("Ir",),
    3: ("Tdn",),
    4: ("Tdan", "Ipdl"),
    5: ("Ipdal", "Ipdlr"),
    6: ("Tdnpdl",),
    7: ("Tdanpdl", "Tdnpdal"),
    8: ("Tdanpdal",),
}
_WORDS = {
    "I": lex.INTRANSITIVE,
    "T": lex.TRANSITIVE,
    "d": ("the",),
    "n": lex.THINGS,
    "p": lex.PREPOSITIONS,
    "l": lex.PLACES,
    "a": lex.ADJECTIVES,
    "r": lex.ADVERBS,
}
# The longest verb phrase that `filler` makes, join included.
LONGEST_FILLER = max(_BODIES) + 1


class Phrases:
    """Adds phrases to lists of tokens; no word stands for two persons of a sentence.

    With `names` false all persons are common nouns, each with its "the".
    """

    def __init__(
        self,
        random: Callable[[], float],
        persons: lex.Lexicon,
        names: bool = True,
    ) -> None:
        self.random = random
        self.persons = persons
        self.names = names
        self.used: set[str] = set()
        self.latest: dict[str, str] = {}

    def pick(self, options: Sequence[str]) -> str:
        """Return one of `options`."""
        return pick(self.random, options)

    def vary(self, options: Sequence[str]) -> str:
        """Return one of `options`, but not the one that it returned for them last time."""
        at = int(self.random() * len(options))
        if options[at] == self.latest.get(options[0]):
            at -= 1
        self.latest[options[0]] = options[at]
        return options[at]

    def word(self, gender: str, common: bool = False) -> tuple[str, bool]:
        """Return an unused word for a person, and whether it is a name without "the".

        A word comes twice only when the lexicon has no other left.
        """
        nouns, names = self.persons[gender]
        common = common or not self.names
        for _ in range(8):
            word = self.pick(nouns if common or self.random() < 0.5 else names)
            if word not in self.used:
                break
        else:
            left = [w for w in (nouns if common else nouns + names) if w not in self.used]
            word = self.pick(left) if left else word
        self.used.add(word)
        return word, gender != "PL" and word in names

    def person(self, out: list[str], gender: str) -> None:
        """Add "the king" or "Peter"."""
        word, bare = self.word(gender)
        if not bare:
            out.append("the")
        out.append(word)

    def anyone(self, out: list[str], gender: str | None) -> None:
        """Add a person of that gender, or an animal for None."""
        if gender is None:
            out += ("the", self.vary(lex.ANIMALS))
        else:
            self.person(out, gender)

    def place(self, out: list[str], gender: str | None) -> None:
        """Add "near the king", or "near the river" for None."""
        out.append(self.pick(lex.PREPOSITIONS))
        if gender is None:
            out += ("the", self.vary(lex.PLACES))
        else:
            self.person(out, gender)

    def relatives(self, out: list[str], of_person: bool, genders: Sequence[str | None]) -> None:
        """Add relative clauses, one inside the other, each with one person or animal."""
        if not genders:
            return
        out.append("who" if of_person else "that")
        verb = self.vary(lex.TRANSITIVE)
        # Three clauses that all wait for their verbs are no English any more.
        verb_last = len(genders) <= 2 and self.random() < 0.5
        if not verb_last:
            out.append(verb)
        self.anyone(out, genders[0])
        self.relatives(out, genders[0] is not None, genders[1:])
        if verb_last:
            out.append(verb)

    def owners(self, out: list[str], genders: Sequence[str]) -> None:
        """Add "Peter 's", "the queen 's brother 's" or, without anyone, nothing."""
        for number, gender in enumerate(genders):
            if number:
                out.append(self.word(gender, common=True)[0])
            else:
                self.person(out, gender)
            out.append(lex.possessive(out[-1], gender))

    def subject(self, out: list[str], gender: str, owned: bool) -> int:
        """Add "Peter", "the king" or, behind an owner, "king"; return the head's position."""
        if owned:
            out.append(self.word(gender, common=True)[0])
        else:
            self.person(out, gender)
        return len(out) - 1

    def opening(self, out: list[str], kind: str, genders: Sequence[str]) -> None:
        """Add what stands before the first clause: nothing, "Later ,", or "Near the king ,"."""
        if kind == "opener":
            out += (self.pick(lex.OPENERS), ",")
        elif kind == "place":
            for gender in genders or (None,):
                self.place(out, gender)
            out.append(",")

    def filler(self, size: int) -> list[str]:
        """Return a joined verb phrase of `size` tokens (2 to `LONGEST_FILLER`), no persons."""
        comma = 2 < size < LONGEST_FILLER and self.random() < 0.6
        out = [",", "then"] if comma else ["and"]
        vary = self.vary
        out += [vary(_WORDS[kind]) for kind in self.pick(_BODIES[size - len(out)])]
        return out

    def verb_phrase(
        self, genders: Sequence[str], chain: Sequence[str | None], slack: int
    ) -> list[str]:
        """Return a verb with these persons, the first (or an animal) modified by `chain`.

        `slack` is how many tokens more than in the shortest form it may take.
        """
        if not genders and not chain:
            return [self.vary(lex.INTRANSITIVE)]
        random = self.random
        if slack >= 1 and not chain and random() < 0.35:
            out = [self.vary(lex.INTRANSITIVE)]
            self.place(out, genders[0])
            slack -= 1
        else:
            out = [self.vary(lex.TRANSITIVE)]
            self.anyone(out, genders[0] if genders else None)
            self.relatives(out, bool(genders), chain)
        for gender in genders[1:]:
            if random() < 0.5:
                out.append("and")
                self.person(out, gender)
            else:
                self.place(out, gender)
        if slack >= 2 and not chain and random() < 0.3:
            # "saw the king 's horse", "and the king 's dog": right behind a person in any case.
            out += (lex.possessive(out[-1], genders[-1]), self.vary(lex.ANIMALS))
        return out

    def tail(self, out: list[str]) -> None:
        """Add PRON and what follows it, drawn without a look at what came before."""
        out += (lex.PRON, self.pick(lex.INTRANSITIVE))
        if self.random() < 0.3:
            out.append(self.pick(lex.ADVERBS))
        out.append(".")
