"""Batches of a training split that is streamed, with positions that can be resumed.

A lane is the sequence of batches that one worker produces, or the process itself if it has no
workers. Each lane has its own share of the stream: it reads a buffer of sentences, divides it into
batches as `BatchOrder` would divide a corpus of that size, and reads the next buffer. The position
of a lane is the beginning of its buffer in the stream and the number of completed batches of it.
Resuming from a position reads one buffer again and yields the same batches.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader, Dataset, Sampler

from seqtag.data.batches.labelled import labelled_batch
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.corpus.stream import Stream
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError

log = logging.getLogger("seqtag")

Position = dict[str, Any]

# The number of a pass shuffles the shards; different seeds use numbers that are far apart.
_SEED_STRIDE = 1_000_003


class StreamedBatches(Dataset):
    """Encoded batches of one process's share of a stream, indexed by their number over all epochs.

    Each process reads an equal share of the batch size. Of n workers, worker w returns every n-th
    batch, starting with number w; these batches are its lane.

    Attributes:
        lanes: number of lanes of this process: one for each worker, or one without workers.
        first: number of the first batch that is not yet done; None is returned for earlier ones.
        positions: start position of each lane; lanes that are missing start at the beginning.
    """

    def __init__(
        self,
        stream: Stream,
        indexer: Indexer,
        labels: LabelSet,
        batch: BatchConfig,
        seed: int,
        rank: int,
        world_size: int,
    ) -> None:
        _require_shards(stream, batch.workers, world_size)
        self.lanes = max(1, batch.workers)
        self._rank, self._world_size = rank, world_size
        self._stream, self._indexer, self._labels = stream, indexer, labels
        sentences, tokens = (
            max(1, count // world_size) for count in (batch.sentences, batch.tokens)
        )
        self._batch, self._seed = replace(batch, sentences=sentences, tokens=tokens), seed
        self.first = 0
        self.positions: dict[int, Position] = {}
        self._running: Iterator[tuple[list[dict[str, Any]], Position]] | None = None

    def __getitem__(self, number: int) -> dict[str, Any] | None:
        """Return ``inputs``, ``labels_BT`` and ``position``, which includes the lane's number."""
        if number < self.first:
            return None
        lane = number % self.lanes
        if self._running is None:
            self._running = self._lane(self.positions.get(lane))
        sentences, position = next(self._running)
        self._check_labels(sentences)
        names = ("tokens", "labels", *self._indexer.features)
        columns = {name: [sentence[name] for sentence in sentences] for name in names}
        batch = labelled_batch(columns, self._indexer, self._labels)
        return {**batch, "position": {"lane": lane, **position}}

    def _lane(self, position: Position | None) -> Iterator[tuple[list[dict[str, Any]], Position]]:
        """Yield batches endlessly, each with the position after it."""
        # Created here, in the worker, so that workers do not share the number of the pass. The
        # data set itself divides its shards among the workers.
        rows = split_dataset_by_node(self._stream.rows, self._rank, self._world_size)
        size = self._stream.config.buffer
        now = position or {"pass": 0, "buffer": 0, "batch": 0, "sentences": 0, "rows": None}
        while True:
            rows.set_epoch(1 + now["pass"] + self._seed * _SEED_STRIDE)
            if now["rows"] is not None:
                rows.load_state_dict(now["rows"])
            has_sentences = now["rows"] is not None
            sentences = self._stream.read(rows)
            while buffer := list(islice(sentences, size)):
                has_sentences = True
                for batch in self._batches(buffer, now["buffer"])[now["batch"] :]:
                    now = {
                        **now,
                        "batch": now["batch"] + 1,
                        "sentences": now["sentences"] + len(batch),
                    }
                    yield [buffer[row] for row in batch], now
                now = {**now, "buffer": now["buffer"] + 1, "batch": 0, "rows": rows.state_dict()}
            if not has_sentences:
                raise InputError(
                    f"{self._stream.name}: a process found no sentence in its share of the "
                    "stream; use fewer processes or workers"
                )
            now = {**now, "pass": now["pass"] + 1, "rows": None}

    def _batches(self, buffer: Sequence[dict[str, Any]], number: int) -> list[np.ndarray]:
        lengths = np.array([len(sentence["tokens"]) for sentence in buffer])
        return BatchOrder(lengths, self._batch, shuffle=True, seed=self._seed).batches(number)

    def _check_labels(self, sentences: Sequence[dict[str, Any]]) -> None:
        """Raise an InputError for a label that is not in the label set."""
        known = {None, *self._labels.corpus_labels}
        for sentence in sentences:
            for label in sentence["labels"]:
                if label not in known:
                    raise InputError(
                        f"{sentence['where']}: the label {label!r} is not among the "
                        f"{len(known) - 1} labels known from the first sentences of the stream; "
                        "raise data.stream.fit_sentences, or name it in data.label_names"
                    )


def _require_shards(stream: Stream, workers: int, world_size: int) -> None:
    """Check that each worker has a shard to read.

    Warn if the shards cannot be divided evenly, so that each process must read all of them.

    Raises:
        InputError: if there are more workers than shards for a process.
    """
    shards = stream.rows.num_shards
    divisible = shards % world_size == 0
    if not divisible:
        log.warning(
            "the stream's %d shards cannot be divided evenly among %d processes: each process "
            "reads all of them and uses every %dth sentence",
            *(shards, world_size, world_size),
        )
    shards_per_process = shards // world_size if divisible else shards
    if workers > shards_per_process:
        raise InputError(
            f"data.batch.workers={workers}, but of the stream's {shards} shards each process "
            f"reads {shards_per_process}: lower data.batch.workers to at most that"
        )


class BatchNumbers(Sampler[int]):
    """Sampler of batch numbers over all epochs, such that each epoch starts with lane 0.

    Args:
        count: batches per epoch, a multiple of `lanes`.
        lanes: lanes of the process.

    Attributes:
        epoch: number of the coming epoch.
        start: number of batches of that epoch that are already done.
    """

    def __init__(self, count: int, lanes: int) -> None:
        self.count, self.lanes = count, lanes
        self.epoch = self.start = 0

    def __len__(self) -> int:
        return self.count

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the coming epoch; Lightning calls this before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        start, self.start = self.start, 0
        first = self.epoch * self.count
        # Start at lane 0, so that each worker keeps its lane; batches already done give None.
        yield from range(first + start - start % self.lanes, first + self.count)


class StreamLoader(DataLoader):
    """Data loader of a stream, which skips the batches that are already done."""

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        try:
            yield from (batch for batch in super().__iter__() if batch is not None)
        except InputError as error:
            # The message of an error in a worker begins with the worker's traceback.
            raise InputError(str(error).rpartition("InputError: ")[2].strip()) from None
