"""Speed on a GPU of the cells as one layer, and of training a tagger, in turns in one process.

    python scripts/bench_gpu.py --csv FILE                # about four minutes
    python scripts/bench_gpu.py --cells lstm,gru --seconds 2
    python scripts/bench_gpu.py --device cpu --small      # checks the script without a GPU

Shapes are (time, batch, units), with as many inputs as units. Times are medians over turns, in
milliseconds, or relative to `nn.LSTM` of the same dtype on cuDNN; below 1 is faster. "train" is a
forward and a backward pass, "infer" a forward pass without gradients, "ragged" bidirectional
training with lengths spread over [T/2, T], relative to `nn.LSTM` on the packed batch. A row is a
cell and an engine: `triton` for all cells whose step is one stage, `torch` (cuDNN) and `loop` for
some of them. Float32 products may use TF32 in all engines, unless --no-tf32 is given.

Kernels are compiled first, in several processes at the same time; what is not compiled after
--compile-seconds is left out. Each table is printed, and appended to the CSV file, when it is
complete. The last table compares the measured values with what they should reach. On a CPU the cpu
engine and oneDNN stand for triton and cuDNN.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import torch
from bench_cells import Call, Pace, ragged, time_by_turns, train_and_infer
from bench_pipeline import SeqtagPeer, train_by_turns
from bench_scaling import read_corpus
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from seqtag.cells import CELLS
from seqtag.recurrent import Recurrent
from seqtag.recurrent.compiler.plan import plan_of

SHAPES = [(64, 32, 256), (64, 128, 200), (400, 16, 64), (1024, 16, 768)]
SMALL = [(6, 3, 8), (5, 4, 16)]
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# Cells that are also measured without gradients and ragged; and those with the loop engine.
MORE_CELLS = ("lstm", "lstm_peephole", "gru")
LOOP_CELLS = ("lstm_peephole", "gru", "fgr")
TAGGER_CELLS = ("lstm", "lstm_peephole")
PEER = "nn.LSTM"


class Case(NamedTuple):
    """A shape and a dtype."""

    time: int
    batch: int
    hidden: int
    dtype: str

    def __str__(self) -> str:
        return f"{self.time}, {self.batch}, {self.hidden}, {self.dtype}"


class Row(NamedTuple):
    """What is measured: train, infer or ragged; a cell or `nn.LSTM`; an engine."""

    what: str
    cell: str
    engine: str


Times = dict[tuple[Case, Row], float]


def rows_of(cells: Sequence[str], kernels: str) -> list[Row]:
    """Return the rows of a case; the first cells are those that are measured most."""
    peers = [Row(what, PEER, "torch") for what in ("train", "infer", "ragged")]
    ours = [Row("train", cell, kernels) for cell in cells]
    ours += [Row(w, c, kernels) for w in ("infer", "ragged") for c in cells if c in MORE_CELLS]
    ours += [Row(w, c, "torch") for w in ("train", "ragged") for c in cells if c in ("lstm", "gru")]
    return [*peers, *ours, *(Row("train", cell, "loop") for cell in cells if cell in LOOP_CELLS)]


def one_stage_cells() -> list[str]:
    """Return the names of the cells whose step is one stage, those measured most first."""
    cells = {name: CELLS[name].make() for name in CELLS.names()}
    found = [
        name
        for name, cell in cells.items()
        if not cell.untraceable and plan_of(cell).forward.count == 1
    ]
    return sorted(found, key=lambda name: name not in (*MORE_CELLS, *LOOP_CELLS))


def make_call(case: Case, row: Row, device: str) -> Call:
    """Return the call that a row measures."""
    both = row.what == "ragged"
    options = {"device": device, "dtype": DTYPES[case.dtype]}
    x_BTD = torch.randn(case.batch, case.time, case.hidden, **options, requires_grad=True)
    size = (case.hidden, case.hidden)
    if row.cell == PEER:
        module: nn.Module = nn.LSTM(*size, batch_first=True, bidirectional=both)
    else:
        module = Recurrent(row.cell, *size, bidirectional=both, engine=row.engine)
    module = module.to(**options)
    if not both:
        train, infer = train_and_infer(module, x_BTD)
        return train if row.what == "train" else infer
    lengths_B = ragged((case.time, case.batch, *size))
    if row.cell == PEER:
        return train_packed(module, x_BTD, lengths_B)
    return train_and_infer(module, x_BTD, lengths_B.to(device))[0]


def train_packed(module: nn.Module, x_BTD: Tensor, lengths_B: Tensor) -> Call:
    """Return a call of a forward and backward pass on the packed batch; lengths on the CPU."""

    def train() -> None:
        batch = pack_padded_sequence(x_BTD, lengths_B, batch_first=True, enforce_sorted=False)
        module(batch)[0].data.sum().backward()

    return train


def allow_tf32(allowed: bool) -> None:
    """Set whether float32 products may use TF32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def compile_row(case: Case, row: Row, device: str, tf32: bool) -> str | None:
    """Run a row once with few steps, which compiles its kernels; return the error, if any."""
    allow_tf32(tf32)
    try:
        make_call(case._replace(time=16), row, device)()
        if device != "cpu":
            torch.cuda.synchronize()
    except Exception as error:
        return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')[:200]}"
    return None


