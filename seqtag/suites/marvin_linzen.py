"""Marvin & Linzen (2018): constructions filled from templates, published as pickles.

A file holds ``{case: [(good sentence, bad sentence), ...]}``, and cases come in two: in
``sing_MS_MV_plur_ES_EV`` and ``plur_MS_MV_plur_ES_EV`` the subject's number is exchanged, and
with it the roles of the verbs. A pickle may ask for any code to be run, so it is read without
Python's unpickler: plain values come through, anything else is refused.
"""

from pathlib import Path
from typing import Any

from seqtag.data.formats.lines import SourceFile, open_binary, unreadable
from seqtag.errors import InputError
from seqtag.suites.pairs import Pair, as_sides, minimal_pair
from seqtag.suites.plain_pickle import NotPlain, load_plain

# All published constructions but those of negative polarity (npi), which is no agreement.
FILES = (
    *("simple_agrmt.pickle", "sent_comp.pickle", "*vp_coord.pickle", "prep_*.pickle"),
    *("subj_rel.pickle", "obj_rel_*.pickle", "*reflexive*.pickle"),
)
_SIDES = {"sing": "plur", "plur": "sing"}
# Characters in all sentences for each byte of the file, which may hold one sentence many times.
_MOST_CHARACTERS = 50


def read_marvin_linzen(file: SourceFile) -> list[Pair]:
    """Return the pairs of one construction, the two sides of an item with the same name.

    Raises:
        InputError: naming file, case and number, for what is no such pickle.
    """
    group = Path(file.name).stem
    found: dict[tuple[str, int], Pair] = {}
    for case, number, good, bad in _sentences(file):
        where = f"{file.name}: {case}, pair {number}"
        pair = minimal_pair(good, bad, group, f"{case}:{number}", where)
        number_of, _, rest = case.partition("_")
        other = (f"{_SIDES.get(number_of)}_{rest}", number)
        if other in found:
            found[other], pair = as_sides(found[other], pair)
        found[case, number] = pair
    return list(found.values())


def _sentences(file: SourceFile) -> list[tuple[str, int, list[str], list[str]]]:
    """Return case, number from 1, and the words of the good and the bad sentence of each pair."""
    content, size = _load(file)
    if not isinstance(content, dict):
        raise InputError(f"{file.name}: holds a {type(content).__name__}, not cases by name")
    found = []
    characters = 0
    for case, sentences in content.items():
        if not isinstance(sentences, list):
            raise InputError(
                f"{file.name}: {case[:60]!r} holds a {type(sentences).__name__}, not a list of "
                "pairs"
            )
        for number, pair in enumerate(sentences, start=1):
            if not (
                isinstance(pair, list | tuple)
                and len(pair) == 2
                and all(isinstance(sentence, str) for sentence in pair)
            ):
                raise InputError(
                    f"{file.name}: {case[:60]}, pair {number}: a good and a bad sentence are wanted"
                )
            characters += len(case) + len(pair[0]) + len(pair[1])
            if characters > _MOST_CHARACTERS * size:
                raise InputError(
                    f"{file.name}: {case[:60]}, pair {number}: the same sentences again and again"
                )
            # Words are parted by spaces; that a full stop follows, Marvin & Linzen say in code.
            good, bad = ([*sentence.split(), "."] for sentence in pair)
            found.append((case, number, good, bad))
    return found


def _load(file: SourceFile) -> tuple[Any, int]:
    """Return what the pickle holds, and how many bytes it is long."""
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
