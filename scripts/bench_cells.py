"""Speed and memory of the cells beside torch's own layers, by turns in one process.

    python scripts/bench_cells.py                         # everything, some minutes
    python scripts/bench_cells.py --cells lstm,gru --turns 5

Each turn runs all competitors once, so that whatever else the machine does hits all alike; tables
hold medians over turns. Times are of a forward and a backward pass ("train") or of a forward pass
without gradients ("infer"), in milliseconds, or relative to the layer of torch in the head of the
column: below 1 is faster. Shapes are (time, batch, features in, hidden units).

Besides: the machine's speed of matrix products and of memory in the same run, and the share of it
that each reaches; memory kept for the backward pass; without a compiler (the loop engine); and,
where there is a CUDA device, torch's LSTM on cuDNN beside ours.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from seqtag.cells import PRESETS, Lstm
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


def time_by_turns(calls: Mapping[str, Call], turns: int, device: str = "cpu") -> dict[str, float]:
    """Return the median milliseconds of each call."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(turns + 2):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if device != "cpu":
                torch.cuda.synchronize()
            if turn >= 2:  # the first turns build, and warm up
                taken[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in taken.items()}


def train_and_infer(module: nn.Module, x_BTD: Tensor, *more: Tensor) -> tuple[Call, Call]:
    """Return a call that goes forwards and backwards, and one that only goes forwards."""

    def train() -> None:
        module(x_BTD, *more)[0].sum().backward()

    @torch.no_grad()
    def infer() -> None:
        module(x_BTD, *more)

    return train, infer


def ragged(shape: Shape) -> Tensor:
    """Return lengths spread evenly over [T/2, T]."""
    time_, batch, *_ = shape
    return torch.linspace(time_ / 2, time_, batch).round().long() if batch > 1 else None


def bench_shape(
    shape: Shape, cells: Sequence[str], turns: int, engine: str = "cpu"
) -> dict[str, dict[str, float]]:
    """Return, by cell, the times relative to torch's layers on one shape."""
    _, _, size, hidden = shape
    x_BTD = torch.randn(shape[1], shape[0], size, requires_grad=True)
    calls: dict[str, Call] = {}
    for name, kind in (("nn.LSTM", nn.LSTM), ("nn.GRU", nn.GRU), ("nn.RNN", nn.RNN)):
        module = kind(size, hidden, batch_first=True)
        calls[f"{name} train"], calls[f"{name} infer"] = train_and_infer(module, x_BTD)
    for cell in cells:
        layer = Recurrent(cell, size, hidden, engine=engine)
        calls[f"{cell} train"], calls[f"{cell} infer"] = train_and_infer(layer, x_BTD)
    lengths_B = ragged(shape)
    if lengths_B is not None:
        both = nn.LSTM(size, hidden, batch_first=True, bidirectional=True)

        def packed() -> None:
            batch = pack_padded_sequence(x_BTD, lengths_B, batch_first=True, enforce_sorted=False)
            both(batch)[0].data.sum().backward()

        calls["packed"] = packed
        for cell in cells:
            layer = Recurrent(cell, size, hidden, bidirectional=True, engine=engine)
            calls[f"{cell} ragged"] = train_and_infer(layer, x_BTD, lengths_B)[0]
    return relative(time_by_turns(calls, turns), cells)


