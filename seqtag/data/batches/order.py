"""Batches of sentences of similar length under a token budget, in a reproducible order."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from seqtag.data.config import BatchConfig

# Maximum ratio of the longest to the shortest sentence of a bucket.
_BUCKET_GROWTH = 1.2


class BatchOrder(Sampler[list[int]]):
    """Sampler that yields the batches of one process, each a list of sentence numbers.

    Sentences of similar length share a bucket. Its batches hold as many sentences as the budget
    allows if all are as long as the longest one of the bucket. So the number of batches is the
    same in every epoch, and their contents depend only on the lengths, `config`, `seed`, the
    epoch, `rank` and `world_size`.

    All ranks get the same number of batches. In training (`shuffle`) each batch is divided among
    the ranks, so that they take the same steps as a single process; a batch with fewer sentences
    than ranks goes to each rank as a whole, which leaves its mean loss unchanged. In evaluation
    each batch goes to one rank as a whole, so that sentences are padded as on a single process;
    empty batches fill up the last round, so that no sentence counts twice.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        config: BatchConfig,
        *,
        shuffle: bool,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.shuffle = shuffle
        self.epoch = 0
        self.start = 0  # batches of the coming epoch that are already done
        self._buckets = _fill_buckets(np.asarray(lengths), config)
        count = sum(-(-len(members) // capacity) for members, capacity in self._buckets)
        self._batches_per_rank = count if shuffle else -(-count // world_size)

    def __len__(self) -> int:
        return self._batches_per_rank

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the coming epoch; Lightning calls this before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        start, self.start = self.start, 0
        for batch in self.batches(self.epoch)[start:]:
            yield batch.tolist()

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Return this rank's batches (in training its shares of them) of an epoch."""
        random = np.random.default_rng((self.seed, epoch))
        batches: list[np.ndarray] = []
        for members, capacity in self._buckets:
            order = random.permutation(members) if self.shuffle else members
            batches.extend(np.split(order, range(capacity, len(order), capacity)))
        if self.shuffle:
            return [self._share(batches[i]) for i in random.permutation(len(batches))]
        missing = self._batches_per_rank * self.world_size - len(batches)
        batches.extend([np.zeros(0, np.int64)] * missing)
        return batches[self.rank :: self.world_size]

    def _share(self, batch: np.ndarray) -> np.ndarray:
        return batch if len(batch) < self.world_size else batch[self.rank :: self.world_size]


def _fill_buckets(lengths: np.ndarray, config: BatchConfig) -> list[tuple[np.ndarray, int]]:
    """Return buckets of increasing length: (sentence numbers, maximum sentences per batch)."""
    order = np.argsort(lengths, kind="stable")
    if len(order) <= np.iinfo(np.int32).max:
        order = order.astype(np.int32)  # half the memory during all of training
    ascending = lengths[order]
    buckets = []
    start = 0
    while start < len(order):
        longest = max(1, int(ascending[start] * _BUCKET_GROWTH))
        end = int(np.searchsorted(ascending, longest, side="right"))
        members = order[start:end]
        longest = max(1, int(ascending[end - 1]))
        buckets.append((members, max(1, min(config.sentences, config.tokens // longest))))
        start = end
    return buckets
