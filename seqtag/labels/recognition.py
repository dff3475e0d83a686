"""Recognise the notation of labels: the scheme's letters, the separator, suffixes, lower case."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from seqtag.labels.detection import Pairs, label_counts, mixes_bio_and_bioes, scheme_of
from seqtag.labels.letters import ANY_LETTER, EDGE, IGNORED, read
from seqtag.labels.notation import SEPARATORS, Notation
from seqtag.labels.transitions import complaint

# The letters of bmes and bmewo that bioes has under another name.
_AS_BIOES = {"M": "I", "W": "S", "V": "I"}
# At most these shares of tokens may have labels outside an unusual notation, and of transitions
# may be illegal in it. Labels with more of them are plain: they resemble a scheme by chance.
_MOST_UNREADABLE, _MOST_ILLEGAL = 0.05, 0.05


def find_notation(pairs: Pairs) -> Notation:
    """Return the most likely notation of labels, from the counted `neighbours` of all sentences.

    Labels in the letters of iob1, bio, ioe and bioes are recognised by `scheme_of`. Of these
    letters and those of bmes and bmewo, the ones that fit the most tokens are chosen. If the labels
    would be plain by that, they are read with another separator, the letter after the type, or in
    lower case. Such a notation must fit at least 95% of the tokens; a type must have both a label
    that begins and one that continues a span, and at least 95% of the transitions between labels
    must be legal.
    """
    counts = label_counts(pairs)
    scheme = scheme_of(pairs)
    if scheme in ("bio", "bioes") and mixes_bio_and_bioes(pairs):
        scheme = "bioes"
    if scheme != "plain":
        return Notation(_with_letters(scheme, counts))
    form = _likely_form(counts)
    if form is None or not _fits_well(form, pairs, counts):
        return Notation("plain")
    read_as = _as_bioes(form, counts)
    scheme = scheme_of(_renamed(pairs, read_as))
    return replace(form, scheme=_with_letters(scheme, _standard_counts(form, counts)))


def written_in(labels: Iterable[str], scheme: str) -> Notation:
    """Return the notation of labels whose scheme is given.

    It is the standard one unless another notation reads all labels and the standard one does not.
    """
    standard, counts = Notation(scheme), Counter(list(labels))
    if scheme in ("plain", "io"):
        return standard
    if all(standard.read(label) for label in counts):
        return Notation("bilou") if scheme == "bioes" and _is_bilou(counts) else standard
    form = _likely_form(counts)
    if form is None:
        return standard
    other = replace(form, scheme=scheme)
    return other if all(other.read(label) for label in counts) else standard


def _with_letters(scheme: str, counts: Mapping[str, int]) -> str:
    """Return the scheme whose letters fit the most tokens: `scheme` or one with other letters."""
    candidates = [scheme, *(("bmes", "bmewo") if scheme in ("bio", "bioes") else ())]
    fitting = {
        candidate: sum(count for label, count in counts.items() if read(label, candidate))
        for candidate in candidates
    }
    best = max(candidates, key=lambda candidate: fitting[candidate])
    return "bilou" if best == "bioes" and _is_bilou(counts) else best


def _is_bilou(labels: Iterable[str]) -> bool:
    letters = {label[0] for label in labels if read(label, "bioes")}
    return bool(letters & {"L", "U"}) and not letters & {"E", "S"}


def _likely_form(counts: Mapping[str, int]) -> Notation | None:
    """Return a notation with the separator, order and case that fit the most tokens."""
    forms: Counter[tuple[bool, str, bool]] = Counter()
    for label, count in counts.items():
        for form in _forms(label):
            forms[form] += count
    if not forms:
        return None
    # Of equally frequent ones, the letter before the type, then the order of SEPARATORS.
    suffix, separator, lower = min(
        forms, key=lambda form: (-forms[form], form[0], SEPARATORS.index(form[1]), form[2])
    )
    outside: Literal["O", "o"] = "o" if counts.get("o", 0) > counts.get("O", 0) else "O"
    return Notation("bioes", separator, suffix, lower, outside)


def _forms(label: str) -> Iterator[tuple[bool, str, bool]]:
    """Yield each way to read a label, as (suffix, separator, lower)."""
    if len(label) == 1 and label.upper() in ANY_LETTER:
        yield False, "-", label.islower()
    if len(label) < 3:
        return
    if label[1] in SEPARATORS and label[0].upper() in ANY_LETTER:
        yield False, label[1], label[0].islower()
    if label[-2] in SEPARATORS and label[-1].upper() in ANY_LETTER:
        yield True, label[-2], label[-1].islower()


def _as_bioes(form: Notation, counts: Mapping[str, int]) -> dict[str, str]:
    """Return the labels that a notation reads, with any scheme's letters, as labels of bioes."""
    as_bioes = {}
    for label in counts:
        for scheme in ("bioes", "bmewo"):
            standard = replace(form, scheme=scheme).read(label)
            if standard is not None:
                letter = _AS_BIOES.get(standard[0], standard[0])
                as_bioes[label] = letter + standard[1:]
                break
    return as_bioes


def _renamed(pairs: Pairs, names: Mapping[str, str]) -> Pairs:
    """Return the pairs with other labels; those without a new name are in no scheme."""

    def renamed(label: object) -> object:
        return label if label is EDGE or label is IGNORED else names.get(str(label), f"\0{label}")

    changed: Pairs = Counter()
    for (left, right), count in pairs.items():
        changed[renamed(left), renamed(right)] += count
    return changed


def _standard_counts(form: Notation, counts: Mapping[str, int]) -> Counter[str]:
    standard: Counter[str] = Counter()
    for label, count in counts.items():
        names = (replace(form, scheme=scheme).read(label) for scheme in ("bioes", "bmewo"))
        standard[next((name for name in names if name), f"\0{label}")] += count
    return standard


def _fits_well(form: Notation, pairs: Pairs, counts: Counter[str]) -> bool:
    """Return whether labels form a span scheme in a notation, not just by chance."""
    read_as = _as_bioes(form, counts)
    total = counts.total()
    unread = total - sum(counts[label] for label in read_as)
    typed = any(len(label) > 1 for label in read_as.values())
    if unread > (_MOST_UNREADABLE * total if typed else 0):
        return False
    roles: dict[str, set[str]] = {}
    for label in read_as.values():
        role, type_ = read(label, "bioes") or ("", "")
        roles.setdefault(type_, set()).add(role)
    if not any("B" in found and found & {"I", "E"} for found in roles.values()):
        return False
    renamed = _renamed(pairs, read_as)
    scheme = scheme_of(renamed)
    if scheme == "plain":
        return False
    illegal = all_pairs = 0
    for (left, right), count in renamed.items():
        if read(left, "bioes") and read(right, "bioes") and (left, right) != ("O", "O"):
            all_pairs += count
            illegal += count * bool(complaint(left, right, scheme))
    return illegal <= _MOST_ILLEGAL * all_pairs
