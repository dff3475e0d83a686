"""The tables of a probe's section of the report."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from seqtag.columns import AXIS_IN, BASELINES, BEYOND, CORNER, FACTORS, REFERENCES, WITHIN
from seqtag.report import html
from seqtag.report.formatting import DASH, interval, percent, spread, with_separators
from seqtag.report.results import ProbeResults

# Tables have up to this many values of the axis; summary.csv has all of them.
_MAX_VALUES = 12


def overview(probe: ProbeResults, split: str, order: Sequence[str]) -> str:
    """Return a table of the main figures of each setup in a split."""
    regions = {r: probe.rows(r, split).set_index("name") for r in (WITHIN, BEYOND)}
    corner = probe.rows(CORNER, split).set_index("name")
    d50 = probe.d50[probe.d50["split"] == split].set_index("name")["text"]
    reached = probe.solved_up_to[probe.solved_up_to["split"] == split].groupby("name")["reached"]
    errors = [e for e in ("stale", "capture") if probe.summary[e].any()]
    several = max(_seeds(regions.values(), name) for name in probe.names) > 1
    head = ["", "seeds"]
    for region in regions:
        head += [region, *(("median over seeds", "solve rate") if several else ())]
    head += [CORNER, "d50", "solved up to", *(f"{e}, beyond" for e in errors)]
    rows = []
    for name in (name for name in order if name in probe.names):
        row: list[html.Content] = [name, with_separators(_seeds(regions.values(), name))]
        for table in regions.values():
            row += _region(table, name)[: 3 if several else 1]
        row += [_interval_at(corner, name), d50.get(name, DASH)]
        own = reached.get_group(name) if name in reached.groups else pd.Series(dtype=float)
        row.append(spread(own.median(), own.min(), own.max(), with_separators))
        row += [_percent_at(regions["beyond"], name, error) for error in errors]
        rows.append(row)
    caption = (
        f"{split} split: accuracy in %, within and beyond the training range. d50 (accuracy is "
        f"halfway down to chance) and solved up to are values of the axis, in {probe.unit}."
    )
    return html.table(head, rows, caption)


def _seeds(tables: Iterable[pd.DataFrame], name: str) -> float:
    return max((table.loc[name, "seeds"] for table in tables if name in table.index), default=0)


def _region(table: pd.DataFrame, name: str) -> list[html.Content]:
    if name not in table.index:
        return [DASH] * 3
    row = table.loc[name]
    median = spread(row["median"], row["least"], row["most"])
    return [_interval_at(table, name), median, percent(row["solve_rate"])]


def _interval_at(table: pd.DataFrame, name: str) -> html.Content:
    if name not in table.index:
        return DASH
    row = table.loc[name]
    return interval(row["accuracy"], row["low"], row["high"])


def _percent_at(table: pd.DataFrame, name: str, column: str) -> str:
    return percent(table.loc[name, column]) if name in table.index else DASH


def by_axis(probe: ProbeResults, split: str, order: Sequence[str]) -> str:
    """Return a table of accuracy by the axis, with chance and baselines, other factors in range."""
    others = ", other factors within the training range" if probe.other_factors else ""
    caption = f"Accuracy by {probe.axis}, in %, {split} split{others}"
    return _by_axis(probe, probe.rows(AXIS_IN, split), order, caption)


def other_tables(probe: ProbeResults, split: str, order: Sequence[str]) -> list[str]:
    """Return a table of accuracy by the axis for each combination that no average includes."""
    shown = []
    everything = pd.concat([probe.summary, probe.others])
    kinds = [*probe.other_factors_of(everything), "table"]
    rows = probe.others[(probe.others["slice"] == FACTORS) & (probe.others["split"] == split)]
    for key, own in rows.groupby(kinds, sort=True):
        factors = ", ".join(
            f"{name.removeprefix('factor_')} {value}"
            for name, value in zip(kinds[:-1], key, strict=False)
        )
        caption = (
            f"{str(key[-1]).capitalize()} ({factors}): accuracy by {probe.axis}, in %, {split} "
            "split. These items are in no average."
        )
        shown.append(_by_axis(probe, own, order, caption))
    return shown


def _by_axis(probe: ProbeResults, rows: pd.DataFrame, order: Sequence[str], caption: str) -> str:
    """Return a table of accuracy, chance and baselines by the axis."""
    values = _columns(sorted(rows[probe.column].unique()))
    head = ["", *(f"{value:g}" for value in map(float, values))]
    lines: list[list[html.Content]] = []
    for name in (name for name in order if name in probe.names):
        own = rows[rows["name"] == name].set_index(probe.column)
        lines.append([name, *(_interval_at(own, value) for value in values)])
    means = rows.groupby(probe.column)[["chance", *BASELINES]].mean()
    for name in ("chance", *BASELINES):
        if means[name].notna().any():
            lines.append([_row_title(name), *(percent(means.loc[v, name]) for v in values)])
    n = rows.groupby(probe.column)["n"].max()
    lines.append(["answers per setup", *(with_separators(n[value]) for value in values)])
    return html.table(head, lines, caption, folded=True)


def _columns(values: Sequence) -> list:
    """Return the values to show as columns: all, or `_MAX_VALUES` spread evenly over them."""
    if len(values) <= _MAX_VALUES:
        return list(values)
    last = len(values) - 1
    chosen = {round(place * last / (_MAX_VALUES - 1)) for place in range(_MAX_VALUES)}
    return [values[number] for number in sorted(chosen)]


def by_contrast(probe: ProbeResults, split: str, order: Sequence[str]) -> str:
    """Return a table of accuracy by contrast: within, at axis values beyond, in the far corner."""
    contrasts = sorted(set(probe.summary["contrast"]) - {""})
    if not contrasts:
        return ""
    trained = probe.training_range(probe.column)
    values = sorted(probe.rows(AXIS_IN, split)[probe.column].unique())
    far = _columns([value for value in values if trained is None or value > trained[1]])
    head = ["", WITHIN, *(f"{probe.axis} {v}, others in range" for v in far), CORNER]
    lines = []
    for contrast in contrasts:
        tables = {s: probe.rows(s, split, contrast) for s in (WITHIN, AXIS_IN, CORNER)}
        for name in (name for name in order if name in probe.names):
            own = {s: table[table["name"] == name] for s, table in tables.items()}
            along = own[AXIS_IN].set_index(probe.column)
            within, corner = (own[s].set_index("name") for s in (WITHIN, CORNER))
            cells = [_interval_at(along, value) for value in far]
            cells = [_interval_at(within, name), *cells, _interval_at(corner, name)]
            lines.append([f"{contrast}: {name}", *cells])
    caption = f"Accuracy by contrast, in %, {split} split"
    return html.table(head, lines, caption, folded=True)


def baselines(probe: ProbeResults, split: str) -> str:
    """Return a table of chance and baselines within and beyond the training range."""
    shown = ("chance", *BASELINES)
    means = {r: probe.rows(r, split)[list(shown)].mean() for r in (WITHIN, BEYOND)}
    rows = [
        [_row_title(what), *(percent(mean[what]) for mean in means.values())]
        for what in shown
        if any(pd.notna(mean[what]) for mean in means.values())
    ]
    return html.table(
        ["", *means],
        rows,
        f"Accuracy that a cell must exceed: chance and baselines, in %, {split} split",
    )


def beaten(probes: Sequence[ProbeResults]) -> str:
    """Return a sentence on the setups that a baseline beats, "" if there are none.

    What counts are the answers of the main split.
    """
    found = [_beaten(probe, region) for probe in probes for region in (WITHIN, BEYOND)]
    if not any(found):
        return ""
    text = "; ".join(filter(None, found))
    return f"A baseline is right more often than a trained model, in %: {text}."


def _beaten(probe: ProbeResults, region: str) -> str:
    """Return the best baseline of a region and the setups below it, "" if there are none."""
    rows = probe.rows(region, probe.splits[0])
    names = [name for name in REFERENCES if rows[name].notna().any()]
    if not names:
        return ""
    best = rows[names].mean().idxmax()
    below = rows[rows["accuracy"] < rows[best]]
    if below.empty:
        return ""
    cells = ", ".join(f"{row['name']} {percent(row['accuracy'])}" for _, row in below.iterrows())
    baseline = f"{best.replace('_', ' ')} {percent(rows[best].mean())}"
    return f"{probe.probe} {region}: {baseline} (above {cells})"


def _row_title(what: str) -> str:
    return f"baseline: {what.replace('_', ' ')}" if what in BASELINES else what


def differences(probe: ProbeResults) -> str:
    """Return a table of how far each setup is above or below the reference."""
    if probe.differences.empty:
        return ""
    rows = []
    for name, group in probe.differences.groupby("name", sort=False):
        by_region = {row.within: row for row in group.itertuples()}
        cells = [_difference(by_region.get(within)) for within in (True, False)]
        rows.append([str(name), with_separators(group["seeds"].iloc[0]), *cells])
    caption = f"Accuracy minus that of {probe.reference} on the same items, in percentage points"
    return html.table(["", "seeds", WITHIN, BEYOND], rows, caption)


def _difference(row: Any) -> html.Content:
    if row is None:
        return DASH
    return f"{100 * row.difference:+.1f}", f"[{100 * row.low:+.1f}, {100 * row.high:+.1f}]"


def lags(learn: pd.DataFrame, order: Sequence[str]) -> str:
    """Return a table of the lags that each setup learned, and in how many sequences."""
    values = sorted(learn["lag"].unique())
    rows = []
    for name in (name for name in order if name in set(learn["name"])):
        own = learn[learn["name"] == name].set_index("lag")
        rows.append([name, *(_lag(own.loc[v]) if v in own.index else DASH for v in values)])
    budgets = " or ".join(with_separators(budget) for budget in sorted(learn["budget"].unique()))
    caption = (
        "How many of the runs learned a lag, and the number of sequences it took them (median, "
        f"range); budget {budgets} sequences. {DASH}: no run tried this lag."
    )
    return html.table(["", *(f"lag {value}" for value in values)], rows, caption)


def _lag(row: pd.Series) -> html.Content:
    share = f"{row['solved']} of {row['seeds']}"
    if not row["solved"]:
        return share
    median, least, most = (
        with_separators(round(row[name])) for name in ("median", "least", "most")
    )
    return share, f"{median} ({least} to {most})" if row["solved"] > 1 else median


def judged_values(probe: ProbeResults, column: str) -> str:
    """Return a text with the judged values of a factor, and the end of its training range."""
    values = list(map(int, sorted(probe.rows("factors")[column].unique())))
    text = ", ".join(map(str, _columns(values)))
    if len(values) > _MAX_VALUES:
        text = f"{len(values)} values from {values[0]} to {values[-1]}"
    trained = probe.training_range(column)
    inside = (
        f" (in the training range up to {trained[1]})"
        if trained and trained[1] < values[-1]
        else ""
    )
    return f"{column.removeprefix('factor_')} {text}{inside}"
