"""Judge a tagger on the grid of a probe: one row for each target, for `items.parquet`.

B sequences, T tokens, K labels, M items, N targets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa

from seqtag.checks import AtLeast, Count, check_fields
from seqtag.columns import BASELINES, items_schema
from seqtag.errors import InputError
from seqtag.probes.base import Probe, ProbeItem
from seqtag.probes.baselines import WindowBaseline
from seqtag.probes.registry import make_probe
from seqtag.tagging.tagger import Tagger

# Items of each combination of factors that the untrained model is judged on.
_UNTRAINED_ITEMS = 5


@dataclass(frozen=True)
class Grid:
    """The items that a model is judged on.

    Attributes:
        probe: the probe's name.
        items: number of items for each combination of factors, in each judged split.
        seed: the random seed of the items.
        quick: use the quick grid instead of the full one.
        override: factors with values that replace the grid's own; hashable.
    """

    probe: str
    items: Count
    seed: Annotated[int, AtLeast(0)] = 0
    quick: bool = False
    override: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)


class Predictions(NamedTuple):
    """Predictions at N targets: labels, p(gold), and its margin over the best other label."""

    labels: list[str]
    p_gold_N: np.ndarray
    margin_N: np.ndarray


@lru_cache(maxsize=1)
def grid_items(grid: Grid) -> tuple[list[ProbeItem], list[str]]:
    """Return the items of a grid and the split of each; cached for the next run of a study.

    Raises:
        InputError: for factors that the probe does not have, or that no item has.
    """
    probe = make_probe(grid.probe)
    items: list[ProbeItem] = []
    splits: list[str] = []
    for split in probe.judged:
        for factors in probe.grid(grid.quick, dict(grid.override)):
            new_items = probe.generate(grid.items, split, factors, grid.seed)
            items += new_items
            splits += [split] * len(new_items)
    return items, splits


def check_labels(tagger: Tagger, probe: Probe) -> None:
    """Raise InputError if a tagger lacks some labels of the probe."""
    missing = [label for label in probe.labels if label not in tagger.labels.labels]
    if missing:
        raise InputError(
            f"the model cannot answer the probe {probe.name}: it does not have the labels "
            f"{', '.join(missing[:5])}; it has {', '.join(tagger.labels.labels[:8])}"
        )


def judge(
    tagger: Tagger,
    grid: Grid,
    about: Mapping[str, Any],
    baselines: Mapping[str, WindowBaseline] | None = None,
    untrained: Tagger | None = None,
) -> pa.Table:
    """Return one row for each target of the grid, with the columns of `items_schema`.

    Args:
        tagger: the tagger to judge.
        grid: the items to judge it on.
        about: values of the columns that are the same in all rows: run, cell, seed etc.
        baselines: solvers fitted to the training items, by name.
        untrained: the tagger before training, judged on a few items of each combination.
    """
    probe = make_probe(grid.probe)
    items, splits = grid_items(grid)
    predictions = predict(tagger, items)
    columns = _item_columns(probe, items, splits)
    gold = columns["gold"]
    number_N = columns["item"]
    columns |= {
        "predicted": predictions.labels,
        "p_gold": predictions.p_gold_N,
        "margin": predictions.margin_N,
        "right": [label == right for label, right in zip(predictions.labels, gold, strict=True)],
        "error": [
            probe.error_kind(items[number], target, label)
            for number, target, label in zip(
                number_N, columns["position"], predictions.labels, strict=True
            )
        ],
    }
    answers = {name: _solver_answers(solve, items) for name, solve in probe.baselines().items()}
    for name, window in (baselines or {}).items():
        answers[name] = [window(item.tokens, t) for item in items for t in item.targets]
    if untrained is not None:
        answers["untrained"] = _untrained_answers(untrained, items, grid.items)
    for name in BASELINES:
        columns[f"baseline_{name}"] = [
            None if answer is None else answer == right
            for answer, right in zip(answers.get(name, [None] * len(gold)), gold, strict=True)
        ]
    columns |= {name: [value] * len(gold) for name, value in about.items()}
    return pa.table(columns, schema=items_schema(tuple(probe.evaluation)))


def predict(tagger: Tagger, items: Sequence[ProbeItem]) -> Predictions:
    """Return a tagger's predictions at all targets, in the order of the items."""
    counts_M = np.array([len(item.targets) for item in items], np.int64)
    start_M = np.cumsum(counts_M) - counts_M
    ids = {label: number for number, label in enumerate(tagger.labels.labels)}
    best_N = np.zeros(counts_M.sum(), np.int64)
    p_gold_N, margin_N = np.zeros((2, counts_M.sum()), np.float32)
    for rows, p_BTK in tagger.probabilities([item.tokens for item in items]):
        batch = [items[row] for row in rows]
        where = [(b, t) for b, item in enumerate(batch) for t in item.targets]
        b_n, t_n = np.array(where, np.int64).reshape(-1, 2).T
        p_nK = p_BTK[b_n, t_n].numpy()
        # A label that the tagger does not have gets a probability of 0.
        p_nK = np.pad(p_nK, ((0, 0), (0, 1)))
        gold_n = [ids.get(item.labels[t], -1) for item in batch for t in item.targets]
        order_n = np.concatenate([start_M[r] + np.arange(counts_M[r]) for r in rows])
        one_n = np.arange(len(gold_n))
        best_N[order_n] = p_nK.argmax(axis=1)
        p_gold_N[order_n] = p_nK[one_n, gold_n]
        p_nK[one_n, gold_n] = -np.inf
        margin_N[order_n] = p_gold_N[order_n] - p_nK.max(axis=1)
    return Predictions([tagger.labels.labels[i] for i in best_N], p_gold_N, margin_N)


