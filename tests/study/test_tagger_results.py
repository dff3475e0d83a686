"""Results of trainings on corpora: rows, the choice by development score, differences, tables."""

import json
import runpy
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from seqtag.errors import InputError
from seqtag.metrics.spans import SpanScore
from seqtag.model.config import TaggerConfig
from seqtag.study.tagger_differences import DIFFERENCES, differences_file, write_differences
from seqtag.study.tagger_results import FOLDER, TAGGERS, add_runs, choose, rows_of_run, with_roles
from seqtag.study.tagger_speed import SPEEDS, speed_rows, write_speeds
from seqtag.study.tagger_tables import TaggerLayout, tagger_table, update_tagger_tables

ROOT = Path(__file__).parents[2]
LABELS = ("O", "B-X", "I-X")
GOLD = [("B-X", "I-X", "O", "B-X", "O", "B-X", "O"), ("B-X", "O"), ("O", "B-X", "I-X")]


def write_run(folder, cell="lstm", seed=1, lr=0.01, dev=0.5, right=3, epochs=2, encoder=None):
    """Write the folder of a finished training whose last sentences are tagged O only."""
    (folder / ".hydra").mkdir(parents=True)
    predicted = [gold if n < right else ("O",) * len(gold) for n, gold in enumerate(GOLD)]
    score = SpanScore(LABELS, "bio")
    score.update(predicted, GOLD)
    lines = [
        "".join(f"w {g} {p}\n" for g, p in zip(*pair, strict=True)) + "\n"
        for pair in zip(GOLD, predicted, strict=True)
    ]
    (folder / "predictions.conll").write_text("".join(lines))
    test = {**score.compute(), "metric": "f1"}
    splits = {"dev": {"metric": "f1", "f1": dev}, "test": test}
    (folder / "metrics.json").write_text(json.dumps({"splits": splits}))
    config = {
        "data": {"path": f"/{folder.name}", "batch": {"sentences": 8}},
        "optimizer": {"lr": lr, "weight_decay": 0.1},
        "trainer": {"max_epochs": epochs},
        "model": {"encoder": encoder},
        "cell": {"name": cell},
        "seed": seed,
        "study": "any",
    }
    about = {"encoder_parameters": 99, "sequences": 20 * epochs, "epochs": epochs, "best_epoch": 2}
    record = {"config": config, "finished": True, "seconds": 12.5, **about}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / ".hydra" / "overrides.yaml").write_text("[data=mine, cell=lstm]")
    model = asdict(TaggerConfig(encoder=encoder, hidden_size=8, num_layers=2))
    stored = {"format": 2, "seqtag": "0", "model": model, "cell": {"name": cell}}
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(json.dumps(stored))
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a folder of runs of three models: trials of two rates, then three seeds."""
    folder = tmp_path_factory.mktemp("runs")
    relative = {"name": "transformer", "positions": "relative", "scaled": False}
    write_run(folder / "a", lr=0.01, dev=0.6)
    write_run(folder / "b", lr=0.02, dev=0.4)
    write_run(folder / "c", lr=0.01, seed=2, dev=0.1, right=2)
    write_run(folder / "d", cell="gru", lr=0.01, dev=0.5, right=2)
    write_run(folder / "e", cell="gru", lr=0.02, dev=0.5)
    write_run(folder / "f", encoder="transformer", lr=0.01, dev=0.3)
    write_run(folder / "g", encoder=relative, lr=0.02, dev=0.7, right=1)
    return folder


@pytest.fixture(scope="module")
def filled(runs, tmp_path_factory):
    """Return a folder with the files of results of the runs."""
    results = tmp_path_factory.mktemp("results")
    assert add_runs([runs], "mine", results)[0] == 7
    write_differences([runs], "mine", "lstm", results)
    return results


def test_a_run_becomes_a_row_for_each_slice(tmp_path):
    rows = rows_of_run(write_run(tmp_path / "run", right=2), "mine")
    found = {(row.slice, row.value): (row.n, round(row.score, 4)) for row in rows.itertuples()}
    assert found == {
        ("all", ""): (5, 0.8889),
        ("sentence_length", "1-5"): (2, 0.6667),
        ("sentence_length", "6-10"): (3, 1.0),
        ("span_length", "1"): (3, 1.0),
        ("span_length", "2"): (2, 0.6667),
    }
    first = rows.iloc[0]
    assert first[["corpus", "metric", "model", "direction"]].tolist() == [
        *("mine", "f1", "lstm", "both"),
    ]
    assert first[["layers", "hidden", "parameters", "train", "sequences"]].tolist() == [
        *(2, 8, 99, 20, 40),
    ]
    assert (first["dev"], first["lr"], first["batch"]) == (0.5, 0.01, 8)
    assert first["low"] <= first["score"] <= first["high"]


def test_the_place_of_the_corpus_does_not_change_the_configuration(tmp_path):
    first, second = (rows_of_run(write_run(tmp_path / name), "mine") for name in "ab")
    assert first["config"].equals(second["config"])


def test_the_best_trial_is_chosen_and_its_other_seeds_are_final(filled):
    table = TAGGERS.read(filled / "mine.csv")
    chosen = {one.model: one for one in choose(table)}
    assert chosen["lstm"].overrides == "cell=lstm optimizer.lr=0.01"
    assert chosen["gru"].overrides == "cell=gru optimizer.lr=0.01"  # of equal ones the first
    assert chosen["transformer"].overrides == (
        "encoder=transformer model.encoder.positions=relative model.encoder.scaled=false "
        "optimizer.lr=0.02"
    )
    assert {one.trials for one in chosen.values()} == {2}
    final = table[(table["role"] == "final") & (table["slice"] == "all")]
    assert sorted(zip(final["model"], final["seed"], strict=True)) == [
        *(("gru", 1), ("lstm", 1), ("lstm", 2), ("transformer", 1)),
    ]
    assert list(with_roles(table)["role"]) == list(table["role"])


def test_runs_add_up_and_change_roles(runs, filled, tmp_path):
    before = (filled / "mine.csv").read_text()
    for name in "gfedcba":
        add_runs([runs / name], "mine", tmp_path)
    assert (tmp_path / "mine.csv").read_text() == before
    assert add_runs([runs], "mine", tmp_path) == (7, 0)


def test_runs_that_cannot_be_compared_are_refused(runs, filled, tmp_path):
    longer = write_run(tmp_path / "longer", epochs=3, seed=9)
    with pytest.raises(InputError, match=r"the corpus mine differ in epochs \(2 and 3\)"):
        add_runs([longer], "mine", filled)
    other = write_run(tmp_path / "other")
    (other / "predictions.conll").write_text("w O O\n\n")
    with pytest.raises(InputError, match="the files are not of the same run"):
        add_runs([other], "new", tmp_path)
    early = write_run(tmp_path / "early")
    record = json.loads((early / "run.json").read_text())
    del record["encoder_parameters"]
    (early / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="of an earlier version of seqtag: train it again"):
        add_runs([early], "new", tmp_path)
    assert not (tmp_path / "new.csv").exists()


def test_differences_are_paired_on_sentences(runs, filled):
    table = DIFFERENCES.read(differences_file("mine", filled))
    whole = table[table["slice"] == "all"].set_index("model")
    # lstm has all of 5 spans right with one seed, and 4 of 5 with the other.
    assert whole.loc["transformer", "difference"] == pytest.approx(
        6 / 8 - (1 + 8 / 9) / 2, abs=1e-5
    )
    assert (whole["low"] <= whole["difference"]).all()
    assert set(whole["reference"]) == {"lstm"}
    with pytest.raises(InputError, match="model of the study 'rnn'"):
        write_differences([runs], "mine", "rnn", filled)
    with pytest.raises(InputError, match="is not in these folders"):
        write_differences([runs / "a"], "mine", "lstm", filled)


def test_tables(filled):
    lines = tagger_table(TaggerLayout("mine", "corpus"), filled).splitlines()
    assert lines[0] == "| model | parameters | mine: F1 |"
    assert lines[3] == "| `lstm` | 99 | 94.44 (88.89 to 100.00) |"
    lines = tagger_table(TaggerLayout("mine", "span_length"), filled).splitlines()
    assert lines[0] == "| corpus | model | 1 | 2 |"
    assert lines[2] == "| mine | number of spans | 3 | 2 |"
    assert lines[-1] == "| mine | `transformer` | 80.00 | 66.67 |"
    lines = tagger_table(TaggerLayout("mine", "corpus", minus="lstm"), filled).splitlines()
    assert lines[0] == "| model | mine: F1 |"
    assert lines[3].startswith("| `transformer` | -19.44 (")
    lines = tagger_table(TaggerLayout("mine", "choice"), filled).splitlines()
    assert "| mine | `cell=lstm optimizer.lr=0.01` | 60.00 | 2 |" in lines
    with pytest.raises(InputError, match="no rows for by=corpus minus=gru"):
        tagger_table(TaggerLayout("mine", "corpus", minus="gru"), filled)


def test_speeds(tmp_path):
    names = {"study": "mine", "corpus": "mine", "cell": "x", "parameters": 99}
    about = {model: {**names, "model": model} for model in ("lstm", "gru")}
    speeds = {"lstm": [10.0, 20.0, 30.0], "gru": [5.0, 20.0, 60.0]}
    same = {"phase": "tagging", "batch": 8, "clock": "cpu"}
    path = write_speeds(speed_rows(speeds, about, same, "lstm"), "mine", tmp_path)
    assert SPEEDS.read(path).set_index("model")["relative"].to_dict() == {"lstm": 1, "gru": 1}
    lines = tagger_table(TaggerLayout("mine", "speed"), tmp_path).splitlines()
    assert lines[0] == "| model | parameters | tagging: tokens/s | relative to `lstm` |"
    assert lines[2] == "| `gru` | 99 | 20 | 1.00 |"


def test_tables_of_a_readme_are_compared_and_written(filled, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("<!-- taggers: study=mine by=corpus -->\nold\n<!-- end of taggers -->\n")
    assert not update_tagger_tables(readme, filled, write=True)
    assert update_tagger_tables(readme, filled)
    readme.write_text("<!-- taggers: study=mine by=week -->\n<!-- end of taggers -->\n")
    with pytest.raises(InputError, match=r"taggers\.by must be one of corpus, choice"):
        update_tagger_tables(readme, filled)


def test_the_script_adds_chooses_and_compares(runs, tmp_path, monkeypatch, capsys):
    def script(*words):
        monkeypatch.setattr(sys, "argv", ["results.py", *words])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "scripts" / "results.py"), run_name="__main__")
        return ended.value.code

    assert script("add", str(runs), "--study", "mine", "--to", str(tmp_path)) == 0
    assert "mine.csv: 7 runs" in capsys.readouterr().out
    assert script("choose", "no_such_study") == 2
    assert "no_such_study.csv" in capsys.readouterr().err


def test_the_files_of_the_repository_are_sorted_and_complete():
    kinds = {"_differences": DIFFERENCES, "_speed": SPEEDS}
    for path in FOLDER.glob("*.csv"):
        kind = next((kind for end, kind in kinds.items() if path.stem.endswith(end)), TAGGERS)
        table = kind.read(path)
        merged = kind.merge(table.iloc[:0], table, path.name)
        if kind is TAGGERS:
            merged = with_roles(merged)
        assert kind.text(merged) == path.read_text()
