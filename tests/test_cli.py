"""The whole program: train, tag and evaluate; errors are one line."""

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqtag import __version__
from seqtag.cli import main

SCRIPTS = Path(__file__).parent.parent / "scripts"
SENTENCE = "Ada B-PER\nlives O\nin O\nRome B-LOC\n. O\n\nDr O\nBob B-PER\nSmith I-PER\nleft O\n\n"
VERBS = (
    "train",
    "evaluate",
    "check",
    "probe",
    "tag",
    "trace",
    "inspect",
    "serve",
    "push",
    "export",
    "report",
)
SMALL = ["model.hidden_size=8", "model.words.size=8", "trainer.max_epochs=1"]


def program(*arguments: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess:
    """Run `seqtag`, or one of its scripts, in a subprocess in the folder `cwd`."""
    command = arguments if arguments[0].endswith(".py") else ("-m", "seqtag.cli", *arguments)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        input=stdin.encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """Train once with the script in a subprocess; return its working folder and the process.

    Importing Lightning takes such a process seconds: this is the only one that does.
    """
    folder = tmp_path_factory.mktemp("cli")
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text(SENTENCE * 15, encoding="utf-8")
    script = str(SCRIPTS / "train.py")
    done = program(script, "data=column", "data.path=.", *SMALL, "hydra.run.dir=run", cwd=folder)
    return folder, done


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Change to an empty folder and return it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run_script(monkeypatch, capsys) -> Callable[..., tuple[int, str]]:
    """Return a function that runs a verb's script here; it returns exit code and output."""

    def run(verb: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [str(SCRIPTS / f"{verb}.py"), *arguments])
        with pytest.raises(SystemExit) as raised:
            runpy.run_path(sys.argv[0], run_name="__main__")
        return raised.value.code, capsys.readouterr().out

    return run


def test_train_script_in_a_subprocess(trained):
    folder, done = trained
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "run").iterdir()} == {
        *(".hydra", "checkpoints", "metrics.csv", "metrics.json", "model", "run.json", "train.log"),
        *("confusion.csv", "errors.html", "predictions.conll"),
    }
    # Results go to standard output and log lines to standard error, and nothing else does.
    assert "test split by label" in done.stdout
    # A kernel is compiled where no test before this one has needed it.
    lines = [line for line in done.stderr.splitlines() if not re.search(" kernel /", line)]
    expected = (
        *("importing torch", "reading the corpus ", "sentences: ", "network: ", "training on"),
        *("recurrent: ", "epoch 1/1: loss ", "trained for "),
    )
    assert len(lines) == len(expected), done.stderr
    for line, start in zip(lines, expected, strict=True):
        assert re.match(rf"\d\d:\d\d:\d\d {start}", line)
    assert "\x1b" not in done.stdout + done.stderr  # no bar, no colours


def test_tag_in_a_subprocess(trained):
    folder, _ = trained
    model = str(folder / "run" / "model")
    done = program("tag", "--model", model, "--format", "conll", cwd=folder, stdin="Ada left.")
    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["Ada", "left", ".", ""]
    assert done.stderr == ""


def test_evaluate_script_from_another_folder(trained, here, run_script):
    model = f"model_dir={trained[0] / 'run' / 'model'}"
    code, out = run_script("evaluate", model, f"data.path={trained[0]}", "hydra.run.dir=here")
    assert code == 0
    assert "test split by label" in out
    scores = json.loads((here / "here" / "metrics.json").read_text())
    trained_on = json.loads((trained[0] / "run" / "metrics.json").read_text())["splits"]["test"]
    assert scores["f1"] == trained_on["f1"]


# A script inspect.py would hide Python's module of that name from the other scripts.
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "inspect"])
def test_each_verb_has_a_script(verb, run_script):
    code, out = run_script(verb, "--help")
    assert code == 0
    assert out.startswith(f"usage: seqtag {verb} ")


def failed(capsys, *arguments: str) -> str:
    """Run a verb in this process that must fail; return its error message."""
    code = main(list(arguments))
    out, err = capsys.readouterr()
    assert code == 2, err
    *notes, line = err.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d ", note) for note in notes), err
    assert out == ""
    assert line.startswith("seqtag: error: ")
    return line.removeprefix("seqtag: error: ")


COLUMN = ("data=column", "data.path=x.txt")


