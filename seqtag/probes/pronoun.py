"""The pronoun probe: the form that PRON must take, given the matrix subject before it.

    The actress near the king smiled , then saw the twins , and PRON laughed .

PRON refers to the subject of the latest matrix clause: M, F or PL. Attractors (persons of
another gender in places, possessives, objects, conjoined phrases and relative clauses) are never
matrix subjects; a switch brings a new matrix subject of another gender. There are no gendered
determiners ("the", or nothing before a name), and no verb form agrees with its subject.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from seqtag.errors import InputError
from seqtag.probes.base import Labeller, Labels, Probe, ProbeItem
from seqtag.probes.english import balance, cues, sentences
from seqtag.probes.english.lexicon import GENDER_OF, GENDERS, PRON
from seqtag.probes.english.parsing import analyse
from seqtag.probes.registry import register
from seqtag.probes.synthetic import balanced

# Distances at which the default corpus is tested.
TEST_DISTANCES = (5, 10, 20, 50, 100, 200)
# Share of training in which the subject stands right next to PRON, and of these, of subjects
# that occur nowhere else in training.
_ADJACENT = 0.15
_HELD_OUT_ADJACENT = 0.6
# How often training has so many attractors and switches: mostly what no shallow cue solves.
_MIX = ((0, 0), *2 * ((0, 1), (1, 0)), *5 * ((1, 1), (2, 0), (2, 1)))
# The part of it under which neither the first nor the last person tells anything.
_STRICT = ((1, 1), (2, 0), (2, 1))


class Combination(NamedTuple):
    """One combination of the factors."""

    distance: int
    attractors: int
    switches: int
    depth: int

    def fits(self) -> bool:
        """Return whether there is a sentence with these factors."""
        if self.distance == 1:
            return self.attractors == self.depth == 0
        return sentences.room(self.distance, self.depth) >= self.attractors


@register("pronoun")
@register("pronoun_nouns", names=False)
class PronounProbe(Probe):
    """Gender and number of the current matrix subject, asked for at PRON.

    Factors (all default to 0 but distance):
        distance: tokens between the head of the last matrix subject and PRON (neither counted);
            1 is "Anna , PRON laughed .", 2 does not exist.
        attractors: persons of another gender than the label's who are no matrix subject.
        switches: matrix subjects before the last, each of another gender than the next.
        depth: nesting of relative clauses between the last subject and PRON.
    Off the grid: alone=1 asks for sentences in which the subject is the only person. Otherwise
    persons of its own form come later too, even without attractors, and stand nearer to PRON.

    Splits: "train" and "dev" share words and templates; "test" has words that training shows
    only next to their pronoun; "templates" has pairs of opening and modifier that training
    never shows together.

    Args:
        names: whether persons may be names. A man's or woman's name stands without "the" and so
            is a token shorter than the plural's; without names all persons take "the", and
            neither determiners nor lengths tell anything at all.
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
        """Return `n` items with these factors; see `balance` for what is counted out exactly.

        Raises:
            InputError: for unknown names, or factors that no sentence has.
        """
        given = dict(factors)
        alone = given.pop("alone", 0) == 1
        chosen = Combination(**self.complete(n, split, given))
        if alone and (chosen.attractors or chosen.switches):
            raise InputError(f"probe {self.name}: alone leaves no attractors and no switches")
        random = self.stream(split, *chosen, *["alone"] * alone, seed).random
        every = balance.cases(chosen.attractors, chosen.switches)
        return [
            self._item(random, split, chosen, case, alone) for case in balanced(random, every, n)
        ]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels found by parsing the tokens.

        Raises:
            InputError: if the tokens are no sentence of the grammar.
        """
        subject = analyse(tokens).subjects[-1]
        return cues.label_at(tokens, PRON, GENDER_OF[tokens[subject]])

    def baselines(self) -> dict[str, Labeller]:
        """Return the solvers "first_cue", "last_cue" and "frequent_cue", by the persons' forms."""
        return cues.baselines(PRON, GENDER_OF)

    def at_lag(self, lag: int) -> dict[str, int]:
        """Return the factors of training at one distance: nobody else tells the label."""
        return {**super().at_lag(lag), "alone": 1}

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return that the subject must be far enough away for what stands between, or ""."""
        chosen = Combination(**factors)
        if chosen.fits():
            return ""
        least = next(d for d in range(3, 10**9) if chosen._replace(distance=d).fits())
        return f"the least distance for these attractors and this depth is {least}"

    def draw(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the factors of a sentence in a mixed corpus.

        In training most have attractors or a switch, and in some the subject stands right next
        to its pronoun; the judged splits go through `TEST_DISTANCES` with attractors and
        switches of the training range that no shallow cue solves.
        """
        judged = split in self.judged
        if split == "train" and random() < _ADJACENT:
            return Combination(1, 0, int(random() * 2), 0)._asdict()
        distance = (
            TEST_DISTANCES[number % len(TEST_DISTANCES)] if judged else 3 + int(random() * 18)
        )
        mix = [
            pair for pair in (_STRICT if judged else _MIX) if Combination(distance, *pair, 0).fits()
        ]
        pair = mix[int(random() * len(mix))]
        fitting = [
            chosen for depth in range(4) if (chosen := Combination(distance, *pair, depth)).fits()
        ]
        return fitting[int(random() * len(fitting))]._asdict()

    def error(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return "stale" (an old subject was kept), "capture" (an attractor was taken), or "".

        A form that both an old subject and an attractor have counts as stale; a form that
        nobody else in the sentence has is "wrong".
        """
        if predicted == item.labels[target]:
            return ""
        if predicted in {GENDER_OF[item.tokens[i]] for i in item.cue_positions[:-1]}:
            return "stale"
        taken = predicted in cues.persons_before(item.tokens, PRON, GENDER_OF)
        return "capture" if taken else "wrong"

    def complete(self, n: int, split: str, factors: Mapping[str, int]) -> dict[str, int]:
        """Return all factors after checking them; distance has no default."""
        if "distance" not in self.check(n, split, factors):
            raise InputError(f"probe {self.name}: factor distance is missing")
        return super().complete(n, split, factors)

    def _item(
        self,
        random: Callable[[], float],
        split: str,
        chosen: Combination,
        case: balance.Case,
        alone: bool,
    ) -> ProbeItem:
        lexicon = "held-out" if split == "test" else "training"
        if chosen.distance == 1 and split == "train" and random() < _HELD_OUT_ADJACENT:
            lexicon = "held-out"
        room = sentences.room(chosen.distance, chosen.depth)
        if alone:
            cast = balance.Cast(front=[], subjects=[case[0]], between=[], behind=[])
        else:
            cast = balance.cast(random, case, chosen.attractors, chosen.switches, room)
        tokens, heads, template = sentences.write(
            random,
            cast,
            chosen.distance,
            chosen.depth,
            lexicon,
            split == "templates",
            self.names,
        )
        target = heads[-1] + chosen.distance + 1
        labels: Labels = [None] * len(tokens)
        labels[target] = case[0]
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=(target,),
            factors=chosen._asdict(),
            cue_positions=tuple(heads),
            template=template,
            lexicon=lexicon,
            contrast=balance.contrast(case),
        )
