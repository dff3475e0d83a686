"""Findings on texts with spans of characters: spans that do not fit, and the tokenizers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import Corpus
from seqtag.data.corpus.documents import annotated_documents
from seqtag.data.doctor.findings import Finding
from seqtag.data.formats.document import Document
from seqtag.data.text.split import split_text
from seqtag.data.text.tokenizers import TOKENIZERS

_REFUSED = "training refuses them, unless data.spans.policy is widen or skip"


def without_refusal(config: CorpusConfig) -> CorpusConfig:
    """Return a config that leaves spans that do not fit out, so that all of them can be listed."""
    if config.spans is None or config.spans.policy != "error":
        return config
    return replace(config, spans=replace(config.spans, policy="skip"))


def span_findings(corpus: Corpus, config: CorpusConfig) -> list[Finding]:
    """Return findings on the spans of a corpus of texts; none for other corpora.

    Args:
        corpus: the corpus, read `without_refusal`.
        config: the settings for training.
    """
    if config.spans is None:
        return []
    refused = config.spans.policy == "error"
    findings = []
    for split, origin in corpus.origins.items():
        for remark in origin.remarks:
            message, level = remark.message, "warning" if remark.counted else "info"
            if remark.is_problem and refused:
                message, level = f"{message.removesuffix(', left out')}: {_REFUSED}", "error"
            counted = (remark.count, remark.examples) if remark.counted else (1, ())
            findings.append(Finding(level, split, remark.where, message, *counted))
    more = () if config.tokenizer in TOKENIZERS else (config.tokenizer,)
    if "train" in corpus.splits and (cut := cut_spans(annotated_documents(config), more)):
        findings.append(_tokenizer_finding(cut, config.tokenizer))
    return findings


def cut_spans(documents: Iterable[Document], more: Iterable[str] = ()) -> dict[str, int]:
    """Return how many spans each tokenizer would cut, by its name; empty if there are no spans.

    Args:
        documents: texts with spans.
        more: regular expressions that are compared with the tokenizers of seqtag.
    """
    tokenizers = dict.fromkeys((*TOKENIZERS, *more))
    cut: Counter[str] = Counter()
    spans = 0
    for document in documents:
        edges = [_edges(document.text, start, end) for start, end, *_ in document.spans or ()]
        edges = [pair for pair in edges if pair[0] < pair[1]]
        spans += len(edges)
        for tokenizer in tokenizers if edges else ():
            tokens = [
                token
                for sentence in split_text(document.text, tokenizer=tokenizer)
                for token in sentence.tokens
            ]
            starts, ends = {token.start for token in tokens}, {token.end for token in tokens}
            cut[tokenizer] += sum(start not in starts or end not in ends for start, end in edges)
    return {name: cut[name] for name in tokenizers} if spans else {}


def _edges(text: str, start: int, end: int) -> tuple[int, int]:
    """Return start and end of a span without white space at its edges; an empty one if outside."""
    if not 0 <= start <= end <= len(text):
        return 0, 0
    covered = text[start:end]
    stripped = covered.strip()
    start += len(covered) - len(covered.lstrip())
    return start, start + len(stripped)


def _tokenizer_finding(cut: dict[str, int], chosen: str) -> Finding:
    counts = ", ".join(f"{name} {count:,}" for name, count in cut.items())
    message = f"spans that each tokenizer would cut: {counts}"
    # A tagger of characters is slower and weaker: it is not proposed for a few spans.
    best = min((name for name in cut if name != "characters"), key=cut.__getitem__)
    if cut[chosen] <= cut[best]:
        return Finding("info", "train", "", message)
    advice = f"data.tokenizer={best} cuts the fewest"
    if cut["characters"] < cut[best]:
        advice += ", except for characters, which is for scripts without spaces"
    return Finding("warning", "train", "", f"{message}; {advice}")
