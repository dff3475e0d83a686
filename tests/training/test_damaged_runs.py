"""Damaged or foreign runs in a folder are left out and named; the others are reported."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.cli import main
from seqtag.commands.report import report
from seqtag.errors import InputError
from seqtag.study.gather import gather
from seqtag.study.read import find_runs, read_gradients, read_items, read_learn

GRID = {"distance": (5, 100)}
VALUES = [None, "x", "", 0, -1, 10**12, 2**63 - 1, 1.5, float("nan"), True, b"\xff"]
WRONG = [None, [], "x", 5, 1.5, True, {"a": 1}, -1, 10**30]


@pytest.fixture(scope="module")
def items(judged):
    def make(seed=0, **columns):
        return judged(GRID, lambda f: f["distance"] == 5, lambda f: 0.8, n=4, seed=seed, **columns)

    return make


@pytest.fixture(scope="module")
def frame(items):
    return items()


@pytest.fixture(scope="module")
def intact(items, save_run):
    """A folder of two intact runs."""
    with tempfile.TemporaryDirectory() as name:
        for seed in range(2):
            save_run(Path(name) / str(seed), items(seed=seed))
        yield Path(name)


def gathered(folder):
    return gather(*find_runs([folder]))[0]


@pytest.mark.parametrize("config", [*WRONG[:6], "missing"])
def test_a_wrong_config_is_left_out(intact, tmp_path, caplog, config):
    shutil.copytree(intact, tmp_path / "runs")
    record = {"finished": True} | ({} if config == "missing" else {"config": config})
    other = tmp_path / "runs" / "other"
    other.mkdir()
    (other / "run.json").write_text(json.dumps(record))
    runs, unfinished = find_runs([tmp_path / "runs"])
    assert (len(runs), unfinished) == (2, [])
    if config != "missing":  # without a config it is a run of another verb
        assert f"left out: {other / 'run.json'}: config must be a JSON object" in caplog.text
        with pytest.raises(InputError, match=r"other.run\.json: config must be"):
            find_runs([other])


@pytest.mark.parametrize("damage", ["cut", "column", "null", "infinite", "two seeds"])
def test_a_damaged_table_is_left_out_and_named(intact, items, tmp_path, caplog, damage):
    shutil.copytree(intact, tmp_path / "runs")
    path = tmp_path / "runs" / "1" / "items.parquet"
    frame = items(seed=1)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        frame = {
            "column": lambda: frame.drop(columns="right"),
            "null": lambda: frame.assign(chance=[None, *frame["chance"][1:]]),
            "infinite": lambda: frame.assign(margin=np.inf),
            "two seeds": lambda: frame.assign(seed=range(len(frame))),
        }[damage]()
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    results = gathered(tmp_path / "runs")
    assert f"left out: {path}" in caplog.text
    (note,) = results.notes
    assert note.startswith(f"Left out, damaged: {path}")
    with pytest.raises(InputError, match=r"items\.parquet"):
        gathered(path.parent)


@pytest.mark.slow
def test_names_from_files_cannot_inject_markup_or_leave_the_folder(items, save_run, tmp_path):
    malicious = '../../<script>alert("x")</script>$x^\\frac'
    names = ["$x", "$A$", "_x", "a^b_c", "$\\frac$", "\x1b[2J", "\u202e"]
    for number, name in enumerate(names):
        folder = tmp_path / "runs" / f'{number}"><script>'
        save_run(folder, items(seed=number, probe=malicious, cell=name, unit=malicious))
    output = report([tmp_path / "runs"], tmp_path / "deep" / "report")
    page = output.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    drawn = sorted((tmp_path / "deep" / "report" / "figures").iterdir())
    assert drawn
    assert all("script" in path.name for path in drawn)
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "deep"}


def read_all(folder):
    """Read all files of a run, as a report does."""
    return find_runs([folder]), read_items(folder), read_learn(folder), read_gradients(folder)


@pytest.mark.fuzz("report")
@given(st.data())
def test_a_record_with_any_value_is_read_or_refused(intact, data):
    folder = intact / "0"
    before = (folder / "run.json").read_text()
    record = json.loads(before)
    key = data.draw(st.sampled_from([*record, "gradients", "judged", "seed"]))
    record[key] = data.draw(st.sampled_from(WRONG))
    text = json.dumps(record)
    cut = data.draw(st.integers(0, 3 * len(text)))
    try:
        (folder / "run.json").write_text(text[:cut])
        (folder / "gradients.csv").write_text("when,state,k,norm\ninitial,h,0,1.0\n")
        done, unfinished = find_runs([intact])
        assert intact / "1" in done
        assert {*done, *unfinished} <= {intact / "0", intact / "1"}
        read_all(folder)
    except InputError as error:
        assert str(folder) in str(error)  # noqa: PT017
    finally:
        (folder / "run.json").write_text(before)
        (folder / "gradients.csv").unlink()


def write_changed_table(frame, path, name, value, everywhere):
    """Write a table of items with another value in one column: in the first row or in all rows."""
    column = [value if everywhere or row == 0 else old for row, old in enumerate(frame[name])]
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowException, OverflowError):
        array = pa.array([str(each) for each in column])
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table.set_column(table.column_names.index(name), name, array), path)


@pytest.mark.fuzz("report")
@given(st.data())
def test_a_table_with_any_value_is_read_or_refused(intact, frame, data):
    folder = intact / "0"
    path = folder / "items.parquet"
    before = path.read_bytes()
    name = data.draw(st.sampled_from(list(frame.columns)))
    try:
        write_changed_table(
            *(frame, path, name),
            *(data.draw(st.sampled_from(VALUES)), data.draw(st.booleans())),
        )
        read = read_all(folder)[1]
        assert read[["probe", "axis", "right", "within", "p_gold", "chance"]].notna().all(axis=None)
        assert len(read) == len(frame)
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("name", ["factor_distance", "seed", "layers", "lag", "probe", "split"])
def test_an_extreme_value_everywhere_is_reported_or_refused(items, save_run, tmp_path, name):
    save_run(tmp_path / "0", items())
    value = "\u202e" if name in ("probe", "split") else 2**63 - 1
    write_changed_table(items(), tmp_path / "0" / "items.parquet", name, value, everywhere=True)
    assert len(gathered(tmp_path).setups) == 1


def test_the_error_names_the_file(items, save_run, tmp_path, capsys):
    save_run(tmp_path / "a", items())
    (tmp_path / "a" / "run.json").write_text('{"config": null}')
    assert main(["report", str(tmp_path)]) == 2
    assert f"{tmp_path / 'a' / 'run.json'}: config must be a JSON object" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_an_empty_table_of_lags_is_refused(items, save_run, tmp_path):
    save_run(tmp_path / "a", items())
    (tmp_path / "a" / "learn.csv").write_text(",".join(pd.Index(["run"])) + "\n")
    with pytest.raises(InputError, match=r"learn\.csv: column"):
        gathered(tmp_path)
