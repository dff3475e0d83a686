"""The table of a sweep: rows by configuration, intervals over seeds, failures."""

import csv
import io
import json

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from seqtag.errors import InputError
from seqtag.sweeps.summary import as_csv, run_records, summarize, write_table
from seqtag.sweeps.table import (
    as_markdown,
    by_configuration,
    interval,
    read_runs,
    tabulate,
)


@pytest.fixture
def write_run(tmp_path):
    """Return a function that writes the files of a run, as a job of a sweep does."""

    def run(name, overrides, test=None, error=None, seed=1, record=True):
        folder = tmp_path / name
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(overrides))
        if test is not None:
            splits = {"test": {"accuracy": 0.1, "f1": test}, "dev": {"accuracy": 0.5, "f1": 0.6}}
            factors = {"distance": {"5": {"accuracy": 0.9}, "50": {"accuracy": 0.4}}}
            splits["test"]["factors"] = factors
            figures = {"seed": seed, "seconds": 3.0, "parameters": 1234, "splits": splits}
            (folder / "metrics.json").write_text(json.dumps(figures))
        if record:
            values = {"finished": test is not None, "error": error, "scores": {"test f1": test}}
            (folder / "run.json").write_text(json.dumps(values))

    return run


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 100), min_size=3, max_size=8))
def test_the_interval_is_that_of_student_in_scipy(values):
    low, high = map(float, interval(values).split(" to "))
    t, spread = stats.t(len(values) - 1), stats.sem(values)
    half = t.ppf(0.975) * spread
    mean = sum(values) / len(values)
    assert (low, high) == (
        pytest.approx(mean - half, abs=0.02),
        pytest.approx(mean + half, abs=0.02),
    )


def test_two_seeds_have_a_range():
    assert interval([2.0, 1.0]) == "1.00 to 2.00 (range)"
    assert interval([2.0]) == ""


def test_one_row_per_configuration(write_run, tmp_path):
    for seed, test in ((1, 0.9), (2, 0.92), (3, 0.94)):
        write_run(f"a{seed}", ["cell=lstm", "data=x", f"seed={seed}"], test, seed=seed)
    write_run("b1", ["cell=gru", "data=x", "seed=1"], 0.8)
    write_run("b2", ["cell=gru", "data=x", "seed=2"], error="no such corpus")
    write_run("b3", ["cell=gru", "data=x", "seed=3"])
    head, lstm, gru = tabulate(read_runs(tmp_path))
    assert head == [
        *("", "seeds", "test f1 %", "mean", "95% interval", "dev f1 %"),
        *("parameters", "s", "failed"),
    ]
    assert lstm[:5] == ["cell=lstm", "1, 2, 3", "90.00, 92.00, 94.00", "92.00", "87.03 to 96.97"]
    assert lstm[5:] == ["60.00", "1,234", "3", ""]
    assert gru[:5] == ["cell=gru", "1", "80.00", "80.00", ""]
    assert gru[-1] == "seed 2: no such corpus; seed 3: not finished"


def test_another_split_and_columns_by_factor(write_run, tmp_path):
    write_run("a", ["seed=1"], 0.9)
    head, row = tabulate(read_runs(tmp_path), "dev")
    assert (head[2], row[:3]) == ("dev f1 %", ["(no other overrides)", "1", "60.00"])
    head, row = tabulate(read_runs(tmp_path), factor="distance")
    assert head[6:8] == ["distance 5", "distance 50"]
    assert row[6:8] == ["90", "40"]
    with pytest.raises(InputError, match="split 'tst' \\(did you mean 'test'"):
        tabulate(read_runs(tmp_path), "tst")
    with pytest.raises(InputError, match="did you mean 'distance'"):
        tabulate(read_runs(tmp_path), factor="distances")


def test_runs_of_an_earlier_version_have_no_record(write_run, tmp_path):
    write_run("0", ["cell=lstm"], 0.5, seed=7, record=False)
    _, row = tabulate(read_runs(tmp_path))
    assert row[:3] == ["(no other overrides)", "7", "50.00"]


