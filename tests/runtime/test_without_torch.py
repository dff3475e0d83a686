"""The wheel of seqtag in an environment with numpy, onnxruntime and tokenizers alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARIES = ("numpy", "onnxruntime", "tokenizers")
TEXT = "Alex Graves is going to Paris.\nAnna 💃 stays, really?\n"
CODE = """
import json, sys
from seqtag.runtime import Tagger

tagger = Tagger.load(sys.argv[1])
found = tagger.tag(sys.stdin.read(), probabilities=True, alternatives=3)
assert "torch" not in sys.modules
print(json.dumps([sentence.to_plain() for sentence in found]))
"""


def run(*command, **keywords):
    done = subprocess.run(command, capture_output=True, text=True, **keywords)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Return the interpreter of the environment."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    into = (*pip, "--python", str(python), "install", "-q", "--only-binary", ":all:")
    done = subprocess.run([*into, *LIBRARIES], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no network: pip cannot install {', '.join(LIBRARIES)}")
    run(*pip, "wheel", "-q", "--no-deps", "-w", folder, str(ROOT))
    (wheel,) = folder.glob("seqtag-*.whl")
    run(*pip, "--python", str(python), "install", "-q", "--no-deps", str(wheel))
    return str(python)


@pytest.fixture
def clean():
    """Return an environment of variables in which only the wheel is seqtag."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.mark.slow
def test_the_same_answers_without_torch(python, clean, export_of, tmp_path):
    tagger, folder = export_of("crf")
    expected = [s.to_plain() for s in tagger.tag(TEXT, probabilities=True, alternatives=3)]
    found = json.loads(run(python, "-c", CODE, folder, input=TEXT, env=clean, cwd=tmp_path))
    for one, other in zip(found, expected, strict=True):
        assert one.pop("probabilities") == pytest.approx(other.pop("probabilities"), abs=1e-4)
        for a, b in zip(one.pop("alternatives"), other.pop("alternatives"), strict=True):
            assert a["labels"] == b["labels"]
        for a, b in zip(one["spans"], other["spans"], strict=True):
            assert a.pop("probability") == pytest.approx(b.pop("probability"), abs=1e-4)
        assert one == other


@pytest.mark.slow
def test_the_commands_without_torch(python, clean, export_of, tmp_path):
    tagger, folder = export_of("crf")
    expected = [s.to_plain() for s in tagger.tag(TEXT)]
    options = ("--model", str(folder), "--format", "jsonl")
    for program in (("-m", "seqtag.runtime"), ("-m", "seqtag.cli", "tag")):
        lines = run(python, *program, *options, input=TEXT, env=clean, cwd=tmp_path).splitlines()
        assert list(map(json.loads, lines)) == expected
    for name in ("text", "conll", "csv", "html", "conllu"):
        command = (python, "-m", "seqtag.runtime", *options[:2], "--format", name)
        assert run(*command, input=TEXT, env=clean, cwd=tmp_path)
    done = subprocess.run(
        [python, "-m", "seqtag.runtime", "--model", folder.parent / "model"],
        **{"input": TEXT, "env": clean, "cwd": tmp_path, "capture_output": True, "text": True},
    )
    assert done.returncode == 2
    assert "the library torch is not installed; only an exported folder" in done.stderr
    assert done.stderr.count("\n") == 1
