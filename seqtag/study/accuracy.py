"""Accuracies of judged items: counts of each run, then accuracies with intervals over runs.

What is counted is an answer: the prediction at one target, or for a whole item if the probe judges
whole items (column `whole`). A setup is a cell with the sizes, direction and start that it was
trained with; its runs differ only in their seeds. All functions take and return data frames;
`seqtag.columns` lists the columns of judged items. G groups.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from seqtag.columns import (
    AXIS,
    AXIS_BEYOND,
    AXIS_IN,
    BASELINES,
    BEYOND,
    CORNER,
    FACTORS,
    MAIN,
    REFERENCES,
    WITHIN,
    ordered_splits,
)
from seqtag.metrics.intervals import design_effect, wilson
from seqtag.probes.registry import make_probe

# What distinguishes a run from others on the same probe, except its seed: these columns of its
# items, and "settings", which lists any other settings in which otherwise equal runs differ.
_SETUP_OF_ITEMS = ["cell", "start", "direction", "layers", "hidden", "parameters", "regime", "lag"]
SETUP = [*_SETUP_OF_ITEMS, "settings"]
PROBE = ["probe", "version", "axis", "unit", "whole"]
ERRORS = ["stale", "capture", "wrong"]
# Columns that `count_answers` sums over answers, and over items (needed by the intervals).
_OF_ITEMS = ["items", "right_right", "right_n", "n_n"]
_SUMMED = [*("n", "right_model", "chance"), *ERRORS, *_OF_ITEMS]
_SUMMED += [f"{what}_{name}" for what in ("known", "right") for name in BASELINES]
# A run solves a slice if at least this share of its answers is right.
SOLVED = 0.99


def setup_names(setups: pd.DataFrame) -> pd.Series:
    """Return a short name for each setup: its cell, and how it differs from others with that cell.

    Args:
        setups: columns of probe and setup, of all runs that are shown together.
    """
    names = setups["cell"].astype(str)
    starts = setups.groupby("cell")["start"].nunique()
    shown = setups["cell"].isin(starts.index[starts > 1]) & (setups["start"] != "")
    names = names.where(~shown, names + ", " + setups["start"].astype(str))
    names = names.where(setups["regime"] != "given", names + ", given")
    keys = ["probe", "regime", "cell", "start", "direction", "layers", "hidden", "parameters"]
    for column, unit in (
        *(("direction", ""), ("layers", " layers")),
        *(("hidden", " units"), ("parameters", " parameters")),
    ):
        before = keys[: keys.index(column)]
        several = setups.groupby(before, dropna=False)[column].transform("nunique") > 1
        shown = several.groupby(setups["cell"]).transform("any")
        names = names.where(~shown, names + ", " + setups[column].astype(str) + unit)
    return names.where(setups["settings"] == "", names + ", " + setups["settings"])


def factors_of(frame: pd.DataFrame) -> list[str]:
    """Return the columns that hold factors, the axis first."""
    axis = f"factor_{frame['axis'].iloc[0]}"
    columns = [name for name in frame.columns if name.startswith("factor_")]
    return sorted(columns, key=lambda name: name != axis)


def answers_of(items: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each answer: for each target, or for each item if items are judged whole.

    A whole item is right if all its targets are right. A baseline is right on it if it is right at
    all targets, and null if it gives no answer at one of them. The item's error is that of its
    first wrong target.

    Args:
        items: the rows of a run's ``items.parquet``, see `seqtag.columns`.
    """
    if not items["whole"].iloc[0]:
        return items
    ordered = items.sort_values(["item", "position"], kind="stable")
    groups = ordered.groupby("item", sort=True)
    whole = groups.head(1).set_index("item", drop=False)
    for name in ("right", *(f"baseline_{name}" for name in BASELINES)):
        values = ordered[name]
        if values.isna().all():
            continue
        known = values.notna().groupby(ordered["item"]).all()
        right = values.fillna(True).astype(bool).groupby(ordered["item"]).all()
        whole[name] = right.astype("boolean").where(known)
    wrong = ordered[~ordered["right"]].groupby("item")["error"].first()
    whole["error"] = wrong.reindex(whole.index).astype(object).fillna("")
    return whole.reset_index(drop=True)


