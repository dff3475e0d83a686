"""The closed list of suites, and the one way to read them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError, unknown
from seqtag.suites import blimp, gap, marvin_linzen, syntaxgym, winograd
from seqtag.suites.pairs import Pair


class Suite(NamedTuple):
    """How a suite is read.

    Attributes:
        read: returns the pairs of one file.
        files: patterns of the files to take from a folder.
        decided: whether the text tells the right answer. Where it does not, no accuracy exists,
            and what is reported is the gap between stereotypes.
    """

    read: Callable[[SourceFile], list[Pair]]
    files: tuple[str, ...]
    decided: bool = True


_SURROGATE = re.compile("[\ud800-\udfff]")

SUITES = {
    "blimp": Suite(blimp.read_blimp, blimp.FILES),
    "marvin_linzen": Suite(marvin_linzen.read_marvin_linzen, marvin_linzen.FILES),
    "syntaxgym": Suite(syntaxgym.read_syntaxgym, syntaxgym.FILES),
    "gap": Suite(gap.read_gap, gap.FILES),
    "winogender": Suite(winograd.read_winogender, winograd.WINOGENDER_FILES, decided=False),
    "winobias": Suite(winograd.read_winobias, winograd.WINOBIAS_FILES, decided=False),
}


def find_suite(name: str) -> Suite:
    """Return the suite of that name.

    Raises:
        InputError: if there is none; the nearest name is offered.
    """
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return SUITES[name]


def read_suite(name: str, path: str | Path) -> list[Pair]:
    """Return the pairs of a suite's file, or of all its files in a folder. Nothing is downloaded.

    Raises:
        InputError: for an unknown suite, a path with none of its files, or a file that is not
            in the suite's format.
    """
    suite, place = find_suite(name), Path(path)
    if place.is_dir():
        files = sorted({found for pattern in suite.files for found in place.glob(pattern)})
        if not files:
            raise InputError(
                f"suite_path={path}: the folder has no file of {name} ({', '.join(suite.files)})"
            )
    elif place.is_file():
        files = [place]
    else:
        raise InputError(f"suite_path={path}: there is no such file or folder")
    pairs = [pair for file in files for pair in _read_file(name, suite, file)]
    if not pairs:
        raise InputError(f"suite_path={path}: no pair in it")
    return pairs


def _read_file(name: str, suite: Suite, file: Path) -> list[Pair]:
    """Return the pairs of one file; whatever goes wrong in it is the fault of the file."""
    try:
        pairs = suite.read(SourceFile(file, str(file)))
    except InputError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error!s:.100}"
        raise InputError(f"{file}: not a file of the suite {name} ({text})") from error
    for pair in pairs:
        names = (pair.gold, pair.foil, pair.good, pair.bad, pair.group, pair.pair)
        for text in (*pair.tokens, *names):
            if not text.isascii() and _SURROGATE.search(text):
                raise InputError(
                    f"{pair.where}: {text[:60]!r} is not Unicode text (a lone surrogate)"
                )
    return pairs
