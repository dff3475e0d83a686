"""Names of run folders: reversible, without characters that need quotes, and unique."""

import re
import shlex
import threading

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.files import create_unique_folder
from seqtag.sweeps.naming import EarlierRuns, check_study, run_name

KEYS = ("cell", "seed", "model.hidden_size", "size", "optimizer.lr")


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ("cell=gru,seed=1", "cell-gru+seed-1"),
        ("cell=lstm_peephole,optimizer.lr=1e-4", "cell-lstm_peephole+optimizer.lr-1e-4"),
        ("", "run"),
    ],
)
def test_reversible_names(overrides, name):
    assert run_name(overrides) == name


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.text("ab1._-+=,[ü' ", min_size=1)), max_size=4))
def test_different_runs_have_different_names(items):
    text = ",".join(f"{key}={value}" for key, value in items)
    name = run_name(text)
    assert 0 < len(name.encode()) <= 120
    (read,) = OverridesParser.create().parse_overrides([f"x=logs/{name}/model"])
    assert read.value() == f"logs/{name}/model"
    assert shlex.quote(name) == name
    if not re.fullmatch(r".*_[0-9a-f]{8}", name) and text:
        pairs = [part.partition("-")[::2] for part in name.split("+")]
        assert ",".join(f"{key}={value}" for key, value in pairs) == text


@pytest.mark.parametrize(
    "pair",
    [
        ("a" * 300, "a" * 301),
        ("a=[1,2]", "a=[1_2]"),
        ("a=b,c=d", "a=b+c-d"),
        ("a=ü", "a=ö"),
    ],
)
def test_similar_overrides_have_different_names(pair):
    assert run_name(pair[0]) != run_name(pair[1])


def test_a_folder_belongs_to_the_run_with_the_same_overrides(tmp_path, write):
    for name, overrides in {
        "cell-gru": ["data=a", "cell=gru", "study=x"],
        # Names by earlier versions.
        "cell-lstm+data-a+seed-1": ["data=a", "cell=lstm", "seed=1"],
        "cell=rnn,data=a": ["cell=rnn", "data=a"],
    }.items():
        write(f"{name}/.hydra/overrides.yaml", "".join(f"- {one}\n" for one in overrides))
    write("damaged/.hydra/overrides.yaml", "{")
    runs = EarlierRuns(tmp_path)
    assert runs.free_name("cell-gru", ["cell=gru", "data=a", "study=y"]) == "cell-gru"
    assert runs.free_name("cell-lstm", ["seed=1", "cell=lstm", "data=a"]) == (
        "cell-lstm+data-a+seed-1"
    )
    assert runs.free_name("cell-rnn", ["cell=rnn", "data=a"]) == "cell=rnn,data=a"
    assert runs.free_name("cell-janet", ["cell=janet", "data=a"]) == "cell-janet"
    resumed = ["cell=gru", "data=a", "ckpt_path=auto"]
    assert runs.free_name("cell-gru", resumed) == "cell-gru"
    other = {runs.free_name("cell-gru", ["cell=gru", f"data={data}"]) for data in "bc"}
    assert len(other) == 2
    assert all(re.fullmatch("cell-gru_[0-9a-f]{8}", name) for name in other)


@pytest.mark.parametrize(
    "study", ["mine", "a/b", "x.1+y=2", 5, "数据", "a b", "2026-01-01_10-00-00"]
)
def test_valid_names_of_studies(study):
    check_study(study)


@pytest.mark.parametrize(
    "study",
    [
        *(None, "", " ", "../../..", "a/../../b", "/tmp/x", ".", "a//b", "a/", True, 1.5, ["a"]),
        *("a\\b", "a\nb", "~", "-x", ".hidden", "a:b", "x" * 300),
    ],
)
def test_invalid_names_of_studies(study):
    with pytest.raises(InputError, match=r"^study"):
        check_study(study)


def test_new_folders_are_unique_across_threads(tmp_path):
    folders = []

    def create():
        folders.append(create_unique_folder(tmp_path / "logs" / "x"))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = ["x", *(f"x_{number}" for number in range(2, 9))]
    assert sorted(path.name for path in folders) == sorted(names)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be created"):
        create_unique_folder(tmp_path / "file" / "x")
