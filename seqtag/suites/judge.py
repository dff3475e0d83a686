"""Judge a trained tagger on a suite.

Dimensions: B sequences, T tokens, K labels.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqtag.errors import InputError
from seqtag.probes.base import Published
from seqtag.suites import scores
from seqtag.suites.pairs import Pair
from seqtag.suites.registry import find_suite, read_suite
from seqtag.suites.scores import Judgement
from seqtag.tagging.tagger import Tagger

# Pairwise scores of language models, in per cent, by suite and group.
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
        A row for each judged pair: suite, group, pair, where, sentence, position, gold, foil, good,
        bad, p_gold, p_foil, predicted, right (gold more probable than foil), covered. For suites of
        stereotypes (Winogender, WinoBias) stereotype and p_female (relative to male) replace the
        columns from gold to right.

        A row for each group, and for "all" if there are several: suite, group, n, left_out (number
        of pairs with a class that the model has no label for), pairwise with its interval (low,
        high), argmax, both_sides, coverage, pairwise_covered (of the covered pairs only), ceiling
        (of the judged pairs), ceiling_all (of the whole group), published and source. For suites of
        stereotypes, after left_out: female, male, gap (see `scores.stereotypes`) and coverage.

        Shares are between 0 and 1, or None if there is nothing to count.

    Raises:
        InputError: as `read_suite` and `judge_suite` do.
    """
    has_answers = find_suite(name).has_answers
    pairs = read_suite(name, path)
    judgements = judge_suite(tagger, pairs)
    rows = [_row(name, judged, has_answers) for judged in judgements]
    groups = list(dict.fromkeys(pair.group for pair in pairs))
    summary = [
        _summary(
            name,
            group,
            [pair for pair in pairs if group in (pair.group, "all")],
            [judged for judged in judgements if group in (judged.pair.group, "all")],
            has_answers,
        )
        for group in (*groups, *["all"] * (len(groups) > 1))
    ]
    return rows, summary


def judge_suite(tagger: Tagger, pairs: Sequence[Pair]) -> list[Judgement]:
    """Return a judgement for each pair, in order: the tagger's probabilities at the placeholder.

    Pairs with a class that the tagger has no label for are left out, such as himself / itself for
    a tagger with the labels M, F and PL.

    Raises:
        InputError: if the tagger does not have both labels of any pair, needs further columns, or
            does not have the placeholder in its vocabulary.
    """
    fitting = _fitting(tagger, pairs)
    judgements: list[Judgement | None] = [None] * len(fitting)
    labels, indexer = tagger.labels.labels, tagger.indexer
    for rows, p_BTK in tagger.probabilities([pair.tokens for pair in fitting]):
        batch = [fitting[row] for row in rows]
        p_BK = p_BTK[range(len(batch)), [pair.position for pair in batch]].tolist()
        for row, pair, p_K in zip(rows, batch, p_BK, strict=True):
            positions = pair.antecedent or range(pair.position)
            unknown = (indexer.is_unknown(pair.tokens[i]) for i in positions)
            judgements[row] = Judgement(pair, dict(zip(labels, p_K, strict=True)), not any(unknown))
    return judgements  # type: ignore[return-value]


def _fitting(tagger: Tagger, pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs whose classes are labels of the tagger, after checking that it fits."""
    labels = set(tagger.labels.labels)
    fitting = [pair for pair in pairs if {pair.gold, pair.foil} <= labels]
    if not fitting:
        classes = sorted({label for pair in pairs for label in (pair.gold, pair.foil)})
        raise InputError(
            f"the model does not have both labels of any pair: the suite has the classes "
            f"{', '.join(classes)}, the model has the labels {', '.join(tagger.labels.labels[:8])}"
        )
    if tagger.features:
        raise InputError(
            f"the model also needs the column {tagger.features[0]!r}, which a suite does not have"
        )
    for placeholder in dict.fromkeys(pair.placeholder for pair in fitting):
        if tagger.indexer.is_unknown(placeholder):
            raise InputError(
                f"the placeholder {placeholder!r} of the suite is not in the model's vocabulary: "
                "train the model on a probe with this placeholder"
            )
    return fitting


def _row(name: str, judged: Judgement, has_answers: bool) -> dict[str, Any]:
    pair = judged.pair
    row: dict[str, Any] = {
        "suite": name,
        "group": pair.group,
        "pair": pair.pair,
        "where": pair.where,
        "sentence": " ".join(pair.tokens),
        "position": pair.position,
    }
    if has_answers:
        row |= {name: getattr(pair, name) for name in ("gold", "foil", "good", "bad")}
        row |= {"p_gold": judged.p[pair.gold], "p_foil": judged.p[pair.foil]}
        row |= {"predicted": judged.predicted, "right": judged.right}
    else:
        row |= {"stereotype": pair.gold, "p_female": scores.female_share(judged)}
    return row | {"covered": judged.covered}


def _summary(
    name: str, group: str, pairs: list[Pair], judgements: list[Judgement], has_answers: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "suite": name,
        "group": group,
        "n": len(judgements),
        "left_out": len(pairs) - len(judgements),
    }
    coverage = scores.share([judged.covered for judged in judgements])
    if not has_answers:
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
