"""Training speed on one process and on several, by turns, and what their talk costs.

    python scripts/bench_scaling.py                       # 1 and 2 processes; or 1, 2, ... GPUs
    python scripts/bench_scaling.py --path FOLDER         # the folder of CoNLL-2000
    python scripts/bench_scaling.py --processes 1,2,4

The network is the default tagger, its corpus generated, or read from column files. Every batch is
shared out among the processes, so the total batch is the same for all counts; each has one thread,
or a GPU. All counts train a few batches each in turn; then once more without summing gradients,
where nobody waits for anybody: the time that this saves is the share lost in communication. What is
then still missing to the ideal is lost to smaller products and to the machine. The loop is bare, as
in bench_pipeline.py. The table has medians over the turns, also of the ratios within each.
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

# Processes, and whether they sum their gradients.
Way = tuple[int, bool]


class Loss(nn.Module):
    """A tagger whose forward pass ends with its loss, which is where DDP looks in."""

    def __init__(self, network: TaggerNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: dict[str, Tensor], labels_BT: Tensor) -> Tensor:
        """Return the mean loss."""
        return self.network.loss(inputs, labels_BT)


class Trainee:
    """One process's part in training on `processes` of them."""

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
        """Train so many batches; return the tokens per second of all processes together."""
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
    """Be one process of all; the first one prints what they come to."""
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
    speeds: dict[Way, list[float]] = defaultdict(list)
    ways = [(count, summing) for count in counts for summing in (True, False)]
    for turn in range(options.turns + 1):
        for count, summing in ways:
            if count in trainees and (summing or count > 1):
                speed = trainees[count].train(options.batches, summing)
                if turn:  # the first one warms up
                    speeds[count, summing].append(speed)
            distributed.barrier()  # the others wait
    if rank == 0:
        what = torch.cuda.get_device_name() if on_gpu else "CPU, one thread each"
        show(f"training in batches of {options.batch} sentences, {what}", speeds)
    distributed.destroy_process_group()


def read_corpus(path: str | None) -> Corpus:
    """Return a generated corpus, or the one in a folder."""
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


def show(title: str, speeds: dict[Way, list[float]]) -> None:
    """Print medians, quartiles, and what part of the ideal they are."""
    table = Table(title=title, title_justify="left")
    for column in ("processes", "tokens/s", "quartiles", "speed-up", "of ideal", "lost in talk"):
        table.add_column(column, justify="right")
    least = min(count for count, _ in speeds)
    for count in sorted({count for count, _ in speeds}):
        together = speeds[count, True]
        low, median, high = statistics.quantiles(together, n=4)
        faster = _median_ratio(together, speeds[least, True]) * least
        lost = (
            f"{1 - _median_ratio(together, silent):.0%}" if (silent := speeds[count, False]) else ""
        )
        table.add_row(
            *(str(count), f"{median:,.0f}", f"{low:,.0f} - {high:,.0f}"),
            *(f"{faster:.2f}", f"{faster / count:.0%}", lost),
        )
    Console(width=100).print(table)


def _median_ratio(speeds: Sequence[float], others: Sequence[float]) -> float:
    """Return the median over turns: what else the machine does changes from one to the next."""
    return statistics.median(map(truediv, speeds, others))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", help="folder with train.txt; else the corpus is generated")
    parser.add_argument("--processes", help="counts to compare, 1,2 by default")
    parser.add_argument("--batch", type=int, default=32, help="sentences of all together")
    parser.add_argument("--batches", type=int, default=10, help="batches of a turn")
    parser.add_argument("--turns", type=int, default=20, help="turns of each")
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
