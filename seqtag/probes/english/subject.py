"""Base class of reflexive and agreement: a word that agrees with the subject of its clause."""

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

# Share of training items whose subject is adjacent to the predicate, and the share of these whose
# subject is a held-out word, which occurs nowhere else in training.
_ADJACENT = 0.15
_HELD_OUT_ADJACENT = 0.6
# Numbers of attractors in the other training items, drawn uniformly. Shallow cues fail with 2.
_ATTRACTORS = (0, 1, 1, 2, 2, 2, 2)


class Combination(NamedTuple):
    """One combination of the factors."""

    attractors: int
    distance: int


class SubjectProbe(Probe):
    """The form of the subject, labelled after persons of other forms (attractors).

    Attractors come before the subject ("near the kings , the nun", "the kings said that the nun",
    "the kings ' nun") and after it: in places ("near the kings"), as objects of relative clauses
    ("who saw the kings") and as their subjects ("who the kings saw", nested twice at most). All
    persons are common nouns with "the", so that determiners and lengths give no information about
    the label.

    Factors:
        attractors: persons of another form than the label.
        distance: tokens between the subject and the target (neither counted).

    Items are balanced as described in `balance`. In addition, with two or more attractors, neither
    the number of persons nor the distance of the last one from the target shows whether it
    misleads; and with many attractors and enough distance, the label's form is about as frequent
    among the persons as any other.

    Splits: "train" and "dev" share words and templates; "test" has words that occur in training
    only as subjects adjacent to the predicate; "templates" has combinations of opening and
    modifier that do not occur in training.

    Attributes:
        target: the placeholder token.
        lexicons: the words for persons, for "training" and "held-out".
        form_of: form of each word for a person.
        min_distance: the least distance: words of the predicate before the target.
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
    min_distance: ClassVar[int]

    @abstractmethod
    def predicate(self, phrases: Phrases) -> list[str]:
        """Return the end of a sentence: all tokens after the subject and its modifiers."""

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with these factors; a factor left out takes its first value.

        Raises:
            InputError: for an unknown split or factor, or factors that no sentence can have.
        """
        combination = Combination(**self.complete(n, split, factors))
        random = self.random_stream(split, *combination, seed).random
        cases = balance.cases(combination.attractors, forms=self.labels)
        return [self._item(random, split, combination, case) for case in balanced(random, cases, n)]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, found by parsing the tokens.

        Raises:
            InputError: if the tokens are not a sentence of the grammar.
        """
        (subject,) = analyse_clause(tokens).subjects
        return cues.label_at(tokens, self.target, self.form_of[tokens[subject]])

    def baselines(self) -> dict[str, Labeller]:
        """Return baselines that decide by the forms of all persons; see `cues.baselines`."""
        return cues.baselines(self.target, self.form_of)

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason with the least distance if the distance is too short, else ""."""
        least = self.min_distance + clause.min_size(factors["attractors"])
        if factors["distance"] >= least:
            return ""
        return f"the least distance for these attractors is {least}"

    def draw_factors(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the factors of a sentence in a mixed corpus.

        In training, most sentences have attractors, and in some the subject is adjacent to the
        predicate. The judged splits cycle through the quick grid.
        """
        if split in self.judged:
            return super().draw_factors(random, split, number)
        if split == "train" and random() < _ADJACENT:
            return Combination(0, self.min_distance)._asdict()
        attractors = _ATTRACTORS[int(random() * len(_ATTRACTORS))]
        distances = [
            d
            for d in self.training["distance"]
            if self.possible(Combination(attractors, d)._asdict())
        ]
        return Combination(attractors, distances[int(random() * len(distances))])._asdict()

    def factors_at_lag(self, lag: int) -> dict[str, int]:
        """Raise InputError, because the axis counts attractors, which is not a lag."""
        raise InputError(
            f"probe {self.name}: cannot train at one lag, because its axis counts attractors; use "
            "regime=reach to train over its training range"
        )

    def error_kind(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return "capture" (the form of an attractor), "wrong" (of no person), or "" if right."""
        if predicted == item.labels[target]:
            return ""
        captured = predicted in cues.persons_before(item.tokens, self.target, self.form_of)
        return "capture" if captured else "wrong"

    def _echoes(self, case: balance.Case, attractors: int) -> tuple[int, int]:
        """Return the least and greatest number of persons of the label's form after the subject.

        The number of persons must not show whether the last person misleads. A last person that
        does not mislead is an echo itself, so otherwise there is one more echo. On average the
        label should be as frequent as any other form.
        """
        label, first, last = case
        if attractors == 0:
            return 0, 2
        if attractors == 1:
            first_misleads = int(first != label)
            return first_misleads, first_misleads + 1
        last_misleads = int(last != label)
        most = max(1, 2 * (attractors // (len(self.labels) - 1)) - 4)
        return last_misleads, last_misleads + most

    def _item(
        self, random: Callable[[], float], split: str, combination: Combination, case: balance.Case
    ) -> ProbeItem:
        size = combination.distance - self.min_distance
        lexicon = "held-out" if split == "test" else "training"
        other_persons = self.lexicons[lexicon]
        if size == 0 and split == "train" and random() < _HELD_OUT_ADJACENT:
            lexicon = "held-out"
        max_after, echoes = clause.max_persons(size), self._echoes(case, combination.attractors)
        cast = balance.cast(random, case, combination.attractors, 0, max_after, self.labels, echoes)
        phrases = Phrases(random, other_persons, names=False)
        tokens, head, template = clause.write(
            phrases, cast, size, self.lexicons[lexicon], split == "templates"
        )
        tokens += self.predicate(phrases)
        target = head + combination.distance + 1
        labels: Labels = [None] * len(tokens)
        labels[target] = case[0]
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=(target,),
            factors=combination._asdict(),
            cue_positions=(head,),
            template=template,
            lexicon=lexicon,
            contrast=balance.contrast(case),
        )
