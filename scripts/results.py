"""Add finished probe runs to the files of results, and make the tables of the READMEs from them.

python scripts/results.py add logs/probe/parity --study parity
python scripts/results.py tables           # exit code 1 if a table differs from the files
python scripts/results.py tables --write
"""

import argparse
import sys
from pathlib import Path

from seqtag.errors import InputError
from seqtag.study.result_tables import update_tables
from seqtag.study.results import FOLDER, add_runs

READMES = (
    Path(__file__).parents[1] / "seqtag" / "probes" / "README.md",
    Path(__file__).parents[1] / "seqtag" / "probes" / "results" / "README.md",
)


def main() -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser("results.py", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="add all finished runs in and below some folders")
    add.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="folder of runs")
    add.add_argument("--study", required=True, help="the name of the study and of its file")
    add.add_argument("--to", metavar="DIR", type=Path, default=FOLDER, help="folder of the files")
    tables = verbs.add_parser("tables", help="compare the tables of the READMEs with the files")
    tables.add_argument("--write", action="store_true", help="write the tables that differ")
    args = parser.parse_args()
    try:
        if args.verb == "add":
            runs, rows = add_runs(args.folders, args.study, args.to)
            print(f"{args.to / args.study}.csv: {runs} runs, {rows} new rows")
            return 0
        different = [path for path in READMES if not update_tables(path, write=args.write)]
    except InputError as error:
        print(f"results.py: error: {error}", file=sys.stderr)
        return 2
    for path in different:
        print(f"{path}: {'written' if args.write else 'differs from the files of results'}")
    return 0 if args.write or not different else 1


if __name__ == "__main__":
    sys.exit(main())
