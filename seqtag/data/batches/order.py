"""The order of batches: length buckets under a token budget, a pure function of its arguments."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from seqtag.data.config import BatchConfig

# Each bucket's longest sentence is at most this much longer than its shortest one.
_BUCKET_GROWTH = 1.2


class BatchOrder(Sampler[list[int]]):
    """Batches of sentence numbers for one process among several.

    Sentences of about one length share a bucket; a bucket's batches hold as many sentences as
    the budget allows at its greatest length. So the number of batches is the same in every
    epoch, and what is in them depends on `seed`, the epoch, `rank` and `world_size` alone.

    All ranks get equally many. In training (`shuffle`) each batch is shared out among them, so that
    they take the steps that one process would; a batch with fewer sentences than processes goes to
    each of them whole, which leaves its mean loss as it is. In evaluation whole batches are dealt
    out, so that a sentence is padded as on one process, and the rest is filled with empty ones, so
    that nothing counts twice.
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
        self.start = 0  # batches of the coming epoch that are done already
        self._buckets = _fill_buckets(np.asarray(lengths), config)
        count = sum(-(-len(members) // capacity) for members, capacity in self._buckets)
        self._batches_per_rank = count if shuffle else -(-count // world_size)

    def __len__(self) -> int:
        return self._batches_per_rank

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the coming epoch; Lightning calls this before each."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        start, self.start = self.start, 0
        for batch in self.batches(self.epoch)[start:]:
            yield batch.tolist()

    def batches(self, epoch: int) -> list[np.ndarray]:
        """Return this rank's batches, or shares of them, of an epoch."""
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
    """Cut the sentences, shortest first, into (members, sentences per batch)."""
    order = np.argsort(lengths, kind="stable")
    if len(order) <= np.iinfo(np.int32).max:
        order = order.astype(np.int32)  # half the memory, for as long as training lasts
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
