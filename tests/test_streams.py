"""Standard streams that are closed or full, or whose encoding lacks characters."""

import errno
import io
import os
import subprocess
import sys

import pytest

from seqtag.streams import Output, standard_streams

FULL = "standard output: cannot be written: No space left on device"
CLOSED = "standard output: cannot be written: Bad file descriptor"


def run(command: str, **environment: str) -> tuple[int, str, str]:
    """Run a shell command, SEQTAG replaced by the program; return exit code, output, errors."""
    program = f"{sys.executable} -m seqtag.cli"
    done = subprocess.run(
        ["bash", "-c", command.replace("SEQTAG", program)],
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
@pytest.mark.parametrize(
    "arguments", ["", "--version", "train --help", "tag --help", "train --cfg job"]
)
def test_failed_output_is_an_error(arguments, redirection):
    code, out, err = run(f"SEQTAG {arguments} {redirection}")
    assert (code, out) == (1, "")
    assert err == f"seqtag: error: {FULL if 'full' in redirection else CLOSED}\n"


def test_exit_code_without_any_stream():
    assert run("SEQTAG --version <&- >&- 2>&-") == (1, "", "")
    assert run("SEQTAG --version 2> /dev/full")[0] == 0
    assert run("SEQTAG nonsense <&- 2>&-") == (2, "", "")


def full_output() -> Output:
    return Output(open("/dev/full", "wb"), encoding="ascii", errors="backslashreplace")


def test_first_failure_is_recorded_and_later_output_discarded():
    output = full_output()
    assert output.write("one") == 3
    output.flush()
    assert output.failure.errno == errno.ENOSPC
    output.write("x" * 100_000)
    output.close()
    with full_output() as output:
        output.buffer.write(b"tagged")
        with pytest.raises(OSError, match="No space left"):
            output.buffer.flush()


def test_characters_that_the_encoding_lacks_are_escaped(monkeypatch):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    for name in ("stdout", "__stdout__"):
        monkeypatch.setattr(sys, name, stream)
    with standard_streams() as streams:
        print("PÉR 语 \udcff")
        assert streams.output_error() is None
    assert sys.stdout is stream
    assert raw.getvalue() == rb"P\xc9R \u8bed \udcff" + b"\n"


def test_streams_of_the_caller_are_not_replaced(capsys):
    before = sys.stdout, sys.stderr
    with standard_streams():
        assert (sys.stdout, sys.stderr) == before
        print("captured")
    assert capsys.readouterr().out == "captured\n"