def compiled_rows(
    wanted: Sequence[tuple[Case, Row]], options: argparse.Namespace, console: Console
) -> set[tuple[Case, Row]]:
    """Compile the kernels of all rows; return the rows that run."""
    started, usable = time.perf_counter(), set()
    pool = ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn"))
    tasks = {pool.submit(compile_row, *w, options.device, options.tf32): w for w in wanted}
    wait(tasks, timeout=options.compile_seconds)
    pool.shutdown(cancel_futures=True)
    late: set[str] = set()
    for task, (case, row) in tasks.items():
        if task.cancelled():
            late.add(f"{row.what} {row.cell}")
        elif error := task.exception() or task.result():
            console.print(f"failed: {' '.join(row)} ({case}): {error}", markup=False)
        else:
            usable.add((case, row))
    if late:
        console.print(f"not compiled in time, for some shapes: {', '.join(sorted(late))}")
    seconds = time.perf_counter() - started
    console.print(f"{len(usable)} of {len(tasks)} rows compiled in {seconds:.0f} s")
    return usable


def measure(case: Case, rows: Sequence[Row], options: argparse.Namespace) -> Times:
    """Return the median milliseconds of each row of a case, measured in turns."""
    calls = {row: make_call(case, row, options.device) for row in rows}
    ms = time_by_turns(calls, Pace(options.turns, options.seconds), options.device)
    return {(case, row): value for row, value in ms.items()}


def ratio(times: Times, case: Case, row: Row) -> float:
    """Return the time of a row relative to that of `nn.LSTM`; NaN if that was not measured."""
    return times[case, row] / times.get((case, Row(row.what, PEER, "torch")), float("nan"))


def show_case(case: Case, times: Times, console: Console) -> None:
    """Print the table of a case: a row for each cell and engine."""
    table = Table("", title=str(case), title_justify="left")
    kinds = ("train", "infer", "ragged")
    for what in kinds:
        table.add_column(f"{what}, ms", justify="right")
        table.add_column(f"/ {PEER}", justify="right")
    for cell, engine in dict.fromkeys((row.cell, row.engine) for _, row in times):
        values: list[str] = []
        for row in (Row(what, cell, engine) for what in kinds):
            known = (case, row) in times
            values.append(f"{times[case, row]:.2f}" if known else "")
            values.append(f"{ratio(times, case, row):.2f}" if known else "")
        table.add_row(f"{cell}, {engine}", *values)
    console.print(table)


