"""Judging a tagger on a suite: probabilities, coverage, tables, and models that do not fit."""

from __future__ import annotations

import pytest
import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.suites.judge import judge_suite, run_suite
from seqtag.suites.registry import read_suite
from seqtag.tagging.tagger import Tagger

KNOWN_WORDS = ("Olga", "Max", "saw", "the", "PRON", ".")


def build(labels=("F", "M", "PL"), tokens=KNOWN_WORDS, features=()) -> Tagger:
    torch.manual_seed(5)
    sentence = {"tokens": list(tokens), **{name: list(tokens) for name in features}}
    indexer = Indexer.fit([sentence], EncodeConfig(), features)
    config = TaggerConfig(words={"size": 6}, characters=None, hidden_size=5, decoder="softmax")
    network = TaggerNetwork(config, {"name": "lstm"}, indexer.inputs, len(labels), None)
    return Tagger(network, indexer, LabelSet(labels, "plain", "plain"), {"name": "lstm"})


@pytest.fixture
def blimp(write, blimp_line):
    lines = [
        blimp_line("Olga saw herself.", "Olga saw himself."),
        blimp_line("Olga saw the long road and herself.", "Olga saw the long road and himself."),
        blimp_line("Nora saw herself.", "Nora saw itself."),
        blimp_line("Karl saw himself.", "Karl saw herself."),
    ]
    return write("anaphor_gender_agreement.jsonl", "".join(lines))


def test_probabilities_are_those_at_the_placeholder(blimp):
    tagger = build()
    judgements = judge_suite(tagger, read_suite("blimp", blimp))
    tagged = tagger.tag([judged.pair.tokens for judged in judgements], probabilities=True)
    for judged, sentence in zip(judgements, tagged, strict=True):
        assert sum(judged.p.values()) == pytest.approx(1.0)
        assert judged.predicted == sentence.labels[judged.pair.position]
        probability = sentence.probabilities[judged.pair.position]
        assert judged.p[judged.predicted] == pytest.approx(probability, rel=1e-5)


def test_rows_and_summary(blimp):
    rows, (summary,) = run_suite(build(), "blimp", blimp)
    assert [row["where"] for row in rows] == [f"{blimp}:{line}" for line in (1, 2, 4)]
    assert [row["covered"] for row in rows] == [True, True, False]
    assert rows[0]["sentence"] == "Olga saw PRON ."
    assert rows[0]["right"] == (rows[0]["p_gold"] > rows[0]["p_foil"])
    assert (summary["n"], summary["left_out"]) == (3, 1)
    assert summary["pairwise"] == sum(row["right"] for row in rows) / 3
    assert summary["low"] < summary["pairwise"] < summary["high"]
    assert summary["coverage"] == 2 / 3
    assert summary["pairwise_covered"] == sum(row["right"] for row in rows[:2]) / 2
    assert summary["ceiling"] == 2 / 3
    assert summary["ceiling_all"] == 3 / 4
    assert summary["both_sides"] is None
    assert (summary["published"], summary["source"]) == (
        pytest.approx(0.882),
        "LSTM, pairwise, Warstadt et al. 2020",
    )


def test_several_groups_have_a_row_for_all(blimp, write, blimp_line):
    line = blimp_line("Olga saw herself.", "Olga saw themselves.", "anaphor_number_agreement")
    write("anaphor_number_agreement.jsonl", line * 2)
    _, summary = run_suite(build(), "blimp", blimp.parent)
    assert [(row["group"], row["n"]) for row in summary] == [
        ("anaphor_gender_agreement", 3),
        ("anaphor_number_agreement", 2),
        ("all", 5),
    ]


def test_a_group_without_labels_of_the_model_has_a_row_without_scores(blimp, write, blimp_line):
    line = blimp_line("The cats sleep.", "The cats sleeps.", "distractor_agreement_x")
    write("distractor_agreement_x.jsonl", line)
    _, summary = run_suite(build(), "blimp", blimp.parent)
    row = summary[1]
    assert (row["n"], row["left_out"], row["pairwise"], row["ceiling"]) == (0, 1, None, None)
    assert row["ceiling_all"] == 1.0


def test_stereotypes_have_no_right_answers(write):
    lines = "1 [Max] saw Olga because [he] ran.\n2 Max saw [Olga] because [she] ran.\n"
    path = write("pro_stereotyped_type1.txt.dev", lines)
    rows, (summary,) = run_suite(build(), "winobias", path)
    assert not {"right", "gold", "predicted"} & rows[0].keys()
    assert not {"pairwise", "argmax", "ceiling"} & summary.keys()
    female, male = (row["p_female"] for row in reversed(rows))
    assert summary["gap"] == pytest.approx(female - male)
    assert (summary["n"], summary["coverage"]) == (2, 1.0)


@pytest.mark.parametrize(
    ("tagger", "message"),
    [
        (
            {"labels": ("SG", "PL")},
            "the suite has the classes F, M, N, the model has the labels SG, PL",
        ),
        (
            {"labels": ("F", "PL")},
            "the suite has the classes F, M, N, the model has the labels F, PL",
        ),
        ({"features": ("pos",)}, "also needs the column 'pos'"),
        (
            {"tokens": ["Olga", "saw"]},
            "placeholder 'PRON' of the suite is not in the model's vocabulary",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_rejected(blimp, tagger, message):
    with pytest.raises(InputError, match=message):
        run_suite(build(**tagger), "blimp", blimp)
