"""Typed settings of probes: how much is generated, trained on and judged. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from seqtag.checks import AtLeast, AtMost, NonEmpty, NotNegative, Share, check_fields
from seqtag.errors import InputError, unknown
from seqtag.probes.registry import PROBES

# All items of a split are held in memory, so these limits keep a typing error from filling it.
_Items = Annotated[int, AtLeast(1), AtMost(10_000_000)]
_Lag = Annotated[int, AtLeast(0), AtMost(1_000_000)]
_Sequences = Annotated[int, AtLeast(1), AtMost(10**12)]


@dataclass(frozen=True)
class ProbeCorpusConfig:
    """Settings of a generated corpus: which probe, and how many items.

    Attributes:
        probe: the probe's name.
        train: items of the training split.
        dev: items of the development split.
        test: items of the test split, which goes beyond the training range.
        lag: train only at this value of the probe's axis; None: over the training range.
        seed: random seed of the items; the same seed gives the same items on every machine.
    """

    probe: str = "pronoun"
    train: _Items = 8000
    dev: _Items = 1000
    test: _Items = 1200
    lag: _Lag | None = None
    seed: Annotated[int, AtLeast(0)] = 0

    def __post_init__(self) -> None:
        check_fields(self)
        _check_name("probe", self.probe)


@dataclass(frozen=True)
class ProbeSize:
    """Amount of training and judging in one size (quick or full).

    Attributes:
        train, dev: items of these splits.
        epochs: passes over the training items.
        items: items of each combination of factors on the grid.
        lags: in the regime `learn`, the values of the probe's axis to train at.
        budget: in the regime `learn`, the most sequences to train on at each lag.
    """

    train: _Items
    dev: _Items
    epochs: Annotated[int, AtLeast(0), AtMost(1_000_000)]
    items: Annotated[int, AtLeast(1), AtMost(1_000_000)]
    lags: Annotated[list[_Lag], NonEmpty()]
    budget: _Sequences


@dataclass(frozen=True)
class ProbeConfig:
    """Settings of the config group `probe`.

    Attributes:
        name: the probe's name.
        grid: values of factors to judge instead of the probe's own.
        weight_decay: that of the optimizer in `regime=reach`.
        quick, full: amount of training and judging in each size.
    """

    name: str
    grid: Mapping[str, Annotated[list[_Lag], NonEmpty()]] | None
    weight_decay: NotNegative
    quick: ProbeSize
    full: ProbeSize

    def __post_init__(self) -> None:
        _check_name("name", self.name)


@dataclass(frozen=True)
class ReachConfig:
    """Settings of `regime=reach`: train over the whole training range of the probe."""

    name: Literal["reach"]


@dataclass(frozen=True)
class LearnConfig:
    """Settings of `regime=learn`: train from scratch at one lag after another.

    Attributes:
        name: "learn".
        lags: values of the probe's axis to train at, in ascending order.
        budget: the most sequences to train on at each lag.
        solved: the lag counts as solved, and training ends, when more than this share of the
            development targets is right (of whole items, if the probe judges whole items).
        check: sequences between two evaluations on the development items.
        give_up: skip the remaining, longer lags after this many unsolved lags in a row.
    """

    name: Literal["learn"]
    lags: Annotated[list[_Lag], NonEmpty()]
    budget: _Sequences
    solved: Share
    check: _Sequences
    give_up: _Sequences

    def __post_init__(self) -> None:
        check_fields(self)
        if sorted(set(self.lags)) != self.lags:
            raise InputError(f"lags must be in ascending order, each once: {self.lags}")


def _check_name(field: str, name: str) -> None:
    """Raise InputError if `name` is not a registered probe."""
    if name not in PROBES:
        raise unknown(field, name, PROBES.names())
