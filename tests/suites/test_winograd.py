"""Reading Winogender's tables and WinoBias's numbered lines."""

from __future__ import annotations

import pytest

from seqtag.errors import InputError
from seqtag.suites.winograd import read_winobias, read_winogender

STATISTICS = (
    "occupation\tbergsma_pct_female\tbls_pct_female\tbls_year\n"
    "baker\t40\t61.5\t2015\nroofer\t2.0\t1.5\t2015\n"
)
TEMPLATES = (
    "occupation(0)\tother-participant(1)\tanswer\tsentence\n"
    "baker\tguest\t0\tThe $OCCUPATION told the $PARTICIPANT that $NOM_PRONOUN was late.\n"
    "roofer\tguest\t1\tThe $PARTICIPANT paid the $OCCUPATION from $POSS_PRONOUN purse.\n"
)
SENTENCES = (
    "sentid\tsentence\n"
    "baker.someone.0.male.txt\tThe baker told someone that he was late.\n"
    "baker.someone.0.female.txt\tThe baker told someone that she was late.\n"
    "baker.someone.0.neutral.txt\tThe baker told someone that they were late.\n"
    "roofer.someone.1.female.txt\tSomeone paid the roofer from her purse.\n"
    "roofer.someone.1.male.txt\tSomeone paid the roofer from his purse.\n"
)


@pytest.fixture
def winogender(source):
    def to_pairs(content, statistics=STATISTICS):
        if statistics is not None:
            source("occupations-stats.tsv", statistics)
        return read_winogender(source("x.tsv", content))

    return to_pairs


@pytest.mark.parametrize(
    ("content", "words", "lines"),
    [(TEMPLATES, ["baker", "guest"], [2, 3]), (SENTENCES, ["baker", "Someone"], [3, 6])],
)
def test_templates_and_sentences_become_pairs(winogender, content, words, lines):
    baker, roofer = winogender(content)
    assert (baker.gold, baker.foil, roofer.gold, roofer.foil) == ("F", "M", "M", "F")
    assert (baker.group, roofer.group) == ("occupation", "participant")
    assert [pair.tokens[pair.antecedent[0]] for pair in (baker, roofer)] == words
    assert baker.tokens[baker.position - 1 : baker.position + 2] == ("that", "PRON", "was")
    assert [pair.where for pair in (baker, roofer)] == [f"x.tsv:{line}" for line in lines]


@pytest.mark.parametrize(
    ("content", "statistics", "message"),
    [
        ("a\tb\n", STATISTICS, "x.tsv:1: the columns are a, b"),
        (TEMPLATES, None, "occupations-stats.tsv: cannot be read"),
        (TEMPLATES, STATISTICS.replace("61.5", "-"), "occupations-stats.tsv:2: bls_pct_female"),
        (TEMPLATES, STATISTICS.replace("baker", "cook"), "x.tsv:2: .* the occupation 'baker'"),
        (
            TEMPLATES.replace("\t1\t", "\t2\t"),
            STATISTICS,
            "x.tsv:3: expected one pronoun, and 0 or 1",
        ),
        (
            TEMPLATES.replace("$POSS_PRONOUN", "a"),
            STATISTICS,
            "x.tsv:3: expected one pronoun, and 0 or 1",
        ),
        (SENTENCES.replace(".neutral", ".it"), STATISTICS, "x.tsv:4: 'baker.someone.0.it.txt'"),
        (SENTENCES.replace("that she", "him"), STATISTICS, "x.tsv:3: .* must differ in one word"),
        (
            SENTENCES[: SENTENCES.rindex("roofer.")],
            STATISTICS,
            "x.tsv: roofer.someone.1: the male or the female sentence is missing",
        ),
    ],
)
def test_other_tables_are_rejected(winogender, content, statistics, message):
    with pytest.raises(InputError, match=message):
        winogender(content, statistics)


LINES = (
    "1 [The roofer] thanked the baker because [he] liked [his] cake.\n"
    "2 The roofer thanked [the baker] and gave [her] a hug.\n"
)


def test_brackets_mark_person_and_pronouns(source):
    first, second, third = read_winobias(source("pro_stereotyped_type2.txt.dev", LINES))
    assert first.tokens == second.tokens
    assert [i for i, token in enumerate(first.tokens) if token == "PRON"] == [6, 8]
    assert (first.position, second.position) == (6, 8)
    assert [pair.gold for pair in (first, second, third)] == ["M", "M", "F"]
    assert [first.tokens[i] for i in first.antecedent] == ["The", "roofer"]
    assert [third.tokens[i] for i in third.antecedent] == ["the", "baker"]
    assert (third.group, third.where) == ("type2", "pro_stereotyped_type2.txt.dev:2")
    assert len({pair.pair for pair in (first, second, third)}) == 3


def test_anti_pronouns_have_the_opposite_gender_of_the_stereotype(source):
    pro = read_winobias(source("pro_stereotyped_type1.txt.dev", LINES))
    line = "1 [The roofer] thanked the baker because [she] liked [her] cake.\n"
    anti = read_winobias(source("anti_stereotyped_type1.txt.dev", line))
    assert anti[0].gold == pro[0].gold
    assert anti[0].tokens == pro[0].tokens
    assert (pro[0].good, anti[0].bad) == ("he", "she")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dev.txt", LINES, "1: the name of a WinoBias file"),
        ("pro_stereotyped_type1.txt.dev", LINES + "[x] y\n", "3: expected a number and a sentence"),
        (
            "pro_stereotyped_type1.txt.dev",
            LINES + "3 [The cook] ran.\n",
            "3: expected a person and a",
        ),
        (
            "pro_stereotyped_type1.txt.dev",
            LINES + "3 [The cook] and [ ] ran.\n",
            "3: expected a person",
        ),
        ("pro_stereotyped_type1.txt.dev", "1 [The cook] saw [it] there.\n", "1: 'it' is neither"),
        ("pro_stereotyped_type1.txt.dev", "1 [The cook] saw [us] there.\n", "1: 'us' is not a pro"),
    ],
)
def test_other_lines_are_rejected(source, name, content, message):
    with pytest.raises(InputError, match=f"^{name}:{message}"):
        read_winobias(source(name, content))
