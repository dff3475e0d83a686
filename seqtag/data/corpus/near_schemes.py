"""Detect labels that nearly follow a span scheme (``BEGIN-PER``, ``(PER*``, ``PER PER O``).

Such labels follow no notation that `seqtag.labels` recognises, so they are treated as plain labels
and scored by accuracy instead of by spans. The corpus is still read, since a tag set may really
look like that; the user gets a note that explains how to replace the labels.
"""

import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from seqtag.data.config import CorpusConfig

# Letters of all schemes in use, and their equivalents in BIO and BIOES.
_ROLES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
_WORDS = {
    **dict.fromkeys(("BEGIN", "BEG", "START"), "B"),
    **dict.fromkeys(("INSIDE", "MIDDLE", "MID", "CONT"), "I"),
    **dict.fromkeys(("END", "LAST"), "E"),
    **dict.fromkeys(("SINGLE", "UNIT", "UNIQUE"), "S"),
}
_OUTSIDE = frozenset(("O", "0", "OUT", "OUTSIDE", "OTHER", "NONE", "NULL", "_", "-"))
_SEPARATORS = "-_:./|=+#~ "
# Characters that look like hyphens or like scheme letters: Unicode hyphens, Cyrillic, Greek.
_LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys("\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58", "-"),
        **dict(zip("\u041e\u0412\u0415\u0405\u0406\u041c", "OBESIM", strict=True)),
        **dict(zip("\u039f\u0392\u0395\u0399\u039c", "OBEIM", strict=True)),
    }
)
_EDGES = " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
_EDGES += "\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_PREFIXED = re.compile(rf"(\w+?)([{re.escape(_SEPARATORS)}])(.+)", re.DOTALL)
_SUFFIXED = re.compile(rf"(.+)([{re.escape(_SEPARATORS)}])(\w+)", re.DOTALL)
_GLUED = re.compile(r"([BIESM])([A-Z]{2,})")
_BRACKETED = re.compile(r"(\([^()*\s]+)*\*?\)*")
_TYPE = re.compile(r"[^\W\d_][\w.-]+")
_MOST_TYPES = 100
# At most this share of the tokens may have labels that do not even resemble a scheme.
_STRANGE = 0.05
# Labels that a message shows, and the most that it suggests to replace by data.label_map.
_EXAMPLES, _MOST_MAPPED = 4, 30
_LONGEST = 200


class Reading(NamedTuple):
    """Interpretation of a label as a label of a span scheme.

    Attributes:
        letter: the scheme letter as written, in upper case; "O" outside of spans.
        type: the span type; "" if there is none.
        departures: differences from a well-formed label: keys of `_DEPARTURES`.
    """

    letter: str
    type: str
    departures: frozenset[str]

    @property
    def meant(self) -> str:
        """The equivalent label in BIO or BIOES."""
        letter = _ROLES.get(self.letter, self.letter)
        return f"{letter}-{self.type}" if self.type else letter


_DEPARTURES = {
    "edges": "spaces or invisible characters at the ends",
    "characters": "characters that only look like a hyphen or a letter",
    "separator": "a separator other than a hyphen",
    "suffix": "the letter after the type",
    "case": "letters in lower case",
    "words": "words instead of letters",
    "letters": "other letters",
    "outside": "another label than O outside of spans",
    "glued": "no hyphen after the letter",
    "brackets": "brackets around spans",
    "types": "types without B and I",
}


@dataclass(frozen=True)
class NearScheme:
    """A span scheme that the labels of a corpus nearly follow.

    Attributes:
        scheme: its name, such as "BIO" or "BMES".
        examples: pairs of a label as written and as it should be, the most frequent first.
        departures: differences from the scheme: keys of `_DEPARTURES`.
        outsides: labels that are written instead of O.
    """

    scheme: str
    examples: tuple[tuple[str, str], ...]
    departures: tuple[str, ...]
    outsides: tuple[str, ...] = ()


