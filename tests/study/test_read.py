import json
import math

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqtag.errors import InputError
from seqtag.study.accuracy import accuracies, count_answers
from seqtag.study.read import find_runs, read_gradients, read_groups, read_items, read_learn

HEAD = (
    "run,probe,cell,start,direction,layers,hidden,parameters,seed,"
    "lag,budget,solved,sequences,accuracy"
)
ROW = "x,parity,rnn,,forward,1,32,900,1,10,1000,True,300,1.0"


@pytest.fixture
def items(judged):
    return judged({"distance": (5, 50)}, lambda f: True, lambda f: 1.0, n=4)


@pytest.fixture
def store(tmp_path):
    """Return a function that writes a frame as a run's items, and returns its folder."""

    def to(frame):
        pq.write_table(
            pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "items.parquet"
        )
        return tmp_path

    return to


def test_items_are_read_and_named_after_their_folder(items, store):
    folder = store(items)
    read = read_items(folder)
    assert set(read["run"]) == {str(folder)}
    pd.testing.assert_frame_equal(
        read.drop(columns="run"), items.drop(columns="run"), check_like=True
    )


def test_a_run_may_have_no_items_or_no_lags(tmp_path):
    assert read_items(tmp_path) is None
    assert read_learn(tmp_path) is None


def test_a_missing_column_is_named(items, store):
    folder = store(items.drop(columns=["right", "chance"]))
    with pytest.raises(InputError, match=r"items\.parquet: column right, chance is missing"):
        read_items(folder)


def test_a_baseline_missing_from_an_older_file_is_null(items, store):
    read = read_items(store(items.drop(columns="baseline_frequent_cue")))
    assert read["baseline_frequent_cue"].isna().all()
    assert read.columns.tolist() == items.columns.tolist()
    assert math.isnan(accuracies(count_answers(read), ["cell"])["frequent_cue"].item())


def test_items_of_an_older_file_are_in_the_main_table(items, store):
    read = read_items(store(items.drop(columns="table")))
    assert set(read["table"]) == {"main"}
    assert read.columns.tolist() == items.columns.tolist()


def test_an_axis_without_its_factor_is_named(items, store):
    folder = store(items.rename(columns={"factor_distance": "factor_lag"}))
    with pytest.raises(InputError, match="column factor_distance is missing"):
        read_items(folder)


def test_a_column_of_the_wrong_kind_is_refused(items, store):
    folder = store(items.assign(seed="one"))
    with pytest.raises(InputError, match=r"items\.parquet"):
        read_items(folder)


def test_no_rows_are_refused(items, store):
    with pytest.raises(InputError, match=r"items\.parquet: no judged target"):
        read_items(store(items.iloc[:0]))


def test_an_invalid_items_file_is_refused(tmp_path, write):
    write("items.parquet", b"PAR1, or so it seems")
    with pytest.raises(InputError, match=r"items\.parquet"):
        read_items(tmp_path)


def test_lags_are_read(tmp_path, write):
    write("learn.csv", f"{HEAD}\n{ROW}\n{ROW.replace('True', 'False')}\n")
    read = read_learn(tmp_path)
    assert read["solved"].tolist() == [True, False]
    assert read["lag"].tolist() == [10, 10]
    assert set(read["start"]) == {""}  # not nan
    assert set(read["run"]) == {str(tmp_path)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{HEAD.replace(',budget', '')}\n{ROW.replace(',1000', '')}\n",
            "column budget is missing",
        ),
        (f"{HEAD}\n{ROW.replace('True', 'yes')}\n", "solved must be True or False"),
        (f"{HEAD}\n{ROW.replace(',10,', ',ten,')}\n", "ten"),
        ("", "learn.csv"),
        (b"\xff\xfe\x00", "learn.csv"),
    ],
)
def test_an_invalid_table_of_lags_is_refused(tmp_path, write, text, message):
    write("learn.csv", text)
    with pytest.raises(InputError, match=message) as raised:
        read_learn(tmp_path)
    assert "learn.csv" in str(raised.value)


