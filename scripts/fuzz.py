"""Run property tests on many random inputs, and count the failures.

    python scripts/fuzz.py                               # 1,000 inputs for each property test
    python scripts/fuzz.py conllu json --inputs 20000    # two targets, more inputs
    python scripts/fuzz.py csv --only damaged            # some of a target's tests
    python scripts/fuzz.py text --minutes 30             # repeat with new inputs for 30 minutes
    python scripts/fuzz.py --list                        # the targets and their tests

A target is the name in a test's marker `fuzz`: a file format, "text", "folder", "settings" and so
on. Each input must either be processed, with the right result, or be refused with an InputError.
Everything else counts as a failure, and pytest prints the smallest input that causes it. Inputs
differ from run to run; `--seed` repeats a run. The exit code is 1 if there was a failure.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Tally:
    """The counts of one property test.

    Attributes:
        target: the name in its marker.
        inputs: number of inputs.
        failures: number of failures, at most one per round.
        seconds: total duration.
    """

    target: str
    inputs: int = 0
    failures: int = 0
    seconds: float = 0.0


class Fuzzer:
    """A pytest plugin that selects the property tests of some targets and counts their inputs."""

    def __init__(self, targets: Iterable[str], only: str) -> None:
        self.tallies: dict[str, Tally] = {}
        self.known: set[str] = set()
        self._targets, self._only = set(targets), only
        self._running: Tally | None = None
        self._counted: set[int] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep only the tests of the chosen targets."""
        selected = []
        for item in items:
            marker = item.get_closest_marker("fuzz")
            if marker is None:
                continue
            self.known.add(marker.args[0])
            chosen = not self._targets or marker.args[0] in self._targets
            if chosen and self._only in item.name:
                self.tallies.setdefault(item.nodeid, Tally(marker.args[0]))
                self._count_inputs(item)
                selected.append(item)
        items[:] = selected

    def pytest_runtest_setup(self, item: Any) -> None:
        """Store the test that the next inputs belong to."""
        self._running = self.tallies[item.nodeid]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add failures and seconds; an error in a test's set-up is a failure too."""
        tally = self.tallies[report.nodeid]
        tally.failures += report.failed
        tally.seconds += report.duration

    def _count_inputs(self, item: Any) -> None:
        """Wrap the function that hypothesis calls with each input, to count the calls."""
        handle = getattr(item.obj, "hypothesis", None)
        if handle is None:
            raise pytest.UsageError(f"{item.nodeid}: only property tests can have the marker fuzz")
        inner = handle.inner_test
        if id(inner) in self._counted:  # all parametrisations of a test share it
            return

        @functools.wraps(inner)
        def counted(*args: Any, **kwargs: Any) -> Any:
            assert self._running is not None
            self._running.inputs += 1
            return inner(*args, **kwargs)

        self._counted.add(id(counted))
        handle.inner_test = counted


def main() -> int:
    """Run the chosen targets and print a table; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("targets", nargs="*", metavar="TARGET", help="targets to run (default: all)")
    add("--only", metavar="TEXT", default="", help="only tests with this text in their names")
    add("--inputs", type=int, default=1000, help="inputs for each property test (default: 1000)")
    add("--minutes", type=float, default=0.0, help="repeat with new inputs for this many minutes")
    add("--seed", type=int, help="seed of the first round (default: random)")
    add("--list", action="store_true", help="print the targets and their tests")
    options = parser.parse_args()
    fuzzer = Fuzzer(options.targets, options.only)
    if options.list:
        _pytest(fuzzer, "--collect-only")
        for name, tally in sorted(fuzzer.tallies.items(), key=lambda pair: pair[1].target):
            print(f"{tally.target:12} {name}")
        return 0
    os.environ["HYPOTHESIS_PROFILE"] = "fuzz"
    os.environ["SEQTAG_EXAMPLES"] = str(options.inputs)
    seed = random.randrange(2**32) if options.seed is None else options.seed
    started = time.monotonic()
    while True:
        print(f"seed {seed}", flush=True)
        _pytest(fuzzer, f"--hypothesis-seed={seed}")
        if unknown := set(options.targets) - fuzzer.known:
            print(
                f"fuzz.py: unknown target {', '.join(sorted(unknown))}; "
                f"known: {', '.join(sorted(fuzzer.known))}",
                file=sys.stderr,
            )
            return 2
        if time.monotonic() - started > 60 * options.minutes:
            break
        seed += 1
    _print_table(fuzzer.tallies)
    return int(any(tally.failures for tally in fuzzer.tallies.values()))


def _pytest(fuzzer: Fuzzer, *more: str) -> None:
    # Only files with such tests: collecting all others takes longer than running these.
    files = [str(path) for path in sorted(ROOT.glob("tests/**/test_*.py")) if _has_target(path)]
    # Inputs are counted in this process, so the tests must run in it.
    in_one = ["--override-ini=addopts=--import-mode=importlib -q", "-n", "0", f"--rootdir={ROOT}"]
    code = pytest.main([*files, *in_one, *more], [fuzzer])
    if code not in (
        pytest.ExitCode.OK,
        pytest.ExitCode.TESTS_FAILED,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    ):
        raise SystemExit(int(code))


def _has_target(path: Path) -> bool:
    return "mark.fuzz(" in path.read_text(encoding="utf-8")


def _print_table(tallies: dict[str, Tally]) -> None:
    print(f"{'target':12} {'inputs':>10} {'failures':>9} {'seconds':>8}  test")
    for name, tally in sorted(tallies.items(), key=lambda pair: pair[1].target):
        counts = f"{tally.inputs:>10,} {tally.failures:>9} {tally.seconds:>8.1f}"
        print(f"{tally.target:12} {counts}  {name}")
    total = sum(tally.inputs for tally in tallies.values())
    failures = sum(tally.failures for tally in tallies.values())
    print(f"{'all':12} {total:>10,} {failures:>9}")


if __name__ == "__main__":
    sys.exit(main())
