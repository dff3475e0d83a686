"""Training speed on one process and on several, in turns, and the communication overhead.

    python scripts/bench_scaling.py                       # 1 and 2 processes; or 1, 2, ... GPUs
    python scripts/bench_scaling.py --path FOLDER         # the folder of CoNLL-2000
    python scripts/bench_scaling.py --processes 1,2,4

The network is the default tagger; its corpus is generated, or read from column files. Each batch is
divided among the processes, so the total batch size is the same for all counts. Each process has
one thread, or a GPU. In turns, each count trains a few batches, with and without summing gradients.
Without it no process waits for another: the time saved is the communication overhead. The rest of
the difference to an ideal speed-up is due to smaller matrix products and to the machine. Training
is a plain loop, as in bench_pipeline.py. The table shows medians over turns, also of the ratios
within each turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from operator import truediv
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from seqtag.data.batches.module import EncodedSentences
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.corpus.corpus import Corpus, CorpusConfig, load_corpus
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.memory import keep_freed_memory
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.training.probe_corpus import generate_corpus

# The number of processes, and whether they sum their gradients.
Setup = tuple[int, bool]


class Loss(nn.Module):
    """A tagger whose forward pass returns the loss, as DistributedDataParallel requires."""

    def __init__(self, network: TaggerNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: dict[str, Tensor], labels_BT: Tensor) -> Tensor:
        """Return the mean loss."""
        return self.network.loss(inputs, labels_BT)


class Trainee:
    """The part of one process in a training on `processes` processes."""

    def __init__(
        self,
        corpus: Corpus,
        batch_size: int,
        processes: int,
        group: distributed.ProcessGroup,
        device: torch.device,
    ) -> None:
        torch.manual_seed(1)
        train = corpus.splits["train"]
        indexer = Indexer.fit(train, EncodeConfig(), corpus.features)
        labels = LabelSet.fit(train["labels"], corpus.scheme, "auto")
        network = TaggerNetwork(
            TaggerConfig(), "lstm", indexer.inputs, len(labels), labels.transitions
        )
        self.device, self.group = device, group
        model = Loss(network.to(device).train())
        alone = processes == 1
        self.model = model if alone else DistributedDataParallel(model, process_group=group)
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
        order = BatchOrder(
            train.data.column("length").to_numpy(),
            BatchConfig(sentences=batch_size),
            shuffle=True,
            rank=distributed.get_rank(),
            world_size=processes,
        )
        sentences = EncodedSentences(train, indexer, labels, with_text=False)
        self._batches = _endless(DataLoader(sentences, sampler=order, batch_size=None))

    def train(self, batches: int, summing: bool) -> float:
        """Train this many batches; return the tokens per second of all processes together."""
        distributed.barrier(self.group)
        start = time.perf_counter()
        with nullcontext() if summing else self.model.no_sync():
            tokens = sum(self._step(batch) for batch in islice(self._batches, batches))
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        distributed.barrier(self.group)
        seconds = time.perf_counter() - start
        total = torch.tensor(tokens, device=self.device)
        distributed.all_reduce(total, group=self.group)
        return int(total) / seconds

    def _step(self, batch: dict[str, Any]) -> int:
        inputs = {name: tensor.to(self.device) for name, tensor in batch["inputs"].items()}
        self._optimizer.zero_grad()
        self.model(inputs, batch["labels_BT"].to(self.device)).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        return int(batch["inputs"]["lengths_B"].sum())


def _endless(loader: DataLoader) -> Iterator[dict[str, Any]]:
    while True:
        yield from loader
        loader.sampler.epoch += 1


def train_by_turns(
    rank: int, counts: Sequence[int], store: str, options: argparse.Namespace
) -> None:
    """Run the benchmark as the process `rank`; rank 0 prints the table."""
    keep_freed_memory()
    torch.set_num_threads(1)
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda", rank) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    distributed.init_process_group(
        "nccl" if on_gpu else "gloo", f"file://{store}", rank=rank, world_size=max(counts)
    )
    corpus = read_corpus(options.path)
    groups = {count: distributed.new_group(list(range(count))) for count in counts}
    trainees = {
        count: Trainee(corpus, options.batch, count, group, device)
        for count, group in groups.items()
        if rank < count
    }
    speeds: dict[Setup, list[float]] = defaultdict(list)
    setups = [(count, summing) for count in counts for summing in (True, False)]
    for turn in range(options.turns + 1):
        for count, summing in setups:
            if count in trainees and (summing or count > 1):
                speed = trainees[count].train(options.batches, summing)
                if turn:  # the first turn warms up
                    speeds[count, summing].append(speed)
            distributed.barrier()  # processes that are not part of this setup wait
    if rank == 0:
        what = torch.cuda.get_device_name() if on_gpu else "CPU, one thread each"
        show(f"training in batches of {options.batch} sentences, {what}", speeds)
    distributed.destroy_process_group()


def read_corpus(path: str | None) -> Corpus:
    """Return the corpus in a folder; without a folder, a generated one."""
    if path is None:
        config = ProbeCorpusConfig(probe="pronoun", train=4000, dev=1, test=1)
        return generate_corpus(config, ("train",))
    columns = ("tokens", "pos", "labels")
    return load_corpus(
        CorpusConfig(
            format="column",
            path=path,
            files={"train": "train.txt"},
            columns=columns,
            scheme="bio",
            dev_fraction=0.0,
        )
    )


def show(title: str, speeds: dict[Setup, list[float]]) -> None:
    """Print medians, quartiles, speed-up, share of the ideal and communication overhead."""
    table = Table(title=title, title_justify="left")
    for column in ("processes", "tokens/s", "quartiles", "speed-up", "of ideal", "overhead"):
        table.add_column(column, justify="right")
    least = min(count for count, _ in speeds)
    for count in sorted({count for count, _ in speeds}):
        together = speeds[count, True]
        low, median, high = statistics.quantiles(together, n=4)
        faster = _median_ratio(together, speeds[least, True]) * least
        alone = speeds[count, False]
        overhead = f"{1 - _median_ratio(together, alone):.0%}" if alone else ""
        table.add_row(
            *(str(count), f"{median:,.0f}", f"{low:,.0f} - {high:,.0f}"),
            *(f"{faster:.2f}", f"{faster / count:.0%}", overhead),
        )
    Console(width=100).print(table)


def _median_ratio(speeds: Sequence[float], others: Sequence[float]) -> float:
    """Return the median over turns of the ratio: other load on the machine varies by turn."""
    return statistics.median(map(truediv, speeds, others))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", help="folder with train.txt; else the corpus is generated")
    parser.add_argument("--processes", help="counts of processes to compare (default: 1,2)")
    parser.add_argument(
        "--batch", type=int, default=32, help="sentences per batch, of all processes together"
    )
    parser.add_argument("--batches", type=int, default=10, help="batches per turn")
    parser.add_argument("--turns", type=int, default=20, help="turns per count")
    options = parser.parse_args()
    gpus = torch.cuda.device_count()
    default = [count for count in (1, 2, 4, 8) if count <= gpus] if gpus else [1, 2]
    counts = [int(n) for n in options.processes.split(",")] if options.processes else default
    if gpus and max(counts) > gpus:
        parser.error(f"--processes {max(counts)}: there are {gpus} GPUs")
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "store")
        torch.multiprocessing.spawn(
            train_by_turns, (sorted(counts), store, options), nprocs=max(counts)
        )


if __name__ == "__main__":
    main()
