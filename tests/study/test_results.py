"""Files of results: rows of a run, adding, refused rows; tables of READMEs made from them."""

import json
import runpy
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from seqtag.columns import BASELINES, ITEMS, RUN, items_schema
from seqtag.errors import InputError
from seqtag.probes.registry import PROBES
from seqtag.study import result_tables, results
from seqtag.study.inside_results import INSPECTIONS
from seqtag.study.result_files import FOLDER
from seqtag.study.result_tables import Layout, markdown, parse_layout, update_tables
from seqtag.study.results import RUNS, add_runs, rows_of_run

ROOT = Path(__file__).parents[2]
CONFIG = {
    "probe": {"name": "parity"},
    "data": {"train": 100, "batch": {"sentences": 10}},
    "trainer": {"max_epochs": 3, "enable_progress_bar": True},
    "optimizer": {"lr": 0.003, "weight_decay": 0.1},
    "model": {"encoder": None},
    "seed": 1,
    "study": "mine",
}


def test_each_probe_has_one_task():
    listed = [probe for probes in results.TASKS.values() for probe in probes]
    assert sorted(listed) == sorted(PROBES.names())


def write_run(folder, judged_items, seed=1, cell="lstm", right=None, **changes):
    """Write the folder of a finished run."""
    folder.mkdir(parents=True)
    items = judged_items(seed=seed, cell=cell, right=right)
    items.to_parquet(folder / ITEMS)
    config = {**CONFIG, "seed": seed, "cell": cell, **changes}
    record = {"config": config, "finished": True, "seconds": 12.5}
    (folder / RUN).write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def judged_items():
    """Return a function that returns judged targets: two a sequence, lengths 2 and 4."""

    def build(seed, cell, right):
        rows = []
        for item in range(8):
            length = 2 if item < 4 else 4
            for position in range(length):
                is_right = right(item, position) if right else True
                row = dict.fromkeys(items_schema(("length",)).names)
                row |= {"run": "r", "probe": "parity", "axis": "length", "unit": "symbols"}
                row |= {"cell": cell, "start": "", "direction": "forward", "regime": "reach"}
                row |= {"split": "test", "version": 1, "layers": 1, "hidden": 4, "parameters": 99}
                row |= {"table": "main", "seed": seed, "data_seed": 0, "item": item}
                row |= {"position": position, "length": length, "factor_length": length}
                row |= {"lexicon": "", "template": "", "contrast": "", "whole": False}
                row |= {"within": length == 2, "right": is_right, "gold": "odd"}
                row |= {"predicted": "odd" if is_right else "even", "p_gold": 0.5, "margin": 0.1}
                row |= {"error": "" if is_right else "wrong", "chance": 0.5}
                row |= {f"baseline_{name}": None for name in BASELINES}
                row |= {"baseline_majority": item % 2 == 0}
                rows.append(row)
        table = pd.DataFrame(rows)
        arrow = pa.Table.from_pandas(table, schema=items_schema(("length",)), preserve_index=False)
        return arrow.to_pandas()

    return build


def test_a_run_becomes_a_row_for_each_slice(tmp_path, judged_items):
    folder = write_run(tmp_path / "run", judged_items, right=lambda i, p: p < 3)
    rows = rows_of_run(folder, "mine").set_index("slice")
    assert list(rows.index) == ["axis", "axis", "within", "beyond"]
    assert rows.loc["within", "accuracy"] == 1
    # Three of four positions are right, the last one never.
    assert rows.loc["beyond", ["n", "accuracy", "last", "chance"]].tolist() == [16, 0.75, 0, 0.5]
    assert rows.loc["axis", "value"].tolist() == [2, 4]
    assert rows.loc["beyond", ["baseline", "baseline_accuracy"]].tolist() == ["majority", 0.5]
    first = rows.iloc[0]
    assert (first["task"], first["encoder"], first["sequences"]) == (
        "state tracking",
        "recurrent",
        300,
    )
    assert first["lr"] == 0.003


@pytest.fixture(scope="module")
def rows(tmp_path_factory, judged_items):
    """Return the rows of a run of seed 1 that is always right."""
    return rows_of_run(write_run(tmp_path_factory.mktemp("run") / "a", judged_items), "mine")