def _item_columns(
    probe: Probe, items: Sequence[ProbeItem], splits: Sequence[str]
) -> dict[str, list[Any]]:
    """Return the columns that depend only on the items."""
    within = [probe.within(item.factors) for item in items]
    chances: dict[tuple[tuple[str, int], ...], float] = {}
    for item in items:
        key = tuple(item.factors.items())
        if key not in chances:
            chances[key] = probe.chance(item.factors)
    number_N = [number for number, item in enumerate(items) for _ in item.targets]
    by_item: dict[str, list[Any]] = {
        "split": list(splits),
        "within": within,
        "table": [probe.table_of(item.factors) for item in items],
        "chance": [chances[tuple(item.factors.items())] for item in items],
        "lexicon": [item.lexicon for item in items],
        "template": [item.template for item in items],
        "contrast": [item.contrast for item in items],
        "length": [len(item.tokens) for item in items],
        **{f"factor_{name}": [item.factors[name] for item in items] for name in probe.evaluation},
    }
    columns = {name: [values[n] for n in number_N] for name, values in by_item.items()}
    columns |= {
        "item": number_N,
        "position": [target for item in items for target in item.targets],
        "gold": [item.labels[target] for item in items for target in item.targets],
    }
    constant = {
        "probe": probe.name,
        "version": probe.version,
        "axis": probe.axis,
        "unit": probe.unit,
        "whole": probe.whole,
    }
    return columns | {name: [value] * len(number_N) for name, value in constant.items()}


def _solver_answers(
    solve: Callable[[Sequence[str]], Sequence[str | None]], items: Sequence[ProbeItem]
) -> list[str | None]:
    """Return a solver's answers at all targets."""
    answers: list[str | None] = []
    for item in items:
        labels = solve(item.tokens)
        answers += [labels[target] for target in item.targets]
    return answers


def _untrained_answers(tagger: Tagger, items: Sequence[ProbeItem], each: int) -> list[str | None]:
    """Return an untrained tagger's answers to the first few of every `each` items, else None."""
    numbers = [number for number in range(len(items)) if number % each < _UNTRAINED_ITEMS]
    labels = iter(predict(tagger, [items[number] for number in numbers]).labels)
    chosen = set(numbers)
    return [
        next(labels) if number in chosen else None
        for number, item in enumerate(items)
        for _ in item.targets
    ]
