"""Findings on files that are compared with a corpus: word vectors."""

from __future__ import annotations

from seqtag.data.corpus.corpus import Corpus
from seqtag.data.doctor.findings import Finding
from seqtag.data.encode.counting import count_strings
from seqtag.errors import InputError


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
