"""TokenScore compared with counts by numpy, token by token."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.metrics.tokens import Slices, TokenScore

steady = settings(max_examples=60, deadline=None, derandomize=True)
LABELS = ("A", "B", "C", "D")  # the last one is never predicted
SLICES = {"distance": Slices((1, 5, 6)), "switches": Slices((0, 2), exact=True)}


@st.composite
def batches(draw):
    """Draw one batch: predicted, gold, unknown (lists of rows), and factors."""
    lengths = draw(st.lists(st.integers(0, 6), max_size=5))

    def rows(values):
        return [draw(st.lists(values, min_size=n, max_size=n)) for n in lengths]

    gold = rows(st.sampled_from([None, *LABELS]))
    predicted = rows(st.sampled_from(LABELS[:3]))
    factors = {
        name: draw(st.lists(st.integers(-1, 9), min_size=len(lengths), max_size=len(lengths)))
        for name in SLICES
    }
    return predicted, gold, rows(st.booleans()), factors


def share(hits):
    return {"n": int(hits.size), "accuracy": float(hits.mean()) if hits.size else 0.0}


def oracle(all_batches):
    tokens = []
    for predicted, gold, unknown, factors in all_batches:
        for row, (guesses, answers) in enumerate(zip(predicted, gold, strict=True)):
            slots = [factors[name][row] for name in SLICES]
            for guess, answer, new in zip(guesses, answers, unknown[row], strict=True):
                if answer is not None:
                    tokens.append((LABELS.index(guess), LABELS.index(answer), new, *slots))
    guess, answer, new, distance, switches = np.array(tokens, dtype=int).reshape(-1, 5).T
    hits = guess == answer
    per_label = {}
    for number, label in enumerate(LABELS):
        predicted, true = guess == number, answer == number
        precision = hits[predicted].mean() if predicted.any() else 0.0
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


@steady
@given(drawn=st.lists(batches(), max_size=3))
def test_counts_equal_those_of_numpy(drawn):
    score = TokenScore(LABELS, factors=SLICES)
    for batch in drawn:
        score.update(*batch)
    everything, new, per_label, slices = oracle(drawn)
    scores = score.compute()
    assert (scores["tokens"], scores["unknown_tokens"]) == (everything["n"], new["n"])
    assert scores["accuracy"] == pytest.approx(everything["accuracy"], abs=1e-12)
    assert scores["unknown_accuracy"] == pytest.approx(new["accuracy"], abs=1e-12)
    for label, row in per_label.items():
        assert scores["per_label"][label] == pytest.approx(row, abs=1e-12)
    assert scores["factors"].keys() == slices.keys()
    for name, expected in slices.items():
        assert list(scores["factors"][name]) == list(expected)
        for key, row in expected.items():
            assert scores["factors"][name][key] == pytest.approx(row, abs=1e-12)


def test_nothing_scored_is_zero_without_a_warning():
    score = TokenScore(["A"], factors={"depth": Slices((0, 3))})
    for _ in range(2):
        scores = score.compute()
        assert scores["accuracy"] == scores["unknown_accuracy"] == 0.0
        assert scores["factors"] == {
            "depth": {"0-2": {"n": 0, "accuracy": 0.0}, "3+": {"n": 0, "accuracy": 0.0}}
        }
        score.update([["A"]], [[None]], [[True]], {"depth": [-7]})
        score.update([], [], None, {"depth": []})


def test_processes_sum_their_counts():
    batch = ([["A", "B"]], [["A", "A"]], [[True, False]], {"distance": [3], "switches": [2]})
    score, whole = (TokenScore(LABELS, factors=SLICES) for _ in range(2))
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
    score = TokenScore(LABELS, factors=SLICES)
    score.update([["A"]], [["A"]], [[True]], {"distance": [3], "switches": [7]})

    def leaves(value):
        return (
            [leaf for inner in value.values() for leaf in leaves(inner)]
            if isinstance(value, dict)
            else [value]
        )

    assert {type(leaf) for leaf in leaves(score.compute())} == {int, float}


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match="twice"):
        TokenScore(["A", "A"])
    score = TokenScore(LABELS, factors={"distance": Slices((1, 5))})
    one = {"distance": [1]}
    with pytest.raises(ValueError, match=r"labels \['E'\] are not among"):
        score.update([["A"]], [["E"]], factors=one)
    with pytest.raises(ValueError, match="zip"):
        score.update([["A"]], [["A", "A"]], factors=one)
    with pytest.raises(ValueError, match="zip"):
        score.update([["A"]], [["A"]], [[True, False]], one)
    with pytest.raises(ValueError, match=r"got factors \['depth'\]; expected \['distance'\]"):
        score.update([["A"]], [["A"]], factors={"depth": [1]})
    with pytest.raises(ValueError, match="got factors"):
        score.update([["A"]], [["A"]])
    with pytest.raises(ValueError, match="2 values of distance for 1 sentences"):
        score.update([["A"]], [["A"]], factors={"distance": [1, 2]})


@pytest.mark.parametrize("starts", [(), (3, 1), (1, 1)])
def test_starts_of_slices_must_be_ascending(starts):
    with pytest.raises(ValueError, match="ascending starts"):
        Slices(starts)
