"""Names of run folders: reversible, free of what needs quotes, and never shared by accident."""

import re
import shlex
import threading

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.files import new_folder
from seqtag.sweeps.naming import check_study, earlier_run_name, run_name

KEYS = ("cell", "seed", "model.hidden_size", "size", "optimizer.lr")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("cell=gru,seed=1", "cell-gru+seed-1"),
        ("cell=lstm_peephole,optimizer.lr=1e-4", "cell-lstm_peephole+optimizer.lr-1e-4"),
        ("", "run"),
    ],
)
def test_names_that_can_be_read(given, name):
    assert run_name(given) == name


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
def test_names_stay_apart(pair):
    assert run_name(pair[0]) != run_name(pair[1])


def test_names_of_earlier_versions():
    assert (
        earlier_run_name("cell=gru,probe.grid={distance:[5]}") == "cell=gru,probe.grid=_distance_5_"
    )
    assert len(earlier_run_name("a" * 300)) == 120


@pytest.mark.parametrize(
    "study", ["mine", "a/b", "x.1+y=2", 5, "数据", "a b", "2026-01-01_10-00-00"]
)
def test_names_of_studies(study):
    check_study(study)


@pytest.mark.parametrize(
    "study",
    [
        *(None, "", " ", "../../..", "a/../../b", "/tmp/x", ".", "a//b", "a/", True, 1.5, ["a"]),
        *("a\\b", "a\nb", "~", "-x", ".hidden", "a:b", "x" * 300),
    ],
)
def test_what_is_not_the_name_of_a_study(study):
    with pytest.raises(InputError, match=r"^study"):
        check_study(study)


def test_a_new_folder_is_nobody_elses(tmp_path):
    found = []

    def create():
        found.append(new_folder(tmp_path / "logs" / "x"))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = ["x", *(f"x_{number}" for number in range(2, 9))]
    assert sorted(path.name for path in found) == sorted(names)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be created"):
        new_folder(tmp_path / "file" / "x")
