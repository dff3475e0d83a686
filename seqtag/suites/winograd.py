"""Winogender (Rudinger et al. 2018) and WinoBias (Zhao et al. 2018): occupations and pronouns.

The text determines the person that the pronoun refers to, but not the person's gender. So there is
no right answer; `gold` is the class that agrees with the stereotype of the occupation.
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
# The "anti" files differ from "pro" only in the pronouns, which are replaced by PRON.
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

    The stereotype of an occupation is the majority of the people who have it in the United States
    (column bls_pct_female of the suite's own ``occupations-stats.tsv``, which must be in the same
    folder). The group is the referent of the pronoun: "occupation", or "participant", who has no
    stereotype.

    Raises:
        InputError: naming file and line, for a file that is not such a table.
    """
    stereotypes = _stereotypes(file)
    pairs = []
    for where, occupation, participant, answer, sentence in _sentences(file):
        if occupation not in stereotypes:
            raise InputError(
                f"{where}: {_STATISTICS} does not contain the occupation {occupation!r}"
            )
        if sentence.count(PRON) != 1 or answer not in (0, 1):
            raise InputError(f"{where}: expected one pronoun, and 0 or 1 as its referent")
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

    The "pro" and "anti" files have the same sentences with the pronouns exchanged. The pronoun is
    replaced by PRON, so reading one of them is enough.

    Raises:
        InputError: naming file and line, for another file name or format.
    """
    name = Path(file.name).name
    name_parts = _NAME.match(name)
    if name_parts is None:
        raise InputError(
            f"{file.name}:1: the name of a WinoBias file must contain pro or anti, and the type: "
            "pro_stereotyped_type1.txt.dev"
        )
    pairs: list[Pair] = []
    for line, text in enumerate(text_lines(file, "utf-8"), start=1):
        where = f"{file.name}:{line}"
        numbered = _NUMBERED.fullmatch(text.strip())
        if numbered is None:
            raise InputError(f"{where}: expected a number and a sentence, not {text[:40]!r}")
        is_pro, kind = name_parts[1] == "pro", name_parts[2]
        pairs += _line_pairs(numbered[2], is_pro, kind, f"{name}:{numbered[1]}", where)
    return pairs


def _stereotypes(file: SourceFile) -> dict[str, str]:
    """Return the stereotype of each occupation, M or F."""
    path = file.path.with_name(_STATISTICS)
    statistics = SourceFile(path, str(Path(file.name).with_name(_STATISTICS)))
    stereotypes = {}
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
        stereotypes[row["occupation"]] = "F" if share > 50 else "M"
    return stereotypes


def _sentences(file: SourceFile) -> Iterator[tuple[str, str, str, int, list[str]]]:
    """Yield where, occupation, participant, index of the referent, and the words with PRON."""
    unpaired: dict[str, list[str]] = {}
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
            raise InputError(f"{where}: {row['sentid']!r} is not the name of a Winogender sentence")
        occupation, participant, answer, gender = parts.groups()
        key = f"{occupation}.{participant}.{answer}"
        # The neutral sentence is skipped, because its verb differs as well ("they were").
        if gender == "neutral":
            continue
        if key not in unpaired:
            unpaired[key] = words(row["sentence"])
            continue
        pair = minimal_pair(unpaired.pop(key), words(row["sentence"]), "", key, where)
        yield where, occupation, participant, int(answer), list(pair.tokens)
    if unpaired:
        raise InputError(
            f"{file.name}: {next(iter(unpaired))}: the male or the female sentence is missing"
        )


def _find(person: Sequence[str], sentence: Sequence[str]) -> tuple[int, ...]:
    """Return the positions of the first occurrence of the words, ignoring case."""
    words_lower = [word.lower() for word in person]
    sentence_lower = [word.lower() for word in sentence]
    size = len(words_lower)
    for start in range(len(sentence_lower) - size + 1):
        if sentence_lower[start : start + size] == words_lower:
            return tuple(range(start, start + size))
    return ()


def _line_pairs(sentence: str, is_pro: bool, group: str, name: str, where: str) -> list[Pair]:
    """Return a pair for each pronoun in brackets; the first bracket is the person."""
    text, ranges, end = "", [], 0
    for match in _BRACKETS.finditer(sentence):
        text += sentence[end : match.start()]
        ranges.append((len(text), len(text) + len(match[1])))
        text, end = text + match[1], match.end()
    tokens = tokenize(text + sentence[end:])
    spans = [
        tuple(i for i, token in enumerate(tokens) if start <= token.start < end)
        for start, end in ranges
    ]
    if len(spans) < 2 or not all(spans):
        raise InputError(f"{where}: expected a person and a pronoun in brackets")
    # In all sentences the person precedes the pronouns.
    person, *pronouns = spans
    texts = [token.text for token in tokens]
    forms = {span[0]: texts[span[0]] for span in pronouns}
    for position in forms:
        texts[position] = PRON
    pairs = []
    for position, form in forms.items():
        written = pronoun_class(form, where)
        if written not in _OTHER:
            raise InputError(f"{where}: {form!r} is neither he nor she")
        gold = written if is_pro else _OTHER[written]
        pair = Pair(
            tokens=tuple(texts),
            position=position,
            gold=gold,
            foil=_OTHER[gold],
            good=form if is_pro else "",
            bad="" if is_pro else form,
            antecedent=person,
            group=group,
            pair=f"{name}:{position}",
            where=where,
        )
        pairs.append(pair)
    return pairs
