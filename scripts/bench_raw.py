"""Raw text in, JSON lines out: the whole process of `seqtag tag` beside spaCy and NLTK, in turns.

    python scripts/bench_raw.py --path FOLDER --peers /path/to/peers/bin/python

FOLDER is the English Web Treebank (train.conllu, dev.conllu, test.conllu); the environment of
--peers has spaCy and NLTK (`bench_raw_peers.py`). The taggers are trained on it first, unless
--work has them from an earlier call. Each then tags the raw text of the treebank, a sentence per
line, in turns; a time includes the start of the process. Last, the peak memory of `seqtag tag` is
measured on files of which one is ten times as long; one word in ten is made up, so that both keep
bringing new words.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
SEQTAG = (sys.executable, "-m", "seqtag.cli")


def texts(folder: Path) -> list[str]:
    """Return the raw text of each sentence of the treebank."""
    start = "# text = "
    return [
        line.removeprefix(start)
        for split in ("test", "dev", "train")
        for line in (folder / f"{split}.conllu").read_text(encoding="utf-8").splitlines()
        if line.startswith(start)
    ]


def with_new_words(lines: list[str], count: int) -> Iterator[str]:
    """Yield as many lines, again and again the same ones, with one word in ten made up."""
    chance = random.Random(0)
    for line in islice(cycle(lines), count):
        words = line.split()
        for position in range(len(words)):
            if chance.random() < 0.1:
                words[position] = "".join(chance.choices(string.ascii_lowercase, k=8))
        yield " ".join(words)


def prepare(options: argparse.Namespace) -> dict[str, list[str]]:
    """Train what is not in --work yet; return the command of each tagger without its files."""
    peer = [options.peers, str(ROOT / "scripts" / "bench_raw_peers.py")]
    corpus, work = options.path / "train.conllu", options.work
    train = [*SEQTAG, "train", "data=ud_ewt", f"data.path={options.path}", "trainer.max_epochs=1"]
    trained = {
        "seqtag": [*train, f"hydra.run.dir={work / 'seqtag'}"],
        "seqtag-100": [*train, "model.hidden_size=100", f"hydra.run.dir={work / 'seqtag-100'}"],
        "spacy": [*peer, "spacy", "train", str(corpus), str(work / "spacy")],
        "nltk": [*peer, "nltk", "train", str(corpus), str(work / "nltk")],
    }
    for name, command in trained.items():
        if not (work / name).exists():
            subprocess.run(command, check=True, stdout=sys.stderr)
    tag = [*SEQTAG, "tag", "--format", "jsonl", "--model"]
    return {
        "seqtag": [*tag, str(work / "seqtag" / "model")],
        "seqtag, 100 units": [*tag, str(work / "seqtag-100" / "model")],
        "spaCy": [*peer, "spacy", "tag", str(work / "spacy")],
        "spaCy, 2 processes": [*peer, "spacy", "--processes", "2", "tag", str(work / "spacy")],
        "NLTK": [*peer, "nltk", "tag", str(work / "nltk")],
    }


class Run(NamedTuple):
    """What a process took: seconds, seconds of all processors together, peak memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak: float


def run(command: list[str], source: Path, target: Path, threads: int) -> Run:
    """Tag a file."""
    files = [str(source), str(target)]
    if "seqtag.cli" in command:
        files = ["--input", files[0], "--output", files[1]]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has bytecode
    start = time.perf_counter()
    process = subprocess.Popen([*command, *files], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(
    commands: dict[str, list[str]], source: Path, options: argparse.Namespace, console: Console
) -> None:
    """Tag a file by turns, and print the speeds: medians, and the medians of ratios in a turn."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(options.turns):
        for name, command in commands.items():
            target = options.work / f"{name.split(',')[0]}.jsonl"
            runs[name].append(run(command, source, target, options.threads))
    lines = (options.work / "seqtag.jsonl").read_text(encoding="utf-8").splitlines()
    tokens = sum(len(json.loads(line)["tokens"]) for line in lines)
    title = f"{options.lines:,} lines, {tokens:,} tokens, {options.threads} threads, whole process"
    table = Table(title=title, title_justify="left")
    for column in ("", "seconds", "tokens/s", "seqtag is", "CPU seconds", "seqtag takes"):
        table.add_column(column, justify="right")
    for name, values in runs.items():
        seconds, cpu_seconds, _ = map(statistics.median, zip(*values, strict=True))
        pairs = list(zip(values, runs["seqtag"], strict=True))
        times = statistics.median(other.seconds / own.seconds for other, own in pairs)
        share = statistics.median(own.cpu_seconds / other.cpu_seconds for other, own in pairs)
        speed = f"{tokens / seconds:,.0f}"
        row = (f"{seconds:.1f}", speed, f"{times:.2f} x", f"{cpu_seconds:.1f}", f"{share:.2f} x")
        table.add_row(name, *row)
    console.print(table)


def memory(command: list[str], lines: list[str], options: argparse.Namespace) -> str:
    """Return a line on the peak memory with the given number of lines, and with ten times it."""
    peaks = []
    for count in (options.lines, 10 * options.lines):
        source = options.work / "new-words.txt"
        source.write_text("".join(f"{line}\n" for line in with_new_words(lines, count)), "utf-8")
        peak = run(command, source, Path(os.devnull), options.threads).peak
        peaks.append(f"{peak:.0f} MiB with {count:,} lines")
    return f"peak memory of seqtag: {', '.join(peaks)}"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, required=True, help="folder of the treebank")
    parser.add_argument("--peers", default=sys.executable, help="Python with spaCy and NLTK")
    parser.add_argument(
        "--work", type=Path, default=Path("logs/bench_raw"), help="folder of models"
    )
    parser.add_argument("--lines", type=int, default=20_000, help="lines of the file")
    parser.add_argument("--turns", type=int, default=5, help="times that each tags the file")
    parser.add_argument("--threads", type=int, default=2, help="threads of each library")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    commands = prepare(options)
    lines = texts(options.path)
    source = options.work / "text.txt"
    source.write_text("".join(f"{line}\n" for line in islice(cycle(lines), options.lines)), "utf-8")
    console = Console(width=100)
    compare(commands, source, options, console)
    if not options.no_memory:
        console.print(memory(commands["seqtag"], lines, options))


if __name__ == "__main__":
    main()
