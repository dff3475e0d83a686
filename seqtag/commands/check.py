"""The verb `check`: check a corpus for errors before training on it."""

from __future__ import annotations

from seqtag.commands.settings import CheckSettings
from seqtag.data.config import CorpusConfig
from seqtag.data.doctor.coverage import examine_gazetteers, examine_vectors
from seqtag.data.doctor.doctor import examine
from seqtag.data.doctor.findings import render
from seqtag.data.doctor.spans import span_findings, without_refusal
from seqtag.terminal import console
from seqtag.training import build


def check(settings: CheckSettings) -> int:
    """Print the findings of the data doctor in a corpus; return 1 if there are errors, else 0."""
    config = settings.data.corpus
    if isinstance(config, CorpusConfig):
        corpus = build.corpus(without_refusal(config))
        report = examine(corpus)
        for finding in span_findings(corpus, config):
            report = report.with_finding(finding)
    else:
        corpus = build.corpus(config)
        report = examine(corpus)
    if settings.vectors is not None and "train" in corpus.splits:
        report = report.with_finding(examine_vectors(settings.vectors, corpus))
    if settings.data.gazetteers is not None and "train" in corpus.splits:
        for finding in examine_gazetteers(build.gazetteers(settings.data), corpus):
            report = report.with_finding(finding)
    console().print(render(report))
    return report.exit_code
