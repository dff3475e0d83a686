"""The verb `check`: check a corpus for errors before training on it."""

from __future__ import annotations

from seqtag.commands.settings import CheckSettings
from seqtag.data.doctor.doctor import examine, examine_vectors
from seqtag.data.doctor.findings import render
from seqtag.terminal import console
from seqtag.training import build


def check(settings: CheckSettings) -> int:
    """Print the findings of the data doctor in a corpus; return 1 if there are errors, else 0."""
    corpus = build.corpus(settings.data.corpus)
    report = examine(corpus)
    if settings.vectors is not None and "train" in corpus.splits:
        report = report.with_finding(examine_vectors(settings.vectors, corpus))
    console().print(render(report))
    return report.exit_code