def count_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """Return sums over one run's answers, one row for each combination of factors and contrast.

    Columns: those of probe, setup, run, seeds, split, table, contrast, within and factors; numbers
    of answers: all (n), right (right_model) and of each kind of error; the sum of chance; how many
    answers each baseline gives (`known_*`) and how many of these are right (`right_*`); the number
    of items, and the sums over items that `intervals.design_effect` takes.
    """
    by = ["split", "table", "contrast", "within", *factors_of(answers)]
    sums = answers[[*by, "item"]].copy()
    sums["n"] = 1
    sums["right_model"] = answers["right"].astype(int)
    for name in ERRORS:
        sums[name] = (answers["error"] == name).astype(int)
    sums["chance"] = answers["chance"].astype(float)
    for name in BASELINES:
        column = answers[f"baseline_{name}"].astype("boolean")
        sums[f"known_{name}"] = column.notna().astype(int)
        sums[f"right_{name}"] = column.fillna(False).astype(int)
    sums = sums.groupby([*by, "item"], observed=True, sort=False).sum().reset_index("item")
    right, n = sums["right_model"], sums["n"]
    sums = sums.assign(items=1, right_right=right**2, right_n=right * n, n_n=n**2)
    sums = sums.drop(columns="item").groupby(by, observed=True, sort=False).sum().reset_index()
    about = answers[[*PROBE, *_SETUP_OF_ITEMS, "run", "seed", "data_seed"]].iloc[0]
    table = sums.assign(**about, settings="")
    return table.astype({"split": object, "table": object, "contrast": object, "lag": "Int64"})


def main_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the main table; if it has none, those of the first table in the frame."""
    tables = set(frame["table"])
    return frame[frame["table"] == (MAIN if MAIN in tables or not tables else min(tables))]


def accuracies(counts: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return accuracy, its interval and related figures for each group, over all of its runs.

    Columns after those of `by`: n (answers of all runs), items (that they belong to), seeds (number
    of runs), accuracy with the ends `low` and `high` of its interval, design_effect (Wilson's
    interval is taken at n / design_effect answers, see `intervals`), median, least and most over
    runs, solve_rate (share of runs with an accuracy of at least `SOLVED`), chance, each baseline,
    and the kinds of error as shares of all answers.

    Args:
        counts: from `count_answers`, of any number of runs.
        by: columns that define the groups.
    """
    by = list(by)
    options = {"observed": True, "dropna": False, "sort": False}
    sums = counts.groupby([*by, "run"], **options)[_SUMMED].sum().reset_index()
    sums["accuracy"] = sums["right_model"] / sums["n"]
    sums["solved"] = sums["accuracy"] >= SOLVED
    groups = sums.groupby(by, **options)
    total = groups[_SUMMED].sum()
    summed = {name: total[name].to_numpy() for name in _SUMMED}
    n_G = summed["n"]
    right_G = summed["right_model"]
    figures = {"n": n_G, "items": summed["items"], "seeds": groups.size().to_numpy()}
    figures["accuracy"] = right_G / n_G
    effect_G = design_effect(right_G, n_G, *(summed[name] for name in _OF_ITEMS[1:]))
    figures["low"], figures["high"] = wilson(right_G / effect_G, n_G / effect_G)
    figures["design_effect"] = effect_G
    for name, function in (("median", "median"), ("least", "min"), ("most", "max")):
        figures[name] = groups["accuracy"].agg(function).to_numpy()
    figures["solve_rate"] = groups["solved"].mean().to_numpy()
    figures["chance"] = summed["chance"] / n_G
    for name in BASELINES:
        known_G = summed[f"known_{name}"]
        figures[name] = summed[f"right_{name}"] / np.where(known_G, known_G, np.nan)
    figures |= {name: summed[name] / n_G for name in ERRORS}
    return pd.concat([total.index.to_frame(index=False), pd.DataFrame(figures)], axis=1)


def slices(counts: pd.DataFrame) -> Iterator[tuple[str, pd.Series, list[str]]]:
    """Yield the slices of a probe: name, mask of the rows that belong to it, columns to group by.

    A factor's value is in range if some judged item within the training range has it, or, if no
    item is within it, if the probe's training range contains it. The far corner is the
    combination in which every factor that was judged beyond its range has its largest value.
    """
    axis, *others = factors = factors_of(counts)
    within = counts["within"]
    yield FACTORS, pd.Series(True, counts.index), [*factors, "within"]
    in_range = _in_range(counts, others)
    for name, rows in ((AXIS, within | True), (AXIS_IN, in_range), (AXIS_BEYOND, ~in_range)):
        yield name, rows, [axis]
    corner = ~within
    for factor in factors:
        if not _in_range(counts, [factor]).all():
            corner &= counts[factor] == counts[factor].max()
    for name, rows in ((WITHIN, within), (BEYOND, ~within), (CORNER, corner)):
        yield name, rows, []


