"""Training speed of the cells with a matrix state compared with `lstm`, at equal parameters.

    python scripts/bench_matrix.py                              # about a minute
    python scripts/bench_matrix.py --cells mlstm,deltanet --shapes 256x32 --turns 9

Each turn trains every layer for one step, so that other load on the machine affects all of them;
the table shows medians over turns. A step is a forward and a backward pass with the gradient of the
input, and an update by AdamW. `lstm` has --hidden units and 128 inputs; each of the other layers
has the number of units, a multiple of 8, that comes closest to its number of parameters. Shapes are
time x batch.
"""

import argparse
import math
import time

import torch
from bench_cells import Pace, time_by_turns
from rich.console import Console
from rich.table import Table

from seqtag.cells import CELLS, build_cell
from seqtag.cells.matrix import MatrixCell
from seqtag.memory import keep_freed_memory
from seqtag.model.size import count_parameters
from seqtag.recurrent import Recurrent

INPUTS = 128


def matrix_cells() -> list[str]:
    """Return the names of the cells with a matrix state."""
    return [name for name in CELLS.names() if isinstance(CELLS[name].make(), MatrixCell)]


def layer_of_size(name: str, chunk: int, parameters: int, engine: str) -> Recurrent:
    """Return a layer of a cell with about the given number of parameters."""
    cell = build_cell({"name": name, "chunk": chunk})
    multiple = math.lcm(cell.size_multiple, 8)

    def distance(units: int) -> int:
        with torch.device("meta"):
            return abs(count_parameters(Recurrent(cell, INPUTS, units)) - parameters)

    most = parameters // INPUTS
    units = min(range(multiple, most, multiple), key=distance)
    return Recurrent(cell, INPUTS, units, engine=engine)


def training_step(layer: Recurrent, x_BTD: torch.Tensor):
    """Return a function that trains a layer for one step."""
    optimizer = torch.optim.AdamW(layer.parameters())

    def step() -> None:
        layer(x_BTD)[0].sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        x_BTD.grad = None

    return step


def main() -> None:
    """Print a table for each shape."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", default=",".join(matrix_cells()), help="names, with commas")
    parser.add_argument("--shapes", default="256x32,1024x8,1024x1", help="time x batch")
    parser.add_argument("--hidden", type=int, default=128, help="units of lstm")
    parser.add_argument("--engine", default="auto", help="what runs the cells: auto, cpu, chunked")
    parser.add_argument("--chunk", type=int, default=64, help="steps of a chunk of `chunked`")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=30.0, help="for each shape")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="CPU time of one thread, which other load on the machine affects little",
    )
    options = parser.parse_args()
    if options.cpu_time:
        torch.set_num_threads(1)
    clock = time.process_time if options.cpu_time else time.perf_counter
    keep_freed_memory()
    reference = Recurrent("lstm", INPUTS, options.hidden)
    parameters = count_parameters(reference)
    names = options.cells.split(",")
    layers = {"lstm": reference} | {
        name: layer_of_size(name, options.chunk, parameters, options.engine) for name in names
    }
    for shape in options.shapes.split(","):
        steps, batch = map(int, shape.split("x"))
        x_BTD = torch.randn(batch, steps, INPUTS, requires_grad=True)
        calls = {name: training_step(layer, x_BTD) for name, layer in layers.items()}
        ms = time_by_turns(calls, Pace(options.turns, options.seconds, clock))
        table = Table(title=f"{steps} steps, batch of {batch}, {torch.get_num_threads()} threads")
        for column in ("cell", "units", "parameters", "tokens/s", "time / lstm"):
            table.add_column(column, justify="left" if column == "cell" else "right")
        for name, layer in layers.items():
            sizes = (f"{layer.hidden_size}", f"{count_parameters(layer):,}")
            speed = f"{1e3 * steps * batch / ms[name]:,.0f}"
            table.add_row(name, *sizes, speed, f"{ms[name] / ms['lstm']:.2f}")
        Console(width=100).print(table)


if __name__ == "__main__":
    main()
