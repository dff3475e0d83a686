"""How many units of a layer hold the answer: units are silenced, most important first.

Groups of units are compared with random groups of the same size (Lakretz et al. 2019).

H units of the layer, M items, N targets, R runs or groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from seqtag.inspect.silence import check_units, silenced
from seqtag.probes.base import Probe, ProbeItem
from seqtag.study.decoding import Fitted, Place
from seqtag.study.judge import Predictions, predict
from seqtag.study.resampling import by_sentence, share
from seqtag.study.sentences import Part, Sentences
from seqtag.tagging.tagger import Tagger

# The orders in which units are silenced.
BY_WEIGHT, BY_EFFECT, RANDOM, GIVEN = "probe weight", "single unit", "random", "given"
NONE = "none"
_ERRORS = ("stale", "capture", "wrong")


@dataclass(frozen=True)
class Silencing:
    """What is silenced, and how.

    Attributes:
        layer: the layer and direction.
        state: the state whose linear probe orders the units by weight.
        fill: what is read of a silenced unit: "zero", or its "mean" over the fitted sentences.
        units: the units to silence; None: all sizes of groups, in both orders.
        groups: number of random groups of each size.
        seed: random seed of these groups.
    """

    layer: str
    state: str
    fill: Literal["zero", "mean"] = "zero"
    units: tuple[int, ...] | None = None
    groups: int = 10
    seed: int = 0


@dataclass(frozen=True)
class Answers:
    """The answers of a tagger to some items, with some units silenced.

    Attributes:
        order: how the units were chosen; size: their number; group: which random group.
        labels: the predicted label at each target.
    """

    order: str
    size: int
    group: int
    labels: list[str]


def silence_units(
    tagger: Tagger,
    sentences: Sentences,
    fitted: Mapping[Place, Fitted],
    silencing: Silencing,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Answers]:
    """Return the answers of a tagger with no unit, and with groups of units, silenced.

    The answers are those to `Sentences.answered`, all parts one after the other. The effects of
    single units, which order the units, are measured on the fitted sentences.

    Raises:
        InputError: for units that `check_units` refuses.
    """
    hidden = tagger.network.recurrent.hidden_size
    if silencing.units is not None:
        check_units(silencing.units, hidden)
    fill = None
    if silencing.fill == "mean":
        own = {
            name: f.property.mean_D
            for (layer, name), f in fitted.items()
            if layer == silencing.layer
        }
        fill = {name: mean_H.tolist() for name, mean_H in own.items()}

    def run(units: Sequence[int], items: Sequence[ProbeItem]) -> Predictions:
        changed = silenced(tagger, silencing.layer, units, fill) if len(units) else tagger
        return predict(changed, items)

    def p_gold(unit: int) -> float:
        return float(run([unit], sentences.fitted).p_gold_N.mean())

    answered = [item for part in sentences.answered for item in part.items]

    def answers(units: Sequence[int], order: str, group: int = 0) -> Answers:
        return Answers(order, len(units), group, run(units, answered).labels)

    results = [answers((), NONE)]
    for order, units in _orders(hidden, fitted, silencing, p_gold, progress).items():
        progress(f"silencing groups of units by {order}")
        results += [answers(units[:size], order) for size in _sizes(hidden, silencing)]
    progress(f"silencing {silencing.groups} random groups of each size")
    for group in range(silencing.groups):
        units = np.random.default_rng([silencing.seed, group]).permutation(hidden).tolist()
        results += [answers(units[:size], RANDOM, group) for size in _sizes(hidden, silencing)]
    return results


def _orders(
    hidden: int,
    fitted: Mapping[Place, Fitted],
    silencing: Silencing,
    p_gold: Callable[[int], float],
    progress: Callable[[str], None],
) -> dict[str, list[int]]:
    """Return the units in each order, the most important first."""
    if silencing.units is not None:
        return {GIVEN: list(silencing.units)}
    weight_H = fitted[silencing.layer, silencing.state].property.importance()
    progress(f"silencing each of {hidden} units alone")
    left_H = np.array([p_gold(unit) for unit in range(hidden)])
    return {
        BY_WEIGHT: np.argsort(-weight_H, kind="stable").tolist(),
        BY_EFFECT: np.argsort(left_H, kind="stable").tolist(),
    }


def _sizes(hidden: int, silencing: Silencing) -> list[int]:
    """Return the sizes of groups: 1, 2, 3, 4, 6, 8, 12, 16, ..., below the number of units."""
    if silencing.units is not None:
        return [len(silencing.units)]
    doubled = (base * 2**power for power in range(20) for base in (2, 3))
    return sorted({size for size in (1, *doubled) if size < hidden})


def answers_to(
    runs: Sequence[Sequence[Answers]], parts: Sequence[Part]
) -> list[tuple[Part, list[list[Answers]]]]:
    """Return the answers of `silence_units` to each part on its own."""
    ends = np.cumsum([0, *(len(_gold(part.items)) for part in parts)])
    return [
        (part, [[replace(each, labels=each.labels[first:last]) for each in run] for run in runs])
        for part, first, last in zip(parts, ends, ends[1:], strict=False)
    ]


def silencing_table(runs: Sequence[Sequence[Answers]], items: Sequence[ProbeItem]) -> pd.DataFrame:
    """Return the accuracy with groups of units silenced, over all taggers and random groups.

    Args:
        runs: the answers of each tagger to the items, with the same settings.
        items: the items.

    Returns:
        Columns: order, size, n, accuracy with the ends of its interval, least and most over
        taggers and groups, chance (the share of the most frequent label).
    """
    gold = _gold(items)
    chance = max(Counter(gold).values()) / len(gold)
    rows = []
    for (order, size), answers in _by_order(runs):
        right_RN = np.array([_right(each, gold) for each in answers])
        runs_R = right_RN.mean(axis=1)
        row = {"order": order, "size": size, "n": right_RN.size}
        row |= _accuracy(right_RN, items)
        rows.append(row | {"least": runs_R.min(), "most": runs_R.max(), "chance": chance})
    return pd.DataFrame(rows)


def units_table(runs: Sequence[Sequence[Answers]], items: Sequence[ProbeItem]) -> pd.DataFrame:
    """Return, for each tagger and order, the least size of a group without which it is at chance.

    It is at chance if the interval of the accuracy reaches down to the share of the most frequent
    label. Only the sizes that were tested count.

    Returns:
        Columns: model (number of the tagger), order, units (null if no group is large enough),
        accuracy with the ends of its interval, random (accuracy with random groups of the same
        size), random_low, random_high, unchanged (accuracy with no unit silenced).
    """
    rows = []
    for model, run in enumerate(runs):
        table = silencing_table([run], items).set_index(["order", "size"])
        for order in table.index.unique("order"):
            if order in (NONE, RANDOM):
                continue
            own = table.loc[order]
            reached = own[own["accuracy_low"] <= own["chance"]]
            size = None if reached.empty else int(reached.index[0])
            last = own.iloc[-1] if size is None else own.loc[size]
            random = table.loc[(RANDOM, int(last.name))]
            row: dict[str, Any] = {"model": model, "order": order, "units": size}
            row |= {name: last[name] for name in ("accuracy", "accuracy_low", "accuracy_high")}
            row |= {f"random{end}": random[f"accuracy{end}"] for end in ("", "_low", "_high")}
            rows.append(row | {"unchanged": table.loc[(NONE, 0), "accuracy"]})
    return pd.DataFrame(rows).astype({"units": "Int64"})


def forms_table(
    runs: Sequence[Sequence[Answers]],
    items: Sequence[ProbeItem],
    probe: Probe,
    sizes: Mapping[str, int],
) -> pd.DataFrame:
    """Return what is predicted in place of each label, with and without silenced units.

    Args:
        runs: the answers of each tagger.
        items: the items.
        probe: the probe of the items.
        sizes: the size of the group that is shown, by order; random groups have the largest one.

    Returns:
        Columns: order, size, gold, n; a share of the answers for each label; stale, capture, wrong
        (kinds of error, shares of all answers).
    """
    gold = _gold(items)
    shown = {(NONE, 0), *sizes.items(), *((RANDOM, size) for size in sizes.values())}
    rows = []
    for (order, size), answers in _by_order(runs):
        if (order, size) not in shown:
            continue
        for label in sorted(set(gold)):
            at = [place for place, value in enumerate(gold) if value == label]
            predicted = Counter(each.labels[place] for each in answers for place in at)
            total = len(at) * len(answers)
            row = {"order": order, "size": size, "gold": label, "n": total}
            row |= {f"predicted_{name}": predicted[name] / total for name in sorted(set(gold))}
            kinds = Counter(_errors(answers, items, probe, set(at)))
            rows.append(row | {name: kinds[name] / total for name in _ERRORS})
    return pd.DataFrame(rows)


def _by_order(
    runs: Sequence[Sequence[Answers]],
) -> Iterator[tuple[tuple[str, int], list[Answers]]]:
    """Yield the answers of all taggers and groups by order and size."""
    grouped: dict[tuple[str, int], list[Answers]] = {}
    for run in runs:
        for each in run:
            grouped.setdefault((each.order, each.size), []).append(each)
    yield from grouped.items()


def _gold(items: Sequence[ProbeItem]) -> list[str]:
    return [str(item.labels[target]) for item in items for target in item.targets]


def _right(answers: Answers, gold: Sequence[str]) -> list[bool]:
    return [label == right for label, right in zip(answers.labels, gold, strict=True)]


def _accuracy(right_RN: np.ndarray, items: Sequence[ProbeItem]) -> dict[str, float]:
    """Return the accuracy and the ends of its interval, as columns."""
    n_M = np.array([len(item.targets) for item in items])
    item_N = np.repeat(np.arange(len(items)), n_M)
    mean, low, high = share(by_sentence(right_RN.astype(float), item_N, len(items)), n_M)
    return {"accuracy": mean, "accuracy_low": low, "accuracy_high": high}


def _errors(
    answers: Sequence[Answers], items: Sequence[ProbeItem], probe: Probe, at: set[int]
) -> Iterator[str]:
    """Yield the kind of error of each answer at some of the targets."""
    targets = [(item, target) for item in items for target in item.targets]
    for each in answers:
        for place in at:
            item, target = targets[place]
            yield probe.error_kind(item, target, each.labels[place])
