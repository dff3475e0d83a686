"""Marvin & Linzen (2018): constructions filled from templates, published as pickles.

A file holds ``{case: [(good sentence, bad sentence), ...]}``, and cases come in two: in
``sing_MS_MV_plur_ES_EV`` and ``plur_MS_MV_plur_ES_EV`` the subject's number is exchanged, and
with it the roles of the verbs. A pickle may ask for any code to be run, so it is read by an
unpickler that knows no name at all: plain values come through, anything else is refused.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

from seqtag.data.lines import SourceFile, open_binary
from seqtag.errors import InputError
from seqtag.probes.suites.pairs import Pair, as_sides, minimal_pair

# All published constructions but those of negative polarity (npi), which is no agreement.
FILES = (
    *("simple_agrmt.pickle", "sent_comp.pickle", "*vp_coord.pickle", "prep_*.pickle"),
    *("subj_rel.pickle", "obj_rel_*.pickle", "*reflexive*.pickle"),
)
_SIDES = {"sing": "plur", "plur": "sing"}


class _PlainUnpickler(pickle.Unpickler):
    """Reads dicts, lists, tuples, strings and numbers, and looks up no name."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, and must hold plain text alone")


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
    content = _load(file)
    if not isinstance(content, dict):
        raise InputError(f"{file.name}: holds a {type(content).__name__}, not cases by name")
    found = []
    for case, sentences in content.items():
        if not isinstance(case, str) or not isinstance(sentences, list):
            raise InputError(f"{file.name}: {case!r}: a name and a list of pairs are wanted")
        for number, pair in enumerate(sentences, start=1):
            if not (
                isinstance(pair, list | tuple)
                and len(pair) == 2
                and all(isinstance(sentence, str) for sentence in pair)
            ):
                raise InputError(
                    f"{file.name}: {case}, pair {number}: a good and a bad sentence are wanted"
                )
            # Words are parted by spaces; that a full stop follows, Marvin & Linzen say in code.
            good, bad = ([*sentence.split(), "."] for sentence in pair)
            found.append((case, number, good, bad))
    return found


def _load(file: SourceFile) -> Any:
    with open_binary(file) as raw:
        try:
            content = raw.read()
            # The unpickler makes room up to the highest number that a value is noted under: ten
            # bytes can ask for 64 GB. No honest number is larger than the file is long.
            for code, number, _ in pickletools.genops(content):
                if code.name.endswith("PUT") and number > len(content):
                    raise pickle.UnpicklingError(f"a value is noted under the number {number}")
            return _PlainUnpickler(io.BytesIO(content)).load()
        except Exception as error:  # a damaged pickle can raise nearly anything
            raise InputError(
                f"{file.name}: no pickle of Marvin & Linzen's templates: {error}"
            ) from None
