"""GAP: paragraphs of Wikipedia with a pronoun and two names (Webster et al. 2018).

The pronoun becomes PRON, and its gender is the label. The antecedent is the name marked as
coreferent, if any. GAP's own task is to find the antecedent; in the task here, other pronouns of
the paragraph can reveal the answer.
"""

from seqtag.data.formats.lines import SourceFile
from seqtag.data.text.split import Token
from seqtag.errors import InputError
from seqtag.probes.english.lexicon import PRON
from seqtag.suites.pairs import Pair, pronoun_class, tokenize
from seqtag.suites.tsv import read_rows

FILES = ("gap-*.tsv",)
_HEADER = (
    *("ID", "Text", "Pronoun", "Pronoun-offset"),
    *("A", "A-offset", "A-coref", "B", "B-offset", "B-coref", "URL"),
)
_OTHER = {"M": "F", "F": "M"}


def read_gap(file: SourceFile) -> list[Pair]:
    """Return the pairs of one table, grouped by gender.

    Raises:
        InputError: naming file and line, for a file that is not a GAP table.
    """
    return [_pair(row, where) for where, row in read_rows(file, [_HEADER])]


def _pair(row: dict[str, str], where: str) -> Pair:
    tokens = tokenize(row["Text"])
    pronoun = _positions(row, "Pronoun", tokens, where)
    gold = pronoun_class(row["Pronoun"], where)
    if len(pronoun) != 1 or gold not in _OTHER:
        raise InputError(f"{where}: {row['Pronoun']!r} is not a form of he or she in one token")
    antecedent: tuple[int, ...] = ()
    for name in "AB":
        if _flag(row, f"{name}-coref", where):
            antecedent = _positions(row, name, tokens, where)
    texts = [token.text for token in tokens]
    texts[pronoun[0]] = PRON  # the whole token, also of "his-and-hers"
    return Pair(
        tokens=tuple(texts),
        position=pronoun[0],
        gold=gold,
        foil=_OTHER[gold],
        good=row["Pronoun"],
        bad="",
        antecedent=antecedent,
        group=gold,
        pair=row["ID"],
        where=where,
    )


def _positions(
    row: dict[str, str], column: str, tokens: list[Token], where: str
) -> tuple[int, ...]:
    """Return the positions of the tokens that a mention overlaps."""
    mention, offset = row[column], row[f"{column}-offset"]
    start = int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 10 else -1
    if not mention or start < 0 or not row["Text"].startswith(mention, start):
        raise InputError(f"{where}: {column}-offset {offset} is not the offset of {mention!r}")
    end = start + len(mention)
    return tuple(i for i, token in enumerate(tokens) if token.start < end and token.end > start)


def _flag(row: dict[str, str], column: str, where: str) -> bool:
    if row[column].upper() not in ("TRUE", "FALSE"):
        raise InputError(f"{where}: {column} must be TRUE or FALSE, not {row[column]!r}")
    return row[column].upper() == "TRUE"