def write_rows(path: Path | None, rows: Sequence[Sequence[object]], start: bool = False) -> None:
    """Append rows to the CSV file, if there is one; `start` replaces it."""
    if path is not None:
        with path.open("w" if start else "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)


def bars(times: Times, kernels: str) -> Iterator[tuple[str, float, str]]:
    """Yield what should be reached: a text, the worst measured value, and the limit."""
    own = [(case, row) for case, row in times if row.engine == kernels]
    for dtype in DTYPES:
        for limit, wide in (("<= 2.0", False), ("<= 4.0", True)):
            values = [
                ratio(times, case, row)
                for case, row in own
                if row.what == "train" and case.dtype == dtype and (case.hidden > 256) == wide
            ]
            sizes = "more than 256 units" if wide else "up to 256 units"
            if values:
                yield f"train / {PEER}, {dtype}, {sizes}", max(values), limit
    loops = [(case, row) for case, row in times if row.engine == "loop"]
    gains = [
        times[case, row] / times[case, row._replace(engine=kernels)]
        for case, row in loops
        if (case, row._replace(engine=kernels)) in times
    ]
    if gains:
        yield "train: loop / kernels", min(gains), ">= 10.0"
    packed = [ratio(times, case, row) for case, row in own if row.what == "ragged"]
    if packed:
        yield f"ragged / packed {PEER}", max(packed), "<= 1.0"


def show_bars(found: Sequence[tuple[str, float, str]], path: Path | None, console: Console) -> None:
    """Print the worst measured values next to their limits."""
    table = Table("", "worst", "limit", "", title="what it should reach", title_justify="left")
    for text, value, limit in found:
        comparison, number = limit.split()
        reached = value <= float(number) if comparison == "<=" else value >= float(number)
        table.add_row(text, f"{value:.2f}", limit, "reached" if reached else "MISSED")
        write_rows(path, [("limit", text, limit, "", "", "", "", "", f"{value:.3f}")])
    console.print(table)


def bench_tagger(options: argparse.Namespace, console: Console) -> float:
    """Print the training speed of taggers; return by how much the two cells differ, as a ratio."""
    corpus = read_corpus(options.path)
    peers = []
    for cell in TAGGER_CELLS:
        peers.append(SeqtagPeer(corpus, 32, 10, cell=cell, device=options.device))
        peers[-1].name = cell
    speeds = train_by_turns(peers, 3 if options.small else 20)
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    of = "CoNLL-2000" if options.path else "a generated corpus"
    text = ", ".join(f"{name} {value:,.0f}" for name, value in medians.items())
    console.print(f"training a tagger, tokens/s ({of}): {text}")
    for name, value in medians.items():
        write_rows(options.csv, [("tokens/s", name, "auto", "", "", "", "", f"{value:.0f}", "")])
    return max(medians.values()) / min(medians.values())


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", help="cells, separated by commas (default: all of one stage)")
    parser.add_argument("--csv", type=Path, help="also write the measured values to this file")
    parser.add_argument("--path", help="folder with train.txt of CoNLL-2000; else generated text")
    parser.add_argument("--turns", type=int, default=30, help="most turns per table (default: 30)")
    parser.add_argument(
        "--seconds", type=float, default=6, help="seconds per table, about (default: 6)"
    )
    parser.add_argument(
        "--compile-seconds", type=float, default=120, help="limit for compiling (default: 120)"
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    parser.add_argument(
        "--jobs", type=int, default=min(cores, 16), help="processes that compile (default: cores)"
    )
    parser.add_argument("--no-tf32", dest="tf32", action="store_false", help="forbid TF32")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="cuda or cpu")
    parser.add_argument("--small", action="store_true", help="small shapes, few cells and turns")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("no GPU: torch.cuda.is_available() is False; --device cpu --small runs here")
    if options.small:
        options.turns, options.seconds = 3, 1
    return options


def main() -> None:
    """Run the benchmark."""
    options = parse()
    allow_tf32(options.tf32)
    console = Console(width=120)
    on_gpu = options.device == "cuda"
    kernels = "triton" if on_gpu else "cpu"
    name = torch.cuda.get_device_name() if on_gpu else "CPU"
    console.print(f"{name}, torch {torch.__version__}, TF32 {'on' if options.tf32 else 'off'}")
    few = list(MORE_CELLS) if options.small else one_stage_cells()
    cells = options.cells.split(",") if options.cells else few
    header = ("what", "cell", "engine", "time", "batch", "units", "dtype", "value", "ratio")
    write_rows(options.csv, [header], start=True)
    shapes = SMALL if options.small else SHAPES
    cases = [Case(*shape, dtype) for shape in shapes for dtype in DTYPES]
    rows = rows_of(cells, kernels)
    usable = compiled_rows([(c, row) for row in rows for c in cases], options, console)
    times: Times = {}
    for case in cases:
        found = measure(case, [row for row in rows if (case, row) in usable], options)
        times |= found
        show_case(case, found, console)
        lines = [
            (*row, *case, f"{ms:.4f}", f"{ratio(times, case, row):.3f}")
            for (_, row), ms in found.items()
        ]
        write_rows(options.csv, lines)
    found_bars = list(bars(times, kernels))
    try:
        found_bars.append(("tokens/s, faster / slower", bench_tagger(options, console), "<= 1.25"))
    finally:
        show_bars(found_bars, options.csv, console)


if __name__ == "__main__":
    main()
