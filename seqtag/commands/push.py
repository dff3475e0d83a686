"""The verb `push`: upload a model folder to the Hugging Face hub."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from seqtag.errors import InputError

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*|multilingual")
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.-]*")
_AFTERWARDS = """\
afterwards, from Python:  Tagger.load("OWNER/NAME")
from the command line:    seqtag tag --model OWNER/NAME

The address of the repository is printed. Log in first with `hf auth login`, or set HF_TOKEN.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to a parser; imports no slow library."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _AFTERWARDS
    add = parser.add_argument
    add("--model", metavar="DIR", required=True, help="the model folder, or an exported folder")
    repo = "the repository; it is created if it does not exist"
    add("--repo", metavar="OWNER/NAME", required=True, help=repo)
    add("--private", action="store_true", help="create a private repository")
    branch = "upload to this branch, which is created if it does not exist (default: main)"
    add("--revision", metavar="BRANCH", help=branch)
    license = "licence in the card, as the hub abbreviates it: apache-2.0, cc-by-4.0, ..."
    add("--license", metavar="NAME", help=license)
    language = "languages in the card, as codes separated by commas: en,de"
    add("--language", metavar="CODES", help=language)


def run(args: argparse.Namespace) -> int:
    """Check the folder, upload it, and print the address; return the exit code.

    Raises:
        InputError: for a mistake in arguments or folder (then nothing is sent), or if the hub
            cannot be reached or refuses.
    """
    if args.license is not None and not _LICENSE.fullmatch(args.license):
        raise InputError(f"--license {args.license}: expected an abbreviation such as apache-2.0")
    languages = args.language.split(",") if args.language is not None else []
    for language in languages:
        if not _LANGUAGE.fullmatch(language):
            raise InputError(f"--language {args.language}: expected codes such as en or en,de")
    from seqtag.model_folder.upload import push_folder

    folder = Path(args.model)
    _check_that_it_loads(folder)
    revision = args.revision
    print(push_folder(folder, args.repo, args.private, revision, args.license, languages))
    return 0


def _check_that_it_loads(folder: Path) -> None:
    """Load the model, so that nobody downloads a damaged one."""
    from seqtag.commands.load_tagger import load_tagger
    from seqtag.model_folder.config import read_config

    read_config(folder)  # a folder on disk
    load_tagger(str(folder))