@pytest.mark.parametrize(
    ("content", "overrides", "message"),
    [
        (None, [], "data.path=x.txt: no such file or folder"),
        ("", [], "x.txt: empty"),
        ("a O\nb\n", [], "x.txt:2: 1 column"),
        (b"a O\n\xff O\n", [], "x.txt:2"),
        ("a O\nb X-PER\n", ["data.scheme=bio"], "x.txt:2"),
        ("a O\n", ["data.label_column=ner"], "no column 'ner'"),
        ("a O\n", ["data.features=[pos]"], "no column 'pos'"),
        ("a O\n", ["data.batch.sentences=0"], "data.batch.sentences must be a whole number"),
        ("a O\n" * 9, ["model.decoder=crff"], "model.decoder must be one of crf, softmax, not"),
        ("a O\n" * 9, ["cell.name=lstmm"], "unknown cell.name 'lstmm' (did you mean 'lstm'?)"),
        ("a B-X\n" * 9, ["optimizer._target_=os.system"], "os.system is not a class derived from"),
        ("a B-X\n" * 9, ["ckpt_path=no.ckpt"], "ckpt_path: there is no checkpoint 'no.ckpt'"),
    ],
)
def test_errors_of_corpora_and_settings(content, overrides, message, here, write, capsys):
    if content is not None:
        write("x.txt", content)
    assert message in failed(capsys, "train", *COLUMN, *overrides, "hydra.run.dir=run")
    assert not (here / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unknown verb 'trian' (did you mean 'train'?)"),
        (["train", "sede=1"], "unknown key 'sede' (did you mean 'seed'?)"),
        (["evaluate"], "model_dir is not set"),
        (["evaluate", "model_dir=nowhere"], "nowhere: there is no such folder"),
        (["evaluate", "model_dir=x", "spilt=dev"], "unknown key 'spilt' (did you mean 'split'?)"),
        (["check", "data=json", "data.path=no.jsonl"], "no.jsonl: no such file"),
        (["tag", "--model", "nowhere"], "nowhere: there is no such folder"),
        (["tag", "--model", "x", "a b"], "'a b': text comes from --input FILE or standard input"),
        (["trace", "Mary", "--model", "x", "slept"], "'Mary slept': put the sentence in quotes"),
    ],
)
def test_errors_of_arguments(arguments, message, here, capsys):
    assert message in failed(capsys, *arguments)
    assert not list(here.rglob("metrics.json"))


def test_tokens_and_labels_of_different_length(here, write, capsys):
    write(
        "x.jsonl", '{"tokens": ["a"], "labels": ["O"]}\n{"tokens": ["a", "b"], "labels": ["O"]}\n'
    )
    assert "x.jsonl:2" in failed(capsys, "train", "data=json", "data.path=x.jsonl")


def test_unknown_split(trained, here, capsys):
    model = f"model_dir={trained[0] / 'run' / 'model'}"
    message = failed(capsys, "evaluate", model, "split=tset", f"data.path={trained[0]}")
    assert "'tset'" in message
    assert "test" in message


@pytest.mark.parametrize("damage", ["missing", "cut", "later"])
def test_damaged_model_folder(damage, trained, here, capsys):
    folder = here / "model"
    folder.mkdir()
    for path in (trained[0] / "run" / "model").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    weights, config = folder / "model.safetensors", folder / "config.json"
    if damage == "missing":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-9])
    else:
        plain = json.loads(config.read_text())
        config.write_text(json.dumps({**plain, "format": 999}))
    for arguments in (["tag", "--model", "model"], ["evaluate", "model_dir=model"]):
        message = failed(capsys, *arguments)
        assert ("config.json" if damage == "later" else "model.safetensors") in message


def test_exit_code_of_check(here, write, capsys):
    write("good/train.txt", SENTENCE * 3)
    assert main(["check", "data=column", "data.path=good"]) == 0
    write("bad/train.txt", "Ada O\nlives O\n\nBob O\n\n")
    assert main(["check", "data=column", "data.path=bad"]) == 1
    out, err = capsys.readouterr()
    assert "every label is 'O'" in out
    assert err == ""
    assert {path.name for path in here.iterdir()} == {"good", "bad"}


def test_tag_with_empty_input(trained, here, write, capsys):
    write("empty.txt", "")
    model = str(trained[0] / "run" / "model")
    assert main(["tag", "--model", model, "--input", "empty.txt", "--output", "out.txt"]) == 0
    assert (here / "out.txt").read_text() == ""
    assert capsys.readouterr() == ("", "")


def test_top_level_help_and_version(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    with pytest.raises(SystemExit) as raised:
        main(["--version"])
    assert raised.value.code == 0
    assert capsys.readouterr().out == f"seqtag {__version__}\n"


def test_help_and_configuration_of_a_verb(here, capsys):
    assert main(["train", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: seqtag train [group=option")
    assert main(["train", "cell=gru", "--cfg", "job", "seed=5"]) == 0
    shown = capsys.readouterr().out
    assert "\nseed: 5 # " in f"\n{shown}"
    assert "name: gru" in shown
    assert list(here.iterdir()) == []


def test_closed_pipe_is_no_error(tmp_path):
    command = f"{sys.executable} -m seqtag.cli train --help | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.startswith("usage: ")
    assert done.stderr == ""