def find_near_scheme(counts: Mapping[str, int]) -> NearScheme | None:
    """Return the scheme that plain labels nearly follow, given their counts, or None."""
    total = sum(counts.values())
    if total and _bracketed(counts, total):
        return NearScheme("in brackets, as in CoNLL-2005 and CoNLL-2012", (), ("brackets",))
    if _look_like_types(counts, total):
        examples = ((name, f"B-{name}") for name in counts if name != "O")
        return NearScheme("IO", tuple(examples), ("types",))
    readings = {label: reading for label in counts if (reading := read_loosely(label))}
    read = sum(counts[label] for label in readings)
    if not total or total - read > _STRANGE * total or len(readings) < 2:
        return None
    departures = frozenset[str]().union(*(reading.departures for reading in readings.values()))
    if not departures or not _look_like_spans(list(readings.values())):
        return None
    most_first = sorted(readings, key=lambda label: -counts[label])
    changed = [label for label in most_first if label != readings[label].meant]
    return NearScheme(
        scheme=_name({reading.letter for reading in readings.values()}),
        examples=tuple((label, readings[label].meant) for label in changed[:_MOST_MAPPED]),
        departures=tuple(key for key in _DEPARTURES if key in departures),
        outsides=tuple(label for label in readings if readings[label].letter == "O" != label),
    )


def _look_like_types(counts: Mapping[str, int], total: int) -> bool:
    """Return whether labels are types of entities: most tokens are O, the rest are names."""
    names = [label for label in counts if label != "O"]
    if not names or len(names) > _MOST_TYPES or 2 * counts.get("O", 0) <= total:
        return False
    return all(_TYPE.fullmatch(name) and not read_loosely(name) for name in names)


def read_loosely(label: str) -> Reading | None:
    """Return the interpretation of a label that nearly follows a span scheme, else None."""
    if len(label) > _LONGEST:
        return None
    departures: set[str] = set()
    text = label.strip(_EDGES)
    if text != label:
        departures.add("edges")
    plain = unicodedata.normalize("NFKC", text.translate(_LOOKALIKES)).translate(_LOOKALIKES)
    if plain != text and _ascii_part(plain) != _ascii_part(text):
        departures.add("characters")
    else:
        plain = text  # a type may contain any characters
    if plain.upper() in _OUTSIDE:
        if plain != "O":
            departures.add("outside")
        return Reading("O", "", frozenset(departures))
    if letter := _letter(plain, departures):
        return Reading(letter, "", frozenset(departures))
    for pattern, departure in ((_PREFIXED, None), (_SUFFIXED, "suffix")):
        match = pattern.fullmatch(plain)
        first, separator, second = match.groups() if match else ("", "", "")
        written, type_ = (second, first) if departure else (first, second)
        more: set[str] = {departure} if departure else set()
        if letter := _letter(written, more):
            if separator != "-":
                more.add("separator")
            return Reading(letter, type_, frozenset(departures | more))
    if glued := _GLUED.fullmatch(plain):
        return Reading(glued[1], glued[2], frozenset(departures | {"glued"}))
    return None


def _ascii_part(text: str) -> str:
    return "".join(character for character in text if character.isascii())


def _letter(written: str, departures: set[str]) -> str:
    """Return the scheme letter that `written` stands for, else ""; add to `departures`."""
    upper = written.upper()
    letter = _WORDS.get(upper, upper if upper in _ROLES else "")
    if not letter:
        return ""
    if upper in _WORDS:
        departures.add("words")
    elif written != upper:
        departures.add("case")
    if letter in "MW":
        departures.add("letters")
    return letter


def look_like_spans(labels: Iterable[str]) -> bool:
    """Return whether all labels follow, or nearly follow, a span scheme with types."""
    readings = [read_loosely(label) for label in labels]
    read = [reading for reading in readings if reading is not None]
    return len(read) == len(readings) and any(r.type for r in read) and _look_like_spans(read)


def _look_like_spans(readings: list[Reading]) -> bool:
    """Return whether the interpreted labels together form a span scheme, not just by chance."""
    letters = {reading.letter for reading in readings} - {"O"}
    outside = any(reading.letter == "O" for reading in readings)
    types = {reading.type for reading in readings if reading.type}
    roles = {_ROLES[letter] for letter in letters}
    if not types:
        return "B" in roles and bool(roles & {"I", "E"})
    several = any(
        len({_ROLES[reading.letter] for reading in readings if reading.type == type_}) > 1
        for type_ in types
    )
    if any("glued" in reading.departures for reading in readings) and not (several and outside):
        return False
    return ("B" in roles and (several or outside)) or ("I" in roles and outside)


