"""The verb `report`: summarise finished runs of probes as a page, a table and pictures."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from seqtag.files import create_unique_folder

PAGE, SUMMARY, FIGURES = FILES = ("report.html", "summary.csv", "figures")
_OUTPUT = "output folder (default: DIR/report; for several DIR, logs/report/DATE_TIME)"
_WRITTEN = """\
files written to the output folder:
  report.html  all tables and pictures on one self-contained page, including the results of
               inspect=gradients and of suites
  summary.csv  accuracies with intervals, baselines and kinds of error; one row for each slice of
               the items: by factor, and within or beyond the training range
  figures      the pictures, as PNG

example:
  seqtag probe -m cell=rnn,gru,lstm seed=0,1,2 study=first
  seqtag report logs/probe/first
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to a parser; imports no slow library."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _WRITTEN
    add = parser.add_argument
    add("folders", metavar="DIR", nargs="+", type=Path, help="folder with runs, at any depth")
    add("--output", metavar="DIR", type=Path, help=_OUTPUT)


def run(args: argparse.Namespace) -> int:
    """Write the report and print the path of its page; return the exit code.

    Raises:
        InputError: as `report` does.
    """
    output = args.output
    if output is None and len(args.folders) == 1:
        output = args.folders[0] / "report"
    elif output is None:
        output = create_unique_folder(Path(time.strftime("logs/report/%Y-%m-%d_%H-%M-%S")))
    print(report(args.folders, output))
    return 0


def report(folders: Sequence[Path], output: Path) -> Path:
    """Read all finished runs in and below `folders`, write a report, return the path of its page.

    Raises:
        InputError: if there are no runs, two runs differ only in their folder, a table cannot be
            read, or `output` is not a folder of a report. Nothing is written then.
    """
    from seqtag.files import replace_folder
    from seqtag.report.figures import pictures
    from seqtag.report.page import render
    from seqtag.study.gather import gather
    from seqtag.study.read import find_runs

    runs, unfinished = find_runs(folders)
    results, summary = gather(runs, unfinished)
    with replace_folder(output, "report", FILES) as aside:
        (aside / FIGURES).mkdir()
        drawn = list(pictures(results))
        for picture in drawn:
            (aside / FIGURES / f"{picture.name}.png").write_bytes(picture.png)
        summary.to_csv(aside / SUMMARY, index=False, float_format="%.6g")
        (aside / PAGE).write_text(render(results, drawn), encoding="utf-8")
    return output / PAGE
