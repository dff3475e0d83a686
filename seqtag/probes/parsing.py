"""A parser for the pronoun probe's English: finds matrix subjects from the tokens alone.

Recursive descent over word classes. It knows the words and nothing of how a sentence was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seqtag.errors import InputError
from seqtag.probes import lexicon as lex

GENDER_OF = lex.gender_of()


def _word_classes() -> dict[str, str]:
    classes = dict.fromkeys((*GENDER_OF, *lex.THINGS), "noun")
    for lexicon in (lex.TRAINING, lex.HELD_OUT):
        for gender in ("M", "F"):
            classes |= dict.fromkeys(lexicon[gender].names, "name")
    for name, words in {
        "adjective": lex.ADJECTIVES,
        "adverb": (*lex.ADVERBS, *lex.LATER),
        "opener": lex.OPENERS,
        "preposition": lex.PREPOSITIONS,
        "link": lex.LINKS,
        "verb": (*lex.TRANSITIVE, *lex.INTRANSITIVE),
        "mark": ("'", "'s"),
        "relative": ("who", "that"),
    }.items():
        classes |= dict.fromkeys(words, name)
    for word in ("the", ",", ".", lex.PRON):
        classes[word] = word
    return classes


_CLASS_OF = _word_classes()


@dataclass(slots=True)
class Analysis:
    """What a sentence is made of.

    Attributes:
        pronoun: position of PRON.
        subjects: positions of the matrix subjects' heads, in order; the last one decides.
        others: positions of the other words for persons, in order.
        depth: how deeply relative clauses are nested behind the last subject.
    """

    pronoun: int = -1
    subjects: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    depth: int = 0


def analyse(tokens: Sequence[str]) -> Analysis:
    """Parse a sentence up to its PRON; what follows it is not looked at.

    Raises:
        InputError: if the tokens are no sentence of this grammar.
    """
    parser = _Parser(tokens)
    parser.sentence()
    found = parser.found
    subjects = set(found.subjects)
    found.others = [
        i
        for i, token in enumerate(parser.tokens[: found.pronoun])
        if token in GENDER_OF and i not in subjects
    ]
    return found


class _Parser:
    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = list(tokens)
        if tokens and tokens[0] not in _CLASS_OF:
            self.tokens[0] = tokens[0][:1].lower() + tokens[0][1:]
        self.classes = [_CLASS_OF.get(token, "?") for token in self.tokens]
        self.at = 0
        self.found = Analysis()

    def sees(self, *classes: str, ahead: int = 0) -> bool:
        """Return whether the token that stands `ahead` of the next is of one of the classes."""
        i = self.at + ahead
        return i < len(self.classes) and self.classes[i] in classes

    def sees_word(self, word: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at] == word

    def take(self, *classes: str) -> int:
        """Step over a token of one of the classes and return its position."""
        if not self.sees(*classes):
            word = self.tokens[self.at] if self.at < len(self.tokens) else "the end"
            raise InputError(
                f"token {self.at + 1}: expected {' or '.join(classes)}, found {word!r}"
            )
        self.at += 1
        return self.at - 1

    def sentence(self) -> None:
        if self.sees("opener"):
            self.take("opener")
            self.take(",")
        elif self.sees("preposition"):
            self.places()
            self.take(",")
        self.matrix_subject()
        while self.clause_goes_on():
            pass
        self.found.pronoun = self.take(lex.PRON)

    def matrix_subject(self) -> None:
        """Read a subject with what modifies it; depth counts from the last one."""
        self.found.depth = 0
        self.found.subjects.append(self.core())
        if self.tokens[self.found.subjects[-1]] not in GENDER_OF:
            raise InputError(f"token {self.at}: a subject that is no person")
        self.modifiers(0)

    def clause_goes_on(self) -> bool:
        """Read a verb phrase and what joins it; return whether another one follows."""
        if self.sees(",") and self.sees(lex.PRON, ahead=1):
            self.take(",")  # "Anna , PRON laughed ."
            return False
        self.verb_phrase()
        if self.sees_word("and"):
            self.take("link")
            return True
        self.take(",")
        if self.sees_word("then"):
            self.take("adverb")
            return True
        self.take("link")
        while self.sees("adverb"):
            self.take("adverb")
        if self.sees(lex.PRON):
            return False
        self.matrix_subject()
        return True

    def verb_phrase(self) -> None:
        self.take("verb")
        if self.sees("the", "name"):
            self.phrase(0)
        self.places()
        while self.sees("adverb"):
            self.take("adverb")

    def places(self, depth: int = 0) -> None:
        while self.sees("preposition"):
            self.take("preposition")
            self.phrase(depth)

    def phrase(self, depth: int) -> None:
        """Read a noun phrase that is no matrix subject, with whatever hangs on it."""
        self.core()
        self.modifiers(depth)
        while self.sees_word("and") and self.sees("the", "name", ahead=1):
            self.take("link")
            self.core()
            self.modifiers(depth)

    def core(self) -> int:
        """Read "the old king 's sister" or "Peter" and return the head's position."""
        if self.sees("name"):
            head = self.take("name")
        else:
            self.take("the")
            head = self.described_noun()
        while self.sees("mark"):
            self.take("mark")
            head = self.described_noun()
        return head

    def described_noun(self) -> int:
        while self.sees("adjective"):
            self.take("adjective")
        return self.take("noun")

    def modifiers(self, depth: int) -> None:
        """Read places and relative clauses behind a noun."""
        while self.sees("preposition", "relative"):
            if self.sees("relative"):
                self.relative(depth + 1)
            else:
                self.places(depth)

    def relative(self, depth: int) -> None:
        self.found.depth = max(self.found.depth, depth)
        self.take("relative")
        if self.sees("verb"):
            self.take("verb")
            if self.sees("the", "name"):
                self.phrase(depth)
        else:
            self.phrase(depth)
            self.take("verb")