def relative(ms: Mapping[str, float], cells: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return torch's milliseconds under their names, and each cell's ratios."""
    peers = {"gru": "nn.GRU", "rnn": "nn.RNN", "rnn_relu": "nn.RNN"}
    found: dict[str, dict[str, float]] = {"ms": dict(ms)}
    for cell in cells:
        peer = peers.get(cell, "nn.LSTM")
        found[cell] = {
            "train": ms[f"{cell} train"] / ms["nn.LSTM train"],
            "infer": ms[f"{cell} infer"] / ms["nn.LSTM infer"],
            "own": ms[f"{cell} train"] / ms[f"{peer} train"],
        }
        if "packed" in ms:
            found[cell]["packed"] = ms[f"{cell} ragged"] / ms["packed"]
    return found


def kept_bytes(call: Callable[[], tuple], own: Iterable[Tensor]) -> int:
    """Return the bytes that a forward pass keeps for the backward one, but for what is there."""
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
        kept = call()
    del kept
    return total


def bench_memory(shapes: Sequence[Shape], cells: Sequence[str], console: Console) -> None:
    """Print the memory kept for the backward pass relative to nn.LSTM's."""
    table = Table(
        "memory kept", *map(str, shapes), title="relative to nn.LSTM", title_justify="left"
    )
    base = []
    for time_, batch, size, hidden in shapes:
        x_BTD = torch.randn(batch, time_, size, requires_grad=True)
        module = nn.LSTM(size, hidden, batch_first=True)
        base.append(kept_bytes(lambda m=module, x=x_BTD: m(x), [x_BTD, *module.parameters()]))
    table.add_row("nn.LSTM", *(f"{size / 2**20:.1f} MiB" for size in base))
    for cell in cells:
        row = []
        for (time_, batch, size, hidden), reference in zip(shapes, base, strict=True):
            x_BTD = torch.randn(batch, time_, size, requires_grad=True)
            layer = Recurrent(cell, size, hidden, engine="cpu")
            kept = kept_bytes(lambda m=layer, x=x_BTD: m(x), [x_BTD, *layer.parameters()])
            row.append(f"{kept / reference:.2f}")
        table.add_row(cell, *row)
    console.print(table)


def roofline() -> tuple[float, float]:
    """Return the best speed of a float32 matrix product, GFLOP/s, and of copying, GB/s."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    calls: dict[str, Call] = {"torch": lambda: a @ b}
    if torch.backends.mkldnn.is_available():
        dense_a, dense_b = a.to_mkldnn(), b.to_mkldnn()
        calls["oneDNN"] = lambda: torch._C._nn.mkldnn_linear(dense_a, dense_b)
    block = torch.empty(1 << 26)
    calls["copy"] = lambda: block[: 1 << 25].copy_(block[1 << 25 :])
    ms = time_by_turns(calls, 5)
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
        numbers = [float(v) for v in values if v]
        table.add_row(name, *values, f"{statistics.median(numbers):.2f}" if numbers else "")
    console.print(table)


TITLES = {
    "train": "train, relative to nn.LSTM padded",
    "infer": "infer, relative to nn.LSTM padded",
    "own": "train, relative to torch's own cell: nn.GRU, nn.RNN, else nn.LSTM",
    "packed": "train, both directions, lengths in [T/2, T], relative to nn.LSTM packed",
}


def bench_cpu(cells: Sequence[str], turns: int, console: Console) -> None:
    """Print the tables of the cpu engine."""
    gflops, copying = roofline()
    threads = torch.get_num_threads()
    speeds = f"products {gflops:.0f} GFLOP/s, memory {copying:.1f} GB/s"
    console.print(f"{threads} threads: {speeds}")
    found = {shape: bench_shape(shape, cells, turns) for shape in SHAPES}

    def row(cell: str, key: str) -> list[str]:
        return [f"{of[cell][key]:.2f}" if key in of[cell] else "" for of in found.values()]

    peers = ("nn.LSTM train", "nn.LSTM infer", "nn.GRU train", "nn.RNN train", "packed")
    show("milliseconds", SHAPES, {peer: row("ms", peer) for peer in peers}, console)
    for key, title in TITLES.items():
        show(title, SHAPES, {cell: row(cell, key) for cell in cells}, console)
    roof = {
        f"{who} {what}": [
            f"{share_of_roof(shape, of['ms'][f'{who} {what}'], gflops, passes):.2f}"
            for shape, of in found.items()
        ]
        for who in ("nn.LSTM", *(["lstm"] if "lstm" in cells else []))
        for what, passes in (("train", 3), ("infer", 1))
    }
    show("share of the machine's product speed", SHAPES, roof, console)


def bench_long(cells: Sequence[str], turns: int, console: Console) -> None:
    """Print the cells without R on a long sequence."""
    linear = [cell for cell in cells if not PRESETS[cell].products]
    if linear:
        found = bench_shape(LONG, linear, turns)
        rows = {cell: [f"{found[cell]['train']:.2f}"] for cell in linear}
        show("long sequences: train, relative to nn.LSTM padded", [LONG], rows, console)


def bench_loop(cells: Sequence[str], turns: int, console: Console) -> None:
    """Print what serves where there is no compiler."""
    wide = [shape for shape in SHAPES if shape[3] >= 200 and shape[1] > 1]
    family = [cell for cell in cells if isinstance(PRESETS[cell], Lstm) and cell != "fgr"]
    found = [bench_shape(shape, family, turns, "loop") for shape in wide]
    rows = {cell: [f"{of[cell]['train']:.2f}" for of in found] for cell in family}
    show("without a compiler: train, relative to nn.LSTM padded", wide, rows, console)


def bench_cuda(turns: int, console: Console) -> None:
    """Print nn.LSTM on cuDNN beside what serves on the device."""
    rows: dict[str, list[str]] = {}
    for time_, batch, size, hidden in SHAPES:
        x_BTD = torch.randn(batch, time_, size, device="cuda", requires_grad=True)
        modules: dict[str, nn.Module] = {"nn.LSTM": nn.LSTM(size, hidden, batch_first=True)}
        modules |= {c: Recurrent(c, size, hidden) for c in ("lstm", "lstm_peephole", "gru")}
        calls = {n: train_and_infer(m.cuda(), x_BTD)[0] for n, m in modules.items()}
        for name, ms in time_by_turns(calls, turns, "cuda").items():
            rows.setdefault(name, []).append(f"{ms:.2f}")
    show(f"{torch.cuda.get_device_name()}: train, milliseconds", SHAPES, rows, console)


def main() -> None:
    """Run the benchmark."""
    traced = [name for name, cell in PRESETS.items() if not cell.untraceable]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", default=",".join(traced), help="names, with commas between")
    parser.add_argument("--turns", type=int, default=15, help="how often each runs (default 15)")
    parser.add_argument("--threads", type=int, default=2, help="threads (default 2)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    console = Console(width=140)
    cells = options.cells.split(",")
    bench_cpu(cells, options.turns, console)
    bench_memory(SHAPES, cells, console)
    bench_long(cells, max(3, options.turns // 3), console)
    bench_loop(cells, max(3, options.turns // 3), console)
    if torch.cuda.is_available():
        bench_cuda(options.turns, console)


if __name__ == "__main__":
    main()
