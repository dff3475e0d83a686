"""Size of a Python environment, and the cold start of `seqtag tag` in it.

    python scripts/environment.py --model MODEL
    python scripts/environment.py --model EXPORTED --python runtime-only/bin/python

These are what a container image adds to its base image, and how long its first answer takes. The
size is that of the installed packages. A start is a new process from its begin to its first answer
on standard output, the median of several; with an exported folder the process uses
`seqtag.runtime`, which needs no torch.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SENTENCE = b"Alex Graves left Munich for Toronto .\n"


def sizes(python: str) -> dict[str, int]:
    """Return the bytes of each folder and file in the environment's packages, the largest first."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = Path(subprocess.check_output([python, "-c", code], text=True).strip())
    by_name = {
        entry.name: sum(
            file.stat().st_blocks * 512
            for file in (entry, *entry.rglob("*"))
            if file.is_file() and not file.is_symlink()
        )
        for entry in folder.iterdir()
    }
    return dict(sorted(by_name.items(), key=lambda pair: -pair[1]))


def start(python: str, model: Path) -> tuple[float, float, float]:
    """Tag a sentence in a new process.

    Returns:
        The seconds to the answer, the seconds of all processors, and the peak memory in MiB.
    """
    exported = (model / "model.onnx").exists()
    program = ["-m", "seqtag.runtime"] if exported else ["-m", "seqtag.cli", "tag"]
    command = [python, *program, "--model", str(model), "--format", "jsonl"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(SENTENCE)
    process.stdin.flush()
    answer = process.stdout.readline()  # the input is still open
    seconds = time.perf_counter() - began
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    if status or not answer:
        raise SystemExit(f"{' '.join(command)}: failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Measure an environment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="model folder or exported folder")
    parser.add_argument("--python", default=sys.executable, help="Python of the environment")
    parser.add_argument("--turns", type=int, default=5, help="number of starts")
    options = parser.parse_args()
    packages = sizes(options.python)
    largest = ", ".join(f"{name} {size >> 20:,}" for name, size in list(packages.items())[:6])
    print(f"packages: {sum(packages.values()) >> 20:,} MiB (largest: {largest})")
    start(options.python, options.model)  # reads the files, and compiles kernels
    runs = [start(options.python, options.model) for _ in range(options.turns)]
    seconds, cpu_seconds, peak = map(statistics.median, zip(*runs, strict=True))
    print(
        f"cold start, median of {options.turns}: first answer after {seconds:.2f} s "
        f"({cpu_seconds:.2f} CPU seconds); peak memory {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
