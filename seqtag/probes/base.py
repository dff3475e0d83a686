"""Base class of probes: labelled sequences whose answer lies a known distance away."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Annotated, ClassVar, NamedTuple

from seqtag.checks import AtLeast, checked
from seqtag.errors import InputError, unknown

# One label per token; None for tokens that are not targets.
Labels = list[str | None]
# A function that labels a sequence: an oracle or a baseline.
Labeller = Callable[[Sequence[str]], Labels]

_Factor = Annotated[int, AtLeast(0)]


@dataclass(frozen=True, slots=True)
class ProbeItem:
    """One labelled sequence of a probe.

    Attributes:
        tokens: the sequence.
        labels: one per token; None except at the targets.
        targets: positions of the labelled tokens.
        factors: value of each factor (distance, attractors, ...); accuracy is reported by these.
        cue_positions: positions of the tokens relevant to the answer, the deciding one last.
        template: name of the grammatical construction; some are held out from training.
        lexicon: "training" or "held-out": the set that the words come from.
        contrast: which shallow cues mislead in this item ("first", "congruent", ...; each probe
            defines its values).
    """

    tokens: tuple[str, ...]
    labels: tuple[str | None, ...]
    targets: tuple[int, ...]
    factors: Mapping[str, int]
    cue_positions: tuple[int, ...]
    template: str = ""
    lexicon: str = "training"
    contrast: str = ""


class Published(NamedTuple):
    """A published result to compare a probe's results with."""

    what: str
    value: str
    source: str


