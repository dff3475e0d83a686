"""What a report is made from: frames of figures, by probe."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from seqtag.columns import BEYOND, WITHIN, in_order


@dataclass(frozen=True)
class ProbeResults:
    """The figures of one probe, a row a setup and more; `name` is the setup's.

    Attributes:
        probe: its name.
        axis: the factor that accuracy is drawn against; its column is `factor_<axis>`.
        unit: what the axis counts.
        whole: whether an item is right only if all its targets are.
        summary: slices: slice, name, split, contrast, factors, within, n, items, seeds, accuracy,
            low, high, design_effect, median, least, most, solve_rate, chance, baselines, stale,
            capture, wrong.
        runs: a row a run: name, run, seed, split, within, accuracy.
        half_lost: name, split, d50, text.
        unbroken: a row a run: name, run, seed, split, reached.
        differences: name, items, seeds, difference, low, high, within; in the first split.
        reference: the setup that the differences are to.
    """

    probe: str
    axis: str
    unit: str
    whole: bool
    summary: pd.DataFrame
    runs: pd.DataFrame
    half_lost: pd.DataFrame
    unbroken: pd.DataFrame
    differences: pd.DataFrame
    reference: str

    @property
    def column(self) -> str:
        """The column of the axis."""
        return f"factor_{self.axis}"

    @property
    def names(self) -> list[str]:
        """The setups that were judged on this probe, in the order of the frames."""
        return list(dict.fromkeys(self.summary["name"]))

    @property
    def splits(self) -> list[str]:
        """The judged splits, "test" first."""
        return in_order(self.summary["split"])

    @property
    def other_factors(self) -> list[str]:
        """Columns of the factors beside the axis of which several values were judged."""
        columns = [name for name in self.summary if name.startswith("factor_")]
        return [c for c in columns if c != self.column and self.summary[c].nunique() > 1]

    def rows(self, slice_: str, split: str | None = None, contrast: str = "") -> pd.DataFrame:
        """Return the rows of one slice, of a split or of all."""
        table = self.summary
        chosen = (table["slice"] == slice_) & (table["contrast"] == contrast)
        if split is not None:
            chosen &= table["split"] == split
        return table[chosen]

    def trained(self, column: str) -> tuple[float, float] | None:
        """Return the least and the largest judged value of a factor in the training range."""
        rows = self.summary[(self.summary["slice"] == "factors") & self.summary["within"]]
        return (rows[column].min(), rows[column].max()) if len(rows) else None


@dataclass(frozen=True)
class Results:
    """The figures of a study.

    Attributes:
        title: what the report is called.
        setups: name, cell, start, direction, layers, hidden, parameters, probes, seeds.
        probes: figures by probe.
        learn: a row for each probe, setup and lag: name, budget, seeds, tried, solved, share,
            median, least, most.
        learned: probe, name, unbroken, longest, tried: up to which lag each setup learns.
        curves: gradients through time: probe, name, when ("initial", "trained"), state, k (the
            lag), norm, least, most.
        slopes: lines fitted to them: probe, name, when, state, runs, factor (at a step), least,
            most, kept (the share that the forget gate alone keeps).
        suites: a row for each suite, group, setup and probe it was trained on: see
            `suites.merging.mean_over_runs`.
        notes: what a reader must know about the runs: those that were left out.
    """

    title: str
    setups: pd.DataFrame
    probes: Sequence[ProbeResults]
    learn: pd.DataFrame
    learned: pd.DataFrame
    curves: pd.DataFrame
    slopes: pd.DataFrame
    suites: pd.DataFrame
    notes: Sequence[str]

    @property
    def names(self) -> list[str]:
        """All setups, in the order of their table; a setup's place gives its line in plots."""
        return list(dict.fromkeys(self.setups["name"]))

    def by_probe(self, what: str) -> pd.DataFrame:
        """Return a figure of all setups on all probes, for the first split of each.

        Returns:
            A row a setup; columns ("within" or "beyond", probe).
        """
        parts = [
            probe.rows(slice_, probe.splits[0]).assign(probe=probe.probe)
            for slice_ in (WITHIN, BEYOND)
            for probe in self.probes
        ]
        rows = pd.concat(parts, ignore_index=True)
        return rows.pivot(index="name", columns=["slice", "probe"], values=what)
