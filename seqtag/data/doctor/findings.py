"""The report of the data doctor, and its display on a console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seqtag.terminal import safe_text

if TYPE_CHECKING:
    from rich.console import RenderableType

LEVELS = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """A problem or fact found in a corpus.

    Attributes:
        level: one of `LEVELS`.
        split: the split in which it was found; "" for the corpus as a whole.
        where: the first place, as file:line; "" if it has none.
        message: description, with advice.
        count: number of occurrences.
        examples: a few occurrences.
    """

    level: str
    split: str
    where: str
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Size:
    """Size of a split.

    Attributes:
        split: its name.
        sentences: number of sentences.
        tokens: number of tokens.
        scored: number of tokens with a label.
        documents: number of documents.
        labels: number of distinct labels.
        longest: number of tokens of the longest sentence.
        unknown: share of tokens that are unknown in training; None for training itself.
    """

    split: str
    sentences: int
    tokens: int
    scored: int
    documents: int
    labels: int
    longest: int
    unknown: float | None


@dataclass(frozen=True)
class Report:
    """The doctor's report: label scheme, a size per split, and findings, most severe first."""

    scheme: str
    sizes: tuple[Size, ...]
    findings: tuple[Finding, ...]

    def with_finding(self, finding: Finding) -> Report:
        """Return the report with one more finding, sorted by severity."""
        findings = sorted((*self.findings, finding), key=lambda one: LEVELS.index(one.level))
        return replace(self, findings=tuple(findings))

    @property
    def exit_code(self) -> int:
        """1 if a finding is an error, else 0."""
        return int(any(finding.level == "error" for finding in self.findings))


def render(report: Report) -> RenderableType:
    """Return the report as tables for a rich console."""
    from rich.console import Group
    from rich.table import Table

    sizes = Table(title="Splits", title_justify="left")
    columns: dict[str, Callable[[Size], str]] = {
        "sentences": lambda size: f"{size.sentences:,}",
        "tokens": lambda size: f"{size.tokens:,}",
        "with label": lambda size: f"{size.scored:,}",
        "documents": lambda size: f"{size.documents:,}",
        "labels": lambda size: f"{size.labels:,}",
        "longest": lambda size: f"{size.longest:,}",
        "unknown words": lambda size: "" if size.unknown is None else f"{size.unknown:.1%}",
    }
    sizes.add_column("split")
    for name in columns:
        sizes.add_column(name, justify="right")
    for size in report.sizes:
        sizes.add_row(size.split, *(show(size) for show in columns.values()))
    findings = Table(title="Findings", title_justify="left")
    for name in ("level", "split", "first at", "times", "what"):
        findings.add_column(name, justify="right" if name == "times" else "left")
    colours = {"error": "bold red", "warning": "yellow", "info": "dim"}
    for finding in report.findings:
        what = finding.message
        if finding.examples:
            what += "\n  " + "\n  ".join(finding.examples)
        findings.add_row(
            safe_text(finding.level, style=colours[finding.level]),
            finding.split,
            safe_text(finding.where),
            f"{finding.count:,}" if finding.count > 1 else "",
            safe_text(what),
        )
    return Group(sizes, findings)