def _name(letters: set[str]) -> str:
    if "M" in letters or "W" in letters:
        return "BMEWO" if "W" in letters else "BMES"
    if letters & {"L", "U"}:
        return "BILOU"
    return "BIOES" if letters & {"E", "S"} else "BIO"


def _bracketed(counts: Mapping[str, int], total: int) -> bool:
    """Return whether labels are brackets around spans: ``(PER*``, ``*``, ``*)``, ``(LOC)``."""
    read = sum(count for label, count in counts.items() if label and _BRACKETED.fullmatch(label))
    opening = any(label.startswith("(") for label in counts)
    return opening and any("*" in label for label in counts) and total - read <= _STRANGE * total


def explain_near_scheme(near: NearScheme, config: CorpusConfig | None) -> str:
    """Return a message that describes the labels and says how to convert them or what to set."""
    if near.departures == ("types",):
        return (
            "the labels look like the types of entities without B and I (IO), but auto reads them "
            "as plain labels, which are scored by accuracy. Set data.scheme=io to read runs of a "
            "type as spans, or data.scheme=plain if plain labels are intended"
        )
    shown = ", ".join(f"{written!a} for {meant}" for written, meant in near.examples[:_EXAMPLES])
    what = "; ".join(_DEPARTURES[departure] for departure in near.departures)
    if shown:
        what += f": {shown}"
    return (
        f"the labels are nearly {near.scheme} ({what}), but as written they are plain labels, "
        "which are scored by accuracy, not as spans. "
        f"{_remedy(near, config)}, or set data.scheme=plain if plain labels are intended"
    )


def _remedy(near: NearScheme, config: CorpusConfig | None) -> str:
    absent = (config.absent,) if config is not None and config.format == "conllu" else None
    if near.departures == ("outside",) and near.outsides == absent:
        return "Set data.absent=O"
    override = _override(near)
    return f"Set {override}" if override else "Rewrite them as BIO or BIOES in the files"


def _override(near: NearScheme) -> str | None:
    """Return the argument `data.label_map` that replaces all labels, quoted for a shell."""
    if not 0 < len(near.examples) < _MOST_MAPPED:
        return None
    pairs = [f"{written}={meant}" for written, meant in near.examples]
    if not all(pair.isprintable() and pair.count("=") == 1 for pair in pairs):
        return None
    if any({*pair} & {*"\\\"'${}[]"} for pair in pairs):
        return None
    simple = all(re.fullmatch(r"[\w.:/+-]+=[\w.:/+-]+", pair, re.ASCII) for pair in pairs)
    elements = pairs if simple else [f'"{pair}"' for pair in pairs]
    return shlex.quote(f"data.label_map=[{','.join(elements)}]")


def label_hint(label: str, token: str | None) -> str:
    """Return a likely explanation of a label that does not follow its corpus's scheme, or ""."""
    if token and token.startswith("#"):
        return " If this line is a comment, set data.comment, e.g. \"data.comment='# id'\"."
    if is_header(token, label):
        return " If this line is a header, delete it."
    if label == "_":
        return " If it means outside of spans, set data.absent=O (CoNLL-U) or write O."
    reading = read_loosely(label)
    if not reading or not reading.departures:
        return ""
    if "edges" in reading.departures:
        return f" It is {reading.meant!r} with spaces or invisible characters at its ends."
    return f" It is nearly {reading.meant!r}."


_TOKEN_HEADERS = frozenset(("token", "tokens", "word", "words", "text", "form", "sentence"))
_LABEL_HEADERS = frozenset(
    (
        *("label", "labels", "tag", "tags", "ner", "ner_tag", "ner_tags", "ne", "net", "bio"),
        *("pos", "pos_tag", "pos_tags", "upos", "chunk", "iob", "entity", "class", "slot"),
    )
)


def is_header(token: str | None, label: str | None) -> bool:
    """Return whether a token and its label look like column names of a header line."""
    is_token = (token or "").casefold() in _TOKEN_HEADERS
    return is_token and (label or "").casefold() in _LABEL_HEADERS
