"""Add finished or inspected runs to the files of results; make tables and pictures from them.

python scripts/results.py add logs/probe/parity --study parity
python scripts/results.py add logs/inspect --study pronoun_inside
python scripts/results.py picture pronoun_inside --output silenced.png
python scripts/results.py tables           # exit code 1 if a table differs from the files
python scripts/results.py tables --write
"""

import argparse
import sys
from pathlib import Path

from seqtag.errors import InputError
from seqtag.files import open_output
from seqtag.report.inside_seeds import plot_seeds
from seqtag.report.style import as_png
from seqtag.study.inside_results import INSPECTIONS, add_inspections, inspection_files
from seqtag.study.result_files import FOLDER
from seqtag.study.result_tables import update_tables
from seqtag.study.results import add_runs

READMES = (
    Path(__file__).parents[1] / "seqtag" / "probes" / "README.md",
    Path(__file__).parents[1] / "seqtag" / "probes" / "results" / "README.md",
)


def main() -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser("results.py", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="add all runs, or inspections, in and below some folders")
    folders = "folder of finished runs, or of what `seqtag inspect RUNS` wrote"
    add.add_argument("folders", metavar="DIR", nargs="+", type=Path, help=folders)
    add.add_argument("--study", required=True, help="the name of the study and of its file")
    add.add_argument("--to", metavar="DIR", type=Path, default=FOLDER, help="folder of the files")
    tables = verbs.add_parser("tables", help="compare the tables of the READMEs with the files")
    tables.add_argument("--write", action="store_true", help="write the tables that differ")
    picture = verbs.add_parser("picture", help="draw accuracy with silenced units, over seeds")
    picture.add_argument("study", help="the name of a study of inspected runs")
    picture.add_argument("--output", metavar="FILE", required=True, help="the PNG file to write")
    args = parser.parse_args()
    try:
        if args.verb == "add":
            add_all = add_inspections if inspection_files(args.folders) else add_runs
            runs, rows = add_all(args.folders, args.study, args.to)
            print(f"{args.to / args.study}.csv: {runs} runs, {rows} new rows")
            return 0
        if args.verb == "picture":
            figure = plot_seeds(INSPECTIONS.read(FOLDER / f"{args.study}.csv"))
            with open_output(args.output) as file:
                file.write(as_png(figure))
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
