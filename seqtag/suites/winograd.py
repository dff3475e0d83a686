"""Winogender (Rudinger et al. 2018) and WinoBias (Zhao et al. 2018): occupations and pronouns.

The text says whom the pronoun means, but not what gender that person has. There is no right
answer, and the class called gold is the one that goes with the stereotype of the occupation.
"""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from seqtag.data.formats.lines import SourceFile, text_lines
from seqtag.errors import InputError
from seqtag.probes.english.lexicon import PRON
from seqtag.suites.pairs import Pair, minimal_pair, pronoun_class, tokenize, words
from seqtag.suites.tsv import read_rows

WINOGENDER_FILES = ("templates.tsv",)
# With the pronoun hidden, the sentences of "anti" are those of "pro".
WINOBIAS_FILES = ("pro_stereotyped_type[12].txt.*",)
_OTHER = {"M": "F", "F": "M"}

_TEMPLATES = ("occupation(0)", "other-participant(1)", "answer", "sentence")
_SENTENCES = ("sentid", "sentence")
_STATISTICS = "occupations-stats.tsv"
_STATISTICS_HEADER = ("occupation", "bergsma_pct_female", "bls_pct_female", "bls_year")
_SENTENCE_ID = re.compile(r"([^.]+)\.([^.]+)\.([01])\.(male|female|neutral)\.txt")
_REFERENTS = ("occupation", "participant")

_NAME = re.compile(r"(pro|anti)_stereotyped_(type[12])")
_NUMBERED = re.compile(r"(\d+)\s+(\S.*)")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def read_winogender(file: SourceFile) -> list[Pair]:
    """Return the pairs of ``templates.tsv`` or ``all_sentences.tsv``.

    The stereotype of an occupation is the majority among those who have it in the United States
    (column bls_pct_female of the suite's own ``occupations-stats.tsv``, which must stand beside).
    Groups say whom the pronoun means: "occupation", or "participant", whose gender nothing
    tells.

    Raises:
        InputError: naming file and line, for what is no such table.
    """
    stereotypes = _stereotypes(file)
    pairs = []
    for where, occupation, participant, answer, sentence in _sentences(file):
        if occupation not in stereotypes:
            raise InputError(f"{where}: {_STATISTICS} does not have the occupation {occupation!r}")
        if sentence.count(PRON) != 1 or answer not in (0, 1):
            raise InputError(f"{where}: one pronoun, and 0 or 1 for whom it means, are wanted")
        person = (occupation, participant)[answer]
        gold = stereotypes[occupation]
        pair = Pair(
            tokens=tuple(sentence),
            position=sentence.index(PRON),
            gold=gold,
            foil=_OTHER[gold],
            good="",
            bad="",
            antecedent=_find(words(person), sentence),
            group=_REFERENTS[answer],
            pair=f"{occupation}.{participant}.{answer}",
            where=where,
        )
        pairs.append(pair)
    return pairs


def read_winobias(file: SourceFile) -> list[Pair]:
    """Return the pairs of one file, named as published: ``pro_stereotyped_type1.txt.dev``.

    The same sentences stand in the files "pro" and "anti", with the pronouns exchanged, so that
    a model that does not see the pronoun need be shown but one of them.

    Raises:
        InputError: naming file and line, for what has another name or is written otherwise.
    """
    name = Path(file.name).name
    named = _NAME.match(name)
    if named is None:
        raise InputError(
            f"{file.name}:1: the name of a WinoBias file says pro or anti, and the type: "
            "pro_stereotyped_type1.txt.dev"
        )
    pairs: list[Pair] = []
    for line, text in enumerate(text_lines(file, "utf-8"), start=1):
        where = f"{file.name}:{line}"
        numbered = _NUMBERED.fullmatch(text.strip())
        if numbered is None:
            raise InputError(f"{where}: a number and a sentence are wanted, not {text[:40]!r}")
        pairs += _of_line(numbered[2], named[1] == "pro", named[2], f"{name}:{numbered[1]}", where)
    return pairs


