"""What a probe is: labelled sequences whose answer lies a known distance away."""

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

# One label a token; None where nothing is asked.
Labels = list[str | None]
# Something that labels a sequence: the oracle, a baseline.
Labeller = Callable[[Sequence[str]], Labels]

_Factor = Annotated[int, AtLeast(0)]


@dataclass(frozen=True, slots=True)
class ProbeItem:
    """One labelled sequence of a probe.

    Attributes:
        tokens: the sequence.
        labels: one a token; None everywhere but at the targets.
        targets: positions of the labelled tokens.
        factors: what was varied, by name; accuracy is sliced by these.
        cue_positions: positions of the tokens that bear on the answer, the deciding one last.
        template: name of the construction; some are kept out of training.
        lexicon: "training" or "held-out": which words the item is made of.
        contrast: which shallow cues mislead in this item, in the probe's own words.
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
    """A published figure that a probe stands beside."""

    what: str
    value: str
    source: str


class Probe(ABC):
    """A generator of labelled sequences, and an independent solver of them.

    Attributes, of the class or (a variant's) of the instance:
        name, version: a change of what `generate` returns is a new version.
        labels: the labels that a target can have.
        splits: the names that `generate` takes as `split`: "train", "dev" and those of `judged`.
        judged: the splits that a trained model is judged on.
        bidirectional_safe: whether the tokens behind a target say nothing about its label, so
            that a model that reads both ways is tested as fairly as one that reads forward.
        axis: the factor that accuracy is drawn against: a distance, lag, length or depth.
        unit: what `axis` counts, for the label of that axis: "tokens between subject and pronoun".
        whole: whether an item counts as right only if all its targets are.
        training: values of each factor inside the training range.
        evaluation: values of each factor on the grid that a model is judged on.
        quick: the same for a quick look; factors that it leaves out are at their first value.
        published: figures of others, with their source.
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
    training: Mapping[str, Sequence[int]]
    evaluation: Mapping[str, Sequence[int]]
    quick: Mapping[str, Sequence[int]]
    published: ClassVar[tuple[Published, ...]] = ()

    @abstractmethod
    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with exactly these factors; one left out is at its first value.

        A pure function of its arguments: the same on every machine and on every day.

        Raises:
            InputError: for an unknown split or factor, or factors that cannot go together.
        """

    @abstractmethod
    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the right labels, found from the tokens alone and not as `generate` does."""

    def chance(self, factors: Mapping[str, int]) -> float:
        """Return how often a guess among the labels is right under these factors.

        With `whole`, how often the guesses at all targets of an item are. Here: all labels are
        equally likely.

        Raises:
            InputError: as `generate` does.
        """
        self.complete(0, self.judged[0], factors)
        return 1 / len(self.labels)

    def baselines(self) -> dict[str, Labeller]:
        """Return solvers that cannot do the task, by name: what a score must stand above.

        `first_cue`, `last_cue` and `frequent_cue` where they make sense; what knows nothing of
        the probe (majority, context-free, window) is in `baselines.py`. Here: none, for probes
        in which no single token tells anything.
        """
        return {}

    def obstacle(self, factors: Mapping[str, int]) -> str:
        """Return why no item has these factors and the least that one has; "" if one has.

        All factors are given. Here: nothing is in the way.
        """
        return ""

    def possible(self, factors: Mapping[str, int]) -> bool:
        """Return whether there are items with these factors, all given."""
        return not self.obstacle(factors)

    def draw(self, random: Callable[[], float], split: str, number: int) -> dict[str, int]:
        """Return the factors of the item of that number in a mixed corpus.

        Here: for "train" and "dev" each uniform over its training range, otherwise the
        combinations of the quick grid in turn.
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

    def at_lag(self, lag: int) -> dict[str, int]:
        """Return the factors of training at one value of `axis`, and nothing else made hard."""
        return {name: values[0] for name, values in self.training.items()} | {self.axis: lag}

    def error(self, item: ProbeItem, target: int, predicted: str) -> str:
        """Return what kind of error a prediction at a target is; "" for a right one."""
        return "" if predicted == item.labels[target] else "wrong"

    def within(self, factors: Mapping[str, int]) -> bool:
        """Return whether these factors lie in the training range."""
        return all(factors[name] in values for name, values in self.training.items())

    def grid(
        self, quick: bool = False, override: Mapping[str, Sequence[int]] | None = None
    ) -> list[dict[str, int]]:
        """Return the combinations of factors that a model is judged on: the possible ones.

        `override` replaces the values of the factors that it names.

        Raises:
            InputError: for an unknown factor, or if no combination is possible.
        """
        asked = {name: values[:1] for name, values in self.evaluation.items()}
        asked |= self.quick if quick else self.evaluation
        for name, values in (override or {}).items():
            for value in values:
                self.check(0, "test", {name: value})
            asked[name] = tuple(dict.fromkeys(values))  # the same items twice prove no more
        every = (dict(zip(asked, values, strict=True)) for values in product(*asked.values()))
        combinations = [factors for factors in every if self.possible(factors)]
        if not combinations:
            text = ", ".join(f"{name} {list(values)}" for name, values in asked.items())
            raise InputError(f"probe {self.name}: no item has factors of this grid: {text}")
        return combinations

    def corpus(self, split: str, n: int, seed: int, lag: int | None = None) -> list[ProbeItem]:
        """Return `n` items in random order, their factors as `draw` gives them.

        With a `lag`, all of them are at that value of `axis`, as `at_lag` says.

        Raises:
            InputError: for an unknown split, or a lag that no item has.
        """
        self.check(n, split, {})
        if lag is not None:
            return self.generate(n, split, self.at_lag(lag), seed)
        random = self.stream("corpus", split, n, seed).random
        drawn = (self.draw(random, split, number) for number in range(n))
        counts = Counter(tuple(factors.items()) for factors in drawn)
        items = [
            item
            for factors, count in sorted(counts.items())
            for item in self.generate(count, split, dict(factors), seed)
        ]
        return shuffled(random, items)

    def check(self, n: int, split: str, factors: Mapping[str, int]) -> dict[str, int]:
        """Return `factors` as a dict after checking number, split, names and types.

        Raises:
            InputError: naming what is wrong.
        """
        if n < 0:
            raise InputError(f"probe {self.name}: {n} items asked for")
        if split not in self.splits:
            raise unknown(f"split of the probe {self.name}", split, self.splits)
        for name, value in factors.items():
            if name not in self.evaluation:
                raise unknown(f"factor of the probe {self.name}", name, self.evaluation)
            checked(value, _Factor, f"probe {self.name}: factor {name}")
        return dict(factors)

    def complete(self, n: int, split: str, factors: Mapping[str, int]) -> dict[str, int]:
        """Return all factors, those left out at their first value, after checking them.

        Raises:
            InputError: as `check` does, or if no item has these factors.
        """
        given = self.check(n, split, factors)
        full = {name: given.get(name, values[0]) for name, values in self.evaluation.items()}
        if obstacle := self.obstacle(full):
            text = ", ".join(f"{name} {value}" for name, value in full.items())
            raise InputError(f"probe {self.name}: no item has {text}: {obstacle}")
        return full

    def stream(self, *key: object) -> Random:
        """Return the source of chance that belongs to `key`, the same on every machine.

        Only its `random()` may be used: that method alone is promised never to change between
        versions of Python.
        """
        text = repr((self.name, self.version, *key))
        return Random(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))


def pick(random: Callable[[], float], options: Sequence[str]) -> str:
    """Return one of `options`, each as likely as the others."""
    return options[int(random() * len(options))]


def shuffled(random: Callable[[], float], values: Sequence) -> list:
    """Return the values in random order (Fisher and Yates)."""
    order = list(values)
    for last in range(len(order) - 1, 0, -1):
        other = int(random() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order
