"""Speed and memory of the cells compared with torch's own layers, in turns in one process.

    python scripts/bench_cells.py                         # everything, about fifteen minutes
    python scripts/bench_cells.py --cells lstm,gru --seconds 10
    python scripts/bench_cells.py --tables options

Each turn runs all layers once, so that other load on the machine affects all of them; tables show
medians over turns. A table takes at least three turns and about --seconds. Times are those of a
forward and a backward pass ("train") or of a forward pass without gradients ("infer"), in
milliseconds, or relative to a layer of torch: below 1 is faster. "Same cell in torch" is nn.GRU or
nn.RNN for these cells, else nn.LSTM. "Ragged bidirectional" is bidirectional training with lengths
spread over [T/2, T], relative to nn.LSTM on the packed batch. Shapes are (time, batch, input
features, hidden units). Each table is printed when it is complete.

"Options" is training with traces and with noise in the recurrence, relative to the same cell
without them. With --cpu-time all times are CPU times of one thread, which other load on the machine
affects less.

Also measured: the machine's speed of matrix products and of memory, and the share of it that LSTMs
reach; memory kept for the backward pass; and speed without a compiler (the loop engine). For GPUs
there is bench_gpu.py.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from seqtag.cells import CELLS, Lstm
from seqtag.memory import keep_freed_memory
from seqtag.recurrent import Recurrent

SHAPES = [
    (32, 32, 128, 200),
    (64, 32, 256, 256),
    (40, 32, 100, 100),
    (400, 16, 64, 64),
    (64, 64, 512, 512),
    (32, 1, 128, 200),
]
LONG = (4096, 8, 128, 128)
Shape = tuple[int, int, int, int]
Call = Callable[[], object]
Name = TypeVar("Name")  # of a call
PEERS = {"nn.LSTM": nn.LSTM, "nn.GRU": nn.GRU, "nn.RNN": nn.RNN}
OWN_PEERS = {"gru": "nn.GRU", "rnn": "nn.RNN", "rnn_relu": "nn.RNN"}  # nn.LSTM for the others
TABLES = ("cells", "memory", "options", "long", "loop")
# Cells and options of the table "options".
OPTION_CELLS = ("lstm", "gru_reset_before", "lstm_layernorm")
OPTIONS: dict[str, dict[str, float]] = {
    "traces": {},
    "zoneout": {"zoneout": 0.1},
    "recurrent dropout": {"recurrent_dropout": 0.2},
    "weight drop": {"weight_drop": 0.2},
}


class Pace(NamedTuple):
    """The budget of a table: the most turns, and the seconds after which no turn starts.

    clock: what is measured, in seconds.
    """

    turns: int
    seconds: float
    clock: Callable[[], float] = time.perf_counter


def time_by_turns(calls: Mapping[Name, Call], pace: Pace, device: str = "cpu") -> dict[Name, float]:
    """Return the median milliseconds of each call."""
    taken: dict[Name, list[float]] = {name: [] for name in calls}
    for call in calls.values():  # compiles, and warms up
        call()
    if device != "cpu":
        torch.cuda.synchronize()
    started = time.perf_counter()
    for turn in range(pace.turns):
        if turn >= 3 and time.perf_counter() - started > pace.seconds:
            break
        for name, call in calls.items():
            start = pace.clock()
            call()
            if device != "cpu":
                torch.cuda.synchronize()
            taken[name].append(1e3 * (pace.clock() - start))
    return {name: statistics.median(values) for name, values in taken.items()}


def train_and_infer(module: nn.Module, x_BTD: Tensor, *more: Tensor) -> tuple[Call, Call]:
    """Return a call of a forward and backward pass, and one of a forward pass only."""

    def train() -> None:
        module(x_BTD, *more)[0].sum().backward()

    @torch.no_grad()
    def infer() -> None:
        module(x_BTD, *more)

    return train, infer


def train_and_trace(layer: Recurrent, x_BTD: Tensor, trace: bool) -> Call:
    """Return a call of a forward and backward pass, with traces or without."""

    def train() -> None:
        layer(x_BTD, trace=trace)[0].sum().backward()

    return train


def ragged(shape: Shape) -> Tensor:
    """Return lengths spread evenly over [T/2, T]; None for a batch of one."""
    time_, batch, *_ = shape
    return torch.linspace(time_ / 2, time_, batch).round().long() if batch > 1 else None


def bench_shape(shape: Shape, cells: Sequence[str], pace: Pace) -> dict[str, float]:
    """Return the milliseconds of torch's layers and of the cells on one shape."""
    _, _, size, hidden = shape
    x_BTD = torch.randn(shape[1], shape[0], size, requires_grad=True)
    calls: dict[str, Call] = {}
    for name, kind in PEERS.items():
        module = kind(size, hidden, batch_first=True)
        calls[f"{name} train"], calls[f"{name} infer"] = train_and_infer(module, x_BTD)
    for cell in cells:
        layer = Recurrent(cell, size, hidden, engine="cpu")
        calls[f"{cell} train"], calls[f"{cell} infer"] = train_and_infer(layer, x_BTD)
    lengths_B = ragged(shape)
    if lengths_B is not None:
        both = nn.LSTM(size, hidden, batch_first=True, bidirectional=True)

        def packed() -> None:
            batch = pack_padded_sequence(x_BTD, lengths_B, batch_first=True, enforce_sorted=False)
            both(batch)[0].data.sum().backward()

        calls["packed"] = packed
        for cell in cells:
            layer = Recurrent(cell, size, hidden, bidirectional=True, engine="cpu")
            calls[f"{cell} ragged"] = train_and_infer(layer, x_BTD, lengths_B)[0]
    return time_by_turns(calls, pace)