def _stereotypes(file: SourceFile) -> dict[str, str]:
    """Return M or F by occupation."""
    beside = file.path.with_name(_STATISTICS)
    statistics = SourceFile(beside, str(Path(file.name).with_name(_STATISTICS)))
    found = {}
    for where, row in read_rows(statistics, [_STATISTICS_HEADER]):
        try:
            share = float(row["bls_pct_female"])
        except ValueError:
            share = math.nan
        if not 0 <= share <= 100:
            raise InputError(
                f"{where}: bls_pct_female is not a number from 0 to 100: "
                f"{row['bls_pct_female'][:20]!r}"
            )
        found[row["occupation"]] = "F" if share > 50 else "M"
    return found


def _sentences(file: SourceFile) -> Iterator[tuple[str, str, str, int, list[str]]]:
    """Yield where, occupation, participant, whom the pronoun means, and the words with PRON."""
    waiting: dict[str, list[str]] = {}
    for where, row in read_rows(file, [_TEMPLATES, _SENTENCES]):
        if "sentid" not in row:
            occupation, participant, answer, sentence = row.values()
            sentence = sentence.replace("$OCCUPATION", occupation)
            sentence = sentence.replace("$PARTICIPANT", participant)
            sentence = re.sub(r"\$(NOM|POSS|ACC)_PRONOUN", PRON, sentence)
            number = int(answer) if answer in ("0", "1") else -1
            yield where, occupation, participant, number, words(sentence)
            continue
        parts = _SENTENCE_ID.fullmatch(row["sentid"])
        if parts is None:
            raise InputError(f"{where}: {row['sentid']!r} is no name of a Winogender sentence")
        occupation, participant, answer, gender = parts.groups()
        key = f"{occupation}.{participant}.{answer}"
        # The neutral form changes the verb as well ("they were"), and is left out.
        if gender == "neutral":
            continue
        if key not in waiting:
            waiting[key] = words(row["sentence"])
            continue
        pair = minimal_pair(waiting.pop(key), words(row["sentence"]), "", key, where)
        yield where, occupation, participant, int(answer), list(pair.tokens)
    if waiting:
        raise InputError(f"{file.name}: male or female form is missing: {next(iter(waiting))}")


def _find(person: Sequence[str], sentence: Sequence[str]) -> tuple[int, ...]:
    """Return where the words stand in the sentence for the first time, capitals aside."""
    wanted = [word.lower() for word in person]
    lower = [word.lower() for word in sentence]
    for start in range(len(lower) - len(wanted) + 1):
        if lower[start : start + len(wanted)] == wanted:
            return tuple(range(start, start + len(wanted)))
    return ()


def _of_line(sentence: str, pro: bool, group: str, name: str, where: str) -> list[Pair]:
    """Return a pair for each pronoun in brackets; what else is in brackets is the person."""
    text, places, end = "", [], 0
    for match in _BRACKETS.finditer(sentence):
        text += sentence[end : match.start()]
        places.append((len(text), len(text) + len(match[1])))
        text, end = text + match[1], match.end()
    tokens = tokenize(text + sentence[end:])
    spans = [
        tuple(i for i, token in enumerate(tokens) if first <= token.start < behind)
        for first, behind in places
    ]
    if len(spans) < 2 or not all(spans):
        raise InputError(f"{where}: a person and a pronoun in brackets are wanted")
    # The person is named before the pronouns in all sentences.
    person, *pronouns = spans
    texts = [token.text for token in tokens]
    forms = {place[0]: texts[place[0]] for place in pronouns}
    for place in forms:
        texts[place] = PRON
    pairs = []
    for place, form in forms.items():
        written = pronoun_class(form, where)
        if written not in _OTHER:
            raise InputError(f"{where}: {form!r} is neither he nor she")
        gold = written if pro else _OTHER[written]
        pair = Pair(
            tokens=tuple(texts),
            position=place,
            gold=gold,
            foil=_OTHER[gold],
            good=form if pro else "",
            bad="" if pro else form,
            antecedent=person,
            group=group,
            pair=f"{name}:{place}",
            where=where,
        )
        pairs.append(pair)
    return pairs
