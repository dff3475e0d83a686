"""The whole program: it starts, answers, and stops; a wrong argument is one line."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

from seqtag.cli import main


@contextmanager
def program(*arguments):
    """Run `seqtag serve`; yield the process and its URL."""
    command = [sys.executable, "-m", "seqtag.cli", "serve", *arguments, "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            line = next(line for line in process.stderr if "http" in line)
            yield process, re.search(r"http://\S+", line)[0]
        finally:
            process.kill()


def post(url, fields):
    body = json.dumps(fields).encode()
    request = urllib.request.Request(f"{url}/tag", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


@pytest.mark.slow
def test_it_answers_until_a_signal_stops_it(folder, tagger):
    with program("--model", str(folder), "--workers", "1") as (process, url):
        answer = post(url, {"text": "Alex left Paris."})
        assert answer["sentences"] == [s.to_plain() for s in tagger.tag("Alex left Paris.")]
        # A connection on which nothing arrives does not delay the end.
        with socket.create_connection(url.removeprefix("http://").split(":")):
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        assert process.stderr.read().splitlines()[-1] == "seqtag: stopped"


def test_a_port_in_use_is_one_line(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--model", str(tmp_path), "--port", str(port)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--port {port}: 127.0.0.1 cannot be used: address already in use" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "x"], "--port x: must be a whole number from 0 to 65,535"),
        (["--port", "70000"], "--port 70000: must be a whole number"),
        (["--workers", "0"], "--workers 0: must be a whole number from 1"),
        (["--max-body", "-1"], "--max-body -1: must be a whole number from 1"),
        (["--host", "no such host", "--port", "0"], "--host no such host: there is no such"),
        (["--model", "x"], "--model x: given twice"),
    ],
)
def test_wrong_arguments_are_one_line(capsys, arguments, message):
    assert main(["serve", "--model", "x", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
