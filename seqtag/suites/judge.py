"""A trained tagger on a suite.

B sequences, T tokens, K labels.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqtag.errors import InputError
from seqtag.inputs.vocabulary import Vocabulary
from seqtag.probes.base import Published
from seqtag.suites import scores
from seqtag.suites.pairs import Pair
from seqtag.suites.registry import find_suite, read_suite
from seqtag.suites.scores import Judgement
from seqtag.tagging.tagger import Tagger

# By suite and group: what a language model scored in pairs.
PUBLISHED = {
    ("blimp", group): Published("LSTM, pairwise", value, "Warstadt et al. 2020")
    for group, value in (
        ("anaphor_gender_agreement", "88.2"),
        ("anaphor_number_agreement", "95.2"),
    )
}

Table = list[dict[str, Any]]


def run_suite(tagger: Tagger, name: str, path: str | Path) -> tuple[Table, Table]:
    """Judge a tagger on the suite `name` in the file or folder `path`.

    Returns:
        One row for each pair that was judged: suite, group, pair, where, sentence, position,
        gold, foil, good, bad, p_gold, p_foil, predicted, right (gold over foil), covered. For
        the suites of stereotypes in place of gold to right: stereotype, p_female (against male).

        One row for each group, and for "all" if there are several: suite, group, n, left_out
        (pairs with a class that the model has no label for), and pairwise with its interval
        (low, high), argmax, both_sides, coverage, pairwise_covered (of the covered pairs alone),
        ceiling (of the judged pairs), ceiling_all (of the whole group), published and source.
        For the suites of stereotypes after left_out: female, male, gap (see
        `scores.stereotypes`) and coverage.

        Shares go from 0 to 1; None where there is nothing to count.

    Raises:
        InputError: as `read_suite` and `judge_suite` do.
    """
    decided = find_suite(name).decided
    pairs = read_suite(name, path)
    judgements = judge_suite(tagger, pairs)
    rows = [_row(name, judged, decided) for judged in judgements]
    groups = list(dict.fromkeys(pair.group for pair in pairs))
    summary = [
        _summary(
            name,
            group,
            [pair for pair in pairs if group in (pair.group, "all")],
            [judged for judged in judgements if group in (judged.pair.group, "all")],
            decided,
        )
        for group in (*groups, *["all"] * (len(groups) > 1))
    ]
    return rows, summary


def judge_suite(tagger: Tagger, pairs: Sequence[Pair]) -> list[Judgement]:
    """Return what a tagger says at the placeholder of each pair, in their order.

    Pairs with a class that the tagger has no label for cannot be judged and are left out:
    himself against itself, by a tagger that knows M, F and PL.

    Raises:
        InputError: if the tagger's labels fit no pair, if it reads further columns, or if the
            placeholder was not in its training.
    """
    fitting = _fitting(tagger, pairs)
    found: list[Judgement | None] = [None] * len(fitting)
    labels, vocabulary = tagger.labels.labels, tagger.indexer.words
    for rows, p_BTK in tagger.probabilities([pair.tokens for pair in fitting]):
        batch = [fitting[row] for row in rows]
        p_BK = p_BTK[range(len(batch)), [pair.position for pair in batch]].tolist()
        for row, pair, p_K in zip(rows, batch, p_BK, strict=True):
            places = pair.antecedent or range(pair.position)
            known = (vocabulary[pair.tokens[i]] != Vocabulary.UNKNOWN for i in places)
            found[row] = Judgement(pair, dict(zip(labels, p_K, strict=True)), all(known))
    return found  # type: ignore[return-value]


def _fitting(tagger: Tagger, pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs whose classes are labels of the tagger, if it can be asked at all."""
    known = set(tagger.labels.labels)
    fitting = [pair for pair in pairs if {pair.gold, pair.foil} <= known]
    if not fitting:
        asked = sorted({label for pair in pairs for label in (pair.gold, pair.foil)})
        raise InputError(
            f"the suite asks for the labels {', '.join(asked)}, and the model knows "
            f"{', '.join(tagger.labels.labels[:8])}: no pair has two labels of the model"
        )
    if tagger.features:
        raise InputError(
            f"the model also reads the column {tagger.features[0]!r}, which a suite does not have"
        )
    for placeholder in dict.fromkeys(pair.placeholder for pair in fitting):
        if tagger.indexer.words[placeholder] == Vocabulary.UNKNOWN:
            raise InputError(
                f"the suite asks at the word {placeholder!r}, which the model has never seen: "
                "train it on a probe that asks there"
            )
    return fitting


def _row(name: str, judged: Judgement, decided: bool) -> dict[str, Any]:
    pair = judged.pair
    row: dict[str, Any] = {
        "suite": name,
        "group": pair.group,
        "pair": pair.pair,
        "where": pair.where,
        "sentence": " ".join(pair.tokens),
        "position": pair.position,
    }
    if decided:
        row |= {name: getattr(pair, name) for name in ("gold", "foil", "good", "bad")}
        row |= {"p_gold": judged.p[pair.gold], "p_foil": judged.p[pair.foil]}
        row |= {"predicted": judged.predicted, "right": judged.right}
    else:
        row |= {"stereotype": pair.gold, "p_female": scores.female_share(judged)}
    return row | {"covered": judged.covered}


def _summary(
    name: str, group: str, pairs: list[Pair], judgements: list[Judgement], decided: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "suite": name,
        "group": group,
        "n": len(judgements),
        "left_out": len(pairs) - len(judgements),
    }
    coverage = scores.share([judged.covered for judged in judgements])
    if not decided:
        return row | scores.stereotypes(judgements) | {"coverage": coverage}
    rights = [judged.right for judged in judgements]
    low, high = scores.wilson(rights)
    published = PUBLISHED.get((name, group))
    return row | {
        "pairwise": scores.share(rights),
        "low": low,
        "high": high,
        "argmax": scores.share([judged.predicted == judged.pair.gold for judged in judgements]),
        "both_sides": scores.both_sides(judgements),
        "coverage": coverage,
        "pairwise_covered": scores.share([judged.right for judged in judgements if judged.covered]),
        "ceiling": scores.ceiling([judged.pair for judged in judgements]),
        "ceiling_all": scores.ceiling(pairs),
        "published": None if published is None else float(published.value) / 100,
        "source": "" if published is None else f"{published.what}, {published.source}",
    }
