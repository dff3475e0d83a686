"""All suites, and functions to find and read them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError, unknown
from seqtag.suites import blimp, gap, marvin_linzen, syntaxgym, winograd
from seqtag.suites.pairs import Pair


class Suite(NamedTuple):
    """How to read a suite.

    Attributes:
        read: returns the pairs of one file.
        files: glob patterns of the suite's files in a folder.
        has_answers: whether the text determines the right answer. If not, the gap between
            stereotypes is reported instead of an accuracy.
    """

    read: Callable[[SourceFile], list[Pair]]
    files: tuple[str, ...]
    has_answers: bool = True


_SURROGATE = re.compile("[\ud800-\udfff]")

SUITES = {
    "blimp": Suite(blimp.read_blimp, blimp.FILES),
    "marvin_linzen": Suite(marvin_linzen.read_marvin_linzen, marvin_linzen.FILES),
    "syntaxgym": Suite(syntaxgym.read_syntaxgym, syntaxgym.FILES),
    "gap": Suite(gap.read_gap, gap.FILES),
    "winogender": Suite(winograd.read_winogender, winograd.WINOGENDER_FILES, has_answers=False),
    "winobias": Suite(winograd.read_winobias, winograd.WINOBIAS_FILES, has_answers=False),
}


def find_suite(name: str) -> Suite:
    """Return the suite called `name`.

    Raises:
        InputError: if there is no such suite; the message suggests the nearest name.
    """
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return SUITES[name]


def read_suite(name: str, path: str | Path) -> list[Pair]:
    """Return the pairs of a suite's local file, or of all its files in a local folder.

    Raises:
        InputError: for an unknown suite, a path with none of its files, or a file that is not
            in the suite's format.
    """
    suite, location = find_suite(name), Path(path)
    if location.is_dir():
        files = sorted({file for pattern in suite.files for file in location.glob(pattern)})
        if not files:
            raise InputError(
                f"suite_path={path}: the folder has no file of {name} ({', '.join(suite.files)})"
            )
    elif location.is_file():
        files = [location]
    else:
        raise InputError(f"suite_path={path}: no such file or folder")
    pairs = [pair for file in files for pair in _read_file(name, suite, file)]
    if not pairs:
        raise InputError(f"suite_path={path}: contains no pairs")
    return pairs


def _read_file(name: str, suite: Suite, file: Path) -> list[Pair]:
    """Return the pairs of one file; any error is reported as an error in the file."""
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
