"""Marvin & Linzen (2018): constructions generated from templates, published as pickles.

A file holds ``{case: [(good sentence, bad sentence), ...]}``. Two cases, such as
``sing_MS_MV_plur_ES_EV`` and ``plur_MS_MV_plur_ES_EV``, differ in the number of the subject, and
their good and bad verbs are exchanged. Unpickling could run arbitrary code, so `plain_pickle` reads
the files: it accepts only plain values.
"""

from pathlib import Path
from typing import Any

from seqtag.data.formats.lines import SourceFile, open_binary, unreadable
from seqtag.errors import InputError
from seqtag.suites.pairs import Pair, as_sides, minimal_pair
from seqtag.suites.plain_pickle import NotPlain, load_plain

# All published constructions except negative polarity items (npi), which are not agreement.
FILES = (
    *("simple_agrmt.pickle", "sent_comp.pickle", "*vp_coord.pickle", "prep_*.pickle"),
    *("subj_rel.pickle", "obj_rel_*.pickle", "*reflexive*.pickle"),
)
_SIDES = {"sing": "plur", "plur": "sing"}
# Limit of characters in all sentences per byte of the file: a pickle can repeat a value cheaply.
_MAX_CHARACTERS_PER_BYTE = 50


def read_marvin_linzen(file: SourceFile) -> list[Pair]:
    """Return the pairs of one construction; the two sides of an item have the same name.

    Raises:
        InputError: naming file, case and number, for a file of another format.
    """
    group = Path(file.name).stem
    pairs: dict[tuple[str, int], Pair] = {}
    for case, number, good, bad in _sentences(file):
        where = f"{file.name}: {case}, pair {number}"
        pair = minimal_pair(good, bad, group, f"{case}:{number}", where)
        number_of, _, rest = case.partition("_")
        other = (f"{_SIDES.get(number_of)}_{rest}", number)
        if other in pairs:
            pairs[other], pair = as_sides(pairs[other], pair)
        pairs[case, number] = pair
    return list(pairs.values())


def _sentences(file: SourceFile) -> list[tuple[str, int, list[str], list[str]]]:
    """Return for each pair: case, number from 1, words of the good and of the bad sentence."""
    content, size = _load(file)
    if not isinstance(content, dict):
        raise InputError(f"{file.name}: expected a dict of cases, found a {type(content).__name__}")
    rows = []
    characters = 0
    for case, sentences in content.items():
        if not isinstance(sentences, list):
            raise InputError(
                f"{file.name}: {case[:60]!r}: expected a list of pairs, found a "
                f"{type(sentences).__name__}"
            )
        for number, pair in enumerate(sentences, start=1):
            if not (
                isinstance(pair, list | tuple)
                and len(pair) == 2
                and all(isinstance(sentence, str) for sentence in pair)
            ):
                raise InputError(
                    f"{file.name}: {case[:60]}, pair {number}: expected a good and a bad sentence"
                )
            characters += len(case) + len(pair[0]) + len(pair[1])
            if characters > _MAX_CHARACTERS_PER_BYTE * size:
                raise InputError(
                    f"{file.name}: {case[:60]}, pair {number}: the sentences are repeated too often"
                )
            # Words are separated by spaces. Marvin & Linzen's code appends a full stop.
            good, bad = ([*sentence.split(), "."] for sentence in pair)
            rows.append((case, number, good, bad))
    return rows


def _load(file: SourceFile) -> tuple[Any, int]:
    """Return the value in the pickle, and its size in bytes."""
    try:
        with open_binary(file) as raw:
            content = raw.read()
    except OSError as error:
        raise unreadable(file, error) from error
    try:
        return load_plain(content), len(content)
    except NotPlain as error:
        raise InputError(
            f"{file.name}: not a pickle of Marvin & Linzen's templates: {error}"
        ) from None