def test_runs_add_up_and_are_added_once(tmp_path, judged_items, rows):
    write_run(tmp_path / "a" / "1", judged_items)
    assert add_runs([tmp_path / "a"], "mine", tmp_path) == (1, 4)
    first = (tmp_path / "mine.csv").read_bytes()
    assert RUNS.add(rows.assign(seed=2), "mine", tmp_path) == 4
    both = (tmp_path / "mine.csv").read_bytes()
    assert RUNS.add(pd.concat([rows, rows.assign(seed=2, seconds=9.0)]), "mine", tmp_path) == 0
    assert (tmp_path / "mine.csv").read_bytes() == both
    # The order in which runs are added does not matter.
    RUNS.add(rows.assign(seed=2, study="other"), "other", tmp_path)
    RUNS.add(rows.assign(study="other"), "other", tmp_path)
    assert (tmp_path / "other.csv").read_text().replace("other,", "mine,") == both.decode()
    assert len(first) < len(both)
    assert list(RUNS.read(tmp_path / "mine.csv").columns) == list(RUNS.columns)


def test_rows_with_other_figures_and_other_budgets_are_refused(tmp_path, rows):
    RUNS.add(rows, "mine", tmp_path)
    before = (tmp_path / "mine.csv").read_bytes()
    with pytest.raises(InputError, match=r"parity, lstm, seed 1, axis 2 is there already"):
        RUNS.add(rows.assign(accuracy=0.5), "mine", tmp_path)
    with pytest.raises(InputError, match=r"parity differ in epochs \(3 and 4\)"):
        RUNS.add(rows.assign(seed=3, epochs=4), "mine", tmp_path)
    assert (tmp_path / "mine.csv").read_bytes() == before


def test_progress_and_folders_do_not_change_the_configuration(tmp_path, judged_items, rows):
    quiet = {**CONFIG["trainer"], "enable_progress_bar": False}
    same = rows_of_run(write_run(tmp_path / "b", judged_items, trainer=quiet, study="x"), "mine")
    assert len(RUNS.merge(rows, same, "mine.csv")) == len(rows)
    other = {"optimizer": {"lr": 0.1, "weight_decay": 0}}
    different = rows_of_run(write_run(tmp_path / "c", judged_items, **other), "mine")
    assert len(RUNS.merge(rows, different, "mine.csv")) == 2 * len(rows)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b"])
def test_names_of_studies_are_names(name, tmp_path):
    with pytest.raises(InputError, match="a name of letters, digits and _"):
        add_runs([tmp_path], name, tmp_path)


def test_files_with_other_columns_are_refused(tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="the columns must be study, probe"):
        RUNS.read(tmp_path / "mine.csv")


@pytest.fixture(scope="module")
def filled(tmp_path_factory, rows):
    """Return the folder of a study: three seeds of an LSTM, and one of a GRU."""
    tmp_path = tmp_path_factory.mktemp("results")
    beyond = rows["slice"].isin(["axis", "beyond"]) & ~(rows["value"] == 2)
    runs = [rows, rows.assign(cell="gru")]
    for seed, share in ((2, 0.75), (3, 0.5)):
        changed = {"accuracy": rows["accuracy"].mask(beyond, share), "last": rows["last"]}
        changed["last"] = changed["last"].mask(beyond, 0.0)
        runs.append(rows.assign(seed=seed, **changed))
    RUNS.add(pd.concat(runs), "mine", tmp_path)
    return tmp_path


def test_a_table_has_the_median_and_range_over_seeds(filled):
    assert markdown(Layout("mine", "parity"), filled).splitlines() == [
        "| model | parameters | seeds | 2 | 4 |",
        "| --- | --- | --- | --- | --- |",
        "| `gru` | 99 | 1 | 100.0 | 100.0 |",
        "| `lstm` | 99 | 3 | 100.0 | 75.0 (50.0 to 100.0) |",
    ]
    layout = Layout("mine", "parity", by="region", figure="scaled_last")
    assert markdown(layout, filled).splitlines()[-1] == (
        "| `lstm` | 99 | 3 | 100.0 | -100.0 (-100.0 to 100.0) |"
    )


