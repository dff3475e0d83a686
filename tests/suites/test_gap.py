"""Reading GAP's tables."""

from __future__ import annotations

import pytest

from seqtag.errors import InputError
from seqtag.suites.gap import read_gap

HEADER = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
TEXT = "Olga Berg met Nora. Later she left, and Max cried."


def row(text=TEXT, pronoun="she", offset=None, flags=("TRUE", "FALSE")) -> str:
    offset = text.index(pronoun) if offset is None else offset
    cells = ("d-1", text, pronoun, offset, "Olga Berg", text.index("Olga Berg"), flags[0])
    cells += ("Nora", text.index("Nora"), flags[1], "http://example.org")
    return "\t".join(map(str, cells)) + "\n"


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (("TRUE", "FALSE"), ["Olga", "Berg"]),
        (("false", "true"), ["Nora"]),
        (("FALSE", "FALSE"), []),
    ],
)
def test_a_row_becomes_a_pair(source, flags, names):
    (pair,) = read_gap(source("gap.tsv", HEADER + row(flags=flags)))
    before = ["Olga", "Berg", "met", "Nora", ".", "Later"]
    assert pair.tokens == (*before, "PRON", "left", ",", "and", "Max", "cried", ".")
    assert (pair.position, pair.gold, pair.foil, pair.group) == (6, "F", "M", "F")
    assert (pair.good, pair.bad, pair.pair, pair.where) == ("she", "", "d-1", "gap.tsv:2")
    assert [pair.tokens[i] for i in pair.antecedent] == names


def test_quotes_are_part_of_the_text(source):
    text = '"Max" saw Olga Berg: "Nora, he said, smiled.'
    (pair,) = read_gap(source("gap.tsv", HEADER + row(text, "he", text.index("he said"))))
    assert (pair.gold, pair.tokens[pair.position + 1]) == ("M", "said")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ID\tText\n", "1: the columns are ID, Text; expected: ID, Text, Pronoun"),
        ("", "1: the columns are"),
        (HEADER + row()[:-20].replace("\tFALSE", ""), "2: 9 cells; the header has 11"),
        (HEADER + row() + row(offset=3), "3: Pronoun-offset 3 is not the offset of 'she'"),
        (HEADER + row(offset="-1"), "2: Pronoun-offset -1 is not"),
        (HEADER + row(offset="²"), "2: Pronoun-offset ² is not"),
        (HEADER + row(flags=("YES", "FALSE")), "2: A-coref must be TRUE or FALSE, not 'YES'"),
        (HEADER + row(pronoun="Later"), "2: 'Later' is not a pronoun"),
        (HEADER + row("They met Olga Berg, Nora.", "They"), "2: 'They' is not a form of he or she"),
    ],
)
def test_other_tables_are_rejected(source, content, message):
    with pytest.raises(InputError, match=f"^gap.tsv:{message}"):
        read_gap(source("gap.tsv", content))
