"""A job in its own process: its result, that an interrupt ends it, and its threads."""

import os
import signal
import sys

import pytest

from seqtag.sweeps.isolated import cores, limited_threads, run_isolated


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("print('fine')", (0, None)),
        ("import sys; print('seqtag: error: no'); print(); sys.exit(2)", (2, "no")),
        ("import sys; sys.exit(3)", (3, "exit code 3")),
        ("import os; os.kill(os.getpid(), 9)", (-9, "its process was killed (SIGKILL)")),
        ("1/0", (1, "ZeroDivisionError: division by zero")),
    ],
)
def test_exit_code_and_reason(code, ended, tmp_path):
    assert run_isolated([sys.executable, "-c", code], tmp_path / "output.txt") == ended


def test_an_interrupt_ends_the_job(tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    output = tmp_path / "output.txt"
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_isolated([sys.executable, "-c", code], output)
    finally:
        signal.signal(signal.SIGALRM, before)
    process = int(output.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_jobs_share_the_cores_unless_the_user_sets_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with limited_threads(1):
        assert "OMP_NUM_THREADS" not in os.environ
    with limited_threads(2):
        assert os.environ["OMP_NUM_THREADS"] == str(max(1, cores() // 2))
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with limited_threads(2):
        assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["OMP_NUM_THREADS"] == "7"
