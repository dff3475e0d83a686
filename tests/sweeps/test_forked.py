"""A job in a forked process: how it ended, what it is told, that it ends with us."""

import os
import signal
import threading
import time

import pytest

from seqtag.sweeps.forked import run_forked


@pytest.fixture
def said(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "said.txt"


def run(said, body):
    (said.parent / "work.py").write_text(f"def main(arguments):\n    {body}\n")
    return run_forked("work", ["a", "b=1"], said, ())


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
def test_how_it_ended(body, ended, said):
    assert run(said, body) == ended


@pytest.mark.slow
def test_what_it_is_told(said, monkeypatch):
    monkeypatch.chdir(said.parent)
    for told in ("one", "two"):
        monkeypatch.setenv("TOLD", told)
        assert run(said, "import os; print(*arguments, os.environ['TOLD'], os.getcwd())")[0] == 0
        assert said.read_text() == f"a b=1 {told} {said.parent}\n"


@pytest.mark.slow
def test_what_was_put_off_to_its_end_is_done(said):
    assert run(said, "import atexit; atexit.register(print, 'done'); return 0") == (0, None)
    assert said.read_text() == "done\n"


def test_where_there_is_a_device_it_begins_anew(said, monkeypatch):
    """In the same process, but with nothing of what was forked."""
    monkeypatch.chdir(said.parent)
    (said.parent / "torch.py").write_text(
        "class accelerator:\n    is_available = staticmethod(lambda: True)\n"
    )
    (said.parent / "work.py").write_text(
        "import sys\nprint(sys.argv[1:], 'torch' in sys.modules)\n"
    )
    assert run_forked("work", ["a", "b=1"], said, ()) == (0, None)
    assert said.read_text() == "['a', 'b=1'] False\n"


def test_it_ends_with_us(said):
    def interrupt(*_):
        raise KeyboardInterrupt

    def interrupt_once_it_runs():
        while not (said.exists() and said.read_text().endswith("\n")):
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, interrupt)
    watch = threading.Thread(target=interrupt_once_it_runs, daemon=True)
    watch.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(said, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    finally:
        signal.signal(signal.SIGALRM, before)
    watch.join()
    process = int(said.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
