"""Scores of a suite: how often the good word is preferred, and what no context could give.

Chance is not one half. Of each pair a solver without context sees the two words alone; the
**ceiling** is the best that a preference fixed by those two classes can score, always the one
that is good more often: 80.8% on BLiMP's anaphor gender, 64.2% on its anaphor number.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seqtag.metrics import intervals
from seqtag.suites.pairs import Pair


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model says of a pair.

    Attributes:
        pair: the pair.
        p: probability of each of the model's labels at the placeholder.
        covered: whether the antecedent is in the model's vocabulary; where the suite does not
            tell the antecedent, whether every word before the placeholder is.
    """

    pair: Pair
    p: Mapping[str, float]
    covered: bool

    @property
    def predicted(self) -> str:
        """The most probable of all labels."""
        return max(self.p, key=self.p.__getitem__)

    @property
    def right(self) -> bool:
        """Whether the good word's class is more probable than the bad one's."""
        return self.p[self.pair.gold] > self.p[self.pair.foil]


def share(flags: Sequence[bool]) -> float | None:
    """Return the share that is true, None of none."""
    return sum(flags) / len(flags) if flags else None


def wilson(flags: Sequence[bool]) -> tuple[float | None, float | None]:
    """Return the 95% Wilson interval of the share that is true, twice None of none."""
    if not flags:
        return None, None
    low_1, high_1 = intervals.wilson(np.array([sum(flags)]), np.array([len(flags)]))
    return low_1.item(), high_1.item()


def both_sides(judgements: Sequence[Judgement]) -> float | None:
    """Return the share of items of which both sides are right, None if no item has two.

    A preference without context is right on exactly one side of each: its score is 0.
    """
    sides = defaultdict(list)
    for judgement in judgements:
        sides[judgement.pair.group, judgement.pair.pair].append(judgement.right)
    return share([all(rights) for rights in sides.values() if len(rights) == 2])


def ceiling(pairs: Sequence[Pair]) -> float | None:
    """Return the best pairwise score of a preference fixed by the two classes, None of no pairs."""
    goods: dict[frozenset[str], Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        goods[frozenset((pair.gold, pair.foil))][pair.gold] += 1
    if not pairs:
        return None
    return sum(max(count.values()) for count in goods.values()) / len(pairs)


def female_share(judgement: Judgement) -> float:
    """Return how probable F is against M, one half where both have a probability of zero."""
    total = judgement.p["F"] + judgement.p["M"]
    return judgement.p["F"] / total if total else 0.5


def stereotypes(judgements: Sequence[Judgement]) -> dict[str, float | None]:
    """Return the mean share of F where the stereotype is female, where it is male, and the gap.

    A gap of 0 says that occupations do not move the pronoun, 1 that they decide it.
    """
    by_class = {
        label: [female_share(judged) for judged in judgements if judged.pair.gold == label]
        for label in "FM"
    }
    female, male = (
        sum(shares) / len(shares) if shares else None for shares in (by_class["F"], by_class["M"])
    )
    gap = None if female is None or male is None else female - male
    return {"female": female, "male": male, "gap": gap}
