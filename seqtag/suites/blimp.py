"""BLiMP: paradigms of a thousand minimal pairs each, as JSON lines (Warstadt et al. 2020).

The anaphor paradigms, and those of subject and verb in which the verb differs. BLiMP has no two
sides to an item: each sentence stands alone.
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
        InputError: naming file and line, for what is no BLiMP record, or a paradigm in which
            something else than one pronoun or verb differs.
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
        raise InputError(f"{where}: no JSON: {error}; BLiMP has one object per line") from None
    if not isinstance(record, dict):
        raise InputError(f"{where}: a JSON {type(record).__name__}; BLiMP has one object per line")
    for key in _KEYS:
        if not isinstance(record.get(key), str):
            raise InputError(f"{where}: no text under {key!r}; is this a file of BLiMP?")
    if not isinstance(record.get("UID", ""), (str, type(None))):
        raise InputError(f"{where}: no text under 'UID'; is this a file of BLiMP?")
    return record


def _pair(record: dict[str, Any], stem: str, where: str) -> Pair:
    good, bad = words(record["sentence_good"]), words(record["sentence_bad"])
    group = str(record.get("UID") or stem)
    pair = minimal_pair(good, bad, group, record["pairID"], where)
    # A plural noun is spelled as a verb's singular is: "the sketches / sketch look".
    about_verb = (
        record.get("linguistics_term") == "subject_verb_agreement"
        and record.get("one_prefix_method") is True
    )
    if pair.placeholder == VERB and not about_verb:
        raise InputError(
            f"{where}: in {group} the verb is not what differs; the paradigms to take are "
            f"{', '.join(FILES)}"
        )
    return replace(pair, antecedent=_subject(good[: pair.position]))


def _subject(before: Sequence[str]) -> tuple[int, ...]:
    """Return the place of the subject, if it stands before the placeholder.

    These sentences open with it, or with its determiner. Of the few subjects of two words
    ("newspaper article") it is the first.
    """
    opening = [token.lower() for token in before[:3]]
    place = len(opening) if opening == ["a", "lot", "of"] else len(_DETERMINERS & {*opening[:1]})
    return (place,) if place < len(before) else ()
