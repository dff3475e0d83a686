"""How long the C++ compiler takes for the kernel of each cell.

    python scripts/bench_compiling.py                     # all cells, about five minutes
    python scripts/bench_compiling.py --cells lstm,gru

The table shows seconds of CPU time of the compiler, which other load on the machine affects little:
for float32, without and with traces. ATEN_CPU_CAPABILITY=avx2 compiles for AVX2 instead of AVX-512.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile

from rich.console import Console
from rich.table import Table

from seqtag.cells import CELLS
from seqtag.recurrent.compiler.kernel import Kernel


def seconds_to_compile(cell: str, traces: bool) -> float:
    """Return the CPU time of compiling the kernel of a cell."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    Kernel(CELLS[cell].make(), "float32", traces)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run the benchmark."""
    every = [name for name in CELLS.names() if not CELLS[name].make().untraceable]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cells", default=",".join(every), help="names of cells, separated by commas"
    )
    options = parser.parse_args()
    table = Table("", "plain", "with traces", title="compiling, s of CPU", title_justify="left")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEQTAG_CACHE"] = folder
        for cell in options.cells.split(","):
            times = (seconds_to_compile(cell, traces) for traces in (False, True))
            table.add_row(cell, *(f"{seconds:.1f}" for seconds in times))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
