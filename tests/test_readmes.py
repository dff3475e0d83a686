"""The READMEs: links lead somewhere, commands and Python code run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shared.readmes import (
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


def blocks(language):
    """Return the code blocks in a language, as parameters of a test."""
    return [
        pytest.param(readme, block, id=f"{readme.relative_to(ROOT).as_posix()}:{block.line}")
        for readme in readmes()
        for block in split(readme.read_text(encoding="utf-8"))[1]
        if block.language == language
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


@pytest.fixture
def run(place):
    """Return a function that runs a program in a folder in which every name of a README exists."""

    def run_in_place(*program: str) -> None:
        path = os.pathsep.join([str(place / "bin"), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            program, cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

    return run_in_place


@pytest.fixture
def place(tmp_path):
    """Return a folder with a corpus, a tagger and a text under the names that READMEs use."""
    (tmp_path / "bin").mkdir()
    for name, arguments in {"python": "", "seqtag": "-m seqtag.cli"}.items():
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    shutil.copytree(FIXTURES / "model", tmp_path / "MODEL")
    shutil.copytree(FIXTURES / "model", tmp_path / "logs" / "train" / "DATE_TIME" / "model")
    (tmp_path / "my" / "corpus").mkdir(parents=True)
    for split_name in ("train", "dev", "test"):
        text = (FIXTURES / "corpus" / f"{split_name}.txt").read_text(encoding="utf-8")
        with_tags = re.sub(r"^(\S+) (\S+)$", r"\1 X \2", text, flags=re.MULTILINE)
        (tmp_path / "my" / "corpus" / f"{split_name}.txt").write_text(with_tags, encoding="utf-8")
    (tmp_path / "text.txt").write_text("Alex Graves left Munich for Toronto.\n", encoding="utf-8")
    return tmp_path


def script(readme: Path) -> str:
    """Return the Python code of a README as one program."""
    _, found = split(readme.read_text(encoding="utf-8"))
    return "\n".join(line for block in found if block.language == "python" for line in block.lines)


def test_python_of_the_first_page(run, place):
    (place / "program.py").write_text(script(README), encoding="utf-8")
    run("python", "program.py")
