"""Training and tagging speed compared with Flair and spaCy, in turns; start-up time and memory.

    python scripts/bench_pipeline.py --path FOLDER     # the folder of CoNLL-2000; extra `bench`
    python scripts/bench_pipeline.py --path FOLDER --cells lstm,gru,cifg   # seqtag's cells only

All libraries train on the same sentences with the same batch size, and Flair has the same network
sizes. In turns, each trains a few batches; then each tags the same sentences, those of the test
split first. No text is repeated before all have been read. seqtag and spaCy choose their own batch
sizes for tagging. The tables show medians over turns, and ratios. With --epochs, seqtag and spaCy
are then trained again to the end, and their F1 is printed. seqtag trains in a plain loop, like
Flair, without Lightning and its logging and evaluations. A cold start is measured separately.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from bench_peers import FlairPeer, Sentence, SpacyPeer
from rich.console import Console
from rich.table import Table

from seqtag.data.batches.module import CorpusModule
from seqtag.data.batches.order import BatchConfig
from seqtag.data.corpus.corpus import Corpus, CorpusConfig, load_corpus
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.memory import keep_freed_memory
from seqtag.metrics.spans import SpanScore
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.tagging.tagger import Tagger
from seqtag.training.schedules import WarmupDecay


class SeqtagPeer:
    """seqtag's default tagger with the methods of `FlairPeer` and `SpacyPeer`."""

    name = "seqtag"
    clock: Callable[[], float] = staticmethod(time.perf_counter)

    def __init__(
        self,
        corpus: Corpus,
        batch_size: int,
        epochs: int,
        seed: int = 1,
        cell: str = "lstm",
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(seed)
        train = corpus.splits["train"]
        indexer = Indexer.fit(train, EncodeConfig(), ())
        labels = LabelSet.fit(train["labels"], corpus.scheme, "auto")
        network = TaggerNetwork(
            TaggerConfig(), cell, indexer.inputs, len(labels), labels.transitions
        )
        self.device = device
        self.tagger = Tagger(network.to(device), indexer, labels, cell)
        batch = BatchConfig(sentences=batch_size)
        self.loader = CorpusModule(corpus, indexer, labels, batch, seed).train_dataloader()
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, fused=True)
        self._schedule = WarmupDecay(self._optimizer, epochs * len(self.loader))

    def train_epoch(self, batches_per_turn: int = 10) -> Iterator[tuple[int, float]]:
        """Train one epoch; yield the tokens and seconds of each turn."""
        batches = iter(self.loader)
        for _ in range(0, len(self.loader), batches_per_turn):
            start = self.clock()
            tokens = sum(self._step(batch) for batch in islice(batches, batches_per_turn))
            if self.device != "cpu":
                torch.cuda.synchronize()
            yield tokens, self.clock() - start
        self.loader.sampler.epoch += 1

    def _step(self, batch: dict[str, Any]) -> int:
        network = self.tagger.network.train()
        inputs = {name: tensor.to(self.device) for name, tensor in batch["inputs"].items()}
        self._optimizer.zero_grad()
        network.loss(inputs, batch["labels_BT"].to(self.device)).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        return int(batch["inputs"]["lengths_B"].sum())

    def tag(self, sentences: Sequence[Sequence[str]]) -> tuple[list[list[str]], float]:
        """Return the labels (BIO) of tokenised sentences, and the seconds this took."""
        self.tagger.network.eval()
        start = self.clock()
        return self.tagger.predict(sentences), self.clock() - start


def train_by_turns(peers: Sequence[Any], turns: int) -> dict[str, list[float]]:
    """Train all peers in turns of a few batches; return the tokens per second of each turn."""
    running = {peer.name: _endless(peer) for peer in peers}
    speeds: dict[str, list[float]] = {name: [] for name in running}
    for turn in range(turns + 2):
        for name, steps in running.items():
            tokens, seconds = next(steps)
            if turn >= 2:  # the first two turns warm up
                speeds[name].append(tokens / seconds)
    return speeds


def _endless(peer: Any) -> Iterator[tuple[int, float]]:
    for _ in cycle((None,)):
        yield from peer.train_epoch(5)


def tag_by_turns(
    peers: Sequence[Any], sentences: Sequence[Sequence[str]], turns: int
) -> dict[str, list[float]]:
    """Tag parts of the sentences in turns; return the tokens per second of each turn."""
    speeds: dict[str, list[float]] = {peer.name: [] for peer in peers}
    parts = [sentences[start : start + 500] for start in range(0, len(sentences) - 499, 500)]
    for peer in peers:
        peer.tag(sentences[:64])
    for part in islice(cycle(parts), turns):
        for peer in peers:
            _, seconds = peer.tag(part)
            speeds[peer.name].append(sum(map(len, part)) / seconds)
    return speeds


def make_peers(
    names: str, corpus: Corpus, train: Sequence[Sentence], options: argparse.Namespace
) -> list[Any]:
    """Return seqtag and the named peers, ready to train."""
    peers: list[Any] = [SeqtagPeer(corpus, options.batch, options.epochs or 10)]
    kinds = {"flair": FlairPeer, "spacy": SpacyPeer}
    for name in filter(None, names.split(",")):
        peers.append(kinds[name](batch_size=options.batch))
        peers[-1].prepare(train)
    return peers


