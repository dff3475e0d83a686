"""Findings on files that are compared with a corpus: word vectors and gazetteers."""

from __future__ import annotations

from collections import Counter

from seqtag.data.corpus.corpus import Corpus
from seqtag.data.doctor.findings import Finding
from seqtag.data.encode.counting import column_lists, count_strings
from seqtag.data.encode.normalize import normalized
from seqtag.errors import InputError
from seqtag.inputs.gazetteers import Gazetteers


def examine_vectors(path: str, corpus: Corpus) -> Finding:
    """Return a finding on how many words of the training split have a vector in a file."""
    from seqtag.data.encode.vector_coverage import Coverage
    from seqtag.data.encode.vectors import load_vectors, vector_size

    counts = count_strings(corpus.splits["train"], "tokens")
    strings = ["<pad>", "<unk>", *sorted(counts)]
    try:
        rows_N, _ = load_vectors(path, strings, vector_size(path))
    except InputError as error:
        return Finding("error", "train", "", f"vectors: {error}")
    coverage = Coverage.of(counts, {strings[row] for row in rows_N.tolist()})
    level = "warning" if coverage.is_low else "info"
    text = f"words of this split with a vector in {path}: {coverage}"
    return Finding(level, "train", "", text)


def examine_gazetteers(gazetteers: Gazetteers, corpus: Corpus) -> list[Finding]:
    """Return a finding for each gazetteer: how many of its names occur in the training split."""
    form = corpus.config.normalize if corpus.config is not None else None
    found: dict[str, Counter[str]] = {name: Counter() for name in gazetteers.names}
    for tokens in column_lists(corpus.splits["train"], "tokens"):
        words = normalized(form, tokens) if form else tokens
        for name, start, end in gazetteers.matches(words):
            match = " ".join(words[start:end])
            found[name][match.casefold() if gazetteers.ignore_case else match] += 1
    plain = gazetteers.to_plain() or {"lists": {}}
    findings = []
    for name, counts in found.items():
        text = (
            f"gazetteer {name}: {len(counts):,} of {len(plain['lists'][name]):,} names occur in "
            f"this split, {counts.total():,} times"
        )
        examples = tuple(match for match, _ in counts.most_common(3))
        level = "info" if counts else "warning"
        findings.append(Finding(level, "train", "", text, 1, examples))
    return findings
