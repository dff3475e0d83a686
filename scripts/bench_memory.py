"""Memory and start-up time of training, by size of the corpus.

    python scripts/bench_memory.py                            # 20,000 and 2,000,000 sentences
    python scripts/bench_memory.py --sentences 20000,200000 --steps 100

Generated sentences of 10 to 20 tokens, with 30,000 words distributed by Zipf's law, are written to
column files in a temporary folder: 120 MB per million sentences, and the same again for the cache.
Each corpus is read into Arrow by one process and by several, and then trained on by `seqtag train`,
each time in a separate process. The first training is a cold start, which also fits the vocabulary;
the second one has a warm cache. Resident memory is sampled ten times per second: anonymous memory
of the process, and pages of files, which the system can reclaim at any time. Times are wall-clock
seconds, followed by CPU seconds, which are more reliable on a busy machine. The time for ordering
the batches is given as a share of an epoch at the measured speed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice, product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

WORDS = 30_000
DEV_SENTENCES = 2000
LABELS = ("O",) * 20 + ("B-PER", "B-LOC", "B-ORG")


def write_corpus(path: Path, sentences: int) -> None:
    """Write a column file with this many generated sentences, the same ones each time."""
    random = np.random.default_rng(0)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    spelled = chain(product(syllables, repeat=2), product(syllables, repeat=3))
    lines = [
        f"{''.join(word)} {LABELS[number % len(LABELS)]}\n"
        for number, word in enumerate(islice(spelled, WORDS))
    ]
    shares = np.cumsum(1 / np.arange(1, WORDS + 1))
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, sentences, 50_000):
            lengths = random.integers(10, 21, min(50_000, sentences - start))
            words = np.searchsorted(shares, random.random(lengths.sum()) * shares[-1]).tolist()
            ends = np.cumsum(lengths).tolist()
            for first, end in zip([0, *ends], ends, strict=False):
                file.write("".join([lines[word] for word in words[first:end]]) + "\n")


@contextlib.contextmanager
def sampled_memory() -> Iterator[dict[str, float]]:
    """Yield a dict that holds this process's peak resident memory in MiB, in total and by kind."""
    peak = {"VmRSS": 0.0, "RssAnon": 0.0, "RssFile": 0.0}
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.1):
            for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
                name, _, value = line.partition(":")
                if name in peak:
                    peak[name] = max(peak[name], int(value.split()[0]) / 1024)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def read(corpus: str, cache: str, processes: int) -> dict[str, float]:
    """Read a corpus into an empty cache; return times and the memory of this process."""
    from seqtag.data.corpus.corpus import CorpusConfig, load_corpus

    config = CorpusConfig(format="column", path=corpus, cache_dir=cache, processes=processes)
    start = time.perf_counter()
    with sampled_memory() as peak:
        load_corpus(config)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": time.perf_counter() - start,
        "cpu": sum(usage.ru_utime + usage.ru_stime for usage in used),
        **peak,
    }


def train(corpus: str, cache: str, output: str, steps: int, dev: float) -> dict[str, float]:
    """Train a few steps; return start-up times, seconds per step, order of batches, memory."""
    from seqtag.cli import main
    from seqtag.data.batches.order import BatchOrder
    from seqtag.training.task import TaggingTask

    order: list[float] = []
    stamps: list[float] = []
    used: list[float] = []
    sizes: list[int] = []
    _timed(BatchOrder, "__init__", order)
    _timed(BatchOrder, "batches", order, lambda batches: sizes.append(len(batches)))
    step = TaggingTask.training_step

    def timed_step(self: Any, *arguments: Any) -> Any:
        stamps.append(time.perf_counter())
        used.append(time.process_time())
        return step(self, *arguments)

    TaggingTask.training_step = timed_step  # type: ignore[method-assign]
    overrides = (
        f"data=column data.path={corpus} data.cache_dir={cache} data.dev_fraction={dev} "
        f"trainer.max_steps={steps} trainer.accelerator=cpu hydra.run.dir={output}"
    )
    with sampled_memory() as peak:
        if code := main(["train", *overrides.split()]):
            sys.exit(code)
    seconds = float(np.median(np.diff(stamps)))
    return {
        "seconds": stamps[0] - STARTED,
        "cpu": used[0],
        "step": seconds,
        "order": sum(order) / (max(sizes) * seconds),
        **peak,
    }


def _timed(
    cls: type,
    name: str,
    seconds: list[float],
    on_result: Callable[[Any], Any] = lambda result: None,
) -> None:
    """Wrap a method so that each call appends its seconds and passes its result to `on_result`."""
    method = getattr(cls, name)

    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = method(*arguments, **options)
        seconds.append(time.perf_counter() - start)
        on_result(result)
        return result

    setattr(cls, name, timed)


def in_a_process(task: str, **arguments: Any) -> dict[str, float]:
    """Run `read` or `train` in a new process and return its figures."""
    command = [sys.executable, __file__, "--task", task, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measure(folder: Path, sentences: int, options: argparse.Namespace) -> list[str]:
    """Return a row of the table for one size of corpus."""
    corpus = folder / "train.txt"
    write_corpus(corpus, sentences)
    reading = [
        in_a_process("read", corpus=str(corpus), cache=str(folder / f"cache{n}"), processes=n)
        for n in (1, options.processes)
    ]
    where = {"corpus": str(corpus), "cache": str(folder / "cache1")}
    cold, warm = (
        in_a_process(
            "train",
            **where,
            output=str(folder / run),
            steps=steps,
            dev=DEV_SENTENCES / sentences,
        )
        for run, steps in (("cold", 2), ("warm", options.steps))
    )
    peaks = [f"{warm[name]:.0f}" for name in ("VmRSS", "RssAnon", "RssFile")]
    return [
        f"{sentences:,}",
        *(f"{figures['seconds']:.0f} ({figures['cpu']:.0f}) s" for figures in reading),
        *(f"{figures['VmRSS']:.0f}" for figures in reading[:1]),
        *(f"{figures['seconds']:.1f} ({figures['cpu']:.1f}) s" for figures in (cold, warm)),
        f"{1000 * warm['step']:.0f} ms",
        f"{warm['order']:.3%}",
        *peaks,
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sentences", default="20000,2000000", help="sizes of the corpora, separated by commas"
    )
    parser.add_argument("--steps", type=int, default=300, help="training steps")
    parser.add_argument(
        "--processes", type=int, default=2, help="reading processes, compared with one"
    )
    parser.add_argument("--folder", help="parent of the temporary folder")
    options = parser.parse_args()
    table = Table(title="training, by size of the corpus; memory in MiB", title_justify="left")
    for column in (
        *("sentences", "read by 1", f"by {options.processes}", "memory", "start, cold", "warm"),
        *("a step", "order", "memory", "anonymous", "files"),
    ):
        table.add_column(column, justify="right")
    for sentences in map(int, options.sentences.split(",")):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            table.add_row(*measure(Path(folder), sentences, options))
    Console(width=140).print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        STARTED = time.perf_counter()
        print(json.dumps({"read": read, "train": train}[sys.argv[2]](**json.loads(sys.argv[3]))))
    else:
        main()
