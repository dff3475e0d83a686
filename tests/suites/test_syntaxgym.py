"""Reading SyntaxGym's suites."""

from __future__ import annotations

import json

import pytest

from seqtag.errors import InputError
from seqtag.suites.syntaxgym import read_syntaxgym

FORMULA = "[(3;%match_sing%) < (3;%mismatch_sing%)] & [(3;%mismatch_plural%)>(3;%match_plural%)]"
CONDITIONS = {
    "match_sing": ["The cook", "near the cats", "hurt herself", "badly"],
    "mismatch_sing": ["The cook", "near the cats", "hurt themselves", "badly"],
    "match_plural": ["The cooks", "near the cat", "hurt themselves", "so"],
    "mismatch_plural": ["The cooks", "near the cat", "hurt herself", "so"],
}


def suite(conditions=CONDITIONS, formula=FORMULA, **more) -> str:
    condition_list = [
        {
            "condition_name": name,
            "regions": [{"region_number": n, "content": c} for n, c in enumerate(contents, 1)],
        }
        for name, contents in conditions.items()
    ]
    items = [{"item_number": number, "conditions": condition_list} for number in (1, 2)]
    content = {"meta": {"name": "reflexive_prep"}, "predictions": [{"formula": formula}]}
    return json.dumps(content | {"items": items} | more, indent=1)


def test_an_item_has_two_sides(source):
    text = suite()
    pairs = read_syntaxgym(source("a.json", text))
    assert len(pairs) == 4
    sing, plural = pairs[:2]
    assert sing.tokens == ("The", "cook", "near", "the", "cats", "hurt", "PRON", "badly")
    assert (sing.gold, sing.foil, plural.gold, plural.foil) == ("F", "PL", "PL", "F")
    assert sing.pair == plural.pair != pairs[2].pair
    assert sing.antecedent == plural.antecedent == (1,)
    assert {pair.group for pair in pairs} == {"reflexive_prep"}
    line = text.splitlines().index('   "item_number": 2,') + 1
    assert pairs[2].where == f"a.json:{line}"


def test_a_single_comparison_gives_pairs_without_sides(source):
    pairs = read_syntaxgym(source("a.json", suite(formula="(3;%match_sing%)<(3;%mismatch_sing%)")))
    assert [pair.antecedent for pair in pairs] == [(), ()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n oops", "2: not JSON"),
        ("[" * 100_000, "1: not a SyntaxGym suite"),
        ("[]", "1: not a SyntaxGym suite"),
        ("{}", "1: not a SyntaxGym suite: KeyError\\('predictions'"),
        (suite(items=[{"item_number": 1}]), "1: not a SyntaxGym suite: KeyError\\('conditions'"),
        (suite().replace("item_number", "item\\u005fnumber"), "1: 2 items, but .* 0 times"),
        (
            suite().replace('"region_number": 1', '"region_number": "x"'),
            "1: not a .*ValueError",
        ),
        (suite(formula="(3;%a%) + (4;%a%) < (3;%b%)"), "1: the prediction .* does more than"),
        (suite(formula="(3;%a%) - (3;%b%) > 0"), "1: the prediction .* does more than"),
        (suite(formula="(3;%match_sing%) < (2;%mismatch_sing%)"), "1: .* different regions"),
        (suite(formula="(9;%match_sing%) < (9;%mismatch_sing%)"), r"\d+: no region 9"),
        (suite(formula="(3;%match%) < (3;%mismatch_sing%)"), r"\d+: no region 3 in .* 'match'"),
        (suite(formula="(2;%match_sing%) < (2;%mismatch_sing%)"), r"\d+: .* outside of region 2"),
        (suite(formula="(3;%match_sing%) < (3;%match_plural%)"), r"\d+: .* differ in one word"),
    ],
)
def test_other_suites_are_rejected(source, text, message):
    with pytest.raises(InputError, match=f"^a.json:{message}"):
        read_syntaxgym(source("a.json", text))
