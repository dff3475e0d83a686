"""Parse the English sentences of the probes and find the deciding subject from the tokens alone.

Recursive descent over word classes, independent of the code that writes the sentences.
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
    """The parts of a sentence that matter for a probe.

    Attributes:
        target: position of the placeholder.
        subjects: positions of the heads of the subjects, in order; the last one decides.
        others: positions of the other words for persons before the target, in order.
        depth: nesting depth of relative clauses after the last subject.
    """

    target: int = -1
    subjects: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    depth: int = 0


class _Parser(ABC):
    """Base class of the parsers: words, noun phrases and their modifiers."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = list(tokens)
        if tokens and tokens[0] not in _CLASS_OF:
            self.tokens[0] = tokens[0][:1].lower() + tokens[0][1:]
        self.classes = [_CLASS_OF.get(token, "?") for token in self.tokens]
        self.position = 0
        self.result = Analysis()

    def next_is(self, *classes: str, ahead: int = 0) -> bool:
        """Return whether the token `ahead` positions after the next is of one of the classes."""
        i = self.position + ahead
        return i < len(self.classes) and self.classes[i] in classes

    def next_is_word(self, word: str) -> bool:
        return self.position < len(self.tokens) and self.tokens[self.position] == word

    def expect(self, *classes: str) -> int:
        """Consume a token of one of the classes and return its position."""
        if not self.next_is(*classes):
            word = self.tokens[self.position] if self.position < len(self.tokens) else "the end"
            raise InputError(
                f"token {self.position + 1}: expected {' or '.join(classes)}, found {word!r}"
            )
        self.position += 1
        return self.position - 1

    def analysis(self) -> Analysis:
        """Parse the sentence and return its analysis."""
        self.sentence()
        subjects = set(self.result.subjects)
        self.result.others = [
            i
            for i, token in enumerate(self.tokens[: self.result.target])
            if token in PERSONS and i not in subjects
        ]
        return self.result

    @abstractmethod
    def sentence(self) -> None:
        """Read the sentence up to its placeholder."""

    def subject(self) -> None:
        """Read a subject with its modifiers; the depth counts from the last subject."""
        self.result.depth = 0
        self.result.subjects.append(self.core_phrase())
        if self.tokens[self.result.subjects[-1]] not in PERSONS:
            raise InputError(f"token {self.position}: the subject must be a person")
        self.modifiers(0)

    def places(self, depth: int = 0) -> None:
        while self.next_is("preposition"):
            self.expect("preposition")
            self.phrase(depth)

    def phrase(self, depth: int) -> None:
        """Read a noun phrase with its modifiers that is not a matrix subject."""
        self.core_phrase()
        self.modifiers(depth)
        while self.next_is_word("and") and self.next_is("the", "name", ahead=1):
            self.expect("link")
            self.core_phrase()
            self.modifiers(depth)

    def core_phrase(self) -> int:
        """Read "the old king 's sister" or "Peter" and return the position of its head."""
        if self.next_is("name"):
            head = self.expect("name")
        else:
            self.expect("the")
            head = self.described_noun()
        while self.next_is("mark"):
            self.expect("mark")
            head = self.described_noun()
        return head

    def described_noun(self) -> int:
        while self.next_is("adjective"):
            self.expect("adjective")
        return self.expect("noun")

    def modifiers(self, depth: int) -> None:
        """Read places and relative clauses after a noun; "and" can join two clauses."""
        while True:
            if self.next_is("preposition"):
                self.places(depth)
            elif self.next_is("relative"):
                self.relative(depth + 1)
            elif self.next_is_word("and") and self.next_is("relative", ahead=1):
                self.expect("link")
            else:
                return

    def relative(self, depth: int) -> None:
        self.result.depth = max(self.result.depth, depth)
        self.expect("relative")
        if self.next_is("verb"):
            self.expect("verb")
            if self.next_is("the", "name"):
                self.phrase(depth)
        else:
            self.phrase(depth)
            self.expect("verb")


class _PronounParser(_Parser):
    """Reads clauses joined by links and commas, up to PRON."""

    def sentence(self) -> None:
        if self.next_is("opener"):
            self.expect("opener")
            self.expect(",")
        elif self.next_is("preposition"):
            self.places()
            self.expect(",")
        self.subject()
        while self.read_verb_phrase():
            pass
        self.result.target = self.expect(lex.PRON)

    def read_verb_phrase(self) -> bool:
        """Read a verb phrase and the link after it; return whether another verb phrase follows."""
        if self.next_is(",") and self.next_is(lex.PRON, ahead=1):
            self.expect(",")  # "Anna , PRON laughed ."
            return False
        self.verb_phrase()
        if self.next_is_word("and"):
            self.expect("link")
            return True
        self.expect(",")
        if self.next_is_word("then"):
            self.expect("adverb")
            return True
        self.expect("link")
        while self.next_is("adverb"):
            self.expect("adverb")
        if self.next_is(lex.PRON):
            return False
        self.subject()
        return True

    def verb_phrase(self) -> None:
        self.expect("verb")
        if self.next_is("the", "name"):
            self.phrase(0)
        self.places()
        while self.next_is("adverb"):
            self.expect("adverb")


class _ClauseParser(_Parser):
    """Reads a clause, or one after "the king said that", up to VERB or PRON."""

    def sentence(self) -> None:
        if self.next_is("preposition"):
            self.places()
            self.expect(",")
        self.subject()
        if self.next_is("report"):
            self.expect("report")
            self.expect("relative")
            self.result.subjects.clear()
            self.subject()
        if self.next_is("adverb"):
            self.expect("adverb")
        if self.next_is("verb"):
            self.expect("verb")
            self.result.target = self.expect(lex.PRON)
        else:
            self.result.target = self.expect(lex.VERB)

    def relative(self, depth: int) -> None:
        """Read a relative clause and the fillers after its verb."""
        super().relative(depth)
        while self.next_is("adverb") or (
            self.next_is_word("and") and self.next_is("verb", ahead=1)
        ):
            if self.next_is("link"):
                self.expect("link")
                self.expect("verb")
            else:
                self.expect("adverb")


def analyse(tokens: Sequence[str]) -> Analysis:
    """Parse a sentence of the pronoun probe up to PRON; the rest is ignored.

    Raises:
        InputError: if the tokens are not a sentence of this grammar.
    """
    return _PronounParser(tokens).analysis()


def analyse_clause(tokens: Sequence[str]) -> Analysis:
    """Parse a sentence of the reflexive or agreement probe up to its target; the rest is ignored.

    Raises:
        InputError: if the tokens are not a sentence of this grammar.
    """
    return _ClauseParser(tokens).analysis()
