"""BLiMP: paradigms of a thousand minimal pairs each, as JSON lines (Warstadt et al. 2020).

Supported are the anaphor paradigms, and the subject-verb paradigms whose sentences differ in the
verb. BLiMP's pairs are independent: none is the other side of the same item.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqtag.data.formats.lines import SourceFile, text_lines
from seqtag.errors import InputError
from seqtag.suites.pairs import VERB, Pair, minimal_pair, words

FILES = (
    "anaphor_*_agreement.jsonl",
    "*subject_verb_agreement_1.jsonl",
    "distractor_agreement_*.jsonl",
)
_KEYS = ("sentence_good", "sentence_bad", "pairID")
_DETERMINERS = frozenset(
    ("the", "a", "an", "this", "that", "these", "those", "some", "many", "most", "all", "every")
)


def read_blimp(file: SourceFile) -> list[Pair]:
    """Return the pairs of one paradigm.

    Raises:
        InputError: naming file and line, for a line that is not a BLiMP record, or for a pair
            that differs in anything but one pronoun or verb.
    """
    return [
        _pair(_record(line, f"{file.name}:{number}"), Path(file.name).stem, f"{file.name}:{number}")
        for number, line in enumerate(text_lines(file, "utf-8"), start=1)
        if line.strip()
    ]


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {error}; expected one object per line") from None
    if not isinstance(record, dict):
        raise InputError(f"{where}: a JSON {type(record).__name__}; expected one object per line")
    for key in _KEYS:
        if not isinstance(record.get(key), str):
            raise InputError(f"{where}: no text under {key!r}; is this a BLiMP file?")
    if not isinstance(record.get("UID", ""), (str, type(None))):
        raise InputError(f"{where}: no text under 'UID'; is this a BLiMP file?")
    return record


def _pair(record: dict[str, Any], stem: str, where: str) -> Pair:
    good, bad = words(record["sentence_good"]), words(record["sentence_bad"])
    group = str(record.get("UID") or stem)
    pair = minimal_pair(good, bad, group, record["pairID"], where)
    # A plural noun looks like the singular of a verb: "the sketches / sketch look".
    verb_differs = (
        record.get("linguistics_term") == "subject_verb_agreement"
        and record.get("one_prefix_method") is True
    )
    if pair.placeholder == VERB and not verb_differs:
        raise InputError(
            f"{where}: the sentences of {group} do not differ in the verb; supported paradigms: "
            f"{', '.join(FILES)}"
        )
    return replace(pair, antecedent=_subject(good[: pair.position]))


def _subject(before: Sequence[str]) -> tuple[int, ...]:
    """Return the position of the subject, or () if it is not before the placeholder.

    Sentences begin with the subject or its determiner. For the few subjects of two words
    ("newspaper article") it is the position of the first.
    """
    opening = [token.lower() for token in before[:3]]
    position = len(opening) if opening == ["a", "lot", "of"] else len(_DETERMINERS & {*opening[:1]})
    return (position,) if position < len(before) else ()
