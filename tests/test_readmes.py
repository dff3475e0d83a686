"""The READMEs: links lead somewhere, commands and Python code run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from shared.annotated import tickets, write_records
from shared.readmes import (
    PROBE,
    PRONOUN,
    ROOT,
    Block,
    Rule,
    anchors,
    broken_links,
    commands,
    readmes,
    shortened,
    split,
)

FIXTURES = Path(__file__).parent / "fixtures" / "0.1"
README = ROOT / "README.md"
every_readme = pytest.mark.parametrize(
    "readme", readmes(), ids=lambda path: path.relative_to(ROOT).as_posix()
)


def found_blocks(readme: Path, language: str) -> list[Block]:
    """Return the code blocks of a README in a language."""
    _, found = split(readme.read_text(encoding="utf-8"))
    return [block for block in found if block.language == language]


def python_of(readme: Path) -> str:
    """Return the Python code of a README as one program."""
    return "\n".join(line for block in found_blocks(readme, "python") for line in block.lines)


def blocks(language):
    """Return the code blocks in a language, as parameters of a test."""
    return [
        pytest.param(readme, block, id=f"{readme.relative_to(ROOT).as_posix()}:{block.line}")
        for readme in readmes()
        for block in found_blocks(readme, language)
    ]


@every_readme
def test_links_lead_somewhere(readme):
    assert list(broken_links(readme)) == []


@every_readme
def test_no_path_of_one_machine(readme):
    text = readme.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w./])/(?:home|root|tmp|Users|work)/\S*", text) == []


def test_the_first_page_is_short():
    assert len(README.read_text(encoding="utf-8").split()) <= 1500


def test_anchors_are_those_of_github():
    text = "# A `b`: C, d!\n## [Link](x.md) of it\n## Twice\n## Twice\n"
    assert anchors(text) == {"a-b-c-d", "link-of-it", "twice", "twice-1"}


def test_broken_links_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("shared.readmes.ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# Here\n")
    links = "[a](other.md#here) [b](other.md#there) [c](no.md) [d](/etc/passwd) [e](#top)\n# Top\n"
    (tmp_path / "README.md").write_text(f"{links}```text\n[f](none.md)\n```\n")
    assert [line.partition(":")[0] for line in broken_links(tmp_path / "README.md")] == [
        *("other.md#there", "no.md", "/etc/passwd")
    ]


def test_commands_are_joined_and_shortened():
    block = Block("sh", 1, ("# why", "X=1 seqtag train -m cell=a,b,c \\", "  seed=1,2"))
    assert commands(block) == ["X=1 seqtag train -m cell=a,b,c seed=1,2"]
    short = shortened(commands(block)[0])
    assert short.startswith("X=1 seqtag train -m cell=a,b seed=1 data.train=40 ")
    with pytest.raises(AssertionError, match=r"no rule of tests/shared/readmes\.py is for: rm x"):
        shortened("rm x")
    with pytest.raises(AssertionError, match="'full' is not in"):
        Rule("seqtag", (("full", "quick"),)).apply("seqtag probe")


@pytest.mark.parametrize(("readme", "block"), blocks("sh"))
def test_every_command_has_a_rule(readme, block):
    for command in commands(block):
        shortened(command)


def run_in(place: Path, *program: str) -> None:
    """Run a program in a folder; `python` and `seqtag` are those of the tests."""
    path = os.pathsep.join([str(place / "bin"), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        program, cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.fixture
def place(tmp_path):
    """Return a folder with a corpus, a tagger and a text under the names that READMEs use."""
    (tmp_path / "bin").mkdir()
    for name, arguments in {"python": "", "seqtag": "-m seqtag.cli"}.items():
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    write_corpora(tmp_path)
    write_tickets(tmp_path)
    shutil.copytree(FIXTURES / "model", tmp_path / "MODEL")
    config = json.loads((tmp_path / "MODEL" / "config.json").read_text(encoding="utf-8"))
    config["data"]["columns"] = ["tokens", "pos", "labels"]
    (tmp_path / "MODEL" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copytree(tmp_path / "MODEL", tmp_path / "logs" / "train" / "DATE_TIME" / "model")
    for name in ("FILE", "text.txt", "unlabelled.txt"):
        (tmp_path / name).write_text("Alex Graves left Munich for Toronto.\n", encoding="utf-8")
    rows = [
        f"{i},{word},{label}" for i in range(4) for word, label in (("He", "B-X"), ("ran", "O"))
    ]
    text = "".join(line + "\n" for line in rows)
    (tmp_path / "ner.csv").write_text(f"Sentence #,Word,Tag\n{text}", encoding="utf-8")
    (tmp_path / "new.csv").write_text("Sentence #,tokens\n1,He\n,ran\n", encoding="utf-8")
    (tmp_path / "all.txt").write_text("He B-X\nran O\n\n" * 10, encoding="utf-8")
    for name in ("cities.txt", "names.txt"):
        (tmp_path / name).write_text("Munich\nNew York\n", encoding="utf-8")
    (tmp_path / "VECTORS").write_text(f"left{' 0.5' * 300}\n", encoding="utf-8")
    return tmp_path


def write_tickets(place: Path) -> None:
    """Write tickets with annotated spans, tickets to tag, and a few with one more type of span."""
    types = ("PERSON", "PRODUCT")
    write_records(place / "tickets.jsonl", tickets(200, 1, types))
    lines = [f"{ticket['text']}\n" for ticket in tickets(300, 2, ())]
    (place / "inbox.txt").write_text("".join(lines), encoding="utf-8")
    write_records(place / "more.jsonl", tickets(50, 3, (*types, "CITY")))


def write_corpora(place: Path) -> None:
    """Write the corpora `my/corpus` and `my/spans`, and FOLDER with each format in a folder."""
    spans = place / "my" / "spans"
    spans.mkdir(parents=True)
    records = [{"text": "Ann left.", "label": [[0, 3, "PER"]]}, {"text": "Rain.", "label": []}] * 4
    (spans / "train.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    folders = {name: place / "FOLDER" / name for name in ("conllu", "json", "csv", "parquet")}
    folders |= {name: place / "FOLDER" / name for name in ("column", "wnut17")}
    for folder in (*folders.values(), place / "my" / "corpus"):
        folder.mkdir(parents=True)
    for part in ("train", "dev", "test"):
        text = (FIXTURES / "corpus" / f"{part}.txt").read_text(encoding="utf-8")
        sentences = [
            [line.split() for line in one.splitlines()] for one in text.split("\n\n") if one.strip()
        ]
        columns = re.sub(r"^(\S+) (\S+)$", r"\1 N \2", text, flags=re.MULTILINE)
        for folder in (place / "my" / "corpus", folders["column"]):
            (folder / f"{part}.txt").write_text(columns, encoding="utf-8")
        (folders["wnut17"] / f"{part}.conll").write_text(text.replace(" ", "\t"), encoding="utf-8")
        conllu = "".join(
            "".join(
                f"{n}\t{word}\t_\t{'NX'[n % 2]}\t_\tNumber={n % 2}\t0\troot\t_\t_\n"
                for n, (word, _) in enumerate(one, 1)
            )
            + "\n"
            for one in sentences
        )
        (folders["conllu"] / f"en-ud-{part}.conllu").write_text(conllu, encoding="utf-8")
        (place / "treebank.conllu").write_text(conllu, encoding="utf-8")
        frame = pd.DataFrame(
            {
                "tokens": [[word for word, _ in one] for one in sentences],
                "labels": [[label for _, label in one] for one in sentences],
            }
        )
        # Training in two files: each worker of a stream reads its own.
        for number, half in enumerate((frame[::2], frame[1::2]) if part == "train" else (frame,)):
            file = folders["json"] / f"{part}-{number}.jsonl"
            half.to_json(file, orient="records", lines=True)
        frame.to_parquet(folders["parquet"] / f"{part}.parquet")
        frame.map(" ".join).to_csv(folders["csv"] / f"{part}.csv", index=False)


@pytest.fixture(scope="session")
def pronoun_runs(tmp_path_factory):
    """Return a folder with a run of `seqtag probe`, RUN, and one of `seqtag train`, TRAIN."""
    folder = tmp_path_factory.mktemp("runs")
    for verb, name, sizes in (("probe", "RUN", PROBE), ("train", "TRAIN", PRONOUN)):
        program = (sys.executable, "-m", "seqtag.cli", verb)
        run_in(folder, *program, *sizes.split(), f"hydra.run.dir={name}")
    return folder


@pytest.fixture
def full_place(place, pronoun_runs):
    """Return `place` with runs as well: of a probe, and of a training on pronouns."""
    shutil.copytree(pronoun_runs / "RUN", place / "RUN")
    shutil.copytree(pronoun_runs / "RUN", place / "logs" / "probe" / "other" / "RUN")
    shutil.copytree(pronoun_runs / "TRAIN", place / "logs" / "train" / "pronouns" / "TRAIN")
    mine = next(block for block in found_blocks(ROOT / "conf" / "README.md", "yaml"))
    (place / "my" / "experiment").mkdir()
    text = "\n".join(mine.lines)
    (place / "my" / "experiment" / "mine.yaml").write_text(text, encoding="utf-8")
    return place


def test_python_of_the_first_page(place):
    (place / "program.py").write_text(python_of(README), encoding="utf-8")
    run_in(place, "python", "program.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    "readme",
    [
        pytest.param(readme, id=readme.relative_to(ROOT).as_posix())
        for readme in readmes()[1:]
        if python_of(readme)
    ],
)
def test_python_of_a_folder(full_place, readme):
    program = python_of(readme)
    if "table.csv" in program:
        table = full_place / "logs" / "train" / "mine" / "table.csv"
        table.parent.mkdir(parents=True)
        table.write_text("cell,score,runs,failed,mean,low,high\nlstm,test f1,2,0,0.9,0.8,1.0\n")
    if "logs/evaluate" in program:
        arguments = ("model_dir=MODEL", "data.path=my/corpus")
        run_in(full_place, "seqtag", "evaluate", *arguments)
    if '"EXPORTED"' in program:
        run_in(full_place, "seqtag", "export", "--model", "MODEL", "--output", "EXPORTED")
    (full_place / "program.py").write_text(program, encoding="utf-8")
    run_in(full_place, "python", "program.py")


@pytest.mark.slow
@pytest.mark.parametrize(("readme", "block"), blocks("sh"))
def test_commands_run(full_place, readme, block):
    lines = ["set -euo pipefail", *(shortened(command) for command in commands(block))]
    run_in(full_place, "bash", "-xc", "\n".join(lines))
