"""The data module: a corpus, encoded on the fly, in batches, for Lightning."""

from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader, Dataset

from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.batches.streamed import (
    BatchNumbers,
    Position,
    StreamedBatches,
    StreamLoader,
)
from seqtag.data.corpus.cache import digest
from seqtag.data.corpus.corpus import Corpus
from seqtag.data.corpus.memory_mapped import drop_pages, lengths_of
from seqtag.data.corpus.stream import Stream
from seqtag.data.encode.indexer import Indexer, labelled_batch
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError

# Batches between two lettings-go of what was read: some 100 MB of a large corpus by then.
_LET_GO_EVERY = 8


class EncodedSentences(Dataset):
    """A split read by lists of rows: each access is a whole encoded batch."""

    def __init__(self, split: Any, indexer: Indexer, labels: LabelSet, with_text: bool) -> None:
        if not with_text:
            split = split.select_columns(["tokens", "labels", *indexer.features])
        self._split, self._indexer, self._labels = split, indexer, labels
        self._with_text = with_text
        self._read = 0

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, rows: list[int]) -> dict[str, Any]:
        """Return ``inputs``, ``labels_BT`` and, for evaluation, ``columns``: the rows as read."""
        columns = self._split[rows]
        self._read += 1
        if self._read % _LET_GO_EVERY == 0:
            drop_pages(self._split)
        batch = labelled_batch(columns, self._indexer, self._labels)
        if self._with_text:
            batch["columns"] = columns
        return batch


def _as_it_is(batch: dict[str, Any]) -> dict[str, Any]:
    """Have torch make no tensors of a batch, whose text it would search for numbers."""
    return batch


