"""Judging: one row for each target, independent of batches, with correct columns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqtag.columns import items_schema
from seqtag.data.batches.order import BatchConfig
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.probes.base import ProbeItem
from seqtag.probes.baselines import fit_baselines
from seqtag.probes.pronoun import PronounProbe
from seqtag.study.judge import Grid, check_labels, grid_items, judge, predict
from seqtag.tagging import tagger as tagging
from seqtag.tagging.tagger import Tagger

ABOUT = {
    **{"run": "r", "cell": "lstm", "start": "bias 1", "direction": "forward", "layers": 1},
    **{"hidden": 8, "parameters": 100, "seed": 1, "data_seed": 0, "regime": "reach", "lag": None},
}
GRID = Grid("pronoun", 4, override=(("distance", (5, 30)), ("attractors", (0, 2))))


def make_tagger(labels=("F", "M", "PL"), seed=0) -> Tagger:
    items = PronounProbe().corpus("train", 200, 0)
    torch.manual_seed(seed)
    indexer = Indexer.fit([{"tokens": item.tokens} for item in items], EncodeConfig(), ())
    config = TaggerConfig(
        words={"size": 8}, characters=None, hidden_size=8, bidirectional=False, decoder="softmax"
    )
    network = TaggerNetwork(config, "lstm", indexer.inputs, len(labels))
    return Tagger(network, indexer, LabelSet(labels, "plain", "plain"), "lstm")


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return make_tagger()


@pytest.fixture(scope="module")
def table(tagger):
    train = PronounProbe().corpus("train", 200, 0)
    fitted = fit_baselines([i.tokens for i in train], [i.labels for i in train])
    return judge(tagger, GRID, ABOUT, fitted, untrained=make_tagger(seed=1))


def test_one_row_per_target_with_the_columns_of_the_schema(table):
    items, splits = grid_items(GRID)
    assert table.schema == items_schema(("distance", "attractors", "switches", "depth"))
    assert len(table) == len(items)
    assert table["split"].to_pylist() == splits
    assert table["item"].to_pylist() == list(range(len(items)))
    assert table["factor_distance"].to_pylist() == [i.factors["distance"] for i in items]
    assert table["gold"].to_pylist() == [i.labels[i.targets[0]] for i in items]
    assert set(table["run"].to_pylist()) == {"r"}
    assert table["lag"].null_count == len(table)


def test_within_is_the_training_range(table):
    inside = [d <= 20 for d in table["factor_distance"].to_pylist()]
    allowed = [s <= 1 for s in table["factor_switches"].to_pylist()]
    expected = [a and b for a, b in zip(inside, allowed, strict=True)]
    assert table["within"].to_pylist() == expected
    assert True in expected
    assert False in expected


def test_right_error_and_baseline_columns(table):
    rows = table.to_pylist()
    items = grid_items(GRID)[0]
    solvers = PronounProbe().baselines()
    for row, item in zip(rows, items, strict=True):
        assert row["right"] == (row["predicted"] == row["gold"])
        assert (row["error"] == "") == row["right"]
        (target,) = item.targets
        answer = solvers["last_cue"](item.tokens)[target]
        assert row["baseline_last_cue"] == (answer == row["gold"])
    assert {row["error"] for row in rows} > {""}
    assert table["baseline_majority"].null_count == 0
    assert table["baseline_untrained"].null_count == 0  # it is judged on all four items of each


def test_the_untrained_model_is_judged_on_few_items(tagger):
    grid = Grid("pronoun", 7, override=(*GRID.override, ("switches", (1,)), ("depth", (0,))))
    shown = judge(tagger, grid, ABOUT, untrained=tagger)["baseline_untrained"]
    assert len(shown) - shown.null_count == len(shown) * 5 // 7


@pytest.mark.parametrize("sentences", [1, 5, 128])
def test_predictions_do_not_depend_on_batches(sentences, tagger, monkeypatch):
    items = PronounProbe().corpus("test", 40, 0)
    expected = predict(tagger, items)
    monkeypatch.setattr(tagging, "_PROBABILITY_BATCH", BatchConfig(sentences=sentences, tokens=300))
    predictions = predict(tagger, items)
    assert predictions.labels == expected.labels
    np.testing.assert_allclose(predictions.p_gold_N, expected.p_gold_N, atol=1e-6)
    np.testing.assert_allclose(predictions.margin_N, expected.margin_N, atol=1e-6)


def test_probabilities_are_those_of_the_tagger(tagger):
    item = PronounProbe().generate(1, "test", {"distance": 12}, 0)[0]
    both = ProbeItem(
        item.tokens, ("M", *item.labels[1:]), (0, *item.targets), item.factors, (), "", "", ""
    )
    predictions = predict(tagger, [item, both])
    inputs = tagger.indexer.encode([item.tokens])
    p_TK = tagger.network.probabilities(inputs)[0].detach()
    for n, (target, gold) in enumerate(
        [(item.targets[0], item.labels[item.targets[0]]), (0, "M"), (item.targets[0], None)]
    ):
        gold = gold or item.labels[item.targets[0]]
        p_K = dict(zip(("F", "M", "PL"), p_TK[target].tolist(), strict=True))
        assert predictions.labels[n] == max(p_K, key=p_K.get)
        assert predictions.p_gold_N[n] == pytest.approx(p_K.pop(gold), abs=1e-6)
        assert predictions.margin_N[n] == pytest.approx(
            predictions.p_gold_N[n] - max(p_K.values()), abs=1e-6
        )


def test_a_label_that_the_tagger_does_not_have():
    limited = make_tagger(labels=("F", "PL"))
    items = [i for i in PronounProbe().corpus("test", 60, 0) if "M" in i.labels]
    predictions = predict(limited, items)
    assert not predictions.p_gold_N.any()
    assert (predictions.margin_N < 0).all()
    with pytest.raises(InputError, match="does not have the labels M; it has F, PL"):
        check_labels(limited, PronounProbe())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probe": "pronoum"}, "did you mean 'pronoun'"),
        ({"items": 0}, "items must be a whole number of at least 1"),
        ({"override": (("distence", (5,)),)}, "did you mean 'distance'"),
        ({"override": (("distance", (5,)), ("attractors", (6,)), ("depth", (3,)))}, "no item has"),
    ],
)
def test_an_impossible_grid_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        grid_items(Grid(**({"probe": "pronoun", "items": 2} | change)))
