"""Count strings over a whole split, in little memory, for vocabularies and label sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets

Sentences = Iterable[Mapping[str, Any]]


def count_strings(sentences: Sentences, column: str) -> Counter[str]:
    """Return the counts of the strings in a column of lists; nulls are left out.

    `sentences` are mappings with lists of strings, or a data set, which is counted in Arrow at
    about ten million strings per second.
    """
    counts: Counter[str] = Counter()
    if not _is_dataset(sentences):
        for sentence in sentences:
            counts.update(string for string in sentence[column] if string is not None)
        return counts
    import pyarrow as pa
    import pyarrow.compute as pc

    from seqtag.data.corpus.memory_mapped import tables

    for table in tables(sentences):
        counted = pc.value_counts(pc.list_flatten(table.column(column)).drop_null())
        for string, count in zip(*map(pa.Array.to_pylist, counted.flatten()), strict=True):
            counts[string] += count
    return counts


def column_lists(sentences: Sentences, column: str) -> Iterator[Sequence[str]]:
    """Yield the lists of a column one by one."""
    if not _is_dataset(sentences):
        yield from (sentence[column] for sentence in sentences)
        return
    from seqtag.data.corpus.memory_mapped import tables

    for table in tables(sentences):
        yield from table.column(column).to_pylist()


def distinct_labels(rows: datasets.Dataset) -> list[str]:
    """Return the distinct labels of a split, sorted; cached for a corpus on disk."""
    from seqtag.data.corpus.fingerprints import cached_result

    return cached_result(rows, ["labels"], lambda: sorted(count_strings(rows, "labels")))


def label_counts(rows: datasets.Dataset) -> Counter[str]:
    """Return the counts of the labels of a split; cached for a corpus on disk."""
    from seqtag.data.corpus.fingerprints import cached_result

    counted = cached_result(rows, ["label counts"], lambda: dict(count_strings(rows, "labels")))
    return Counter(counted)


def _is_dataset(sentences: Any) -> bool:
    # Without importing `datasets`, which tagging does not need.
    return hasattr(sentences, "with_format")
