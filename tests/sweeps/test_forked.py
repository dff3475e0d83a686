"""A job in a forked process: its result, its inputs, and that an interrupt ends it."""

import os
import signal
import threading
import time

import pytest

from seqtag.sweeps.forked import run_forked


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "output.txt"


def run(output, body):
    (output.parent / "work.py").write_text(f"def main(arguments):\n    {body}\n")
    return run_forked("work", ["a", "b=1"], output, ())


@pytest.mark.parametrize(
    ("body", "ended"),
    [
        pytest.param("print('fine')", (0, None), marks=pytest.mark.slow),
        ("import sys; print('seqtag: error: no', file=sys.stderr); return 2", (2, "no")),
        pytest.param("return 3", (3, "exit code 3"), marks=pytest.mark.slow),
        ("import os; os.kill(os.getpid(), 9)", (-9, "its process was killed (SIGKILL)")),
        pytest.param("1/0", (1, "ZeroDivisionError: division by zero"), marks=pytest.mark.slow),
    ],
)
def test_exit_code_and_reason(body, ended, output):
    assert run(output, body) == ended


@pytest.mark.slow
def test_arguments_environment_and_working_directory(output, monkeypatch):
    monkeypatch.chdir(output.parent)
    for value in ("one", "two"):
        monkeypatch.setenv("VALUE", value)
        assert run(output, "import os; print(*arguments, os.environ['VALUE'], os.getcwd())")[0] == 0
        assert output.read_text() == f"a b=1 {value} {output.parent}\n"


@pytest.mark.slow
def test_exit_functions_are_called(output):
    assert run(output, "import atexit; atexit.register(print, 'done'); return 0") == (0, None)
    assert output.read_text() == "done\n"


def test_with_a_device_the_program_is_started_again(output, monkeypatch):
    """The process is the same, but has no state from before the fork."""
    monkeypatch.chdir(output.parent)
    (output.parent / "torch.py").write_text(
        "class accelerator:\n    is_available = staticmethod(lambda: True)\n"
    )
    (output.parent / "work.py").write_text(
        "import sys\nprint(sys.argv[1:], 'torch' in sys.modules)\n"
    )
    assert run_forked("work", ["a", "b=1"], output, ()) == (0, None)
    assert output.read_text() == "['a', 'b=1'] False\n"


def test_an_interrupt_ends_the_job(output):
    def interrupt(*_):
        raise KeyboardInterrupt

    def interrupt_once_it_runs():
        while not (output.exists() and output.read_text().endswith("\n")):
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, interrupt)
    watch = threading.Thread(target=interrupt_once_it_runs, daemon=True)
    watch.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(output, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    finally:
        signal.signal(signal.SIGALRM, before)
    watch.join()
    process = int(output.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
