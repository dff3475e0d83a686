"""Training speed of every cell in this version compared with an earlier commit.

    python scripts/bench_commits.py COMMIT                       # about ten minutes
    python scripts/bench_commits.py COMMIT --cells lstm,gru --cpu-time

The commit is checked out into a temporary folder, and each version runs in a process of its own.
The two processes take turns, one forward and backward pass each, so that other load on the machine
affects both. The table shows the median time of this version divided by that of the commit: below 1
is faster now. Cells that the commit does not have are left out. Shapes are (time, batch, input
features, hidden units).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_cells import SHAPES
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
# What each process runs: it prints the names of its cells, and answers each line "cell time batch
# inputs hidden" with the milliseconds of one pass.
WORKER = """
import sys, time
import torch
from seqtag.cells import CELLS
from seqtag.memory import keep_freed_memory
from seqtag.recurrent import Recurrent

threads, clock = int(sys.argv[1]), getattr(time, sys.argv[2])
torch.set_num_threads(threads)
keep_freed_memory()
made = {}
print(*CELLS.names(), flush=True)
for line in sys.stdin:
    if line not in made:
        cell, *shape = line.split()
        steps, batch, inputs, hidden = map(int, shape)
        torch.manual_seed(0)
        x_BTD = torch.randn(batch, steps, inputs, requires_grad=True)
        layer = Recurrent(cell, inputs, hidden)
        made.clear()
        made[line] = layer, x_BTD
        layer(x_BTD)[0].sum().backward()
    layer, x_BTD = made[line]
    start = clock()
    layer(x_BTD)[0].sum().backward()
    print(1e3 * (clock() - start), flush=True)
"""


class Version:
    """A process that runs the package of one folder."""

    def __init__(self, folder: Path, threads: int, clock: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(threads), clock],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        )
        self.cells = self._answer().split()

    def pass_ms(self, request: str) -> float:
        """Return the milliseconds of one forward and backward pass."""
        assert self._process.stdin is not None
        print(request, file=self._process.stdin, flush=True)
        return float(self._answer())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            sys.exit("bench_commits: a version stopped; its error is above")
        return line


def check_out(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder."""
    packed = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "seqtag"], check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)


def ratio(now: Version, before: Version, request: str, turns: int) -> float:
    """Return the median time of `now` divided by that of `before`."""
    taken: dict[Version, list[float]] = {now: [], before: []}
    for turn in range(turns):
        order = (now, before) if turn % 2 else (before, now)
        for version in order:
            taken[version].append(version.pass_ms(request))
    return statistics.median(taken[now]) / statistics.median(taken[before])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit", help="the earlier version")
    parser.add_argument("--cells", help="names, with commas (default: all that both have)")
    parser.add_argument("--turns", type=int, default=11)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu-time", action="store_true", help="CPU time of one thread")
    options = parser.parse_args()
    clock = "process_time" if options.cpu_time else "perf_counter"
    threads = 1 if options.cpu_time else options.threads
    table = Table("", *map(str, SHAPES), "median", title=f"time / time at {options.commit}")
    with tempfile.TemporaryDirectory() as folder:
        check_out(options.commit, Path(folder))
        now, before = (Version(path, threads, clock) for path in (ROOT, Path(folder)))
        both = [name for name in now.cells if name in before.cells]
        for cell in options.cells.split(",") if options.cells else both:
            requests = [" ".join([cell, *map(str, shape)]) for shape in SHAPES]
            ratios = [ratio(now, before, request, options.turns) for request in requests]
            shown = [f"{value:.2f}" for value in (*ratios, statistics.median(ratios))]
            table.add_row(cell, *shown)
            print(cell, *shown, flush=True)
        now.close()
        before.close()
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
