"""The page of a report: the runs, the headline tables, and a section for each probe."""

from collections.abc import Sequence

import pandas as pd

from seqtag.columns import BEYOND, WITHIN
from seqtag.report import html
from seqtag.report.figures import Picture
from seqtag.report.formatting import DEFINITIONS, interval, percent, with_separators
from seqtag.report.gradients import slopes_table
from seqtag.report.results import ProbeResults, Results
from seqtag.report.sections import (
    baselines,
    beaten,
    by_axis,
    by_contrast,
    differences,
    judged_values,
    lags,
    other_tables,
    overview,
)
from seqtag.report.suites import suites

_REGIONS = {WITHIN: "within the training range", BEYOND: "beyond the training range"}


def render(results: Results, pictures: Sequence[Picture]) -> str:
    """Return the page as HTML, with the pictures embedded in it."""
    trained = results.learn["probe"].unique() if len(results.learn) else []
    judged = {probe.probe: probe for probe in results.probes}
    probes = list(dict.fromkeys([*judged, *trained]))
    anchors = [_RUNS, *((f"probe-{p}", p) for p in probes), _SUITES, _DEFINED]
    if results.suites.empty:
        anchors.remove(_SUITES)
    parts = [html.paragraph(text, note=True)] if (text := beaten(results.probes)) else []
    parts.append(html.contents(anchors))
    parts += [html.paragraph(note, note=True) for note in results.notes]
    parts.append(html.section(_RUNS[1], [_setups(results.setups)], anchor=_RUNS[0]))
    if results.probes:
        shown = [_headline(results, region) for region in _REGIONS]
        parts.append(html.section("All cells on all probes", [*shown, *_figures(pictures, "")]))
    parts += [_probe(name, judged.get(name), results, pictures) for name in probes]
    if len(results.suites):
        tables = suites(results.suites, results.names)
        parts.append(html.section(_SUITES[1], tables, anchor=_SUITES[0]))
    definitions = html.definitions(DEFINITIONS)
    parts.append(html.section(_DEFINED[1], [definitions], anchor=_DEFINED[0]))
    return html.page(results.title, "\n".join(parts))


# Anchor and heading.
_RUNS, _SUITES, _DEFINED = (
    ("runs", "What was run"),
    ("suites", "Suites: published sentence pairs"),
    ("definitions", "How the figures are defined"),
)


def _figures(pictures: Sequence[Picture], probe: str, part: str = "judged") -> list[str]:
    chosen = (p for p in pictures if (p.probe, p.part) == (probe, part))
    return [html.picture(picture.png, picture.caption) for picture in chosen]


def _setups(setups: pd.DataFrame) -> str:
    head = list(setups.columns)
    rows = [[str(value) for value in row] for row in setups.itertuples(index=False)]
    caption = (
        "A setup is a configuration whose runs differ only in their seeds. Start: initial biases "
        "of the gates. Direction: forward, or both (bidirectional). Hidden: units per layer and "
        "direction. Parameters: those of the encoder."
    )
    return html.table(head, rows, caption)


def _headline(results: Results, region: str) -> str:
    """Return a table of all setups on all probes, or "" if none was judged in that region."""
    by_figure = {
        what: results.by_probe(what) for what in ("accuracy", "low", "high", "least", "most")
    }
    if region not in by_figure["accuracy"].columns:
        return ""
    tables = {what: table[region] for what, table in by_figure.items()}
    probes = [p.probe for p in results.probes if p.probe in tables["accuracy"]]
    lines: list[list[html.Content]] = [["", *probes]]
    for name in results.names:
        if name in tables["accuracy"].index:
            cells = [[tables[what].loc[name, p] for what in tables] for p in probes]
            lines.append([name, *(_with_seeds(*cell) for cell in cells)])
    chance = results.by_probe("chance")[region].mean()
    lines.append(["chance", *(percent(chance[probe]) for probe in probes)])
    if len(probes) > len(lines):  # the longer dimension goes down the page
        lines = list(map(list, zip(*lines, strict=True)))
    caption = (
        f"Accuracy {_REGIONS[region]}, in %, with its 95 % interval in brackets; test split, all "
        "seeds together. After the interval, if there are several seeds: the accuracy of the worst "
        "and of the best seed."
    )
    head = [str(cell) for cell in lines[0]]
    return html.table(head, lines[1:], caption)


def _with_seeds(
    share: float, low: float, high: float, least: float, most: float
) -> tuple[str, str] | str:
    """Return an accuracy with its interval and, where there are several, its range over seeds."""
    cell = interval(share, low, high)
    if least == most or isinstance(cell, str):
        return cell
    return cell[0], f"{cell[1]} {percent(least)} to {percent(most)}"


def _probe(
    name: str,
    probe: ProbeResults | None,
    results: Results,
    pictures: Sequence[Picture],
) -> str:
    order = results.names
    parts = []
    if probe is not None:
        parts.append(_about(probe))
        for split in probe.splits:
            parts.append(overview(probe, split, order))
        parts += [baselines(probe, probe.splits[0]), *_figures(pictures, name)]
        parts += [by_axis(probe, split, order) for split in probe.splits]
        parts += [by_contrast(probe, split, order) for split in probe.splits]
        parts.append(differences(probe))
        parts += [table for split in probe.splits for table in other_tables(probe, split, order)]
    learn, fitted, learned = (
        table[table["probe"] == name]
        for table in (results.learn, results.slopes, results.learned_lags)
    )
    if len(learn):
        shown = [*_figures(pictures, name, "learn"), lags(learn, order)]
        parts.append(html.section("Trained at one lag alone", shown, level=3))
    if len(fitted):
        max_lag = results.curves.loc[results.curves["probe"] == name, "k"].max()
        shown = [
            *_figures(pictures, name, "gradients"),
            slopes_table(fitted, learned, order, max_lag),
        ]
        parts.append(html.section("How far back the gradient reaches", shown, level=3))
    return html.section(name, filter(None, parts), anchor=f"probe-{name}")


def _about(probe: ProbeResults) -> str:
    rows = probe.rows("factors")
    answers = "items, right only if all their targets are right" if probe.whole else "targets"
    if rows["n"].sum() > rows["items"].sum():
        answers += ", several per item (intervals allow for their dependence)"
    runs = probe.runs["run"].nunique()
    ranges = "; ".join(judged_values(probe, c) for c in [probe.column, *probe.other_factors])
    text = (
        f"Accuracy is counted over {answers}. The axis is {probe.axis}, in {probe.unit}. "
        f"{with_separators(rows['n'].sum())} answers from {runs} {'run' if runs == 1 else 'runs'}. "
        f"Judged values: {ranges}."
    )
    return html.paragraph(text)
