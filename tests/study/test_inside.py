"""Linear probes and silenced units, on a tagger made by hand whose unit 3 holds the answer."""

import numpy as np
import pandas as pd
import pytest
import torch
from shared.holding import SENTENCES, UNIT, UNITS, WANTED, FirstSymbol, holding_tagger

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
from seqtag.study.inside import Wanted, inspect_taggers
from seqtag.study.resampling import share
from seqtag.study.sentences import Part, Sentences, make_task, sentences_of
from seqtag.study.silencing import Silencing
from seqtag.tagging.tagger import Tagger

WORDS = [f"w{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


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
        table = inspect_taggers([tagger], sentences, wanted)[0].silencing
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
    decoding = inspect_taggers([tagger], sentences, Wanted(names=("h",)))[0].decoding
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
        return [item.tokens for item in (*chosen.fitted, *chosen.scored[-1].items)]

    assert words(sentences_of(FirstSymbol(), SENTENCES, 0)) == words(sentences)
    assert words(sentences_of(FirstSymbol(), SENTENCES, 1)) != words(sentences)


def test_taggers_of_one_setup_are_its_seeds(tagger, sentences, inside):
    both, single = inspect_taggers([tagger, holding_tagger()], sentences, WANTED)
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
    for own in single:
        pd.testing.assert_frame_equal(own.silencing, inside.silencing)
        pd.testing.assert_frame_equal(own.decoding, inside.decoding)


def test_other_settings_are_another_setup(tagger, sentences):
    wanted = Wanted(names=("c",))
    both, _ = inspect_taggers([tagger, tagger], sentences, wanted, configs=["a", "b"])
    assert list(both.decoding["cell"].unique()) == ["lstm, 6 units, 1", "lstm, 6 units, 2"]


class Halves(FirstSymbol):
    """Sequences of odd length belong to a table of their own."""

    def table_of(self, factors):
        return "main" if factors["gap"] % 2 == 0 else "odd"


def test_a_second_table_is_in_no_average(tagger):
    sentences = sentences_of(Halves(), SENTENCES, 0)
    assert [(part.split, part.table) for part in sentences.scored] == [
        *(("dev", "main"), ("dev", "odd")),
        *(("test", "main"), ("test", "odd")),
    ]
    gaps = {item.factors["gap"] % 2 for item in sentences.fitted}
    assert gaps == {0}
    inside, _ = inspect_taggers([tagger], sentences, WANTED)
    for part in sentences.scored:
        rows = inside.decoding
        rows = rows[(rows["split"] == part.split) & (rows["table"] == part.table)]
        read = sum(item.factors["gap"] + 2 for item in part.items)
        assert rows[rows["distance"] == "all"]["n"].unique() == [read]
    n = inside.silencing[inside.silencing["order"] == "none"].set_index("table")["n"]
    assert n.to_dict() == {part.table: len(part.items) for part in sentences.answered}
    # The sizes of groups, and what is predicted, are those of the main table.
    only_main = Sentences(Halves(), sentences.fitted, sentences.scored[:1])
    alone, _ = inspect_taggers([tagger], only_main, WANTED)
    pd.testing.assert_frame_equal(inside.units, alone.units)
    pd.testing.assert_frame_equal(inside.forms, alone.forms)
    assert set(inside.forms[inside.forms["order"] == "none"]["n"]) <= set(range(SENTENCES))


def test_a_property_that_never_varies_is_refused():
    items = FirstSymbol().generate(3, "dev", {"gap": 2}, 0)
    same = [item for item in items if item.tokens[0] == items[0].tokens[0]]
    with pytest.raises(InputError, match="the same value at all positions"):
        make_task(Sentences(FirstSymbol(), same, [Part("dev", "main", same)]), "word", 0)


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