def test_runs_without_a_common_score_are_shown_with_their_own(tmp_path):
    records = {
        "reach": {"scores": {"within": 0.9, "beyond": 0.5}},
        "learn": {"scores": {"lags": 1}},
    }
    for name, values in {**records, "old": {}}.items():
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (tmp_path / name / ".hydra" / "overrides.yaml").write_text(f"[regime={name}, seed=1]")
        (tmp_path / name / "run.json").write_text(json.dumps({"finished": True, **values}))
    head, *rows = tabulate(read_runs(tmp_path))
    assert head[2] == "score %"
    assert {row[0]: row[2:4] for row in rows} == {
        "regime=reach": ["90.00", "90.00"],
        "regime=learn": ["100.00", "100.00"],
        "regime=old": ["", ""],
    }


def test_a_table_of_failed_runs(write_run, tmp_path):
    write_run("a", ["cell=lstm", "seed=1"], error="no")
    write_run("b", ["cell=gru", "seed=1"], error="no")
    head, *rows = tabulate(read_runs(tmp_path))
    assert head[2] == "score %"
    assert [row[-1] for row in rows] == ["seed 1: no", "seed 1: no"]


def test_a_folder_without_runs_is_refused(tmp_path):
    (tmp_path / "metrics.json").write_text('{"f1": 0.5}')  # an evaluation
    with pytest.raises(InputError, match="holds no run"):
        read_runs(tmp_path)


def test_a_run_with_only_common_overrides_has_a_row(write_run, tmp_path):
    write_run("a", ["cell=lstm", "study=x"], 0.5)
    write_run("b", ["cell=lstm", "study=x", "optimizer.lr=1"], 0.5)
    assert list(by_configuration(read_runs(tmp_path))) == ["(no other overrides)", "optimizer.lr=1"]


def test_overrides_that_do_not_change_a_run_do_not_split_a_row(write_run, tmp_path):
    write_run("a", ["cell=lstm", "seed=1"], 0.5)
    write_run("b", ["cell=lstm", "seed=2", "ckpt_path=auto", "study=x", "paths.log_dir=y"], 0.5)
    write_run("c", ["cell=lstm", "seed=3", "hydra/launcher=joblib", "++hydra.job.name=z"], 0.5)
    write_run("d", ["cell=lstm", "seed=4", "search=random", "ckpt_path=null"], 0.5)
    write_run("e", ["cell=lstm", "seed=1", "ckpt_path=other/last.ckpt"], 0.5)
    rows = by_configuration(read_runs(tmp_path))
    assert {name: sorted(run.seed for run in group) for name, group in rows.items()} == {
        "(no other overrides)": ["1", "2", "3", "4"],
        "ckpt_path=other/last.ckpt": ["1"],
    }


