"""The GPUs of the jobs of a sweep, on machines with pretended GPUs."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from seqtag.commands import task
from seqtag.sweeps.devices import VARIABLE, devices_for_job, devices_of, visible_devices


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Return a function that pretends that the machine has some GPUs; before, it has none."""

    def pretend(count):
        lines = "".join(f"echo {number}\n" for number in range(count))
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{lines}")
        (tmp_path / "nvidia-smi").chmod(0o755)

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return pretend


@pytest.mark.parametrize(
    ("jobs", "count", "visible", "expected"),
    [
        (3, 1, "01234567", ["0", "1", "2"]),
        (5, 1, "01", ["0", "1", "0", "1", "0"]),
        (3, 2, "0123", ["01", "23", "01"]),
        (2, 2, "012", ["01", "20"]),
        (2, 1, "", [None, None]),
        (1, 3, "01", [None]),
        (1, 0, "01", [None]),
    ],
)
def test_jobs_take_the_devices_in_turn(jobs, count, visible, expected):
    devices = [devices_of(number, count, visible) for number in range(jobs)]
    assert [found and "".join(found) for found in devices] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2,3", ["2", "3"]), ("GPU-8f, 1", ["GPU-8f", "1"]), ("", []), ("-1", []), ("1,-1,2", ["1"])],
)
def test_a_value_that_is_set_lists_the_devices(value, expected, machine, monkeypatch):
    machine(8)
    monkeypatch.setenv(VARIABLE, value)
    assert visible_devices() == expected


def test_devices_of_the_machine(machine, tmp_path):
    assert visible_devices() == []
    machine(3)
    assert visible_devices() == ["0", "1", "2"]
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9")
    assert visible_devices() == []


@pytest.mark.parametrize(("before", "inside"), [(None, "1"), ("4,5,6", "5"), ("", "")])
def test_the_variable_is_restored(before, inside, machine, monkeypatch):
    machine(2)
    if before is not None:
        monkeypatch.setenv(VARIABLE, before)
    with devices_for_job(1, 1):
        assert os.environ[VARIABLE] == inside
    assert os.environ.get(VARIABLE) == before


@pytest.mark.parametrize("count", ["auto", -1, None, True, [0]])
def test_jobs_that_use_all_devices_are_not_limited(count, machine):
    machine(2)
    with devices_for_job(0, count):
        assert VARIABLE not in os.environ


@pytest.mark.parametrize(("launcher", "expected"), [("JoblibLauncher", "1"), ("LocalLauncher", "")])
def test_a_job_of_joblib_gets_one_device(launcher, expected, machine, monkeypatch, tmp_path):
    machine(2)
    seen = []

    def run(*_):
        seen.append(os.environ.get(VARIABLE, ""))
        return 0, None

    for name in ("run_forked", "run_isolated"):
        monkeypatch.setattr(task, name, run)
    hydra = SimpleNamespace(
        job=SimpleNamespace(num=3),
        overrides=SimpleNamespace(task=[]),
        launcher=SimpleNamespace(_target_=f"plugin.{launcher}"),
    )
    monkeypatch.setattr(task.HydraConfig, "get", lambda: hydra)
    running = task.Task("train", lambda settings: 0, [])
    outcome = running._in_a_launcher(OmegaConf.create({"trainer": {"devices": 1}}), tmp_path)
    assert (outcome.code, Path(outcome.folder)) == (0, tmp_path)
    assert seen == [expected]