class CorpusModule(L.LightningDataModule):
    """Batches of a corpus for training and evaluation, with a position that can be resumed.

    The position in the order of batches is kept here, not in the loader: Lightning restores it
    before it builds the loaders anew.
    """

    def __init__(
        self, corpus: Corpus, indexer: Indexer, labels: LabelSet, batch: BatchConfig, seed: int = 0
    ) -> None:
        super().__init__()
        self.corpus, self.indexer, self.labels = corpus, indexer, labels
        self.batch, self.seed = batch, seed
        self._resume_at = {"epoch": 0, "batch": 0}
        self._positions: dict[int, Position] = {}  # of a stream's lanes

    def train_dataloader(self) -> DataLoader:
        """Return the shuffled training batches, from the position that was restored."""
        stream = self.corpus.stream
        loader = self._loader("train", shuffle=True) if stream is None else self._stream(stream)
        order = loader.sampler
        order.epoch, order.start = self._resume_at["epoch"], self._resume_at["batch"]
        self._resume_at = {"epoch": 0, "batch": 0}
        return loader

    def val_dataloader(self) -> DataLoader | list:
        """Return the development batches; none where the corpus has no such split."""
        return self._loader("dev") if "dev" in self.corpus.splits else []

    def batches_per_epoch(self) -> int:
        """Return how many training batches an epoch has, however many processes share them."""
        if (stream := self.corpus.stream) is not None:
            lanes = max(1, self.batch.workers)
            return -(-stream.config.batches_per_epoch // lanes) * lanes
        return len(self._order("train", True, 0, 1))

    def digest(self, resumed: str | None) -> str:
        """Return a digest of the training data and of the checkpoint that training resumes from.

        It is the same on all processes that train together. A split in the cache counts by its
        content; one in memory was made from the settings or from such a split, and counts by its
        lengths.
        """
        splits = {
            name: rows._fingerprint if rows.cache_files else rows.data.column("length").to_pylist()
            for name, rows in self.corpus.splits.items()
            if name != "test"
        }
        return digest(splits, self.indexer.to_plain(), self.labels.labels, resumed)

    def sequences_after(self, batches: int) -> int:
        """Return how many sequences so many training batches held, over the epochs from 0 on.

        Of a stream, those of this process so far, times the number of processes.
        """
        if self.corpus.stream is not None:
            return self._place()[1] * sum(p["sentences"] for p in self._positions.values())
        order = self._order("train", True, 0, 1)
        epochs, rest = divmod(batches, len(order))
        return epochs * len(self.corpus.splits["train"]) + sum(
            len(rows) for rows in order.batches(epochs)[:rest]
        )

    def _place(self) -> tuple[int, int]:
        """Return this process's rank, and how many there are."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _order(self, split: str, shuffle: bool, rank: int, world_size: int) -> BatchOrder:
        return BatchOrder(
            lengths_of(self.corpus.splits[split]),
            self.batch,
            shuffle=shuffle,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
        )

    def _loader(self, split: str, shuffle: bool = False) -> DataLoader:
        rank, world_size = self._place()
        sentences = EncodedSentences(
            self.corpus.splits[split], self.indexer, self.labels, with_text=not shuffle
        )
        # A sampler, not a batch sampler: Lightning hands the epoch's number to a sampler only.
        return DataLoader(
            sentences,
            sampler=self._order(split, shuffle, rank, world_size),
            batch_size=None,
            collate_fn=_as_it_is,
            num_workers=self.batch.workers,
            persistent_workers=self.batch.workers > 0,
            # One of its own: a loader draws a number whenever it begins, which is not to move
            # what the network draws.
            generator=torch.Generator(),
        )

    def _stream(self, stream: Stream) -> DataLoader:
        rank, world_size = self._place()
        batches = StreamedBatches(
            *(stream, self.indexer, self.labels, self.batch, self.seed, rank, world_size)
        )
        count = self.batches_per_epoch()
        batches.first = self._resume_at["epoch"] * count + self._resume_at["batch"]
        batches.positions.update(self._positions)
        return StreamLoader(
            batches,
            sampler=BatchNumbers(count, batches.lanes),
            batch_size=None,
            num_workers=self.batch.workers,
            persistent_workers=self.batch.workers > 0,
            generator=torch.Generator(),
        )

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Note where the lane that a batch of a stream is from goes on."""
        if position := batch.pop("position", None):
            self._positions[position["lane"]] = position
        return batch

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> dict[str, Any]:
        """Move the tensors. Text stays: Lightning would look for some in each of its words."""
        text = {key: batch.pop(key) for key in ("columns",) if key in batch}
        return {**super().transfer_batch_to_device(batch, device, dataloader_idx), **text}

    def state_dict(self) -> dict[str, Any]:
        """Return the position: the epoch and how many of its batches are done.

        Of a stream also where each process's lanes are, which all of them must ask for together.
        """
        loop = self.trainer.fit_loop
        # Lightning writes checkpoints before it counts a batch or an epoch as completed; when
        # training has ended the last epoch does count.
        epoch = max(0, loop.epoch_progress.current.ready - 1)
        batch = loop.epoch_loop.batch_progress.current.processed
        if batch >= self.trainer.num_training_batches:
            epoch, batch = epoch + 1, 0
        state: dict[str, Any] = {"epoch": epoch, "batch": batch}
        if self.corpus.stream is not None:
            state |= {"workers": self.batch.workers, "positions": self._all_positions()}
        return state

    def _all_positions(self) -> list[dict[int, Position]]:
        """Return the positions of the lanes of each process: they are at different places."""
        world_size = self.trainer.world_size
        if world_size == 1:
            return [self._positions]
        everywhere: list[Any] = [None] * world_size
        torch.distributed.all_gather_object(everywhere, self._positions)
        return everywhere

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a position that :meth:`state_dict` returned, however many processes do.

        Raises:
            InputError: if a stream was read by more processes or workers, or fewer.
        """
        positions = state_dict.get("positions")
        if self.corpus.stream is not None and positions is not None:
            rank, processes = self._place()
            saved = (len(positions), state_dict["workers"])
            if saved != (processes, self.batch.workers):
                raise InputError(
                    f"ckpt_path: the stream was read by {saved[0]} processes with {saved[1]} "
                    f"workers each, and here are {processes} with {self.batch.workers}; take as "
                    "many (trainer.devices, data.batch.workers)"
                )
            self._positions = dict(positions[rank])
        self._resume_at = dict(state_dict)
