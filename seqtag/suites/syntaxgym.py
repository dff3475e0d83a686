"""SyntaxGym suites: items under several conditions, as JSON (Gauthier et al. 2020).

A condition is a sentence divided into numbered regions, and a prediction compares the surprisal of
regions. Supported are predictions that compare the same region of two conditions that differ in
one word of it only, as in the suites of subject-verb agreement and of reflexives:

    [(7;%match_sing%) < (7;%mismatch_sing%)] & [(7;%match_plural%) < (7;%mismatch_plural%)]
"""

import json
import re
from pathlib import Path
from typing import Any

from seqtag.data.formats.lines import SourceFile, text_lines
from seqtag.errors import InputError
from seqtag.suites.pairs import Pair, as_sides, minimal_pair, words

FILES = ("number_*.json", "reflexive_*.json")
_REGION = r"\(\s*(\d+)\s*;\s*%([^%]+)%\s*\)"
_COMPARISON = re.compile(rf"{_REGION}\s*([<>])\s*{_REGION}")
_ITEM = re.compile(r'"item_number"\s*:')

# Words of a condition by region.
Regions = dict[int, list[str]]


def read_syntaxgym(file: SourceFile) -> list[Pair]:
    """Return the pairs of one suite: one for each item and comparison in a prediction.

    Raises:
        InputError: naming file and line (of the item), for a file that is not a suite, and for
            predictions or conditions that are not minimal pairs.
    """
    text = "\n".join(text_lines(file, "utf-8"))
    try:
        suite = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{file.name}:{error.lineno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file.name}:1: not a SyntaxGym suite: {error}") from None
    try:
        comparisons = _comparisons(suite["predictions"], file.name)
        group = str(suite.get("meta", {}).get("name") or Path(file.name).stem)
        items = [(item["item_number"], _conditions(item)) for item in suite["items"]]
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(f"{file.name}:1: not a SyntaxGym suite: {error!r:.200}") from None
    lines = [text.count("\n", 0, match.start()) + 1 for match in _ITEM.finditer(text)]
    if len(lines) != len(items):
        raise InputError(
            f'{file.name}:1: {len(items)} items, but "item_number" occurs {len(lines)} times'
        )
    pairs: list[Pair] = []
    for (number, conditions), line in zip(items, lines, strict=True):
        pairs += _sides(conditions, comparisons, group, str(number), f"{file.name}:{line}")
    return pairs


def _comparisons(predictions: list[dict[str, str]], name: str) -> list[tuple[int, str, str]]:
    """Return for each comparison: region, less and more surprising condition."""
    comparisons = []
    for prediction in predictions:
        formula = prediction["formula"]
        if set(_COMPARISON.sub("", formula)) - set("[]() &\t\n"):
            raise InputError(
                f"{name}:1: the prediction {formula!r} does more than compare a region between "
                "two conditions"
            )
        for region, first, sign, other, second in _COMPARISON.findall(formula):
            if region != other:
                raise InputError(f"{name}:1: the prediction {formula!r} compares different regions")
            less, more = (first, second) if sign == "<" else (second, first)
            comparisons.append((int(region), less, more))
    return comparisons


def _conditions(item: dict[str, Any]) -> dict[str, Regions]:
    return {
        condition["condition_name"]: {
            int(region["region_number"]): words(region["content"])
            for region in condition["regions"]
        }
        for condition in item["conditions"]
    }


def _sides(
    conditions: dict[str, Regions],
    comparisons: list[tuple[int, str, str]],
    group: str,
    number: str,
    where: str,
) -> list[Pair]:
    """Return the pairs of an item; two sides of it get the same name."""
    pairs = []
    for region, less, more in comparisons:
        for name in (less, more):
            if region not in conditions.get(name, {}):
                raise InputError(f"{where}: no region {region} in the condition {name!r}")
        good, bad = conditions[less], conditions[more]
        pair = minimal_pair(_sentence(good), _sentence(bad), group, f"{number}:{less}", where)
        before = sum(len(content) for other, content in good.items() if other < region)
        if not before <= pair.position < before + len(good[region]):
            raise InputError(f"{where}: {less} and {more} differ outside of region {region}")
        pairs.append(pair)
    return list(as_sides(*pairs)) if len(pairs) == 2 else pairs


def _sentence(regions: Regions) -> list[str]:
    return [word for number in sorted(regions) for word in regions[number]]