def test_tables_are_written_as_csv_and_markdown(tmp_path):
    rows = [["", "failed"], ["cell=a|b", 'seed 1: "no", said it']]
    records = [{"configuration": "cell=a|b", "error": 'seed 1: "no", said it'}]
    write_table(tmp_path, rows, records)
    with (tmp_path / "table.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == records
    assert (tmp_path / "table.md").read_text() == as_markdown(rows)
    assert as_markdown(rows).splitlines()[2] == '| cell=a\\|b | seed 1: "no", said it |'


def test_the_table_for_programs_has_one_number_in_each_cell(write_run, tmp_path):
    for seed, test in ((1, 0.9), (2, 0.92), (3, 0.94)):
        write_run(f"a{seed}", ["cell=lstm", "data=x", f"seed={seed}"], test, seed=seed)
    write_run("b1", ["cell=gru", "data=x", "+other=1", "seed=1"], 0.8)
    write_run("b2", ["cell=gru", "data=x", "+other=1", "seed=2"], error="no such corpus")
    runs = read_runs(tmp_path)
    table = pd.read_csv(io.StringIO(as_csv(summarize(runs))))
    assert list(table) == [
        *("configuration", "cell", "other", "score", "runs", "failed", "mean", "low", "high"),
        *("dev", "parameters", "seconds"),
    ]
    lstm, gru = table.to_dict("records")
    assert (lstm["cell"], lstm["score"], lstm["runs"], lstm["failed"]) == ("lstm", "test f1", 3, 0)
    assert lstm["mean"] == pytest.approx(0.92)
    assert lstm["low"] == pytest.approx(0.92 - 4.302653 * stats.sem([0.9, 0.92, 0.94]))
    assert lstm["high"] == pytest.approx(0.92 + 4.302653 * stats.sem([0.9, 0.92, 0.94]))
    assert (lstm["dev"], lstm["parameters"], lstm["seconds"]) == (0.6, 1234, 3.0)
    assert (gru["runs"], gru["failed"], gru["mean"], gru["other"]) == (1, 1, 0.8, 1)
    assert pd.isna(gru["low"])
    each = pd.read_csv(io.StringIO(as_csv(run_records(runs))))
    assert each.groupby("cell")["test f1"].mean().to_dict() == pytest.approx(
        {"gru": 0.8, "lstm": 0.92}
    )
    assert each["error"].dropna().tolist() == ["no such corpus"]
    assert each["seed"].tolist() == [1, 2, 3, 1, 2]


def test_a_loss_is_not_a_percentage(tmp_path):
    for seed, loss in ((1, 1.25), (2, 0.75)):
        folder = tmp_path / str(seed)
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra" / "overrides.yaml").write_text(f"[seed={seed}]")
        record = {"finished": True, "scores": {"test loss": loss, "dev loss": 0.5}}
        (folder / "run.json").write_text(json.dumps(record))
    head, row = tabulate(read_runs(tmp_path))
    assert head[2:6] == ["test loss", "mean", "95% interval", "dev loss"]
    assert row[2:6] == ["1.2500, 0.7500", "1.0000", "0.7500 to 1.2500 (range)", "0.5000"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", '{"finished": true, "scores": {"test f1": "high"}}'),
        ("run.json", '{"finished": true, "scores": 3}'),
        ("run.json", '{"finished": true, "config": null, "parameters": "many", "scores": {}}'),
        ("run.json", '{"finished": true, "seconds": [], "scores": {}}'),
        ("metrics.json", '{"splits": 5}'),
        ("metrics.json", '{"splits": {"test": 5}}'),
        ("metrics.json", '{"splits": {"test": {"accuracy": "high"}}}'),
        (".hydra/overrides.yaml", "a: [b"),
        (".hydra/overrides.yaml", "seed: 1"),
    ],
)
def test_a_damaged_run_is_left_out_with_a_warning(file, content, tmp_path, caplog):
    for name in ("good", "damaged"):
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (tmp_path / name / "run.json").write_text(
            '{"finished": true, "seed": 1, "scores": {"test f1": 0.5, "dev f1": null}}'
        )
    (tmp_path / "damaged" / file).write_text(content)
    (run,) = read_runs(tmp_path)
    assert run.folder == tmp_path / "good"
    assert run.scores == {"test f1": 0.5}
    assert f"left out: {tmp_path / 'damaged'}" in caplog.text
    assert "50.00" in as_markdown(tabulate([run]))


def test_folds_are_runs_of_one_configuration(write_run, tmp_path):
    for cell in ("gru", "lstm"):
        for fold, test in enumerate((0.9, 0.92, 0.94)):
            overrides = [f"cell={cell}", "data.folds=3", f"data.fold={fold}"]
            write_run(f"{cell}{fold}", overrides, test)
    head, gru, lstm = tabulate(read_runs(tmp_path))
    assert head[:5] == ["", "folds", "test f1 %", "mean", "95% interval"]
    assert gru[:5] == ["cell=gru", "0, 1, 2", "90.00, 92.00, 94.00", "92.00", "87.03 to 96.97"]
    assert lstm[:2] == ["cell=lstm", "0, 1, 2"]


def test_the_interval_over_folds_and_seeds_is_over_the_means_of_folds(write_run, tmp_path):
    for fold, test in enumerate((0.9, 0.92, 0.94)):
        for seed, change in ((1, 0.01), (2, -0.01)):
            overrides = [f"data.fold={fold}", f"seed={seed}"]
            write_run(f"{fold}-{seed}", overrides, test + change, seed=seed)
    write_run("3-1", ["data.fold=3", "seed=1"], error="no such corpus")
    head, row = tabulate(read_runs(tmp_path))
    assert head[1] == "seed/folds"
    assert row[1] == "1/0, 1/1, 1/2, 2/0, 2/1, 2/2"
    assert row[3:5] == ["92.00", "87.03 to 96.97"]
    assert row[-1] == "seed/fold 1/3: no such corpus"