CURVE = "run,cell,start,when,state,k,norm\nx,lstm,,initial,c,0,0.0\nx,lstm,,initial,c,1,nan\n"
SLOPE = {"when": "initial", "state": "c", "slope": -0.1, "half_distance": None, "kept": None}


def test_gradients_are_read(tmp_path, write):
    assert read_gradients(tmp_path) is None
    write("gradients.csv", CURVE)
    write("run.json", json.dumps({"gradients": [SLOPE]}))
    curves, slopes = read_gradients(tmp_path)
    assert curves["k"].tolist() == [0, 1]
    assert curves["norm"].isna().tolist() == [False, True]
    assert slopes[["slope", "run"]].values.tolist() == [[-0.1, str(tmp_path)]]
    assert slopes["kept"].isna().all()


@pytest.mark.parametrize(
    ("curve", "record", "message"),
    [
        (CURVE.replace("norm", "size"), {"gradients": [SLOPE]}, "csv: column norm is missing"),
        (CURVE.replace(",0,", ",x,"), {"gradients": [SLOPE]}, "gradients.csv"),
        (CURVE, {}, "run.json: expected a list of JSON objects, not None"),
        (CURVE, {"gradients": [{"when": "initial"}]}, "run.json: column state, slope, kept"),
    ],
)
def test_invalid_gradients_are_refused(tmp_path, write, curve, record, message):
    write("gradients.csv", curve)
    write("run.json", json.dumps(record))
    with pytest.raises(InputError, match=message):
        read_gradients(tmp_path)


GROUP = {"suite": "blimp", "group": "g", "n": 3, "left_out": 0, "pairwise": 0.5, "low": None}
JUDGED = {
    **{"cell": "lstm", "start": "bias 1", "direction": "forward", "layers": 1, "hidden": 8},
    **{"parameters": 99, "seed": 4, "trained": "pronoun"},
}


def test_groups_of_a_suite_are_read_with_the_judged_model(tmp_path, write):
    assert read_groups(tmp_path) is None
    write("suite.json", json.dumps([GROUP]))
    write("run.json", json.dumps({"judged": JUDGED}))
    (row,) = read_groups(tmp_path).to_dict("records")
    assert (row["pairwise"], row["n"], row["seed"], row["trained"]) == (0.5, 3, 4, "pronoun")
    assert pd.isna(row["low"])
    assert pd.isna(row["gap"])  # this suite has none


@pytest.mark.parametrize(
    ("groups", "record", "message"),
    [
        ({}, {"judged": JUDGED}, "suite.json: expected a list of JSON objects"),
        ([{"suite": "blimp"}], {"judged": JUDGED}, "suite.json: column group, n, left_out"),
        ([GROUP | {"gap": "wide"}], {"judged": JUDGED}, "suite.json"),
        ([GROUP], {}, "run.json: expected a list of JSON objects, not .None"),
    ],
)
def test_an_invalid_suite_is_refused(tmp_path, write, groups, record, message):
    write("suite.json", json.dumps(groups))
    write("run.json", json.dumps(record))
    with pytest.raises(InputError, match=message):
        read_groups(tmp_path)


def test_each_run_is_found_once_and_unfinished_ones_separately(tmp_path, write):
    for name, finished in (("b/1", True), ("a", True), ("b/2", False)):
        write(f"{name}/run.json", json.dumps({"config": {"probe": {}}, "finished": finished}))
    done, unfinished = find_runs([tmp_path / "b", tmp_path])
    assert [folder.relative_to(tmp_path).as_posix() for folder in done] == ["b/1", "a"]
    assert [folder.name for folder in unfinished] == ["2"]


def test_folders_without_runs_are_refused(tmp_path, write):
    with pytest.raises(InputError, match="no finished run of a probe here or below;"):
        find_runs([tmp_path])
    with pytest.raises(InputError, match="there is no such folder"):
        find_runs([tmp_path / "nothing"])
    path = write("x/run.json", json.dumps({"config": {"probe": {}}, "finished": False}))
    with pytest.raises(InputError, match=r"\(1 not finished\)"):
        find_runs([tmp_path])
    with pytest.raises(InputError, match="is a file"):
        find_runs([path])
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.json: (no|not) JSON"):
        find_runs([tmp_path])