class Probe(ABC):
    """Generates labelled sequences, and solves them independently (the oracle).

    Example:
        probe = make_probe("long_lag")
        item = probe.generate(1, "train", {"lag": 20}, seed=0)[0]
        assert probe.oracle(item.tokens) == list(item.labels)

    Attributes (of the class, or of the instance where one class has several variants):
        name: the registered name.
        version: raise it when `generate` returns other items than before.
        labels: the labels that a target can have.
        splits: values of `split` in `generate`: "train", "dev" and those in `judged`.
        judged: the splits that a trained model is judged on.
        bidirectional_safe: whether the tokens after a target give no information about its label,
            so that a bidirectional model has no advantage over a forward one.
        axis: the factor on the x-axis of plots: a distance, lag, length or depth.
        unit: what `axis` counts, as the axis label: "tokens between subject and pronoun".
        whole: whether an item counts as right only if all its targets are right.
        block: items are balanced exactly if their number is a multiple of this.
        training: values of each factor within the training range.
        evaluation: values of each factor on the grid that a model is judged on.
        quick: the same for size=quick; a factor left out takes its first value in `evaluation`.
        published: published results, with their sources.
    """

    name: str
    version: ClassVar[int]
    labels: Sequence[str]
    splits: Sequence[str] = ("train", "dev", "test")
    judged: Sequence[str] = ("test",)
    bidirectional_safe: bool
    axis: ClassVar[str]
    unit: str
    whole: bool = False
    block: int = 1
    training: Mapping[str, Sequence[int]]
    evaluation: Mapping[str, Sequence[int]]
    quick: Mapping[str, Sequence[int]]
    published: ClassVar[tuple[Published, ...]] = ()

    @abstractmethod
    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with these factors; a factor left out takes its first value.

        The result depends only on the arguments, and is the same on every machine.

        Raises:
            InputError: for an unknown split or factor, or an impossible combination of factors.
        """

    @abstractmethod
    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the right labels, computed from the tokens alone, independently of `generate`."""

    def chance(self, factors: Mapping[str, int]) -> float:
        """Return the accuracy of random guessing under these factors.

        If `whole`, that is the probability that the guesses at all targets of an item are right.
        The default takes all labels as equally likely.

        Raises:
            InputError: for an unknown factor, or an impossible combination of factors.
        """
        self.complete(0, self.judged[0], factors)
        return 1 / len(self.labels)

    def baselines(self) -> dict[str, Labeller]:
        """Return baselines that use one shallow cue, by name; a model must score above them.

        The names are those of `columns.CUE_BASELINES`, as far as they make sense.
        Baselines that work for any probe (majority, context-free, window) are in `baselines.py`.
        The default is none, for probes in which no single token predicts the answer.
        """
        return {}

    def table_of(self, factors: Mapping[str, int]) -> str:
        """Return the table that items with these factors belong to: "main", or another name.

        Averages are taken over the main table; others are reported on their own.
        """
        return "main"

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return why no item can have these factors, with the nearest possible value, else "".

        `factors` must be complete. By default every combination is possible.
        """
        return ""

    def possible(self, factors: Mapping[str, int]) -> bool:
        """Return whether an item can have these factors, which must be complete."""
        return not self.why_impossible(factors)

    def draw_factors(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the factors of item `number` of a mixed corpus.

        By default: for "train" and "dev" each factor uniform over its training range, for the
        judged splits the combinations of the quick grid in turn.
        """
        if split in self.judged:
            combinations = self.grid(quick=True)
            return combinations[number % len(combinations)]
        while True:
            factors = {
                name: values[int(random() * len(values))] for name, values in self.training.items()
            }
            if self.possible(factors):
                return factors

    def factors_at_lag(self, lag: int) -> dict[str, int]:
        """Return the factors of training at one value of `axis`, the others at their easiest."""
        return {name: values[0] for name, values in self.training.items()} | {self.axis: lag}

    def error_kind(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return the kind of error of a prediction at a target; "" if the prediction is right."""
        return "" if predicted == item.labels[target] else "wrong"

    def within(self, factors: Mapping[str, int]) -> bool:
        """Return whether these factors lie within the training range."""
        return all(factors[name] in values for name, values in self.training.items())

    def grid(
        self, quick: bool = False, override: Mapping[str, Sequence[int]] | None = None
    ) -> list[dict[str, int]]:
        """Return all possible combinations of factors that a model is judged on.

        `override` replaces the values of the factors it names.

        Raises:
            InputError: for an unknown factor, or if no combination is possible.
        """
        values_of = {name: values[:1] for name, values in self.evaluation.items()}
        values_of |= self.quick if quick else self.evaluation
        for name, values in (override or {}).items():
            for value in values:
                self.check(0, "test", {name: value})
            values_of[name] = tuple(dict.fromkeys(values))  # duplicates would repeat the same items
        every = (dict(zip(values_of, row, strict=True)) for row in product(*values_of.values()))
        combinations = [factors for factors in every if self.possible(factors)]
        if not combinations:
            text = ", ".join(f"{name} {list(values)}" for name, values in values_of.items())
            raise InputError(f"probe {self.name}: no item has factors of this grid: {text}")
        return combinations

    def corpus(self, split: str, n: int, seed: int, lag: int | None = None) -> list[ProbeItem]:
        """Return `n` items in random order, with factors from `draw_factors`.

        If `lag` is given, all items have the factors of `factors_at_lag(lag)` instead.

        Raises:
            InputError: for an unknown split, or a lag that no item can have.
        """
        self.check(n, split, {})
        if lag is not None:
            return self.generate(n, split, self.factors_at_lag(lag), seed)
        random = self.random_stream("corpus", split, n, seed).random
        drawn = (self.draw_factors(random, split, number) for number in range(n))
        counts = Counter(tuple(factors.items()) for factors in drawn)
        items = [
            item
            for factors, count in sorted(counts.items())
            for item in self.generate(count, split, dict(factors), seed)
        ]
        return shuffled(random, items)

    def check(self, n: int, split: str, factors: Mapping[str, int]) -> dict[str, int]:
        """Check the arguments of `generate` and return `factors` as a dict.

        Raises:
            InputError: for a negative `n`, an unknown split or factor, or a wrong value.
        """
        if n < 0:
            raise InputError(f"probe {self.name}: n must be at least 0, not {n}")
        if split not in self.splits:
            raise unknown(f"split of the probe {self.name}", split, self.splits)
        for name, value in factors.items():
            if name not in self.evaluation:
                raise unknown(f"factor of the probe {self.name}", name, self.evaluation)
            checked(value, _Factor, f"probe {self.name}: factor {name}")
        return dict(factors)

    def complete(self, n: int, split: str, factors: Mapping[str, int]) -> dict[str, int]:
        """Check the arguments of `generate`; return all factors, defaults filled in.

        A factor left out takes its first value.

        Raises:
            InputError: as `check` does, or if no item can have these factors.
        """
        partial = self.check(n, split, factors)
        full = {name: partial.get(name, values[0]) for name, values in self.evaluation.items()}
        if reason := self.why_impossible(full):
            text = ", ".join(f"{name} {value}" for name, value in full.items())
            raise InputError(f"probe {self.name}: no item has {text}: {reason}")
        return full

    def random_stream(self, *key: object) -> Random:
        """Return a random generator seeded with `key`, the same on every machine.

        Use only its method `random()`: Python guarantees the same values in all versions only
        for that method.
        """
        text = repr((self.name, self.version, *key))
        return Random(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))


def pick(random: Callable[[], float], options: Sequence[str]) -> str:
    """Return one of `options`, all equally likely."""
    return options[int(random() * len(options))]


def shuffled(random: Callable[[], float], values: Sequence) -> list:
    """Return the values in random order (Fisher-Yates shuffle)."""
    order = list(values)
    for last in range(len(order) - 1, 0, -1):
        other = int(random() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order
