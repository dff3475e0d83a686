"""Print the runs of one or several sweeps as one table: a row for each configuration.

    seqtag train -m experiment=cells data.path=FOLDER cell=lstm,gru,rnn seed=1,2,3 study=cells
    python scripts/compare_runs.py logs/train/cells              # F1, else accuracy
    python scripts/compare_runs.py logs/train/cells --factor distance --markdown

A sweep prints this table at its end. This script prints it again, for other splits, or with a
column for each value of a factor of a probe.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from seqtag.errors import InputError
from seqtag.sweeps.table import as_markdown, print_table, read_runs, tabulate


def main() -> int:
    """Read the folders and print the table; return 2 for an input error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, nargs="+", help="folder of a sweep or of several sweeps"
    )
    parser.add_argument(
        "--split", help="split whose score is shown (default: test, if there is one)"
    )
    parser.add_argument("--factor", help="factor of a probe, such as distance")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    try:
        runs = [run for folder in options.folder for run in read_runs(folder)]
        rows = tabulate(runs, options.split, options.factor)
    except InputError as error:
        print(f"compare_runs: error: {error}", file=sys.stderr)
        return 2
    if options.markdown:
        print(as_markdown(rows), end="")
    else:
        print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
