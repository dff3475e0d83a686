"""GAP: paragraphs of Wikipedia with a pronoun and two names (Webster et al. 2018).

The pronoun becomes PRON and its gender is what is asked; the antecedent is the name that the
flags give, and unknown where neither is meant. GAP was made to ask which of the names is meant,
which is another question: here, other pronouns of the paragraph may give the answer away.
"""

from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError
from seqtag.probes.english.lexicon import PRON
from seqtag.suites.pairs import Pair, pronoun_class, tokenize
from seqtag.suites.tsv import read_rows
from seqtag.tagging.text import Token

FILES = ("gap-*.tsv",)
_HEADER = (
    *("ID", "Text", "Pronoun", "Pronoun-offset"),
    *("A", "A-offset", "A-coref", "B", "B-offset", "B-coref", "URL"),
)
_OTHER = {"M": "F", "F": "M"}


def read_gap(file: SourceFile) -> list[Pair]:
    """Return the pairs of one table, grouped by gender.

    Raises:
        InputError: naming file and line, for what is no table of GAP.
    """
    return [_pair(row, where) for where, row in read_rows(file, [_HEADER])]


def _pair(row: dict[str, str], where: str) -> Pair:
    tokens = tokenize(row["Text"])
    place = _places(row, "Pronoun", tokens, where)
    gold = pronoun_class(row["Pronoun"], where)
    if len(place) != 1 or gold not in _OTHER:
        raise InputError(f"{where}: {row['Pronoun']!r} is no pronoun of one word, he or she")
    antecedent: tuple[int, ...] = ()
    for name in "AB":
        if _flag(row, f"{name}-coref", where):
            antecedent = _places(row, name, tokens, where)
    texts = [token.text for token in tokens]
    texts[place[0]] = PRON  # with what is glued to it, as in "his-and-hers"
    return Pair(
        tokens=tuple(texts),
        position=place[0],
        gold=gold,
        foil=_OTHER[gold],
        good=row["Pronoun"],
        bad="",
        antecedent=antecedent,
        group=gold,
        pair=row["ID"],
        where=where,
    )


def _places(row: dict[str, str], column: str, tokens: list[Token], where: str) -> tuple[int, ...]:
    """Return the tokens that a mention touches."""
    mention, offset = row[column], row[f"{column}-offset"]
    start = int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 10 else -1
    if not mention or start < 0 or not row["Text"].startswith(mention, start):
        raise InputError(f"{where}: {column}-offset {offset} is not where {mention!r} stands")
    end = start + len(mention)
    return tuple(i for i, token in enumerate(tokens) if token.start < end and token.end > start)


def _flag(row: dict[str, str], column: str, where: str) -> bool:
    if row[column].upper() not in ("TRUE", "FALSE"):
        raise InputError(f"{where}: {column} is TRUE or FALSE, not {row[column]!r}")
    return row[column].upper() == "TRUE"
