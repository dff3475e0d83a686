"""The pronoun probe: the form of PRON, which the preceding matrix subject determines.

    The actress near the king smiled , then saw the twins , and PRON laughed .

PRON refers to the subject of the latest matrix clause: M, F or PL. Attractors are persons of
another gender who are not matrix subjects: they occur in places ("near the king"), possessives,
objects, conjoined phrases and relative clauses. A switch introduces a new matrix subject of
another gender. Determiners ("the", none before a name) show no gender, and verbs do not agree with
their subject.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from seqtag.errors import InputError
from seqtag.probes.base import Labeller, Labels, Probe, ProbeItem
from seqtag.probes.english import balance, cues, sentences
from seqtag.probes.english.lexicon import GENDER_OF, GENDERS, PRON
from seqtag.probes.english.parsing import analyse
from seqtag.probes.registry import register
from seqtag.probes.synthetic import balanced

# Distances of the judged splits in a mixed corpus.
TEST_DISTANCES = (5, 10, 20, 50, 100, 200)
# Share of training items whose subject is adjacent to PRON, and the share of these whose subject
# is a held-out word, which occurs nowhere else in training.
_ADJACENT = 0.15
_HELD_OUT_ADJACENT = 0.6
# (attractors, switches) of the other training items, drawn uniformly; most are in _STRICT.
_MIX = ((0, 0), *2 * ((0, 1), (1, 0)), *5 * ((1, 1), (2, 0), (2, 1)))
# The pairs of these for which neither the first nor the last person is informative.
_STRICT = ((1, 1), (2, 0), (2, 1))


class Combination(NamedTuple):
    """One combination of the factors."""

    distance: int
    attractors: int
    switches: int
    depth: int

    def is_possible(self) -> bool:
        """Return whether a sentence can have these factors."""
        if self.distance == 1:
            return self.attractors == self.depth == 0
        return sentences.max_persons(self.distance, self.depth) >= self.attractors


def draw_at(
    random: Callable[[], float],
    kind: Callable[..., Any],
    distance: int,
    pairs: Sequence[tuple[int, int]],
) -> dict[str, int]:
    """Return random possible factors at a distance: first a pair of numbers, then the depth.

    Args:
        random: source of random numbers.
        kind: the class of combinations, such as `Combination`.
        distance: tokens between subject and pronoun.
        pairs: the numbers of other persons and of switches to draw from.
    """
    fitting = [pair for pair in pairs if kind(distance, *pair, 0).is_possible()]
    pair = fitting[int(random() * len(fitting))]
    possible = [
        combination
        for depth in range(4)
        if (combination := kind(distance, *pair, depth)).is_possible()
    ]
    return possible[int(random() * len(possible))]._asdict()


@register("pronoun")
@register("pronoun_nouns", names=False)
class PronounProbe(Probe):
    """The gender or number of the latest matrix subject, labelled at PRON.

    Factors (`distance` is required, the others default to 0):
        distance: tokens between the head of the last matrix subject and PRON (neither counted);
            1 is "Anna , PRON laughed .", 2 is impossible.
        attractors: persons who are not a matrix subject and have another gender than the label.
        switches: matrix subjects before the last, each with another gender than the next.
        depth: nesting depth of relative clauses between the last subject and PRON.
    A further factor, not on the grid: alone=1 generates sentences in which the subject is the only
    person. Otherwise, even without attractors, persons of the subject's own gender may follow it
    and be nearer to PRON.

    Splits: "train" and "dev" share words and templates; "test" has words that occur in training
    only as subjects adjacent to PRON; "templates" has combinations of opening and modifier that
    do not occur in training.

    Args:
        names: whether persons may be names. The name of a man or woman has no "the", so it is one
            token shorter than the name of a group. Without names every person has "the", and
            neither determiners nor lengths give information about the label.
    """

    version = 1
    labels = GENDERS
    splits = ("train", "dev", "test", "templates")
    judged = ("test", "templates")
    bidirectional_safe = True
    axis = "distance"
    unit = "tokens between subject and pronoun"
    training = MappingProxyType(
        {
            "distance": (1, *range(3, 21)),
            "attractors": (0, 1, 2),
            "switches": (0, 1),
            "depth": (0, 1, 2, 3),
        }
    )
    evaluation = MappingProxyType(
        {
            "distance": (5, 10, 20, 50, 100, 200, 500),
            "attractors": (0, 1, 2, 4, 6),
            "switches": (0, 1, 2, 5),
            "depth": (0, 1, 2, 3),
        }
    )
    quick = MappingProxyType(
        {"distance": TEST_DISTANCES, "attractors": (0, 2), "switches": (0, 1), "depth": (0,)}
    )

    def __init__(self, names: bool = True) -> None:
        self.names = names
        self.name = "pronoun" if names else "pronoun_nouns"

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with these factors; `balance` describes what is balanced exactly.

        Raises:
            InputError: for an unknown split or factor, or factors that no sentence can have.
        """
        on_grid = dict(factors)
        alone = on_grid.pop("alone", 0) == 1
        combination = Combination(**self.complete(n, split, on_grid))
        if alone and (combination.attractors or combination.switches):
            raise InputError(f"probe {self.name}: alone=1 requires attractors=0 and switches=0")
        random = self.random_stream(split, *combination, *["alone"] * alone, seed).random
        cases = balance.cases(combination.attractors, combination.switches)
        return [
            self._item(random, split, combination, case, alone)
            for case in balanced(random, cases, n)
        ]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, found by parsing the tokens.

        Raises:
            InputError: if the tokens are not a sentence of the grammar.
        """
        subject = analyse(tokens).subjects[-1]
        return cues.label_at(tokens, PRON, GENDER_OF[tokens[subject]])

    def baselines(self) -> dict[str, Labeller]:
        """Return baselines that decide by the forms of all persons; see `cues.baselines`."""
        return cues.baselines(PRON, GENDER_OF)

    def factors_at_lag(self, lag: int) -> dict[str, int]:
        """Return the factors of training at one distance, with the subject as the only person."""
        return {**super().factors_at_lag(lag), "alone": 1}

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return a reason with the least distance if the distance is too short, else ""."""
        combination = Combination(**factors)
        if combination.is_possible():
            return ""
        least = next(d for d in range(3, 10**9) if combination._replace(distance=d).is_possible())
        return f"the least distance for these attractors and this depth is {least}"

    def draw_factors(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the factors of a sentence in a mixed corpus.

        In training, most sentences have attractors or a switch, and in some the subject is
        adjacent to PRON. The judged splits cycle through `TEST_DISTANCES`, with numbers of
        attractors and switches from the training range that no shallow cue solves.
        """
        judged = split in self.judged
        if split == "train" and random() < _ADJACENT:
            return Combination(1, 0, int(random() * 2), 0)._asdict()
        distance = (
            TEST_DISTANCES[number % len(TEST_DISTANCES)] if judged else 3 + int(random() * 18)
        )
        return draw_at(random, Combination, distance, _STRICT if judged else _MIX)

    def error_kind(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return the kind of error: "stale", "capture" or "wrong"; "" if the prediction is right.

        stale: the form of an earlier subject, even if an attractor has it too. capture: the form
        of an attractor only. wrong: a form that no other person before PRON has.
        """
        if predicted == item.labels[target]:
            return ""
        if predicted in {GENDER_OF[item.tokens[i]] for i in item.cue_positions[:-1]}:
            return "stale"
        captured = predicted in cues.persons_before(item.tokens, PRON, GENDER_OF)
        return "capture" if captured else "wrong"

    def complete(self, n: int, split: str, factors: Mapping[str, int]) -> dict[str, int]:
        """Check the arguments of `generate`; return all factors. `distance` has no default."""
        if "distance" not in self.check(n, split, factors):
            raise InputError(f"probe {self.name}: factor distance is missing")
        return super().complete(n, split, factors)

    def _item(
        self,
        random: Callable[[], float],
        split: str,
        combination: Combination,
        case: balance.Case,
        alone: bool,
    ) -> ProbeItem:
        lexicon = self.lexicon_of(random, split, combination.distance)
        max_after = sentences.max_persons(combination.distance, combination.depth)
        if alone:
            cast = balance.Cast(before=[], subjects=[case[0]], between=[], after=[])
        else:
            cast = balance.cast(
                random, case, combination.attractors, combination.switches, max_after
            )
        contrast = balance.contrast(case)
        return self.sentence(random, split, combination._asdict(), cast, lexicon, contrast)

    def lexicon_of(self, random: Callable[[], float], split: str, distance: int) -> str:
        """Return the words for persons of an item: "training" or "held-out"."""
        if distance == 1 and split == "train" and random() < _HELD_OUT_ADJACENT:
            return "held-out"
        return "held-out" if split == "test" else "training"

    def sentence(
        self,
        random: Callable[[], float],
        split: str,
        factors: Mapping[str, int],
        cast: balance.Cast,
        lexicon: str,
        contrast: str,
    ) -> ProbeItem:
        """Return a random sentence with these persons."""
        distance, depth = factors["distance"], factors["depth"]
        held_out_template = split == "templates"
        tokens, heads, template = sentences.write(
            random, cast, distance, depth, lexicon, held_out_template, self.names
        )
        target = heads[-1] + distance + 1
        labels: Labels = [None] * len(tokens)
        labels[target] = cast.subjects[-1]
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=(target,),
            factors=factors,
            cue_positions=tuple(heads),
            template=template,
            lexicon=lexicon,
            contrast=contrast,
        )
