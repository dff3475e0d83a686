"""Add finished or inspected runs to the files of results; make tables and pictures from them.

python scripts/results.py add logs/probe/parity --study parity
python scripts/results.py add logs/inspect --study pronoun_inside
python scripts/results.py add logs/train/claim_* --study claim        # runs of `seqtag train`
python scripts/results.py choose claim                                # by development score
python scripts/results.py compare logs/train/claim_* --study claim    # paired differences
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
from seqtag.study import tagger_results
from seqtag.study.inside_results import INSPECTIONS, add_inspections, inspection_files
from seqtag.study.read import verbs_of_runs
from seqtag.study.result_files import FOLDER
from seqtag.study.result_tables import update_tables
from seqtag.study.results import add_runs
from seqtag.study.tagger_differences import differences_file, write_differences
from seqtag.study.tagger_results import TAGGERS
from seqtag.study.tagger_results import add_runs as add_taggers
from seqtag.study.tagger_tables import update_tagger_tables

_PACKAGE = Path(__file__).parents[1] / "seqtag"
READMES = (_PACKAGE / "probes" / "README.md", _PACKAGE / "probes" / "results" / "README.md")
TAGGER_READMES = (_PACKAGE / "cells" / "README.md",)


def add_all(args: argparse.Namespace) -> int:
    """Add runs or inspections to the file of a study; return the exit code."""
    verbs = verbs_of_runs(args.folders)
    if len(verbs) > 1:
        raise InputError("the folders hold runs of `seqtag train` and of `seqtag probe`: add one")
    if inspection_files(args.folders):
        add, results = add_inspections, FOLDER
    elif verbs == {"train"}:
        add, results = add_taggers, tagger_results.FOLDER
    else:
        add, results = add_runs, FOLDER
    results = args.to or results
    runs, rows = add(args.folders, args.study, results)
    print(f"{results / args.study}.csv: {runs} runs, {rows} new rows")
    return 0


def choose(args: argparse.Namespace) -> int:
    """Print the chosen configuration of each model; return the exit code."""
    table = TAGGERS.read(tagger_results.FOLDER / f"{args.study}.csv")
    for one in tagger_results.choose(table):
        score = f"development score {one.dev:.2%}, best of {one.trials} trials"
        print(f"{one.corpus}: {one.overrides}  # {score}")
    return 0


def compare(args: argparse.Namespace) -> int:
    """Write the paired differences of a study; return the exit code."""
    rows = write_differences(args.folders, args.study, args.minus)
    print(f"{differences_file(args.study)}: {rows} rows")
    return 0


def draw(args: argparse.Namespace) -> int:
    """Draw the picture of a study of inspected runs; return the exit code."""
    figure = plot_seeds(INSPECTIONS.read(FOLDER / f"{args.study}.csv"))
    with open_output(args.output) as file:
        file.write(as_png(figure))
    return 0


def make_tables(args: argparse.Namespace) -> int:
    """Compare or write the tables of the READMEs; return 1 if some differ and are not written."""
    different = [path for path in READMES if not update_tables(path, write=args.write)]
    different += [p for p in TAGGER_READMES if not update_tagger_tables(p, write=args.write)]
    for path in different:
        print(f"{path}: {'written' if args.write else 'differs from the files of results'}")
    return 0 if args.write or not different else 1


def main() -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser("results.py", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="add all runs, or inspections, in and below some folders")
    folders = "folder of finished runs, or of what `seqtag inspect RUNS` wrote"
    add.add_argument("folders", metavar="DIR", nargs="+", type=Path, help=folders)
    add.add_argument("--study", required=True, help="the name of the study and of its file")
    add.add_argument("--to", metavar="DIR", type=Path, help="folder of the files")
    add.set_defaults(run=add_all)
    tables = verbs.add_parser("tables", help="compare the tables of the READMEs with the files")
    tables.add_argument("--write", action="store_true", help="write the tables that differ")
    tables.set_defaults(run=make_tables)
    picture = verbs.add_parser("picture", help="draw accuracy with silenced units, over seeds")
    picture.add_argument("study", help="the name of a study of inspected runs")
    picture.add_argument("--output", metavar="FILE", required=True, help="the PNG file to write")
    picture.set_defaults(run=draw)
    chosen = verbs.add_parser("choose", help="print each model's best settings on development data")
    chosen.add_argument("study", help="the name of a study of runs of `seqtag train`")
    chosen.set_defaults(run=choose)
    paired = verbs.add_parser("compare", help="write differences between models with intervals")
    paired.add_argument(
        "folders", metavar="DIR", nargs="+", type=Path, help="folders of final runs"
    )
    paired.add_argument("--study", required=True, help="the name of a study of `seqtag train`")
    paired.add_argument("--minus", metavar="MODEL", default="lstm", help="the model subtracted")
    paired.set_defaults(run=compare)
    args = parser.parse_args()
    try:
        return args.run(args)
    except InputError as error:
        print(f"results.py: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
