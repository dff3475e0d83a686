"""The verb `probe`: train and evaluate, evaluate only, train lag by lag; finished runs are kept."""

import csv
import json
import logging
import math
import re

import pyarrow.parquet as pq
import pytest

from seqtag import Tagger
from seqtag.commands.help import config_dir
from seqtag.commands.probe import probe
from seqtag.errors import InputError
from seqtag.probes.registry import PROBES
from seqtag.study.gather import gather

SMALL = (
    "probe.quick.train=300",
    "probe.quick.dev=50",
    "probe.quick.epochs=2",
    "probe.quick.items=6",
    "model.hidden_size=16",
    "model.words.size=8",
    "optimizer.lr=0.02",
)
LEARN = (
    *("regime=learn", "regime.lags=[3,4,5]", "regime.budget=128", "regime.check=64"),
    "regime.give_up=2",
)


@pytest.fixture
def probed(configure, tmp_path):
    """Return a function that runs the verb with some overrides and returns the run folder."""

    def run(*overrides: str, output: str = "run"):
        probe(configure(*SMALL, *overrides, verb="probe", output=output))
        return tmp_path / output

    return run


def test_every_probe_has_its_configuration():
    files = {path.stem for path in (config_dir() / "probe").glob("[!_]*.yaml")}
    assert files == set(PROBES.names())


@pytest.mark.parametrize("name", PROBES.names())
def test_each_configuration_has_the_name_of_its_probe(name, configure):
    settings = configure(f"probe={name}", verb="probe")
    assert settings.probe.name == settings.training.data.corpus.probe == name
    assert settings.training.trainer.max_epochs == settings.probe.quick.epochs


def test_reach_writes_items_and_a_tagger(probed, caplog):
    with caplog.at_level(logging.INFO):
        run = probed("cell=gru", "probe.grid={distance: [5, 30]}")
    table = pq.read_table(run / "items.parquet")
    first = table.slice(0, 1).to_pylist()[0]
    assert (first["cell"], first["direction"], first["hidden"]) == ("gru", "forward", 16)
    assert (first["regime"], first["lag"], first["seed"]) == ("reach", None, 1)
    assert set(table["factor_distance"].to_pylist()) == {5, 30}
    assert Tagger.load(run / "model").cell["name"] == "gru"
    last = caplog.records[-1].getMessage()
    assert re.fullmatch(
        r"pronoun: [\d.]+% right beyond the training range "
        r"\(chance 33.3%, best baseline [\d.]+%: \w+ \w+\)",
        last,
    )

    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    probed("cell=gru", "probe.grid={distance: [5, 30]}")
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before

    given = probed(f"model_dir={run / 'model'}", "probe.grid={distance: [5, 30]}", output="given")
    judged = pq.read_table(given / "items.parquet")
    for column in ("predicted", "p_gold", "item", "gold"):
        assert judged[column].to_pylist() == table[column].to_pylist()
    assert set(judged["regime"].to_pylist()) == {"given"}


def test_learn_resumes_where_it_stopped(probed, caplog):
    run = probed(*LEARN, "regime.solved=0.99")
    with (run / "learn.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["lag"] for row in rows] == [
        "3",
        "4",
    ]  # stopped after two unsolved lags, without a third
    assert {row["solved"] for row in rows} == {"False"}
    assert all(abs(int(row["sequences"]) - 128) <= 64 for row in rows)  # whole batches

    # Simulate a stop in the second lag.
    lines = (run / "learn.csv").read_text().splitlines(keepends=True)
    (run / "learn.csv").write_text("".join(lines[:2]))
    note = (run / "run.json").read_text()
    (run / "run.json").write_text(note.replace('"finished": true', '"finished": false'))
    with caplog.at_level(logging.INFO):
        probed(*LEARN, "regime.solved=0.99")
    assert (run / "learn.csv").read_text() == "".join(lines)
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("lag ")]
    assert [line.partition(":")[0] for line in lines] == ["lag 4"]


def test_learn_does_not_resume_another_run(probed):
    for cell in ("rnn", "gru"):
        run = probed(*LEARN, "regime.lags=[3]", f"cell={cell}")
        with (run / "learn.csv").open() as file:
            (row,) = csv.DictReader(file)
        assert row["cell"] == cell