def relative(ms: Mapping[str, float], cell: str) -> dict[str, float]:
    """Return a cell's times relative to torch's, by column of the table."""
    ratios = {
        "train": ms[f"{cell} train"] / ms["nn.LSTM train"],
        "infer": ms[f"{cell} infer"] / ms["nn.LSTM infer"],
        "own": ms[f"{cell} train"] / ms[f"{OWN_PEERS.get(cell, 'nn.LSTM')} train"],
    }
    if "packed" in ms:
        ratios["packed"] = ms[f"{cell} ragged"] / ms["packed"]
    return ratios


def kept_bytes(call: Callable[[], tuple], own: Iterable[Tensor]) -> int:
    """Return the bytes that a forward pass keeps for the backward pass, without those of `own`."""
    seen = {tensor.untyped_storage().data_ptr() for tensor in own}
    total = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal total
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = call()
    del result
    return total


def bench_memory(shapes: Sequence[Shape], cells: Sequence[str], console: Console) -> None:
    """Print the memory kept for the backward pass, relative to nn.LSTM."""
    rows: dict[str, list[str]] = {name: [] for name in ("nn.LSTM, MiB", *cells)}
    for time_, batch, size, hidden in shapes:
        x_BTD = torch.randn(batch, time_, size, requires_grad=True)
        modules: list[nn.Module] = [nn.LSTM(size, hidden, batch_first=True)]
        modules += [Recurrent(cell, size, hidden, engine="cpu") for cell in cells]
        kept = [kept_bytes(lambda m=m, x=x_BTD: m(x), [x_BTD, *m.parameters()]) for m in modules]
        values = [kept[0] / 2**20, *(size / kept[0] for size in kept[1:])]
        for row, value in zip(rows.values(), values, strict=True):
            row.append(f"{value:.2f}")
    show("memory kept for the backward pass, relative to nn.LSTM", shapes, rows, console)


def roofline() -> tuple[float, float]:
    """Return the best speed of a float32 matrix product, GFLOP/s, and of copying, GB/s."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    calls: dict[str, Call] = {"torch": lambda: a @ b}
    if torch.backends.mkldnn.is_available():
        dense_a, dense_b = a.to_mkldnn(), b.to_mkldnn()
        calls["oneDNN"] = lambda: torch._C._nn.mkldnn_linear(dense_a, dense_b)
    block = torch.empty(1 << 26)
    calls["copy"] = lambda: block[: 1 << 25].copy_(block[1 << 25 :])
    ms = time_by_turns(calls, Pace(5, 10.0))
    copy = ms.pop("copy")
    return 2 * 2048**3 / min(ms.values()) / 1e6, 2 * 4 * (1 << 25) / copy / 1e6


def share_of_roof(shape: Shape, ms: float, gflops: float, passes: int) -> float:
    """Return the share of the machine's product speed that an LSTM reaches."""
    time_, batch, size, hidden = shape
    return passes * 2 * time_ * batch * 4 * hidden * (size + hidden) / ms / 1e6 / gflops


def show(
    title: str, shapes: Sequence[Shape], rows: Mapping[str, Sequence[str]], console: Console
) -> None:
    """Print a table with a column for each shape."""
    table = Table("", *map(str, shapes), "median", title=title, title_justify="left")
    for name, values in rows.items():
        table.add_row(name, *values, f"{statistics.median(map(float, values)):.2f}")
    console.print(table)


COLUMNS = {
    "train": "train / nn.LSTM",
    "infer": "infer / nn.LSTM",
    "own": "train / same cell in torch",
    "packed": "ragged bidirectional / packed",
}


def show_ratios(title: str, by_cell: Mapping[str, Mapping[str, float]], console: Console) -> None:
    """Print a table with a row for each cell and a column for each ratio."""
    table = Table("", *COLUMNS.values(), title=title, title_justify="left")
    for cell, ratios in by_cell.items():
        table.add_row(cell, *(f"{ratios[k]:.2f}" if k in ratios else "" for k in COLUMNS))
    console.print(table)


