"""A data format of an installed package: train, check, evaluate and tag read it."""

import json
import re

import pytest

from seqtag.cli import main
from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.corpus.parts import cut_files
from seqtag.data.corpus.splits import find_sources
from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError

LINES = "Anna/B-PER lives/O in/O Paris/B-LOC\nBo/B-PER met/O Anna/B-PER\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    for split, count in (("train", 20), ("dev", 5), ("test", 5)):
        (folder / f"{split}.sl").write_text(LINES * count)
    (folder / "notes.txt").write_text("not part of it")
    return folder


@pytest.mark.usefixtures("installed")
def test_a_corpus_is_found_read_and_cut(corpus):
    found = load_corpus(CorpusConfig(format="mine", path=str(corpus)))
    assert (list(found.splits), found.scheme) == (["train", "dev", "test"], "bio")
    assert found.splits["dev"][1]["tokens"] == ["Bo", "met", "Anna"]
    config = CorpusConfig(format="mine", path="x")
    file = SourceFile(corpus / "train.sl", "train.sl")
    parts = cut_files([file], config, 300)
    assert len(parts) > 1
    assert [s for part in parts for s in config.read(part)] == list(config.read(file))


@pytest.mark.usefixtures("installed")
def test_errors_name_file_and_line(write):
    path = write("a.sl", "Anna/B-PER\n/O\n")
    with pytest.raises(InputError, match=r"^a.sl:2: token/label is expected"):
        load_corpus(CorpusConfig(format="mine", path=str(path)))


@pytest.mark.usefixtures("installed")
def test_files_are_read_again_when_its_code_changes(corpus, write, monkeypatch):
    source = find_sources(CorpusConfig(format="mine", path=str(corpus)))["train"]
    before = source.identity()
    assert source.identity() == before
    monkeypatch.setattr("inspect.getfile", lambda _: str(write("formats.py", "# another reader")))
    assert source.identity() != before


def test_every_verb_reads_the_format(seqtag, corpus, tmp_path):
    data = ["data=mine", f"data.path={corpus}"]
    small = ["model.hidden_size=4", "model.words.size=4", "model.characters=null"]
    model, scores = tmp_path / "run" / "model", tmp_path / "scores"
    verbs = [
        ["check", *data],
        [
            "train",
            *data,
            *small,
            "engine=torch",
            "trainer.max_epochs=1",
            f"hydra.run.dir={tmp_path}/run",
        ],
        [
            "evaluate",
            f"model_dir={model}",
            f"data.path={corpus}",
            "engine=torch",
            f"hydra.run.dir={scores}",
        ],
    ]
    for arguments in verbs:
        assert main(arguments) == 0
    assert json.loads((scores / "metrics.json").read_text())["tokens"] == 35
    given = ("--input", str(corpus / "test.sl"), "--input-format", "mine", "--format", "mine")
    done = seqtag("tag", "--model", str(model), *given)
    assert done.returncode == 0, done.stderr
    tagged = [[pair.split("/") for pair in line.split(" ")] for line in done.stdout.splitlines()]
    words = [["Anna", "lives", "in", "Paris"], ["Bo", "met", "Anna"]] * 5
    assert [[word for word, _ in line] for line in tagged] == words
    assert {label for line in tagged for _, label in line} <= {
        "O",
        "B-PER",
        "I-PER",
        "B-LOC",
        "I-LOC",
    }


@pytest.mark.usefixtures("installed")
def test_the_help_lists_the_format(capsys):
    assert main(["train", "--help"]) == 0
    data = capsys.readouterr().out.partition("\n  data: ")[2].partition("\n\n")[0]
    assert re.search(r"mine +From the package seqtag-extra", data)
