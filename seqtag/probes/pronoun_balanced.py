"""The pronoun probe, version 2: counterbalanced, so that only the subject gives the answer.

    Near the twins , the king 's nun beside Peter smiled , and PRON laughed .

In version 1 (`pronoun`) the label can be guessed from the forms in view: the most frequent form so
far is right in four of five items of its quick grid. Here, in each combination of factors of the
main table, the three forms are equally frequent in each sentence, and the label is uniform over
them given the order of all forms (see `english.counterbalance`). Every reader of forms who does not
find the subject is at 1/3: the first, the last, the second, the last but one, the most frequent.

Combinations for which this is impossible form a second table, "retention": with no rival the form
in view is the answer, with one rival it is one of two. They measure whether a form is kept at all,
their chance is 1 and 1/2, and they are in no average of the main table.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from seqtag.probes.base import ProbeItem
from seqtag.probes.english import balance, counterbalance, sentences
from seqtag.probes.pronoun import PronounProbe, draw_at
from seqtag.probes.registry import register

# Distances of the judged splits in a mixed corpus.
_TEST_DISTANCES = (20, 50, 100, 200)
# Share of training items whose subject is adjacent to PRON.
_ADJACENT = 0.15
# (rivals, switches) of the judged splits in a mixed corpus, and of the other training items: drawn
# uniformly, but the shorter distances have room only for the first few.
_MAIN = ((2, 0), (4, 0), (4, 1))
_MIX = ((0, 0), *2 * ((1, 0),), *5 * _MAIN)


class Combination(NamedTuple):
    """One combination of the factors."""

    distance: int
    rivals: int
    switches: int
    depth: int

    @property
    def room(self) -> int:
        """The most persons after the last subject, at most all; -1 if depth does not fit."""
        if self.distance == 1:
            return -1 if self.depth else 0
        fitting = sentences.max_persons(self.distance, self.depth)
        return min(fitting, counterbalance.persons_of(self.rivals))

    def is_possible(self) -> bool:
        """Return whether counterbalanced items can have these factors."""
        rivals, switches = self.rivals, self.switches
        if not counterbalance.is_uniform(rivals):
            return switches == 0 and self.room >= rivals
        if rivals % 2 or rivals > counterbalance.MAX_RIVALS:
            return False
        return bool(counterbalance.arrangements(rivals, switches, self.room))

    def fits_with_room(self) -> bool:
        """Return whether these factors are possible at a large distance."""
        return self._replace(distance=100).is_possible()


@register("pronoun_balanced")
class BalancedPronounProbe(PronounProbe):
    """The gender or number of the latest matrix subject, labelled at PRON, counterbalanced.

    Factors (`distance` is required, the others default to 0):
        distance: tokens between the head of the last matrix subject and PRON (neither counted).
        rivals: persons of another form than the label, earlier subjects included: 0, 1, 2, 4 or 6.
            From 2 on, each form has half as many persons as there are rivals.
        switches: matrix subjects before the last, each with another form than the next; they are
            among the rivals unless they have the label's form. At least 4 rivals are needed.
        depth: nesting depth of relative clauses between the last subject and PRON.

    What remains to be guessed from: an earlier subject is never of the form of the next one, so at
    one switch a reader who finds the first subject, but not the second, is right in 1/2. With two
    rivals the last person may be the subject, so the gap before PRON says something about it. And a
    reader of places, not forms, can use how often the subject stands at each place.

    The splits are those of `pronoun`. Items are balanced exactly if their number is a multiple of
    `block` (with one rival: of 12).
    """

    version = 2
    block = counterbalance.BLOCK
    training = MappingProxyType(
        {
            "distance": (1, *range(3, 21)),
            "rivals": (0, 1, 2, 4),
            "switches": (0, 1),
            "depth": (0, 1, 2, 3),
        }
    )
    evaluation = MappingProxyType(
        {
            "distance": (5, 10, 20, 50, 100, 200, 500),
            "rivals": (0, 1, 2, 4, 6),
            "switches": (0, 1, 2, 3, 5),
            "depth": (0, 1, 2, 3),
        }
    )
    quick = MappingProxyType(
        {
            "distance": (5, 10, 20, 50, 100, 200),
            "rivals": (0, 1, 2, 4),
            "switches": (0, 1),
            "depth": (0,),
        }
    )

    def __init__(self) -> None:
        super().__init__()
        self.name = "pronoun_balanced"

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with these factors, in blocks; see `counterbalance`.

        Raises:
            InputError: for an unknown split or factor, or factors that no balanced items can have.
        """
        combination = Combination(**self.complete(n, split, factors))
        random = self.random_stream(split, *combination, seed).random
        rivals, switches, room = combination.rivals, combination.switches, combination.room
        items = []
        for cast in counterbalance.casts(random, n, rivals, switches, room):
            lexicon = self.lexicon_of(random, split, combination.distance)
            forms = [*cast.before, *cast.subjects, *cast.after]
            contrast = balance.contrast((cast.subjects[-1], forms[0], forms[-1]))
            items.append(
                self.sentence(random, split, combination._asdict(), cast, lexicon, contrast)
            )
        return items

    def table_of(self, factors: Mapping[str, int]) -> str:
        """Return "retention" for combinations that cannot be balanced, else "main"."""
        return "main" if counterbalance.is_uniform(factors["rivals"]) else "retention"

    def chance(self, factors: Mapping[str, int]) -> float:
        """Return the accuracy of a reader of forms who does not find the subject."""
        rivals = self.complete(0, self.judged[0], factors)["rivals"]
        return 1 / min(rivals + 1, len(self.labels))

    def factors_at_lag(self, lag: int) -> dict[str, int]:
        """Return the factors of training at one distance, with the subject as the only person."""
        return Combination(lag, 0, 0, 0)._asdict()

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return why no balanced items have these factors, with the nearest values, else ""."""
        combination = Combination(**factors)
        if combination.is_possible():
            return ""
        rivals, switches, depth = combination[1:]
        known = ", ".join(map(str, self.evaluation["rivals"]))
        if rivals not in self.evaluation["rivals"]:
            return f"forms can be balanced with {known} rivals"
        most = max(s for s in range(9) if combination._replace(switches=s).fits_with_room())
        if switches > most:
            return f"with {rivals} rivals the most switches are {most}"
        least = next(d for d in range(3, 999) if combination._replace(distance=d).is_possible())
        return f"the least distance for these rivals and switches at depth {depth} is {least}"

    def draw_factors(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the factors of a sentence in a mixed corpus.

        In training, most sentences are balanced as those of the main table, and in some the subject
        is adjacent to PRON. The judged splits cycle through some distances of the quick grid.
        """
        judged = split in self.judged
        if split == "train" and random() < _ADJACENT:
            return Combination(1, 0, 0, 0)._asdict()
        distance = (
            _TEST_DISTANCES[number % len(_TEST_DISTANCES)] if judged else 3 + int(random() * 18)
        )
        return draw_at(random, Combination, distance, _MAIN if judged else _MIX)