def bench_cpu(cells: Sequence[str], pace: Pace, console: Console) -> None:
    """Print the tables of the cpu engine: one per shape, then the medians over shapes."""
    gflops, copying = roofline()
    speeds = f"products {gflops:.0f} GFLOP/s, memory {copying:.1f} GB/s"
    console.print(f"{torch.get_num_threads()} threads: {speeds}")
    results = []
    for shape in SHAPES:
        ms = bench_shape(shape, cells, pace)
        by_cell = {cell: relative(ms, cell) for cell in cells}
        show_ratios(str(shape), by_cell, console)
        peers = [name for name in ms if name.startswith("nn.") or name == "packed"]
        console.print("ms:", ", ".join(f"{name} {ms[name]:.2f}" for name in peers))
        shares = (
            f"{who} {what} {share_of_roof(shape, ms[f'{who} {what}'], gflops, passes):.2f}"
            for who in ("nn.LSTM", *(["lstm"] if "lstm" in cells else []))
            for what, passes in (("train", 3), ("infer", 1))
        )
        console.print("share of the machine's product speed:", ", ".join(shares), end="\n\n")
        results.append(by_cell)
    medians = {
        cell: {
            k: statistics.median(of[cell][k] for of in results if k in of[cell]) for k in COLUMNS
        }
        for cell in cells
    }
    show_ratios("median of the shapes", medians, console)


def bench_training(
    title: str,
    shapes: Sequence[Shape],
    cells: Sequence[str],
    engine: str,
    pace: Pace,
    console: Console,
) -> None:
    """Print the times of training on an engine, relative to nn.LSTM on the padded batch."""
    rows: dict[str, list[str]] = {cell: [] for cell in cells}
    for time_, batch, size, hidden in shapes:
        x_BTD = torch.randn(batch, time_, size, requires_grad=True)
        modules: dict[str, nn.Module] = {"nn.LSTM": nn.LSTM(size, hidden, batch_first=True)}
        modules |= {cell: Recurrent(cell, size, hidden, engine=engine) for cell in cells}
        ms = time_by_turns({n: train_and_infer(m, x_BTD)[0] for n, m in modules.items()}, pace)
        for cell, row in rows.items():
            row.append(f"{ms[cell] / ms['nn.LSTM']:.2f}")
    show(f"{title}: train, relative to nn.LSTM on the padded batch", shapes, rows, console)


def bench_options(
    shapes: Sequence[Shape], cells: Sequence[str], pace: Pace, console: Console
) -> None:
    """Print the times of training with traces and noise, relative to the cell without them."""
    rows: dict[str, list[str]] = {f"{cell}, {option}": [] for cell in cells for option in OPTIONS}
    for time_, batch, size, hidden in shapes:
        x_BTD = torch.randn(batch, time_, size, requires_grad=True)
        for cell in cells:
            calls = {"plain": train_and_infer(Recurrent(cell, size, hidden), x_BTD)[0]}
            for option, values in OPTIONS.items():
                layer = Recurrent(cell, size, hidden, **values)
                calls[option] = train_and_trace(layer, x_BTD, trace=option == "traces")
            ms = time_by_turns(calls, pace)
            for option in OPTIONS:
                rows[f"{cell}, {option}"].append(f"{ms[option] / ms['plain']:.2f}")
    show("options: train, relative to the same cell without them", shapes, rows, console)


def main() -> None:
    """Run the benchmark."""
    presets = {name: CELLS[name].make() for name in CELLS.names()}
    traced = [name for name, cell in presets.items() if not cell.untraceable]
    compared = [name for name in OPTION_CELLS if name in presets]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cells", default=",".join(traced), help="names of cells, separated by commas"
    )
    parser.add_argument("--turns", type=int, default=15, help="most turns per table (default: 15)")
    parser.add_argument(
        "--seconds", type=float, default=30, help="seconds per table, about (default: 30)"
    )
    parser.add_argument(
        "--tables", default=",".join(TABLES), help=f"some of {', '.join(TABLES)} (default: all)"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument(
        "--cpu-time", action="store_true", help="CPU times of one thread, on a busy machine"
    )
    options = parser.parse_args()
    torch.set_num_threads(1 if options.cpu_time else options.threads)
    keep_freed_memory()
    console = Console(width=140)
    cells, pace = options.cells.split(","), Pace(options.turns, options.seconds)
    if options.cpu_time:
        pace = pace._replace(clock=time.process_time)
    tables = options.tables.split(",")
    if unknown := set(tables) - set(TABLES):
        parser.error(f"--tables {min(unknown)}: expected some of {', '.join(TABLES)}")
    if "cells" in tables:
        bench_cpu(cells, pace, console)
    if "memory" in tables:
        bench_memory(SHAPES, cells, console)
    with_options = [cell for cell in compared if cell in cells]
    if "options" in tables and with_options:
        bench_options(SHAPES, with_options, pace, console)
    linear = [cell for cell in cells if not presets[cell].products]
    if "long" in tables and linear:
        bench_training("long sequences", [LONG], linear, "cpu", pace, console)
    wide = [shape for shape in SHAPES if shape[3] >= 200 and shape[1] > 1]
    family = [cell for cell in cells if isinstance(presets[cell], Lstm) and cell != "fgr"]
    if "loop" in tables and family:
        bench_training("without a compiler", wide, family, "loop", pace, console)


if __name__ == "__main__":
    main()
