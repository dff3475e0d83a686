"""A tagger on the grid of a probe: one row a target, as `items.parquet` has them.

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

# Items of each combination of factors that the untrained model is shown.
_UNTRAINED_ITEMS = 5


@dataclass(frozen=True)
class Grid:
    """What a model is judged on.

    Attributes:
        probe: the probe's name.
        items: items of each combination of factors, in each judged split.
        seed: chooses the items.
        quick: the quick grid in place of the whole one.
        override: factors with values in place of the grid's own, hashable.
    """

    probe: str
    items: Count
    seed: Annotated[int, AtLeast(0)] = 0
    quick: bool = False
    override: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)


class Predictions(NamedTuple):
    """What a tagger says at the targets: labels, p(gold), and its lead over the best other."""

    labels: list[str]
    p_gold_N: np.ndarray
    margin_N: np.ndarray


@lru_cache(maxsize=1)
def grid_items(grid: Grid) -> tuple[list[ProbeItem], list[str]]:
    """Return the items of a grid and the split of each; they are kept for the study's next run.

    Raises:
        InputError: for factors that the probe does not have, or that no item has.
    """
    probe = make_probe(grid.probe)
    items: list[ProbeItem] = []
    splits: list[str] = []
    for split in probe.judged:
        for factors in probe.grid(grid.quick, dict(grid.override)):
            made = probe.generate(grid.items, split, factors, grid.seed)
            items += made
            splits += [split] * len(made)
    return items, splits


def check_labels(tagger: Tagger, probe: Probe) -> None:
    """Raise InputError for a tagger that cannot say all labels of the probe."""
    missing = [label for label in probe.labels if label not in tagger.labels.labels]
    if missing:
        raise InputError(
            f"the model cannot answer the probe {probe.name}: it does not know the labels "
            f"{', '.join(missing[:5])}; it knows {', '.join(tagger.labels.labels[:8])}"
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
        tagger: what is judged.
        grid: on what.
        about: columns that are the same in all rows: run, cell, seed and the like.
        baselines: solvers fitted to the training items, by name.
        untrained: the tagger before training; it is shown a few items of each combination.
    """
    probe = make_probe(grid.probe)
    items, splits = grid_items(grid)
    said = predict(tagger, items)
    columns = _of_items(probe, items, splits)
    gold = columns["gold"]
    number_N = columns["item"]
    columns |= {
        "predicted": said.labels,
        "p_gold": said.p_gold_N,
        "margin": said.margin_N,
        "right": [label == right for label, right in zip(said.labels, gold, strict=True)],
        "error": [
            probe.error_kind(items[number], target, label)
            for number, target, label in zip(
                number_N, columns["position"], said.labels, strict=True
            )
        ],
    }
    answers = {name: _ask(solve, items) for name, solve in probe.baselines().items()}
    for name, window in (baselines or {}).items():
        answers[name] = [window(item.tokens, t) for item in items for t in item.targets]
    if untrained is not None:
        answers["untrained"] = _ask_untrained(untrained, items, grid.items)
    for name in BASELINES:
        columns[f"baseline_{name}"] = [
            None if answer is None else answer == right
            for answer, right in zip(answers.get(name, [None] * len(gold)), gold, strict=True)
        ]
    columns |= {name: [value] * len(gold) for name, value in about.items()}
    return pa.table(columns, schema=items_schema(tuple(probe.evaluation)))


def predict(tagger: Tagger, items: Sequence[ProbeItem]) -> Predictions:
    """Return what a tagger says at all targets, item after item."""
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
        # A label that the tagger does not know has a probability of 0.
        p_nK = np.pad(p_nK, ((0, 0), (0, 1)))
        gold_n = [ids.get(item.labels[t], -1) for item in batch for t in item.targets]
        order_n = np.concatenate([start_M[r] + np.arange(counts_M[r]) for r in rows])
        one_n = np.arange(len(gold_n))
        best_N[order_n] = p_nK.argmax(axis=1)
        p_gold_N[order_n] = p_nK[one_n, gold_n]
        p_nK[one_n, gold_n] = -np.inf
        margin_N[order_n] = p_gold_N[order_n] - p_nK.max(axis=1)
    return Predictions([tagger.labels.labels[i] for i in best_N], p_gold_N, margin_N)


def _of_items(
    probe: Probe, items: Sequence[ProbeItem], splits: Sequence[str]
) -> dict[str, list[Any]]:
    """Return the columns that follow from the items alone."""
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


def _ask(
    solve: Callable[[Sequence[str]], Sequence[str | None]], items: Sequence[ProbeItem]
) -> list[str | None]:
    """Return a solver's answers at all targets."""
    answers: list[str | None] = []
    for item in items:
        labels = solve(item.tokens)
        answers += [labels[target] for target in item.targets]
    return answers


def _ask_untrained(tagger: Tagger, items: Sequence[ProbeItem], each: int) -> list[str | None]:
    """Return an untrained tagger's answers: to the first few items of every `each`."""
    asked = [number for number in range(len(items)) if number % each < _UNTRAINED_ITEMS]
    labels = iter(predict(tagger, [items[number] for number in asked]).labels)
    chosen = set(asked)
    return [
        next(labels) if number in chosen else None
        for number, item in enumerate(items)
        for _ in item.targets
    ]
