"""The tables of published suites of minimal pairs."""

from collections.abc import Iterator, Sequence

import pandas as pd

from seqtag.report import html
from seqtag.report.formatting import DASH, interval, percent, spread, with_separators

_DECIDED = (
    "pairs judged",
    "score in pairs",
    *("ceiling", "most probable class", "both sides", "antecedent known", "score where known"),
    *("ceiling, whole group", "published score"),
)
_STEREOTYPES = (
    "pairs judged",
    "gap",
    *("where stereotype female", "where stereotype male", "antecedent known"),
)


def suites(groups: pd.DataFrame, order: Sequence[str]) -> Iterator[str]:
    """Yield a table for each suite, and a note on groups that could not be judged.

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
            text = f"Not judged, because no model has labels for their classes: {', '.join(none)}."
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
    n = with_separators(row["n"])
    return (n, f"of {with_separators(row['n'] + row['left_out'])}") if row["left_out"] else n


def _score(row: pd.Series, what: str) -> html.Content:
    """Return a score with its interval, or for several runs their mean and range."""
    if pd.notna(row["low"]):
        return interval(row[what], row["low"], row["high"])
    return spread(row[what], row["least"], row["most"])


def _caption(decided: bool) -> str:
    if not decided:
        return (
            "The text does not decide which form is right, so there is no accuracy. In %: how "
            "probable the female form is where the occupation's stereotype is female and where it "
            "is male, and the gap between the two."
        )
    return (
        "In %. The score in pairs has its 95 % interval in brackets, or for several runs the mean "
        "and range. Published score: that of a language model on the whole group."
    )
