import subprocess
import sys

import pandas as pd
import pytest

from seqtag.cli import main
from seqtag.commands.report import report
from seqtag.errors import InputError
from seqtag.study.gather import gather
from seqtag.study.read import find_runs

GRID = {"distance": (5, 100)}


@pytest.fixture(scope="module")
def items(judged):
    def of(seed=0, **about):
        return judged(GRID, lambda f: f["distance"] == 5, lambda f: 0.8, n=6, seed=seed, **about)

    return of


@pytest.fixture(scope="module")
def study(items, save_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    save_run(folder / "a" / "0", items())
    save_run(folder / "a" / "1", items(seed=1))
    save_run(folder / "b" / "0", items(cell="rnn", start=""))
    save_run(folder / "b" / "1", items(seed=1, cell="rnn", start=""), finished=False)
    return folder


@pytest.fixture(scope="module")
def of_a(study, tmp_path_factory):
    """Return the folder of a report on two runs of an LSTM."""
    return report([study / "a"], tmp_path_factory.mktemp("reports") / "a").parent


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_report_on_several_folders_has_a_folder_of_its_own(study, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = tree(study)
    assert main(["report", str(study / "a"), str(study / "b")]) == 0
    (folder,) = (tmp_path / "logs" / "report").iterdir()
    assert capsys.readouterr().out == f"{folder.relative_to(tmp_path) / 'report.html'}\n"
    assert tree(study) == before


def test_report_writes_page_table_and_pictures(study, tmp_path, capsys):
    output = tmp_path / "new" / "report"
    assert main(["report", str(study / "a"), str(study / "b"), "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output / 'report.html'}\n"
    assert tree(output) == [
        "figures",
        *("figures/pronoun-accuracy-test.png", "figures/pronoun-errors.png"),
        *("figures/pronoun-seeds.png", "report.html", "summary.csv"),
    ]
    assert tree(output.parent) == ["report", *(f"report/{name}" for name in tree(output))]
    page = (output / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "not finished" in page
    assert str(study / "b" / "1") in page
    table = pd.read_csv(output / "summary.csv", keep_default_na=False)
    beyond = table[table["slice"] == "beyond"]
    assert dict(zip(beyond["cell"], beyond["seeds"], strict=True))["lstm"] == 2
    expected = {
        "name",
        "probe",
        "cell",
        "start",
        "split",
        "factor_distance",
        "n",
        "accuracy",
        "low",
    }
    expected |= {"high", "chance", "majority", "untrained", "stale", "capture", "wrong", "median"}
    expected |= {"least", "most", "solve_rate", "within", "contrast", "regime", "lag", "parameters"}
    assert expected <= set(table.columns)


def test_an_older_report_is_replaced_with_identical_bytes(study, of_a, tmp_path):
    place = tmp_path / "r"
    (place / "figures").mkdir(parents=True)
    for name in ("report.html", "figures/old.png", "notes.txt"):
        (place / name).write_text("old")
    report([study / "a"], place)
    assert tree(place) == sorted([*tree(of_a), "notes.txt"])
    for name in ("report.html", "summary.csv", "figures/pronoun-seeds.png"):
        assert (place / name).read_bytes() == (of_a / name).read_bytes()


def test_a_folder_of_other_files_is_not_replaced(study, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="not empty and not a report"):
        report([study / "a"], tmp_path)
    assert tree(tmp_path) == ["thesis.tex"]


def failed(capsys, *arguments):
    assert main(["report", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("seqtag: error: ")


def test_errors_are_one_line_and_nothing_is_written(items, save_run, tmp_path, capsys):
    assert "no finished run" in failed(capsys, tmp_path)
    run = save_run(tmp_path / "run", items())
    (run / "items.parquet").write_bytes(b"no table")
    assert str(run / "items.parquet") in failed(capsys, tmp_path)
    (run / "items.parquet").unlink()
    assert "neither items.parquet nor learn.csv nor suite.json" in failed(capsys, tmp_path)
    assert tree(tmp_path) == ["run", "run/run.json"]


def test_two_identical_runs_are_refused(items, save_run, tmp_path):
    save_run(tmp_path / "one", items())
    save_run(tmp_path / "two", items())
    with pytest.raises(
        InputError, match=r"one and .*two have the same probe, cell, start, sizes and"
    ):
        report([tmp_path], tmp_path / "r")


def test_runs_are_named_by_their_different_settings(items, save_run, tmp_path):
    for lr in (0.1, 0.2):
        for seed in (0, 1):
            config = {"probe": {}, "optimizer": {"lr": lr, "betas": [0.9, 0.99]}, "seed": seed}
            save_run(tmp_path / f"{lr}-{seed}", items(seed=seed), config=config)
    save_run(tmp_path / "0.1-2", items(seed=2), config=config | {"optimizer": {"lr": 0.1}})
    table = gather(sorted(tmp_path.iterdir()), [])[1]
    within = table[(table["slice"] == "within") & (table["contrast"] == "")]
    assert dict(zip(within["name"], within["seeds"], strict=True)) == {
        "lstm, optimizer.lr=0.1": 3,
        "lstm, optimizer.lr=0.2": 2,
    }


def test_settings_implied_by_size_are_not_in_names(items, save_run, tmp_path):
    for size in ("quick", "full"):
        config = {"probe": {}, "size": size, "data": {"train": len(size)}, "parameters": None}
        save_run(tmp_path / size, items(), config=config)
    names = gather(sorted(tmp_path.iterdir()), [])[1]["name"].unique()
    assert sorted(names) == ["lstm, size=full", "lstm, size=quick"]


def test_runs_of_other_verbs_are_ignored(items, save_run, tmp_path):
    save_run(tmp_path / "judged", items())
    save_run(tmp_path / "trained", config={"model": {}})
    assert len(gather(*find_runs([tmp_path]))[0].setups) == 1


def test_the_title_counts_many_probes(save_run, tmp_path):
    run = {
        **{"run": "", "cell": "lstm", "start": "", "direction": "both", "layers": 1, "hidden": 8},
        **{"parameters": 99, "seed": 0, "lag": 5, "budget": 9, "solved": True, "sequences": 5},
        "accuracy": 1.0,
    }
    folders = [
        save_run(tmp_path / str(n), learn=pd.DataFrame([{**run, "probe": f"p{n}"}]))
        for n in range(6)
    ]
    assert gather(folders, [])[0].title == "6 probes"
    assert gather(folders[:2], [])[0].title == "Probes: p0, p1"


def test_different_versions_of_a_probe_are_refused(items, save_run, tmp_path):
    save_run(tmp_path / "one", items())
    save_run(tmp_path / "two", items(seed=1, version=2))
    with pytest.raises(InputError, match="probe pronoun: versions 1 and 2 cannot be compared"):
        report([tmp_path], tmp_path / "r")


def test_default_output_is_in_the_first_folder_and_torch_is_not_imported(items, save_run, tmp_path):
    save_run(tmp_path / "run", items())
    code = (
        "import sys\nfrom seqtag.cli import main\n"
        f"main(['report', {str(tmp_path)!r}])\n"
        "print([name for name in ('torch', 'lightning', 'hydra') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(tmp_path / "report" / "report.html"), "[]"]
    assert (tmp_path / "report" / "report.html").exists()
