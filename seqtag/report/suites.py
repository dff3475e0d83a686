"""The tables of suites: pairs of sentences that people wrote."""

from collections.abc import Iterator, Sequence

import pandas as pd

from seqtag.report import html
from seqtag.report.words import DASH, interval, percent, spread, whole

_DECIDED = (
    "pairs judged",
    "score in pairs",
    *("ceiling", "argmax", "both sides", "antecedent seen", "score where seen"),
    *("ceiling, whole group", "published"),
)
_STEREOTYPES = ("pairs judged", "gap", "female where female", "female where male", "known")


def suites(groups: pd.DataFrame, order: Sequence[str]) -> Iterator[str]:
    """Yield a table for each suite, and what could not be judged.

    Args:
        groups: rows of `Results.suites`.
        order: all setups of the report.
    """
    for suite, rows in groups.groupby("suite", sort=False):
        judged = rows[rows["n"] > 0]
        decided = judged["pairwise"].notna().any()
        lines = [
            [_name(row), *(_decided(row) if decided else _stereotypes(row))]
            for group, own in judged.groupby("group", sort=False)
            for name in order
            for _, row in own[own["name"] == name].iterrows()
        ]
        head = _DECIDED if decided else _STEREOTYPES
        yield html.section(str(suite), [html.table(["", *head], lines, _caption(decided))], level=3)
        none = [
            str(group) for group, own in rows.groupby("group", sort=False) if not own["n"].any()
        ]
        if none:
            text = f"No model has labels for the classes of these groups: {', '.join(none)}."
            yield html.paragraph(text, note=True)


def _name(row: pd.Series) -> html.Content:
    name = f"{str(row['group']).replace('_', ' ')}: {row['name']}"
    return (name, f"trained on {row['trained']}") if row["trained"] else name


def _decided(row: pd.Series) -> list[html.Content]:
    published = DASH if pd.isna(row["published"]) else f"{percent(row['published'])}"
    return [
        _pairs(row),
        _score(row, "pairwise"),
        *(percent(row[name]) for name in ("ceiling", "argmax", "both_sides", "coverage")),
        *(percent(row[name]) for name in ("pairwise_covered", "ceiling_all")),
        published,
    ]


def _stereotypes(row: pd.Series) -> list[html.Content]:
    shares = (percent(row[name]) for name in ("female", "male", "coverage"))
    return [_pairs(row), _score(row, "gap"), *shares]


def _pairs(row: pd.Series) -> html.Content:
    n = whole(row["n"])
    return (n, f"of {whole(row['n'] + row['left_out'])}") if row["left_out"] else n


def _score(row: pd.Series, what: str) -> html.Content:
    """Return a score with its interval, or of several runs their mean and range."""
    if pd.notna(row["low"]):
        return interval(row[what], row["low"], row["high"])
    return spread(row[what], row["least"], row["most"])


def _caption(decided: bool) -> str:
    if not decided:
        return (
            "The text does not decide, so there is no accuracy: how probable the female form is "
            "where the occupation's stereotype is female and where it is male, and the gap, in %."
        )
    return (
        "In %, the score with its 95 % interval, or of several runs the mean and range. Published: "
        "the score of a language model, on the whole group."
    )
