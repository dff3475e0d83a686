"""Linear probes and silenced units, on a tagger made by hand whose unit 3 holds the answer."""

import numpy as np
import pandas as pd
import pytest
import torch
from shared.holding import UNIT, UNITS, FirstSymbol, holding_tagger

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.probes.base import ProbeItem
from seqtag.recurrent.engines.registry import set_engine
from seqtag.report.inside import plot_inside
from seqtag.report.inside_tables import show_inside
from seqtag.report.style import as_png
from seqtag.study.decoding import Sentences, make_task, sentences_of
from seqtag.study.inside import Wanted, inspect_taggers
from seqtag.study.resampling import share
from seqtag.study.silencing import Silencing
from seqtag.tagging.tagger import Tagger

WORDS = [f"w{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]

SENTENCES = 30
WANTED = Wanted(names=("c",), silencing=Silencing("", "", groups=4))


@pytest.fixture(scope="module")
def tagger():
    return holding_tagger()


@pytest.fixture(scope="module")
def sentences():
    return sentences_of(FirstSymbol(), SENTENCES, 0)


@pytest.fixture(scope="module")
def inside(tagger, sentences):
    return inspect_taggers([tagger], sentences, WANTED)


def test_the_answer_is_read_from_the_memory_at_every_distance(inside):
    rows = inside.decoding[inside.decoding["state"] == "c"]
    assert (rows["accuracy"] == 1).all()
    assert set(rows["split"]) == {"dev", "test"}
    assert list(rows[rows["split"] == "test"]["distance"]) == [
        *("all", "0", "1", "2-3", "4-7", "8-15", "16-31"),
    ]


def test_one_unit_is_enough_to_leave_chance(inside):
    units = inside.units.set_index("order")
    assert units["units"].to_dict() == {"probe weight": 1, "single unit": 1}
    assert (units["accuracy"] <= 0.45).all()
    assert (units["unchanged"] == 1).all()
    assert (units["random"] > 0.7).all()


def test_without_the_unit_the_answer_is_always_the_same(inside):
    forms = inside.forms[inside.forms["order"] == "probe weight"].set_index("gold")
    assert (forms["predicted_y"] == 1).all()
    assert forms["wrong"].to_dict() == {"x": 1, "y": 0, "z": 1}
    unchanged = inside.forms[inside.forms["order"] == "none"].set_index("gold")
    assert all(unchanged.loc[label, f"predicted_{label}"] == 1 for label in "xyz")


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_only_the_unit_that_holds_the_answer_matters(fill, tagger, sentences):
    def accuracy(units):
        wanted = Wanted(names=("c",), silencing=Silencing("", "", fill, units, groups=2))
        table = inspect_taggers([tagger], sentences, wanted).silencing
        return table[table["order"] == "given"]["accuracy"].item()

    others = tuple(unit for unit in range(UNITS) if unit != UNIT)
    assert accuracy(others) == 1
    assert accuracy((UNIT,)) <= 0.45


class RandomLabels(FirstSymbol):
    """The property is itself a random label of each word: as arbitrary as a control task."""

    name = "random_labels"

    def generate(self, n, split, factors, seed):
        random = self.random_stream(split, n, seed).random
        chosen = [tuple(WORDS[int(random() * 26)] for _ in range(8)) for _ in range(n)]
        return [
            ProbeItem(
                words,
                tuple("xyz"[7 * ord(w[1]) % 31 % 3] for w in words),
                tuple(range(8)),
                dict(factors),
                (),
            )
            for words in chosen
        ]


def test_random_labels_have_no_selectivity():
    probe = RandomLabels()
    sentences = sentences_of(probe, 120, 1)
    tagger = _random_tagger()
    decoding = inspect_taggers([tagger], sentences, Wanted(names=("h",))).decoding
    rows = decoding[decoding["distance"] == "all"]
    assert (rows["accuracy"] > 0.7).all()
    assert rows["selectivity"].abs().max() < 0.12


def _random_tagger():
    """Return an untrained tagger with many units that has all words of `WORDS`."""
    torch.manual_seed(1)
    indexer = Indexer.fit([{"tokens": WORDS}], EncodeConfig(), ())
    labels = LabelSet(["x", "y", "z"], "plain", "plain")
    sizes = {"words": {"size": 32}, "characters": None, "hidden_size": 64}
    config = TaggerConfig(**sizes, bidirectional=False, decoder="softmax")
    network = TaggerNetwork(config, "rnn", indexer.inputs, 3, labels.transitions)
    set_engine(network, "reference")
    return Tagger(network, indexer, labels, {"name": "rnn"})


def test_the_seed_decides_the_sentences(sentences):
    def words(chosen):
        return [item.tokens for item in (*chosen.fitted, *chosen.scored["test"])]

    assert words(sentences_of(FirstSymbol(), SENTENCES, 0)) == words(sentences)
    assert words(sentences_of(FirstSymbol(), SENTENCES, 1)) != words(sentences)


def test_taggers_of_one_setup_are_its_seeds(tagger, sentences, inside):
    both = inspect_taggers([tagger, holding_tagger()], sentences, WANTED)
    assert both.units["model"].tolist() == [0, 0, 1, 1]
    # The second tagger is equal to the first one, and so are its results.
    columns = ["order", "units", "accuracy", "random", "unchanged"]
    first, second = (
        both.units.loc[rows, columns].reset_index(drop=True) for rows in ([0, 1], [2, 3])
    )
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(first, inside.units[columns])
    pd.testing.assert_frame_equal(both.decoding[["accuracy"]], inside.decoding[["accuracy"]])
    assert both.silencing["n"].sum() == 2 * inside.silencing["n"].sum()


def test_a_property_that_never_varies_is_refused():
    items = FirstSymbol().generate(3, "dev", {"gap": 2}, 0)
    same = [item for item in items if item.tokens[0] == items[0].tokens[0]]
    with pytest.raises(InputError, match="the same value at all positions"):
        make_task(Sentences(FirstSymbol(), same, {"dev": same}), "word", 0)


def test_tables_and_picture(inside, capsys):
    show_inside(inside.tables(), "word")
    shown = capsys.readouterr().out
    assert "Fewest silenced units with which accuracy is at chance" in shown
    assert "probe weight" in shown
    assert as_png(plot_inside(inside.tables(), "lstm, 6 units")).startswith(b"\x89PNG")


def test_shares_and_their_intervals():
    right_RS = np.array([[3, 0, 2, 1], [3, 1, 2, 1]])
    n_S = np.array([3, 2, 2, 1])
    mean, low, high = share(right_RS, n_S)
    assert mean == pytest.approx((6 / 8 + 7 / 8) / 2)
    assert low < mean < high
    assert share(np.array([[2, 2]]), np.array([2, 2])) == (1, 1, 1)
    assert np.isnan(share(np.zeros((1, 2)), np.zeros(2, int))).all()
