"""SpanScore compared with seqeval, in default and strict mode, on legal and illegal labels."""

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2, IOBES

from seqtag.errors import InputError
from seqtag.metrics.spans import SpanScore

steady = settings(max_examples=50, deadline=None, derandomize=True)

# seqeval warns of types without a predicted or a gold span; zero_division=0 does not silence all.
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.UndefinedMetricWarning",
)

TYPES = ("X", "Y", "a-b")
LABELS = ("O", "I-Y", *(f"B-{type_}" for type_ in TYPES))
SCHEMES = {"bio": IOB2, "bioes": IOBES}
NOTHING = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


@st.composite
def corpora(draw, scheme, ignored=False):
    letters = "BI" if scheme == "bio" else "BIES"
    labels = ["O", *(f"{letter}-{type_}" for letter in letters for type_ in TYPES)]
    gold_labels = [*labels, None] if ignored else labels
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))

    def sentences(choices):
        return [draw(st.lists(st.sampled_from(choices), min_size=n, max_size=n)) for n in lengths]

    return sentences(labels), sentences(gold_labels)


def seqeval_scores(predicted, gold, scheme, illegal):
    strict = {"mode": "strict", "scheme": SCHEMES[scheme]} if illegal == "strict" else {}
    report = classification_report(gold, predicted, output_dict=True, zero_division=0, **strict)
    renamed = {
        type_: {
            "precision": row["precision"],
            "recall": row["recall"],
            "f1": row["f1-score"],
            "support": row["support"],
        }
        for type_, row in report.items()
    }
    return renamed["micro avg"], {type_: renamed.get(type_, NOTHING) for type_ in TYPES}


def assert_same(scores, micro, per_label):
    for key in ("precision", "recall", "f1"):
        assert scores[key] == pytest.approx(micro[key], abs=1e-12)
    assert list(scores["per_label"]) == list(TYPES)
    for type_, row in scores["per_label"].items():
        assert row == pytest.approx(per_label[type_], abs=1e-12)


@pytest.mark.parametrize("illegal", ["repair", "strict"])
@pytest.mark.parametrize("scheme", ["bio", "bioes"])
@steady
@given(data=st.data())
def test_scores_equal_those_of_seqeval(scheme, illegal, data):
    predicted, gold = data.draw(corpora(scheme))
    score = SpanScore(LABELS, scheme, illegal)
    score.update(predicted[:2], gold[:2])
    score.update(predicted[2:], gold[2:])
    try:
        micro, per_label = seqeval_scores(predicted, gold, scheme, illegal)
    except RuntimeWarning:  # seqeval cannot report on a corpus without any span
        assert score.counts.sum() == 0
        micro, per_label = NOTHING, dict.fromkeys(TYPES, NOTHING)
    assert_same(score.compute(), micro, per_label)


@pytest.mark.parametrize("illegal", ["repair", "strict"])
@steady
@given(data=st.data())
def test_ignored_tokens_are_removed_from_predicted_and_gold(illegal, data):
    predicted, gold = data.draw(corpora("bioes", ignored=True))
    score = SpanScore(LABELS, "bioes", illegal)
    score.update(predicted, gold)
    without = SpanScore(LABELS, "bioes", illegal)
    for guesses, answers in zip(predicted, gold, strict=True):
        both = [pair for pair in zip(guesses, answers, strict=True) if pair[1] is not None]
        without.update([[guess for guess, _ in both]], [[answer for _, answer in both]])
    assert score.compute() == without.compute()


def test_a_worked_example():
    score = SpanScore(["B-PER", "O", "I-LOC", "B-ORG"], "bio", illegal="strict")
    score.update(
        [["B-PER", "O", "B-LOC"], ["I-LOC", "B-LOC", "I-LOC"]],
        [["B-PER", "I-PER", "B-LOC"], ["O", "B-LOC", "I-LOC"]],
    )
    assert score.compute() == {
        "precision": 2 / 3,
        "recall": 2 / 3,
        "f1": 2 / 3,
        "macro_f1": 0.5,
        "per_label": {
            "PER": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
            "LOC": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 2},
            "ORG": NOTHING,
        },
        "scheme": "bio",
        "illegal": "strict",
    }


def test_nothing_scored_is_zero_without_a_warning():
    for score in (SpanScore(LABELS, "bio"), SpanScore([], "bio")):
        for _ in range(2):
            assert score.compute()["f1"] == 0.0
            score.update([], [])
            score.update([["O"], []], [["O"], []])


def test_processes_and_merges_sum_their_counts():
    here, there, whole = (SpanScore(LABELS, "bio") for _ in range(3))
    first = ([["B-X", "O"]], [["B-X", "B-Y"]])
    second = ([["B-Y", "B-X"]], [["B-Y", "O"]])
    here.update(*first)
    there.update(*second)
    whole.update(*first)
    whole.update(*second)
    # What torchmetrics does under DDP, with the gathering of states replaced by a list.
    here.distributed_available_fn = lambda: True
    here.dist_sync_fn = lambda state, group: [state, there.counts]
    assert here.compute() == whole.compute()
    assert here.counts.tolist() != whole.counts.tolist()
    there.merge_state(SpanScore(LABELS, "bio"))
    there.merge_state({"counts": here.counts})
    assert there.compute() == whole.compute()


def test_reset_clears_the_counts():
    score = SpanScore(LABELS, "bio")
    score.update([["B-X"]], [["B-X"]])
    assert score.compute()["f1"] == 1.0
    score.reset()
    assert score.compute()["per_label"]["X"] == NOTHING
    assert score.counts.dtype == torch.int64


def test_wrong_use_is_refused():
    with pytest.raises(InputError, match="no spans under scheme 'plain'"):
        SpanScore(LABELS, "plain")
    with pytest.raises(InputError, match="did you mean 'bio'"):
        SpanScore(LABELS, "boi")
    with pytest.raises(InputError, match="unknown policy"):
        SpanScore(LABELS, "bio", "skip")
    score = SpanScore(LABELS, "bio")
    with pytest.raises(ValueError, match=r"span types \['Z'\]"):
        score.update([["B-Z"]], [["O"]])
    with pytest.raises(ValueError, match="one predicted label, not None, for each of 2 gold"):
        score.update([["O"]], [["O", "O"]])
    with pytest.raises(ValueError, match="one predicted label, not None, for each of 1 gold"):
        score.update([[None]], [["O"]])
    with pytest.raises(ValueError, match="zip"):
        score.update([["O"]], [])
    with pytest.raises(InputError, match="is not a label of the bio scheme"):
        score.update([["X"]], [["O"]])
    assert score.compute()["per_label"]["X"] == NOTHING


def test_the_evaluation_of_an_epoch_is_fast():
    sentence = ["B-X", "I-X", "B-Y", "O", "B-X"] * 5
    score = SpanScore(LABELS, "bio")
    began = time.process_time()  # excludes other load on the machine
    for _ in range(32):
        score.update([sentence] * 32, [sentence] * 32)
    score.compute()
    # About 0.05 s; the bound only detects a much slower algorithm.
    assert time.process_time() - began < 1.0
