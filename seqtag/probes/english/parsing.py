"""Parsers of the probes' English: they find the subject that decides from the tokens alone.

Recursive descent over word classes. They know the words and nothing of how a sentence was made.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from seqtag.errors import InputError
from seqtag.probes.english import lexicon as lex

PERSONS = lex.GENDER_OF.keys() | lex.NUMBER_OF.keys()


def _word_classes() -> dict[str, str]:
    classes = dict.fromkeys((*PERSONS, *lex.THINGS), "noun")
    for lexicon in lex.BY_GENDER.values():
        for gender in ("M", "F"):
            classes |= dict.fromkeys(lexicon[gender].names, "name")
    for name, words in {
        "adjective": lex.ADJECTIVES,
        "adverb": (*lex.ADVERBS, *lex.LATER),
        "opener": lex.OPENERS,
        "preposition": lex.PREPOSITIONS,
        "link": lex.LINKS,
        "report": lex.REPORTING,
        "verb": (*lex.TRANSITIVE, *lex.INTRANSITIVE),
        "mark": ("'", "'s"),
        "relative": ("who", "that"),
    }.items():
        classes |= dict.fromkeys(words, name)
    for word in ("the", ",", ".", lex.PRON, lex.VERB):
        classes[word] = word
    return classes


_CLASS_OF = _word_classes()


@dataclass(slots=True)
class Analysis:
    """What a sentence is made of.

    Attributes:
        target: position of the word that is asked for.
        subjects: positions of the heads of the subjects that could decide, in order; the last
            one does.
        others: positions of the other words for persons, in order.
        depth: how deeply relative clauses are nested behind the last subject.
    """

    target: int = -1
    subjects: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    depth: int = 0


class _Parser(ABC):
    """What all sentences have in common: words, noun phrases and what modifies them."""

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

    def analysis(self) -> Analysis:
        """Parse the sentence and return what was found."""
        self.sentence()
        subjects = set(self.found.subjects)
        self.found.others = [
            i
            for i, token in enumerate(self.tokens[: self.found.target])
            if token in PERSONS and i not in subjects
        ]
        return self.found

    @abstractmethod
    def sentence(self) -> None:
        """Read a sentence as far as the word that is asked for."""

    def subject(self) -> None:
        """Read a subject with what modifies it; depth counts from the last one."""
        self.found.depth = 0
        self.found.subjects.append(self.core())
        if self.tokens[self.found.subjects[-1]] not in PERSONS:
            raise InputError(f"token {self.at}: a subject that is no person")
        self.modifiers(0)

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
        """Read places and relative clauses behind a noun; "and" may join two clauses."""
        while True:
            if self.sees("preposition"):
                self.places(depth)
            elif self.sees("relative"):
                self.relative(depth + 1)
            elif self.sees_word("and") and self.sees("relative", ahead=1):
                self.take("link")
            else:
                return

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


class _PronounParser(_Parser):
    """Reads clauses joined by links and commas, as far as PRON."""

    def sentence(self) -> None:
        if self.sees("opener"):
            self.take("opener")
            self.take(",")
        elif self.sees("preposition"):
            self.places()
            self.take(",")
        self.subject()
        while self.clause_goes_on():
            pass
        self.found.target = self.take(lex.PRON)

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
        self.subject()
        return True

    def verb_phrase(self) -> None:
        self.take("verb")
        if self.sees("the", "name"):
            self.phrase(0)
        self.places()
        while self.sees("adverb"):
            self.take("adverb")


class _ClauseParser(_Parser):
    """Reads a clause, or one inside "the king said that", as far as VERB or PRON."""

    def sentence(self) -> None:
        if self.sees("preposition"):
            self.places()
            self.take(",")
        self.subject()
        if self.sees("report"):
            self.take("report")
            self.take("relative")
            self.found.subjects.clear()
            self.subject()
        if self.sees("adverb"):
            self.take("adverb")
        if self.sees("verb"):
            self.take("verb")
            self.found.target = self.take(lex.PRON)
        else:
            self.found.target = self.take(lex.VERB)

    def relative(self, depth: int) -> None:
        """Read a relative clause with the words without persons that hang on its verb."""
        super().relative(depth)
        while self.sees("adverb") or (self.sees_word("and") and self.sees("verb", ahead=1)):
            if self.sees("link"):
                self.take("link")
                self.take("verb")
            else:
                self.take("adverb")


def analyse(tokens: Sequence[str]) -> Analysis:
    """Parse a sentence of the pronoun probe up to its PRON; what follows it is not looked at.

    Raises:
        InputError: if the tokens are no sentence of this grammar.
    """
    return _PronounParser(tokens).analysis()


def analyse_clause(tokens: Sequence[str]) -> Analysis:
    """Parse a sentence of reflexive or agreement up to its target; the rest is not looked at.

    Raises:
        InputError: if the tokens are no sentence of this grammar.
    """
    return _ClauseParser(tokens).analysis()
