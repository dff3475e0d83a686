"""Batches of a stream: each process, and each of its workers, reads a lane of its own.

A lane reads a buffer of sentences, puts them into batches in the order that a corpus of that size
would have, and reads the next. Its position is where the buffer began in the stream, and how many
of its batches are done: going on from there reads one buffer again and gives the same batches.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader, Dataset, Sampler

from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.corpus.stream import Stream
from seqtag.data.encode.indexer import Indexer, labelled_batch
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError

log = logging.getLogger("seqtag")

Position = dict[str, Any]

# Passes of different seeds are numbered far from each other: the number shuffles the shards.
_SEED_STRIDE = 1_000_003


class StreamedBatches(Dataset):
    """Encoded batches of one process's share of a stream, by their number over all epochs.

    Of each batch that `batch` allows the process reads its share: as large a one as the others.
    Each worker is asked for every so manyth batch, in order, and reads a lane of its own.

    Attributes:
        lanes: how many there are: one for each worker, or one without workers.
        first: batches before this one are done, and None is returned for them.
        positions: where lanes are to go on; at their beginning, if it does not say.
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
        """Return ``inputs``, ``labels_BT`` and ``position``: the lane's and its position."""
        if number < self.first:
            return None
        lane = number % self.lanes
        if self._running is None:
            self._running = self._lane(self.positions.get(lane))
        sentences, position = next(self._running)
        self._refuse_unknown(sentences)
        names = ("tokens", "labels", *self._indexer.features)
        columns = {name: [sentence[name] for sentence in sentences] for name in names}
        batch = labelled_batch(columns, self._indexer, self._labels)
        return {**batch, "position": {"lane": lane, **position}}

    def _lane(self, position: Position | None) -> Iterator[tuple[list[dict[str, Any]], Position]]:
        """Yield batches for ever, each with the position behind it."""
        # Made here, in the worker: workers of one data set share the number of its pass, too. Among
        # them its shards are shared out by itself.
        rows = split_dataset_by_node(self._stream.rows, self._rank, self._world_size)
        size = self._stream.config.buffer
        now = position or {"pass": 0, "buffer": 0, "batch": 0, "sentences": 0, "rows": None}
        while True:
            rows.set_epoch(1 + now["pass"] + self._seed * _SEED_STRIDE)
            if now["rows"] is not None:
                rows.load_state_dict(now["rows"])
            begun = now["rows"] is not None
            sentences = self._stream.read(rows)
            while buffer := list(islice(sentences, size)):
                begun = True
                for batch in self._batches(buffer, now["buffer"])[now["batch"] :]:
                    now = {
                        **now,
                        "batch": now["batch"] + 1,
                        "sentences": now["sentences"] + len(batch),
                    }
                    yield [buffer[row] for row in batch], now
                now = {**now, "buffer": now["buffer"] + 1, "batch": 0, "rows": rows.state_dict()}
            if not begun:
                raise InputError(
                    f"{self._stream.name}: a process found no sentence in its share of the "
                    "stream; take fewer processes or workers"
                )
            now = {**now, "pass": now["pass"] + 1, "rows": None}

    def _batches(self, buffer: Sequence[dict[str, Any]], number: int) -> list[np.ndarray]:
        lengths = np.array([len(sentence["tokens"]) for sentence in buffer])
        return BatchOrder(lengths, self._batch, shuffle=True, seed=self._seed).batches(number)

    def _refuse_unknown(self, sentences: Sequence[dict[str, Any]]) -> None:
        known = {None, *self._labels.corpus_labels}
        for sentence in sentences:
            for label in sentence["labels"]:
                if label not in known:
                    raise InputError(
                        f"{sentence['where']}: the label {label!r} is none of the "
                        f"{len(known) - 1} labels known from the first sentences of the stream; "
                        "raise data.stream.fit_sentences, or name it in data.label_names"
                    )


def _require_shards(stream: Stream, workers: int, world_size: int) -> None:
    """Refuse more workers than have anything to read, and tell of processes that read in vain."""
    shards = stream.rows.num_shards
    shared = shards % world_size == 0
    if not shared:
        log.warning(
            "the stream's %d shards cannot be shared out among %d processes: each reads all of "
            "them, and keeps every %dth sentence",
            *(shards, world_size, world_size),
        )
    of_each = shards // world_size if shared else shards
    if workers > of_each:
        raise InputError(
            f"data.batch.workers={workers}, but of the stream's {shards} shards each process "
            f"reads {of_each}: take at most as many workers"
        )


class BatchNumbers(Sampler[int]):
    """Numbers of a process's batches, epoch after epoch; in each epoch the first goes to worker 0.

    Attributes:
        epoch: the coming one.
        start: batches of it that are done already.
    """

    def __init__(self, count: int, lanes: int) -> None:
        self.count, self.lanes = count, lanes
        self.epoch = self.start = 0

    def __len__(self) -> int:
        return self.count

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the coming epoch; Lightning calls this before each."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        start, self.start = self.start, 0
        first = self.epoch * self.count
        # A whole round of workers before the first that is wanted: each keeps its lane.
        yield from range(first + start - start % self.lanes, first + self.count)


class StreamLoader(DataLoader):
    """Yields what the workers return, but for batches that were done already."""

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        try:
            yield from (batch for batch in super().__iter__() if batch is not None)
        except InputError as error:
            # A worker's mistake comes with its traceback in front.
            raise InputError(str(error).rpartition("InputError: ")[2].strip()) from None
