"""Batches of sentences of similar length, for tagging."""

from collections.abc import Iterator, Sequence

# Limits of a batch: words including padding, and sentences.
_BATCH_TOKENS, _BATCH_SENTENCES = 4096, 128


def batches_by_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield batches of row numbers, longest sentences first; empty sentences are left out."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if not lengths[row]:
            break
        longest = lengths[batch[0]] if batch else 0
        if len(batch) == _BATCH_SENTENCES or longest * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
