"""How much of a probe is generated, trained on and judged: options, without what needs torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from seqtag.checks import AtLeast, AtMost, NonEmpty, Share, check_fields
from seqtag.errors import InputError, unknown
from seqtag.probes.registry import PROBES

# Items and lags go through memory as a whole: more of them than any study needs would not fit.
_Items = Annotated[int, AtLeast(1), AtMost(10_000_000)]
_Lag = Annotated[int, AtLeast(0), AtMost(1_000_000)]
_Sequences = Annotated[int, AtLeast(1), AtMost(10**12)]


@dataclass(frozen=True)
class ProbeCorpusConfig:
    """How many items of which probe are generated.

    Attributes:
        probe: the probe's name.
        train: items of the training split.
        dev: items of the development split.
        test: items of the test split, which goes beyond the training range.
        lag: train at this value of the probe's axis alone; None: over the training range.
        seed: chooses the items; the same seed gives the same ones everywhere.
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
    """How much of a probe is trained on and judged.

    Attributes:
        train, dev: items of these splits.
        epochs: passes over the training items.
        items: items of each combination of factors on the grid.
        lags, budget: in the regime learn, where to train, and on how many sequences at most.
    """

    train: _Items
    dev: _Items
    epochs: Annotated[int, AtLeast(0), AtMost(1_000_000)]
    items: Annotated[int, AtLeast(1), AtMost(1_000_000)]
    lags: Annotated[list[_Lag], NonEmpty()]
    budget: _Sequences


@dataclass(frozen=True)
class ProbeConfig:
    """The group `probe`.

    Attributes:
        name: the probe's name.
        grid: values of factors to judge in place of the probe's own.
        quick, full: how much is trained on and judged in either size.
    """

    name: str
    grid: Mapping[str, Annotated[list[_Lag], NonEmpty()]] | None
    quick: ProbeSize
    full: ProbeSize

    def __post_init__(self) -> None:
        _check_name("name", self.name)


@dataclass(frozen=True)
class ReachConfig:
    """The group `regime`, where it is reach: train over the probe's training range."""

    name: Literal["reach"]


@dataclass(frozen=True)
class LearnConfig:
    """The group `regime`, where it is learn.

    Attributes:
        name: learn.
        lags: where to train, one after the other; they rise.
        budget: sequences that training may see at each.
        solved: a greater share of right development targets ends training: the lag is solved. Of
            a probe that judges whole items it is the share of those.
        check: sequences between two looks at the development items.
        give_up: after so many unsolved lags in a row longer ones are not tried.
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
            raise InputError(f"lags must rise: {self.lags}")


def _check_name(field: str, name: str) -> None:
    """Refuse a name that is not that of a probe."""
    if name not in PROBES:
        raise unknown(field, name, PROBES.names())