def test_learn_stops_when_it_is_solved(probed):
    run = probed(*LEARN, "regime.solved=0.0", "regime.lags=[3]")
    with (run / "learn.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["solved"] == "True"
    assert 0 < int(row["sequences"]) <= 128  # one evaluation, after a batch or two


def test_accuracy_of_whole_items(probed):
    # One symbol in 81 is the end of the string: a model that never predicts it misses every item.
    run = probed("probe=counting_ab", *LEARN, "regime.lags=[40]", "regime.solved=0.9")
    with (run / "learn.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["solved"], row["accuracy"]) == ("False", "0.0")
    run = probed("probe=counting_ab", "probe.grid={n: [1, 2, 40]}", output="reach")
    by_target = pq.read_table(run / "items.parquet").to_pandas()
    assert by_target["right"].mean() > 0.5
    by_item = by_target.groupby("item")["right"].all()
    within = by_target.groupby("item")["within"].first()
    scores = json.loads((run / "run.json").read_text())["scores"]
    assert scores == {"within": by_item[within].mean()}


def test_scores_are_the_figures_of_the_report(probed):
    """The probe pronoun has two judged splits; the report's headline is about "test"."""
    run = probed("probe.grid={distance: [5, 30]}")
    scores = json.loads((run / "run.json").read_text())["scores"]
    reported = gather([run], [])[0].by_probe("accuracy").iloc[0]
    assert list(scores) == ["beyond", "within"]
    assert scores == {region: reported[region, "pronoun"] for region in scores}


def test_tables_of_another_run_are_removed(probed, configure):
    run = probed("inspect=gradients", "inspect_lag=8", "probe.grid={distance: [5]}")
    assert {"items.parquet", "gradients.csv", "gradients.png"} <= {p.name for p in run.iterdir()}
    probed(*LEARN, "regime.lags=[3]")
    tables = (run / "learn.csv").read_text()
    assert not {"items.parquet", "gradients.csv", "gradients.png"} & {p.name for p in run.iterdir()}
    with pytest.raises(InputError, match="lags must be in ascending order"):
        probed(*LEARN, "regime.lags=[4,3]")
    assert (run / "learn.csv").read_text() == tables
    probed("probe.grid={distance: [5]}")
    assert not (run / "learn.csv").exists()


def test_gradients_before_and_after_training(probed):
    run = probed("inspect=gradients", "inspect_lag=8", "probe.grid={distance: [5]}")
    with (run / "gradients.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["when"], row["state"]) for row in rows} == {
        (when, state) for when in ("initial", "trained") for state in ("h", "c")
    }
    assert [int(row["k"]) for row in rows[:9]] == list(range(9))
    assert (run / "gradients.png").read_bytes()[:4] == b"\x89PNG"
    slopes = json.loads((run / "run.json").read_text())["gradients"]
    assert len(slopes) == 4
    # Before training, a forget gate of bias 1 keeps about sigmoid(1) = 0.73 per step.
    assert slopes[0]["kept"] == pytest.approx(math.log(0.73), abs=0.05)


def test_hidden_size_for_a_number_of_parameters(probed):
    run = probed("cell=rnn", "parameters=3000", "probe.grid={distance: [5]}")
    assert abs(pq.read_table(run / "items.parquet")["parameters"][0].as_py() - 3000) < 60


def test_a_suite_evaluates_a_trained_tagger(probed, tmp_path, capsys):
    model = probed("probe.grid={distance: [5]}") / "model"
    pair = {
        "sentence_good": "Peter saw himself.",
        "sentence_bad": "Peter saw herself.",
        "one_prefix_prefix": "Peter saw",
        "one_prefix_word_good": "himself",
        "one_prefix_word_bad": "herself",
        "UID": "anaphor_gender_agreement",
        "pairID": "0",
    }
    file = tmp_path / "suite.jsonl"
    file.write_text(json.dumps(pair) + "\n")
    run = probed(f"model_dir={model}", "suite=blimp", f"suite_path={file}", output="suite")
    (row,) = pq.read_table(run / "pairs.parquet").to_pylist()
    assert (row["gold"], row["foil"], row["covered"]) == ("M", "F", True)
    (group,) = json.loads((run / "suite.json").read_text())
    assert group["pairwise"] == float(row["right"])
    assert "pairwise" in capsys.readouterr().out
    note = json.loads((run / "run.json").read_text())
    assert (note["judged"]["cell"], note["judged"]["trained"]) == ("lstm", "pronoun")
    probed(f"model_dir={model}", "suite=blimp", f"suite_path={file}", output="suite")
    assert capsys.readouterr().out == ""  # the run is finished already


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("probe.grid={distance: 5}",), "probe.grid.distance must be a list"),
        (("probe.grid={distence: [5]}",), "did you mean 'distance'"),
        (("regime=learn", "regime.lags=[20,10]"), "lags must be in ascending order"),
        (("regime=learn", "regime.lags=[2]"), "no item has distance 2"),
        (("regime=learn", "regime.lags=10"), "regime.lags must be a list"),
        (("regime=learn", "regime.lags=[10,a]"), r"regime.lags\[1\] must be a whole number"),
        (("regime=learn", "regime.give_up=0"), "regime.give_up must be a whole number"),
        (("regime=learn", "regime.solved=1"), "regime.solved must be a number"),
        (("regime=learn", "model_dir=x"), "leave out model_dir="),
        (("regime=learn", "inspect=gradients"), "leave out model_dir= and regime=learn"),
        (("inspect=gradients", "model.bidirectional=true"), "model.bidirectional=false"),
        (("inspect=gradients", "model.subword_size=8"), "model.subword_size=0"),
        (("parameters=many",), "parameters must be a whole number from 1 to .*, not 'many'"),
        (("parameters=3000", "model_dir=x"), "parameters= chooses the size of a model to train"),
        (("parameters=3000", "model.case_size=8"), "reads only words, but model.case_size is set"),
        (("probe.grid=5",), "probe.grid must be a group of keys or null, not 5"),
        (("probe.grid={distance: [{a: 1}]}",), r"probe.grid.distance\[0\] must be a whole number"),
        (("data.seed=abc",), "seed must be a whole number of at least 0, not 'abc'"),
        (("model_dir=nowhere",), "nowhere"),
        (("data=column", "data.path=x"), "a probe uses its own items"),
        (("cell.name=lstn",), "did you mean 'lstm'"),
        (("probe.quick.items=0",), "items must be a whole number"),
        (("probe=pronoun_balanced",), "probe.quick.items must be a multiple of 18, .*; it is 6"),
        (("suite=blimp", "suite_path=x"), "set model_dir= too"),
        (("inspect=gradient",), "did you mean 'gradients'"),
        (("inspect=gradients", "inspect_lag=2"), "no item has distance 2"),
        (("suite=blimp", "model_dir=x"), "set suite_path= too"),
    ],
)
def test_mistakes(overrides, message, configure, tmp_path):
    with pytest.raises(InputError, match=message):
        probe(configure(*SMALL, *overrides, verb="probe"))
    assert not [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
