"""scripts/check_gpu.sh, with a program in place of Python that only fails or succeeds."""

import json
import subprocess

import pytest
from shared.readmes import ROOT


@pytest.fixture
def check(tmp_path):
    """Return a function that runs the script; `python` is the body of a shell script."""

    def run(python: str, *options: str) -> subprocess.CompletedProcess:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{python}\n")
        program.chmod(0o755)
        return subprocess.run(
            [ROOT / "scripts" / "check_gpu.sh", *options],
            env={"PATH": "/usr/bin:/bin", "PYTHON": str(program), "OUT": str(tmp_path / "out")},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_without_a_gpu_one_line_says_so(check, tmp_path):
    done = check("exit 1")
    assert done.returncode == 2
    assert done.stderr.startswith("no GPU: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bogus", "1"], "unknown option --bogus; see --help"),
        (["--wheels"], "--wheels needs a value"),
        (["--wheels", "/nowhere"], "/nowhere: there is no such folder"),
        (["--device", "tpu"], "--device must be cuda or cpu, not tpu"),
    ],
)
def test_wrong_options_are_refused(options, message, check):
    done = check("exit 0", *options)
    assert (done.returncode, done.stderr) == (2, message + "\n")


def test_a_failing_step_does_not_stop_the_next_one(check, tmp_path):
    done = check('case "$*" in *bench_gpu*) echo broken; exit 3;; esac', "--wheels", str(tmp_path))
    assert done.returncode == 1
    found = json.loads((tmp_path / "out" / "check_gpu.json").read_text())
    states = {step["step"]: step["state"] for step in found["steps"]}
    assert states == {
        **{"packages": "passed", "environment": "passed", "exactness": "passed"},
        **{"speed": "failed, exit code 3", "training": "passed"},
    }
    assert "broken" in done.stdout
    assert "broken" in (tmp_path / "out" / "check_gpu.log").read_text()
    assert "speed" in done.stdout.partition("== summary")[2]