def test_published_figures_stand_beside(filled):
    (filled / "published.csv").write_text(
        "name,probe,cell,value,source\nX,parity,gru,9.5,table 1\n"
    )
    lines = markdown(Layout("mine", "parity", by="region", published="X"), filled).splitlines()
    assert lines[0].endswith("| published: X |")
    assert [line.split(" | ")[-1] for line in lines[2:]] == ["9.5 |", "– |"]


@pytest.fixture(scope="module")
def several(filled, tmp_path_factory):
    """Return the folder of a study of three probes; no GRU was run on one of them."""
    tmp_path = tmp_path_factory.mktemp("several")
    rows = RUNS.read(filled / "mine.csv")
    others = [rows.assign(probe="cycle"), rows[rows["cell"] == "lstm"].assign(probe="adding")]
    others[1] = others[1].assign(task="recall", chance=0.0)
    RUNS.add(pd.concat([rows, *others]), "mine", tmp_path)
    return tmp_path


def test_a_study_of_many_probes_has_a_row_for_each(several):
    assert markdown(Layout("mine", figure="probes"), several).splitlines() == [
        "| probe | chance | baseline | `gru` | `lstm` |",
        "| --- | --- | --- | --- | --- |",
        "| `adding` | 0.0 / 0.0 | 50.0 / 50.0 | – / – | 100.0 / 75.0 |",
        "| `cycle` | 50.0 / 50.0 | 50.0 / 50.0 | 100.0 / 100.0 | 100.0 / 75.0 |",
        "| `parity` | 50.0 / 50.0 | 50.0 / 50.0 | 100.0 / 100.0 | 100.0 / 75.0 |",
    ]


def test_a_study_of_many_probes_has_a_column_for_each_task(several):
    assert markdown(Layout("mine", figure="tasks"), several).splitlines() == [
        "| model | seeds | recall (1) | state tracking (2) |",
        "| --- | --- | --- | --- |",
        "| `gru` | 1 | – | 100.0 |",
        "| `lstm` | 3 | 75.0 (50.0 to 100.0) | 50.0 (0.0 to 100.0) |",
    ]


def test_two_configurations_of_a_model_do_not_share_a_column(several, tmp_path):
    rows = RUNS.read(several / "mine.csv")
    RUNS.add(pd.concat([rows, rows.assign(config="other")]), "mine", tmp_path)
    with pytest.raises(InputError, match="two configurations of lstm for adding"):
        markdown(Layout("mine", figure="tasks"), tmp_path)


def test_tables_of_a_readme_are_compared_and_written(filled):
    readme = filled / "README.md"
    start = "<!-- results: study=mine probe=parity -->"
    readme.write_text(f"# Title\n\n{start}\nold\n<!-- end of results -->\n\nText.\n")
    assert not update_tables(readme, filled)
    assert "old" in readme.read_text()
    assert not update_tables(readme, filled, write=True)
    assert update_tables(readme, filled)
    text = readme.read_text()
    assert "| `lstm` | 99 | 3 |" in text
    assert text.startswith("# Title\n\n")
    assert text.endswith("\nText.\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("probe=parity", "needs study="),
        ("study=mine figure=scaled", "a table with figure=scaled needs probe="),
        ("study=mine probe=parity colour=red", "option of a table 'colour'"),
        ("study=mine probe=parity by=week", r"results\.by must be one of axis, region, not 'week'"),
    ],
)
def test_wrong_comments_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        parse_layout(options, "README.md")


def test_a_comment_without_end_is_refused(filled):
    readme = filled / "README.md"
    readme.write_text("<!-- results: study=mine probe=parity -->\n")
    with pytest.raises(InputError, match="without `<!-- end of results -->`"):
        update_tables(readme, filled)


def test_the_tables_of_the_repository_equal_its_files(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["results.py", "tables"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "scripts" / "results.py"), run_name="__main__")
    assert ended.value.code == 0, capsys.readouterr().out


def test_the_files_of_the_repository_are_sorted_and_complete():
    for path in FOLDER.glob("*.csv"):
        if path.name != result_tables.PUBLISHED:
            text = path.read_text()
            kind = INSPECTIONS if "inspect_seed" in text.partition("\n")[0] else RUNS
            table = kind.read(path)
            assert set(table["study"]) == {path.stem}
            assert kind.text(kind.merge(table.iloc[:0], table, path.name)) == text
