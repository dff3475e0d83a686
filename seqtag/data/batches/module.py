"""The Lightning data module: batches of a corpus, encoded on the fly."""

from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader, Dataset

from seqtag.data.batches.labelled import labelled_batch
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
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError

# Memory-mapped pages are released after this many batches: about 100 MB of a large corpus.
_DROP_PAGES_EVERY = 8


class EncodedSentences(Dataset):
    """A split of a corpus; indexing it with a list of rows returns an encoded batch."""

    def __init__(self, split: Any, indexer: Indexer, labels: LabelSet, with_text: bool) -> None:
        if not with_text:
            split = split.select_columns(["tokens", "labels", *indexer.features])
        self._split, self._indexer, self._labels = split, indexer, labels
        self._with_text = with_text
        self._read = 0

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, rows: list[int]) -> dict[str, Any]:
        """Return ``inputs``, ``labels_BT`` and, if `with_text`, ``columns``: the unencoded rows."""
        columns = self._split[rows]
        self._read += 1
        if self._read % _DROP_PAGES_EVERY == 0:
            drop_pages(self._split)
        batch = labelled_batch(columns, self._indexer, self._labels)
        if self._with_text:
            batch["columns"] = columns
        return batch


def _unchanged(batch: dict[str, Any]) -> dict[str, Any]:
    """Return the batch unchanged: torch's default collation would search its text for arrays."""
    return batch


class CorpusModule(L.LightningDataModule):
    """Batches of a corpus for training and evaluation, resumable at any batch.

        data = CorpusModule(corpus, indexer, labels, BatchConfig(sentences=32))
        lightning.Trainer(use_distributed_sampler=False).fit(task, data)

    The position in the order of batches is part of this module's state, not of the loaders:
    Lightning restores the state before it creates the loaders.
    """

    def __init__(
        self, corpus: Corpus, indexer: Indexer, labels: LabelSet, batch: BatchConfig, seed: int = 0
    ) -> None:
        super().__init__()
        self.corpus, self.indexer, self.labels = corpus, indexer, labels
        self.batch, self.seed = batch, seed
        self._resume_at = {"epoch": 0, "batch": 0}
        self._positions: dict[int, Position] = {}  # by lane of a stream

    def train_dataloader(self) -> DataLoader:
        """Return a loader of shuffled training batches that starts at the restored position."""
        stream = self.corpus.stream
        if stream is None:
            loader = self._loader("train", shuffle=True)
        else:
            loader = self._stream_loader(stream)
        order = loader.sampler
        order.epoch, order.start = self._resume_at["epoch"], self._resume_at["batch"]
        self._resume_at = {"epoch": 0, "batch": 0}
        return loader

    def val_dataloader(self) -> DataLoader | list:
        """Return a loader of development batches, or [] if there is no development split."""
        return self._loader("dev") if "dev" in self.corpus.splits else []

    def batches_per_epoch(self) -> int:
        """Return the number of training batches per epoch, for any number of processes."""
        if (stream := self.corpus.stream) is not None:
            lanes = max(1, self.batch.workers)
            return -(-stream.config.batches_per_epoch // lanes) * lanes
        return len(self._order("train", True, 0, 1))

    def digest(self, resumed: str | None) -> str:
        """Return a digest of the training data and of the checkpoint; all ranks must agree on it.

        A split on disk is identified by its content. A split in memory is derived from the
        settings or from a split on disk, so the lengths of its sentences are enough.
        """
        splits = {
            name: rows._fingerprint if rows.cache_files else rows.data.column("length").to_pylist()
            for name, rows in self.corpus.splits.items()
            if name != "test"
        }
        return digest(splits, self.indexer.to_plain(), self.labels.labels, resumed)

    def sequences_after(self, batches: int) -> int:
        """Return the number of sequences in the first `batches` training batches of a run.

        For a stream this is the number read by this process so far, times the number of processes.
        """
        if self.corpus.stream is not None:
            return self._rank_and_size()[1] * sum(p["sentences"] for p in self._positions.values())
        order = self._order("train", True, 0, 1)
        epochs, rest = divmod(batches, len(order))
        return epochs * len(self.corpus.splits["train"]) + sum(
            len(rows) for rows in order.batches(epochs)[:rest]
        )

    def _rank_and_size(self) -> tuple[int, int]:
        """Return the rank of this process and the number of processes."""
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
        rank, world_size = self._rank_and_size()
        sentences = EncodedSentences(
            self.corpus.splits[split], self.indexer, self.labels, with_text=not shuffle
        )
        # A sampler, not a batch sampler: Lightning passes the epoch number to samplers only.
        return DataLoader(
            sentences,
            sampler=self._order(split, shuffle, rank, world_size),
            batch_size=None,
            collate_fn=_unchanged,
            num_workers=self.batch.workers,
            persistent_workers=self.batch.workers > 0,
            # A separate generator: a loader draws a number at its start, which must not change
            # the random numbers of the network.
            generator=torch.Generator(),
        )

    def _stream_loader(self, stream: Stream) -> DataLoader:
        rank, world_size = self._rank_and_size()
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
        """Store the position of the lane that produced a batch of a stream."""
        if position := batch.pop("position", None):
            self._positions[position["lane"]] = position
        return batch

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> dict[str, Any]:
        """Move the tensors. Text is left out: Lightning would search every string for tensors."""
        text = {key: batch.pop(key) for key in ("columns",) if key in batch}
        return {**super().transfer_batch_to_device(batch, device, dataloader_idx), **text}

    def state_dict(self) -> dict[str, Any]:
        """Return the position: the epoch and the number of its completed batches.

        For a stream also return the positions of the lanes of all processes. These are gathered
        collectively, so all processes must call this together.
        """
        loop = self.trainer.fit_loop
        # Lightning writes checkpoints before it counts a batch or an epoch as completed, but at
        # the end of training the last epoch is already counted.
        epoch = max(0, loop.epoch_progress.current.ready - 1)
        batch = loop.epoch_loop.batch_progress.current.processed
        if batch >= self.trainer.num_training_batches:
            epoch, batch = epoch + 1, 0
        state: dict[str, Any] = {"epoch": epoch, "batch": batch}
        if self.corpus.stream is not None:
            state |= {"workers": self.batch.workers, "positions": self._all_positions()}
        return state

    def _all_positions(self) -> list[dict[int, Position]]:
        """Return the positions of the lanes of each process, by rank."""
        world_size = self.trainer.world_size
        if world_size == 1:
            return [self._positions]
        by_rank: list[Any] = [None] * world_size
        torch.distributed.all_gather_object(by_rank, self._positions)
        return by_rank

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a position returned by :meth:`state_dict`; the number of processes may differ.

        Raises:
            InputError: if the corpus is a stream and the number of processes or workers differs.
        """
        positions = state_dict.get("positions")
        if self.corpus.stream is not None and positions is not None:
            rank, processes = self._rank_and_size()
            saved = (len(positions), state_dict["workers"])
            if saved != (processes, self.batch.workers):
                raise InputError(
                    f"ckpt_path: the stream was read by {saved[0]} processes with {saved[1]} "
                    f"workers each, but this run has {processes} with {self.batch.workers}; set "
                    "trainer.devices and data.batch.workers to the same numbers as before"
                )
            self._positions = dict(positions[rank])
        self._resume_at = dict(state_dict)
