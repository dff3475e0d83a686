"""What a probe is: labelled sequences whose answer lies a known distance away."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, NamedTuple

from seqtag.errors import InputError, did_you_mean

# One label a token; None where nothing is asked.
Labels = list[str | None]
# Something that labels a sequence: the oracle, a baseline.
Labeller = Callable[[Sequence[str]], Labels]


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
    template: str
    lexicon: str
    contrast: str


class Published(NamedTuple):
    """A published figure that a probe stands beside."""

    what: str
    value: str
    source: str


class Probe(ABC):
    """A generator of labelled sequences, and an independent solver of them.

    Class attributes:
        name, version: a change of what `generate` returns is a new version.
        labels: the labels that a target can have.
        splits: the names that `generate` takes as `split`.
        bidirectional_safe: whether the tokens behind a target say nothing about its label, so
            that a model that reads both ways is tested as fairly as one that reads forward.
        training: values of each factor inside the training range.
        evaluation: values of each factor on the grid that a model is judged on.
        published: figures of others, with their source.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    labels: ClassVar[tuple[str, ...]]
    splits: ClassVar[tuple[str, ...]]
    bidirectional_safe: ClassVar[bool]
    training: ClassVar[Mapping[str, Sequence[int]]]
    evaluation: ClassVar[Mapping[str, Sequence[int]]]
    published: ClassVar[tuple[Published, ...]] = ()

    @abstractmethod
    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items with exactly these factors.

        A pure function of its arguments: the same on every machine and on every day.

        Raises:
            InputError: for an unknown split or factor, or factors that cannot go together.
        """

    @abstractmethod
    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the right labels, found from the tokens alone and not as `generate` does."""

    @abstractmethod
    def chance(self, factors: Mapping[str, int]) -> float:
        """Return the accuracy of guessing among the labels under these factors."""

    @abstractmethod
    def baselines(self) -> dict[str, Labeller]:
        """Return solvers that cannot do the task, by name: what a score must stand above."""

    def check(self, n: int, split: str, factors: Mapping[str, int]) -> dict[str, int]:
        """Return `factors` as a dict after checking number, split, names and types.

        Raises:
            InputError: naming what is wrong.
        """
        if n < 0:
            raise InputError(f"probe {self.name}: {n} items asked for")
        if split not in self.splits:
            known = ", ".join(self.splits)
            raise InputError(
                f"probe {self.name}: no split {split!r}{did_you_mean(split, self.splits)}; "
                f"there are {known}"
            )
        for name, value in factors.items():
            if name not in self.evaluation:
                known = ", ".join(self.evaluation)
                raise InputError(
                    f"probe {self.name}: no factor {name!r}{did_you_mean(name, self.evaluation)}; "
                    f"there are {known}"
                )
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError(
                    f"probe {self.name}: factor {name} must be a whole number from 0, got {value!r}"
                )
        return dict(factors)

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
