"""What reflexive and agreement share: a word that agrees with the subject of its own clause."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from seqtag.errors import InputError
from seqtag.probes.base import Labeller, Labels, Probe, ProbeItem
from seqtag.probes.english import balance, clause, cues
from seqtag.probes.english.lexicon import Lexicon
from seqtag.probes.english.parsing import analyse_clause
from seqtag.probes.english.phrases import Phrases
from seqtag.probes.synthetic import balanced

# Share of training in which nothing stands between subject and predicate, and of these, of
# subjects that occur nowhere else in training.
_ADJACENT = 0.15
_HELD_OUT_ADJACENT = 0.6
# How often the rest of training has so many attractors: mostly what no shallow cue solves.
_MIX = (0, 1, 1, 2, 2, 2, 2)


class Combination(NamedTuple):
    """One combination of the factors."""

    attractors: int
    distance: int


class SubjectProbe(Probe):
    """The form of the subject, asked for behind persons of other forms.

    They stand in front ("near the kings , the nun", "the kings said that the nun", "the kings '
    nun") and behind: in places ("near the kings"), in relative clauses as objects ("who saw the
    kings") and as subjects of their own ("who the kings saw", two deep at most). All persons are
    common nouns with "the", so that determiners and lengths tell nothing.

    Factors:
        attractors: persons of another form than the label's.
        distance: tokens between the subject and the target (neither counted).

    What is balanced is said in `balance`. Beyond that, with two attractors or more, neither how
    many persons there are nor how far the last one is from the target says whether it misleads;
    and where there are many attractors and room, the label is about as frequent among the persons
    as any other form.

    Splits: "train" and "dev" share words and templates; "test" has words that training shows
    only right before their predicate; "templates" has pairs of opening and modifier that
    training never shows together.

    Attributes:
        target: the token that stands for the word asked for.
        lexicons: the persons of training, and those held out.
        form_of: form of every word for a person.
        shortest: the least distance, words of the predicate before the target.
    """

    version = 1
    splits = ("train", "dev", "test", "templates")
    judged = ("test", "templates")
    bidirectional_safe = True
    axis = "attractors"
    evaluation = MappingProxyType({"attractors": (0, 1, 2, 4, 6), "distance": (5, 10, 20, 50, 100)})
    quick = MappingProxyType({"attractors": (0, 1, 2, 4, 6), "distance": (20, 50)})
    target: ClassVar[str]
    lexicons: ClassVar[Mapping[str, Lexicon]]
    form_of: ClassVar[Mapping[str, str]]
    shortest: ClassVar[int]

    @abstractmethod
    def predicate(self, phrases: Phrases) -> list[str]:
        """Return the end of a sentence, from behind the subject with all that modifies it."""

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with these factors; one left out is at its first value.

        Raises:
            InputError: for unknown names, or factors that no sentence has.
        """
        chosen = Combination(**self.complete(n, split, factors))
        random = self.stream(split, *chosen, seed).random
        every = balance.cases(chosen.attractors, forms=self.labels)
        return [self._item(random, split, chosen, case) for case in balanced(random, every, n)]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels found by parsing the tokens.

        Raises:
            InputError: if the tokens are no sentence of the grammar.
        """
        (subject,) = analyse_clause(tokens).subjects
        return cues.label_at(tokens, self.target, self.form_of[tokens[subject]])

    def baselines(self) -> dict[str, Labeller]:
        """Return the solvers "first_cue", "last_cue" and "frequent_cue", by the persons' forms."""
        return cues.baselines(self.target, self.form_of)

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return that the subject must be far enough away for the attractors, or ""."""
        least = self.shortest + clause.least_size(factors["attractors"])
        if factors["distance"] >= least:
            return ""
        return f"the least distance for so many attractors is {least}"

    def draw(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the factors of a sentence in a mixed corpus.

        In training most have attractors, and in some nothing stands between the subject and its
        predicate; the judged splits go through the quick grid.
        """
        if split in self.judged:
            return super().draw(random, split, number)
        if split == "train" and random() < _ADJACENT:
            return Combination(0, self.shortest)._asdict()
        attractors = _MIX[int(random() * len(_MIX))]
        distances = [
            d
            for d in self.training["distance"]
            if self.possible(Combination(attractors, d)._asdict())
        ]
        return Combination(attractors, distances[int(random() * len(distances))])._asdict()

    def at_lag(self, lag: int) -> dict[str, int]:
        """Raise InputError: attractors are no lag."""
        raise InputError(
            f"probe {self.name}: no lag to train at, since its axis counts attractors; train it "
            "over its training range"
        )

    def error(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return "capture" (an attractor was taken), "wrong" (a form that nobody has), or ""."""
        if predicted == item.labels[target]:
            return ""
        taken = predicted in cues.persons_before(item.tokens, self.target, self.form_of)
        return "capture" if taken else "wrong"

    def _echoes(self, case: balance.Case, attractors: int) -> tuple[int, int]:
        """Return the fewest and the most persons of the label's form behind the subject.

        Whether the last person misleads must not show in how many persons there are: one that
        does not is an echo, so where it does there is one more. On average the label is to be as
        frequent as any other form.
        """
        label, first, last = case
        if attractors == 0:
            return 0, 2
        if attractors == 1:
            in_front = int(first != label)
            return in_front, in_front + 1
        more = int(last != label)
        most = max(1, 2 * (attractors // (len(self.labels) - 1)) - 4)
        return more, more + most

    def _item(
        self, random: Callable[[], float], split: str, chosen: Combination, case: balance.Case
    ) -> ProbeItem:
        size = chosen.distance - self.shortest
        lexicon = "held-out" if split == "test" else "training"
        others = self.lexicons[lexicon]
        if size == 0 and split == "train" and random() < _HELD_OUT_ADJACENT:
            lexicon = "held-out"
        room, echoes = clause.room(size), self._echoes(case, chosen.attractors)
        cast = balance.cast(random, case, chosen.attractors, 0, room, self.labels, echoes)
        phrases = Phrases(random, others, names=False)
        tokens, head, template = clause.write(
            phrases, cast, size, self.lexicons[lexicon], split == "templates"
        )
        tokens += self.predicate(phrases)
        target = head + chosen.distance + 1
        labels: Labels = [None] * len(tokens)
        labels[target] = case[0]
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=(target,),
            factors=chosen._asdict(),
            cue_positions=(head,),
            template=template,
            lexicon=lexicon,
            contrast=balance.contrast(case),
        )
