"""Scores of a suite: how often the good word is preferred, and the ceiling without context.

Chance is not one half. A solver without context sees only the two words of a pair. Its best
strategy is to always prefer, of the two classes, the one that is more often good. The score of
this strategy is the **ceiling**: 80.8% on BLiMP's anaphor gender, 64.2% on its anaphor number.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seqtag.metrics import intervals
from seqtag.suites.pairs import Pair


@dataclass(frozen=True, slots=True)
class Judgement:
    """A model's predictions for a pair.

    Attributes:
        pair: the pair.
        p: probability of each of the model's labels at the placeholder.
        covered: whether the antecedent is in the model's vocabulary; if the suite does not mark
            an antecedent, whether all words before the placeholder are.
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
    """Return the share of true flags; None if there are none."""
    return sum(flags) / len(flags) if flags else None


def wilson(flags: Sequence[bool]) -> tuple[float | None, float | None]:
    """Return the 95% Wilson interval of the share of true flags; None, None without flags."""
    if not flags:
        return None, None
    low_1, high_1 = intervals.wilson(np.array([sum(flags)]), np.array([len(flags)]))
    return low_1.item(), high_1.item()


def both_sides(judgements: Sequence[Judgement]) -> float | None:
    """Return the share of items with both sides right; None if no item has two sides.

    A preference without context is right on exactly one side of each item, so it scores 0.
    """
    sides = defaultdict(list)
    for judgement in judgements:
        sides[judgement.pair.group, judgement.pair.pair].append(judgement.right)
    return share([all(rights) for rights in sides.values() if len(rights) == 2])


def ceiling(pairs: Sequence[Pair]) -> float | None:
    """Return the best pairwise score that ignores the context; None if there are no pairs."""
    good_counts: dict[frozenset[str], Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        good_counts[frozenset((pair.gold, pair.foil))][pair.gold] += 1
    if not pairs:
        return None
    return sum(max(count.values()) for count in good_counts.values()) / len(pairs)


def female_share(judgement: Judgement) -> float:
    """Return p(F) ÷ (p(F) + p(M)); one half if both probabilities are zero."""
    total = judgement.p["F"] + judgement.p["M"]
    return judgement.p["F"] / total if total else 0.5


def stereotypes(judgements: Sequence[Judgement]) -> dict[str, float | None]:
    """Return the mean `female_share` of female and of male stereotypes, and their gap.

    The keys are female, male and gap (female − male); a value is None if there are no such pairs. A
    gap of 0 means that occupations do not influence the pronoun, 1 that they determine it.
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
