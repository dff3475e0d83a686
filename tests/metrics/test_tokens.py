"""TokenScore against counts made by numpy, token by token."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.metrics.tokens import Slices, TokenScore

steady = settings(max_examples=60, deadline=None, derandomize=True)
LABELS, UNSEEN = ("A", "B", "C"), ("D",)
SLICES = {"distance": Slices((1, 5, 6)), "switches": Slices((0, 2), exact=True)}


@st.composite
def batches(draw):
    """Draw one batch: predicted, gold, unknown (lists of rows), and factors."""
    lengths = draw(st.lists(st.integers(0, 6), max_size=5))

    def rows(values):
        return [draw(st.lists(values, min_size=n, max_size=n)) for n in lengths]

    gold = rows(st.sampled_from([-100, 0, 1, 2, 3]))
    predicted = rows(st.integers(0, 2))
    factors = {
        name: draw(st.lists(st.integers(-1, 9), min_size=len(lengths), max_size=len(lengths)))
        for name in SLICES
    }
    return predicted, gold, rows(st.booleans()), factors


def padded(rows, value):
    width = max(map(len, rows), default=0)
    table = [row + [value] * (width - len(row)) for row in rows]
    return torch.tensor(table, dtype=torch.int64).reshape(len(rows), width)


def share(hits):
    return {"n": int(hits.size), "accuracy": float(hits.mean()) if hits.size else 0.0}


def oracle(all_batches):
    tokens = [
        (guess, answer, new, *(batch_factors[name][row] for name in SLICES))
        for predicted, gold, unknown, batch_factors in all_batches
        for row in range(len(gold))
        for guess, answer, new in zip(predicted[row], gold[row], unknown[row], strict=True)
        if answer != -100
    ]
    guess, answer, new, distance, switches = np.array(tokens, dtype=int).reshape(-1, 5).T
    hits = guess == answer
    per_label = {}
    for number, label in enumerate(LABELS + UNSEEN):
        found, true = guess == number, answer == number
        precision = hits[found].mean() if found.any() else 0.0
        recall = hits[true].mean() if true.any() else 0.0
        both = precision + recall
        per_label[label] = {
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / both if both else 0.0,
            "support": int(true.sum()),
        }
    slices = {
        "distance": {
            "1-4": share(hits[(distance >= 1) & (distance < 5)]),
            "5": share(hits[distance == 5]),
            "6+": share(hits[distance >= 6]),
            "<1": share(hits[distance < 1]),
        },
        "switches": {
            "0": share(hits[switches == 0]),
            "2": share(hits[switches == 2]),
            "other": share(hits[(switches != 0) & (switches != 2)]),
        },
    }
    for rest, name in (("<1", "distance"), ("other", "switches")):
        if not slices[name][rest]["n"]:
            del slices[name][rest]
    return share(hits), share(hits[new == 1]), per_label, slices


@pytest.mark.parametrize("as_tensors", [False, True])
@steady
@given(drawn=st.lists(batches(), max_size=3))
def test_counts_are_numpys(as_tensors, drawn):
    score = TokenScore(LABELS, UNSEEN, SLICES)
    for predicted, gold, unknown, factors in drawn:
        if as_tensors:
            score.update(
                padded(predicted, -100),
                padded(gold, -100),
                padded(unknown, True).bool(),
                {name: torch.tensor(values) for name, values in factors.items()},
            )
        else:
            score.update(predicted, gold, unknown, factors)
    everything, new, per_label, slices = oracle(drawn)
    scores = score.compute()
    assert (scores["tokens"], scores["unknown_tokens"]) == (everything["n"], new["n"])
    assert scores["accuracy"] == pytest.approx(everything["accuracy"], abs=1e-12)
    assert scores["unknown_accuracy"] == pytest.approx(new["accuracy"], abs=1e-12)
    for label, row in per_label.items():
        assert scores["per_label"][label] == pytest.approx(row, abs=1e-12)
    assert scores["factors"].keys() == slices.keys()
    for name, wanted in slices.items():
        assert list(scores["factors"][name]) == list(wanted)
        for key, row in wanted.items():
            assert scores["factors"][name][key] == pytest.approx(row, abs=1e-12)


def test_unseen_labels_are_always_errors():
    score = TokenScore(["A"], unseen=["B"])
    score.update([[0, 0]], [[0, 1]])
    scores = score.compute()
    assert scores["accuracy"] == 0.5
    assert scores["per_label"]["B"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    with pytest.raises(ValueError, match="predicted ids run from 1 to 1: want 0 to 0"):
        score.update([[1]], [[1]])


def test_nothing_scored_is_zero_without_a_warning():
    score = TokenScore(["A"], factors={"depth": Slices((0, 3))})
    for _ in range(2):
        scores = score.compute()
        assert scores["accuracy"] == scores["unknown_accuracy"] == 0.0
        assert scores["factors"] == {
            "depth": {"0-2": {"n": 0, "accuracy": 0.0}, "3+": {"n": 0, "accuracy": 0.0}}
        }
        score.update([[5]], [[-100]], [[True]], {"depth": [-7]})
        score.update([], [], None, {"depth": []})


def test_processes_sum_their_counts():
    batch = ([[0, 1]], [[0, 0]], [[True, False]], {"distance": [3], "switches": [2]})
    score, whole = (TokenScore(LABELS, UNSEEN, SLICES) for _ in range(2))
    score.update(*batch)
    whole.update(*batch)
    whole.update(*batch)
    score.distributed_available_fn = lambda: True
    score.dist_sync_fn = lambda state, group: [state, state]
    assert score.compute() == whole.compute()
    assert score.compute()["tokens"] == 4
    score.reset()
    assert sum(int(state.sum()) for state in score.metric_state.values()) == 0


def test_results_are_plain_numbers():
    score = TokenScore(LABELS, UNSEEN, SLICES)
    score.update([[0]], [[0]], [[True]], {"distance": [3], "switches": [7]})

    def leaves(value):
        return (
            [leaf for inner in value.values() for leaf in leaves(inner)]
            if isinstance(value, dict)
            else [value]
        )

    assert {type(leaf) for leaf in leaves(score.compute())} == {int, float}


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="twice"):
        TokenScore(["A"], unseen=["A"])
    score = TokenScore(LABELS, UNSEEN, {"distance": Slices((1, 5))})
    one = {"distance": [1]}
    with pytest.raises(ValueError, match="gold ids run from 4 to 4: want 0 to 3"):
        score.update([[0]], [[4]], factors=one)
    with pytest.raises(ValueError, match="gold ids run from -1 to -1"):
        score.update([[0]], [[-1]], factors=one)
    with pytest.raises(ValueError, match="predicted ids run from -100"):
        score.update([[-100]], [[0]], factors=one)
    with pytest.raises(ValueError, match="predicted and gold have different shapes"):
        score.update([[0], [0, 0]], [[0, 0], [0]], factors={"distance": [1, 1]})
    with pytest.raises(ValueError, match="unknown and gold have different shapes"):
        score.update([[0]], [[0]], [[True, False]], one)
    with pytest.raises(ValueError, match=r"got factors \['depth'\]: want \['distance'\]"):
        score.update([[0]], [[0]], factors={"depth": [1]})
    with pytest.raises(ValueError, match="got factors"):
        score.update([[0]], [[0]])
    with pytest.raises(ValueError, match="2 values of distance for 1 sentences"):
        score.update([[0]], [[0]], factors={"distance": [1, 2]})


@pytest.mark.parametrize("starts", [(), (3, 1), (1, 1)])
def test_slices_must_rise(starts):
    with pytest.raises(ValueError, match="must rise"):
        Slices(starts)