def _in_range(counts: pd.DataFrame, factors: Sequence[str]) -> pd.Series:
    inside = counts[counts["within"]]
    if inside.empty:
        trained = make_probe(counts["probe"].iloc[0]).training
        values = {f"factor_{name}": list(range_) for name, range_ in trained.items()}
    else:
        values = {factor: inside[factor].unique() for factor in factors}
    rows = pd.Series(True, counts.index)
    for factor in factors:
        rows &= counts[factor].isin(values[factor])
    return rows


def summary(counts: pd.DataFrame, only: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the figures of all slices of one probe, for all items and for each contrast.

    With `only` they are those of the slices of these names, for all items alone.

    Columns: slice, probe, setup, split, table, contrast ("" for all items), the factors that the
    slice is grouped by, and those of `accuracies`. Combinations of factors are not split by
    contrast. The tables of a probe have slices of their own.
    """
    tables = []
    sliced = (part for _, own in counts.groupby("table") for part in _sliced(own))
    for name, chosen, factors in sliced:
        if only is not None and name not in only:
            continue
        by = [*PROBE, *SETUP, "split", "table"]
        tables.append(accuracies(chosen, [*by, *factors]).assign(slice=name, contrast=""))
        if only is None and name != FACTORS and chosen["contrast"].nunique() > 1:
            tables.append(accuracies(chosen, [*by, "contrast", *factors]).assign(slice=name))
    table = pd.concat([_with_common_types(table) for table in tables], ignore_index=True)
    table.loc[table["slice"] == WITHIN, "within"] = True
    table.loc[table["slice"].isin([BEYOND, CORNER]), "within"] = False
    first = ["slice", *PROBE, *SETUP, "split", "table", "contrast"]
    first += [*factors_of(table), "within"]
    return table[[*first, *(name for name in table.columns if name not in first)]]


def _sliced(counts: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, list[str]]]:
    """Yield each slice that has rows: its name, the rows, and the factors to group them by."""
    for name, rows, factors in slices(counts):
        if rows.any():
            yield name, counts[rows], factors


def _with_common_types(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table to concatenate with others: no categories, and integers that may be null."""
    kinds = {name: object for name in table if table[name].dtype == "category"}
    kinds |= {name: "Int64" for name in table if name.startswith("factor_")}
    kinds |= {"within": "boolean"} if "within" in table else {}
    return table.astype(kinds)


def regions(counts: pd.DataFrame) -> dict[str, pd.Series]:
    """Return one run's figures within and beyond the training range: see `accuracies`.

    "within" counts the answers whose factors all lie in the training range, "beyond" those with at
    least one factor outside it: over all judged combinations of factors, in the main table and the
    main split ("test") only. A report on this run shows the same figures under the same names; a
    report on several seeds counts all their answers together. A region without answers is left out.

    Args:
        counts: from `count_answers`, of one run.
    """
    counts = main_table(counts)
    main = counts[counts["split"] == ordered_splits(counts["split"])[0]]
    found = {name: main[rows] for name, rows, _ in slices(main) if name in (BEYOND, WITHIN)}
    return {
        name: accuracies(found[name], ["split"]).iloc[0]
        for name in (WITHIN, BEYOND)
        if len(found[name])
    }


def best_baseline(figures: pd.Series) -> str | None:
    """Return the name of the baseline that is right most often; None if none has an answer.

    The untrained model, which is judged on a few items only, does not count.
    """
    known = figures[list(REFERENCES)].astype(float).dropna()
    return str(known.idxmax()) if len(known) else None


def accuracy_by_run(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy of each run within and beyond the training range."""
    by = [*PROBE, *SETUP, "run", "seed", "split", "within"]
    sums = counts.groupby(by, observed=True, dropna=False)[["n", "right_model"]].sum().reset_index()
    return sums.assign(accuracy=sums["right_model"] / sums["n"])
