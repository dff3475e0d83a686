"""The figures that a report is made from: data frames for each probe."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from seqtag.columns import BEYOND, WITHIN, ordered_splits


@dataclass(frozen=True)
class ProbeResults:
    """The figures of one probe. The column `name` of each frame is the name of the setup.

    Attributes:
        probe: its name.
        axis: the factor that accuracy is drawn against; its column is `factor_<axis>`.
        unit: what the axis counts, such as tokens.
        whole: whether an item is right only if all its targets are right.
        summary: one row for each setup and slice: slice, name, split, contrast, factors, within, n,
            items, seeds, accuracy, low, high, design_effect, median, least, most, solve_rate,
            chance, baselines, stale, capture, wrong.
        others: rows like those of `summary`, for combinations of factors that no average includes;
            they form other tables of the probe, named in the column table.
        runs: one row for each run: name, run, seed, split, within, accuracy.
        d50: where accuracy is halfway down to chance: name, split, d50, text.
        solved_up_to: one row for each run: name, run, seed, split, reached.
        differences: name, items, seeds, difference, low, high, within; in the main split.
        reference: the setup that the others are compared to.
    """

    probe: str
    axis: str
    unit: str
    whole: bool
    summary: pd.DataFrame
    others: pd.DataFrame
    runs: pd.DataFrame
    d50: pd.DataFrame
    solved_up_to: pd.DataFrame
    differences: pd.DataFrame
    reference: str

    @property
    def column(self) -> str:
        """The column with the values of the axis."""
        return f"factor_{self.axis}"

    @property
    def names(self) -> list[str]:
        """The setups that were judged on this probe, in the order of the frames."""
        return list(dict.fromkeys(self.summary["name"]))

    @property
    def splits(self) -> list[str]:
        """The judged splits, the main one, "test", first."""
        return ordered_splits(self.summary["split"])

    @property
    def other_factors(self) -> list[str]:
        """Columns of the factors, except the axis, of which several values were judged."""
        return self.other_factors_of(self.summary)

    def other_factors_of(self, table: pd.DataFrame) -> list[str]:
        """Return the columns of factors, except the axis, that have several values in a table."""
        columns = [name for name in table if name.startswith("factor_")]
        return [c for c in columns if c != self.column and table[c].nunique() > 1]

    def rows(self, slice_: str, split: str | None = None, contrast: str = "") -> pd.DataFrame:
        """Return the rows of one slice, of one split or all, for one contrast or all items ("")."""
        table = self.summary
        chosen = (table["slice"] == slice_) & (table["contrast"] == contrast)
        if split is not None:
            chosen &= table["split"] == split
        return table[chosen]

    def training_range(self, column: str) -> tuple[float, float] | None:
        """Return the smallest and largest judged value of a factor within the training range."""
        rows = self.summary[(self.summary["slice"] == "factors") & self.summary["within"]]
        return (rows[column].min(), rows[column].max()) if len(rows) else None


@dataclass(frozen=True)
class Results:
    """The figures of a study.

    Attributes:
        title: the title of the report.
        setups: name, cell, start, direction, layers, hidden, parameters, probes, seeds.
        probes: figures by probe.
        learn: one row for each probe, setup and lag: name, budget, seeds, tried, solved, share,
            median, least, most.
        learned_lags: the longest lags each setup learns: probe, name, without_gap, longest, tried.
        curves: gradients through time: probe, name, when ("initial", "trained"), state, k (the
            lag), norm, least, most.
        slopes: lines fitted to them: probe, name, when, state, runs, factor (per step), least,
            most, kept (the share that the forget gate alone keeps).
        suites: one row for each suite, group, setup and probe it was trained on: see
            `suites.merging.mean_over_runs`.
        notes: sentences about runs that were left out.
    """

    title: str
    setups: pd.DataFrame
    probes: Sequence[ProbeResults]
    learn: pd.DataFrame
    learned_lags: pd.DataFrame
    curves: pd.DataFrame
    slopes: pd.DataFrame
    suites: pd.DataFrame
    notes: Sequence[str]

    @property
    def names(self) -> list[str]:
        """All setups, in the order of their table, which also gives their line styles in plots."""
        return list(dict.fromkeys(self.setups["name"]))

    def by_probe(self, what: str) -> pd.DataFrame:
        """Return a figure of all setups on all probes, for the main split of each.

        Args:
            what: a column of `ProbeResults.summary`, such as accuracy.

        Returns:
            One row for each setup; columns ("within" or "beyond", probe).
        """
        parts = [
            probe.rows(slice_, probe.splits[0]).assign(probe=probe.probe)
            for slice_ in (WITHIN, BEYOND)
            for probe in self.probes
        ]
        rows = pd.concat(parts, ignore_index=True)
        return rows.pivot(index="name", columns=["slice", "probe"], values=what)
