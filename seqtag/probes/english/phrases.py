"""Phrases of the probes' small English grammar, with random words."""

from collections.abc import Callable, Sequence

from seqtag.probes.base import pick
from seqtag.probes.english import lexicon as lex

# Verb phrases without persons, by length, as strings of keys of _WORDS. I, T: intransitive and
# transitive verb; d: "the"; n: thing or animal; p: preposition; l: place; a: adjective; r: adverb.
_PATTERNS = {
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
# Length of the longest filler, including its conjunction.
LONGEST_FILLER = max(_PATTERNS) + 1


class Phrases:
    """Appends random phrases to lists of tokens, with a different word for each person.

    Args:
        random: source of random numbers.
        persons: the words for persons.
        names: whether persons may be names; otherwise all are common nouns with "the".
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
        """Return a random option."""
        return pick(self.random, options)

    def vary(self, options: Sequence[str]) -> str:
        """Return a random option, but not the one returned last for the same options."""
        index = int(self.random() * len(options))
        if options[index] == self.latest.get(options[0]):
            index -= 1
        self.latest[options[0]] = options[index]
        return options[index]

    def word(self, gender: str, common: bool = False) -> tuple[str, bool]:
        """Return an unused word for a person, and whether it is a name without "the".

        With `common` it is a common noun. A word is reused only if the lexicon has no other left.
        """
        nouns, names = self.persons[gender]
        common = common or not self.names
        for _ in range(8):
            word = self.pick(nouns if common or self.random() < 0.5 else names)
            if word not in self.used:
                break
        else:
            unused = [w for w in (nouns if common else nouns + names) if w not in self.used]
            word = self.pick(unused) if unused else word
        self.used.add(word)
        return word, gender != "PL" and word in names

    def person(self, out: list[str], gender: str) -> None:
        """Append "the king" or "Peter"."""
        word, is_name = self.word(gender)
        if not is_name:
            out.append("the")
        out.append(word)

    def person_or_animal(self, out: list[str], gender: str | None) -> None:
        """Append a person of this gender, or an animal for None."""
        if gender is None:
            out += ("the", self.vary(lex.ANIMALS))
        else:
            self.person(out, gender)

    def place(self, out: list[str], gender: str | None) -> None:
        """Append "near the king", or "near the river" for None."""
        out.append(self.pick(lex.PREPOSITIONS))
        if gender is None:
            out += ("the", self.vary(lex.PLACES))
        else:
            self.person(out, gender)

    def relatives(self, out: list[str], of_person: bool, genders: Sequence[str | None]) -> None:
        """Append nested relative clauses, each with one person or animal (None)."""
        if not genders:
            return
        out.append("who" if of_person else "that")
        verb = self.vary(lex.TRANSITIVE)
        # Three center-embedded clauses are unreadable.
        verb_last = len(genders) <= 2 and self.random() < 0.5
        if not verb_last:
            out.append(verb)
        self.person_or_animal(out, genders[0])
        self.relatives(out, genders[0] is not None, genders[1:])
        if verb_last:
            out.append(verb)

    def owners(self, out: list[str], genders: Sequence[str]) -> None:
        """Append "Peter 's", "the queen 's brother 's" or, for no genders, nothing."""
        for number, gender in enumerate(genders):
            if number:
                out.append(self.word(gender, common=True)[0])
            else:
                self.person(out, gender)
            out.append(lex.possessive(out[-1], gender))

    def subject(self, out: list[str], gender: str, owned: bool) -> int:
        """Append "Peter", "the king" or, after an owner, "king"; return the head's position."""
        if owned:
            out.append(self.word(gender, common=True)[0])
        else:
            self.person(out, gender)
        return len(out) - 1

    def opening(self, out: list[str], kind: str, genders: Sequence[str]) -> None:
        """Append the start of a sentence: nothing, "Later ," or "Near the king ,"."""
        if kind == "opener":
            out += (self.pick(lex.OPENERS), ",")
        elif kind == "place":
            for gender in genders or (None,):
                self.place(out, gender)
            out.append(",")

    def filler(self, size: int) -> list[str]:
        """Return a coordinated verb phrase without persons, of 2 to `LONGEST_FILLER` tokens."""
        with_comma = 2 < size < LONGEST_FILLER and self.random() < 0.6
        out = [",", "then"] if with_comma else ["and"]
        vary = self.vary
        out += [vary(_WORDS[kind]) for kind in self.pick(_PATTERNS[size - len(out)])]
        return out

    def verb_phrase(
        self, genders: Sequence[str], chain: Sequence[str | None], slack: int
    ) -> list[str]:
        """Return a verb phrase with these persons.

        Args:
            genders: the persons, in order.
            chain: persons (or animals, None) of nested relative clauses that modify the first
                person, or an animal if there is none.
            slack: number of tokens by which it may exceed the shortest form.
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
            self.person_or_animal(out, genders[0] if genders else None)
            self.relatives(out, bool(genders), chain)
        for gender in genders[1:]:
            if random() < 0.5:
                out.append("and")
                self.person(out, gender)
            else:
                self.place(out, gender)
        if slack >= 2 and not chain and random() < 0.3:
            # "saw the king 's horse", "and the king 's dog": the last token is always a person.
            out += (lex.possessive(out[-1], genders[-1]), self.vary(lex.ANIMALS))
        return out

    def tail(self, out: list[str]) -> None:
        """Append PRON and the rest of the sentence, which is independent of the tokens before."""
        out += (lex.PRON, self.pick(lex.INTRANSITIVE))
        if self.random() < 0.3:
            out.append(self.pick(lex.ADVERBS))
        out.append(".")