def f1(peer: Any, test: Sequence[Sentence]) -> float:
    """Return the span F1 of a peer on the test sentences."""
    predicted, _ = peer.tag([tokens for tokens, _ in test])
    gold = [labels for _, labels in test]
    labels = {label for labels in (*gold, *predicted) for label in labels}
    score = SpanScore(sorted(labels), "bio")
    score.update(predicted, gold)
    return score.compute()["f1"]


def show(title: str, speeds: dict[str, list[float]], console: Console, own: str = "seqtag") -> None:
    """Print medians, quartiles, and the speed of `own` relative to each peer."""
    table = Table(title=title, title_justify="left")
    for column in ("", "tokens/s (median)", "quartiles", f"{own} is"):
        table.add_column(column, justify="right")
    fastest = statistics.median(speeds[own])
    for name, values in speeds.items():
        median = statistics.median(values)
        low, _, high = statistics.quantiles(values, n=4)
        times = f"{fastest / median:.2f} x" if name != own else ""
        table.add_row(name, f"{median:,.0f}", f"{low:,.0f} - {high:,.0f}", times)
    console.print(table)


def compare_cells(
    cells: Sequence[str], corpus: Corpus, options: argparse.Namespace, console: Console
) -> None:
    """Print the training speed of taggers with each cell, relative to the first cell."""
    peers = []
    for cell in cells:
        peers.append(SeqtagPeer(corpus, options.batch, 10, cell=cell))
        peers[-1].name = cell
    speeds = train_by_turns(peers, options.turns)
    title = f"training, {options.threads} threads, batches of {options.batch}"
    show(title, speeds, console, own=cells[0])


_COLD_START = """
import sys, time
start = time.perf_counter()
from seqtag import Tagger
tagger = Tagger.load(sys.argv[1])
loaded = time.perf_counter()
tagger.tag("The cat sat on the mat.")
seconds = time.perf_counter() - start
# Not getrusage: its peak includes the memory of the parent before the fork.
lines = open("/proc/self/status").read().splitlines()
memory = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
print(loaded - start, seconds, memory)
"""


def cold_start(tagger: Tagger, console: Console) -> None:
    """Print how long a new process takes to load a tagger and tag a sentence, and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        tagger.save(Path(folder) / "model")
        command = [sys.executable, "-c", _COLD_START, str(Path(folder) / "model")]
        runs = [
            [float(part) for part in subprocess.check_output(command, text=True).split()]
            for _ in range(5)
        ]
    loaded, tagged, memory = (statistics.median(column) for column in zip(*runs, strict=True))
    console.print(
        f"cold start, median of 5: tagger loaded after {loaded:.2f} s (imports included), "
        f"one sentence tagged after {tagged:.2f} s; peak memory {memory:.0f} MiB"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", required=True, help="folder with train.txt and test.txt")
    parser.add_argument("--batch", type=int, default=32, help="sentences per batch")
    parser.add_argument(
        "--turns",
        type=int,
        default=20,
        help="turns of 5 training batches, or of 500 sentences to tag",
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument(
        "--epochs", type=int, default=0, help="then train this many epochs and print F1"
    )
    parser.add_argument(
        "--cells", help="compare the training speed of these cells with the first one"
    )
    parser.add_argument("--peers", default="flair,spacy", help="flair, spacy or both (default)")
    options = parser.parse_args()
    keep_freed_memory()  # as `seqtag` does; the peers benefit too
    torch.set_num_threads(options.threads)
    console = Console(width=100)
    config = CorpusConfig(
        format="column",
        path=options.path,
        files={"train": "train.txt", "test": "test.txt"},
        columns=("tokens", "pos", "labels"),
        scheme="bio",
        dev_fraction=0.0,
    )
    corpus = load_corpus(config)
    if options.cells:
        compare_cells(options.cells.split(","), corpus, options, console)
        return
    train, test = (
        list(zip(corpus.splits[s]["tokens"], corpus.splits[s]["labels"], strict=True))
        for s in ("train", "test")
    )
    peers = make_peers(options.peers, corpus, train, options)
    words = [tokens for tokens, _ in (*test, *train)]
    title = f"training, {options.threads} threads, batches of {options.batch}"
    show(title, train_by_turns(peers, options.turns), console)
    show(f"tagging, {options.threads} threads", tag_by_turns(peers, words, options.turns), console)
    cold_start(peers[0].tagger, console)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"peak memory of this process, with all peers: {peak:.0f} MiB")
    if options.epochs:
        names = ",".join(name for name in options.peers.split(",") if name != "flair")
        for peer in make_peers(names, corpus, train, options):
            for _ in range(options.epochs):
                for _ in peer.train_epoch():
                    pass
            console.print(f"{peer.name}: F1 {f1(peer, test):.2%} after {options.epochs} epochs")


if __name__ == "__main__":
    main()
