"""The verb `report`: judged runs of probes, wherever they are, as one table and one page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

PAGE, SUMMARY, FIGURES = FILES = ("report.html", "summary.csv", "figures")
_WRITTEN = """\
what is written into the folder:
  report.html  tables and pictures on one page that needs nothing else; what runs with
               inspect=gradients and suites left is on it too
  summary.csv  accuracies with intervals, baselines and kinds of error, a row each slice
  figures      the pictures, as PNG

example:
  seqtag probe -m cell=rnn,gru,lstm seed=0,1,2 study=first
  seqtag report logs/probe/first
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` needs to a parser; imports nothing heavy."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _WRITTEN
    add = parser.add_argument
    add("folders", metavar="DIR", nargs="+", type=Path, help="runs are looked for here and below")
    add("--output", metavar="DIR", type=Path, help="where to (default: the first DIR/report)")


def run(args: argparse.Namespace) -> int:
    """Report as the arguments say; return the exit code.

    Raises:
        InputError: for folders without runs, or a table that cannot be read.
    """
    print(report(args.folders, args.output or args.folders[0] / "report"))
    return 0


def report(folders: Sequence[Path], output: Path) -> Path:
    """Read all finished runs below some folders and write a report; return the path of its page.

    Raises:
        InputError: if there are no runs, two of them are the same but for their folder, a table
            cannot be read, or `output` is taken by something else. Nothing is written then.
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
