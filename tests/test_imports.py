"""Imports run one way (the arrows), and the light modules stay light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "seqtag"

# What each part of the package may import of the others. Those of `GROUND` everybody may.
ARROWS = {
    "errors": set(),
    "terminal": set(),
    "cache": set(),
    "checks": set(),
    "memory": set(),
    "streams": set(),
    "labels": set(),
    "cells": set(),
    "recurrent": {"cells", "cache"},
    "model": {"recurrent", "cells", "labels"},
    "data": {"labels", "cache"},
    "metrics": {"labels"},
    "io": {"model", "data", "labels", "recurrent", "cells"},
    "probes": {"io", "model", "data", "metrics", "labels"},
    "inspect": {"io", "model", "data", "metrics", "labels", "recurrent", "cells"},
    "report": set(),
    "sweeps": {"io", "report"},
    "training": {
        *("labels", "cells", "recurrent", "model", "data"),
        *("metrics", "io", "probes", "inspect", "report", "sweeps"),
    },
}
# The ground floor: errors, checks on top of them, text made fit for a terminal.
GROUND = ("errors", "checks", "terminal")
# Of the libraries, who alone may import them: a part of the package, or one file.
ONLY = {
    "hydra": ("cli.py", "training/launch.py", "training/overrides.py", "sweeps/"),
    "omegaconf": ("cli.py", "training/launch.py", "training/overrides.py", "sweeps/"),
    "lightning": ("training/", "data/module.py"),
}
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imported(file: str) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ["seqtag", *Path(file).parent.parts][: -node.level + 1 or None]
            module = node.module or ""
            if node.level:
                module = ".".join([*above, module]).rstrip(".")
            if module == "seqtag" or not module:
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def part_of(file: str) -> str:
    return Path(file).parts[0].removesuffix(".py")


def test_every_part_is_listed():
    unlisted = {part_of(file) for file in FILES} - ARROWS.keys() - {"__init__", "cli"}
    assert not unlisted, f"say in this test what these may import: {sorted(unlisted)}"


@pytest.mark.parametrize("file", FILES)
def test_arrows(file):
    part = part_of(file)
    wrong = []
    for line, name in imported(file):
        top, _, rest = name.partition(".")
        if top == "seqtag":
            other = rest.partition(".")[0]
            free = part in ("cli", "__init__") or other in (part, *GROUND, "__version__")
            if not free and other not in ARROWS[part]:
                wrong.append(f"{file}:{line}: {part} -> {other} (imports {name})")
        elif top in ONLY and not file.startswith(ONLY[top]):
            wrong.append(f"{file}:{line}: {top} is imported by {', '.join(ONLY[top])} only")
        elif top == "torch" and part in ("labels", *GROUND, "cache", "report", "cli", "__init__"):
            wrong.append(f"{file}:{line}: {part} does not import torch")
    assert not wrong, "wrong arrows:\n" + "\n".join(wrong)


def test_of_data_io_needs_the_encoder_and_the_text_readers():
    # Corpora, their caches and what reads tables stay out of a program that only tags.
    allowed = {
        *("encode", "labelset", "vocabulary", "wordforms", "lines", "decoding", "sentence"),
        *("config", "layout", "columns", "conllu", "json_lines", "readers", "tokenizer_file"),
    }
    for file in FILES:
        if part_of(file) == "io":
            for line, name in imported(file):
                if name.startswith("seqtag.data."):
                    assert name.split(".")[2] in allowed, f"{file}:{line}: io -> {name}"


@pytest.mark.parametrize("seen", ["import", "from"])
def test_a_wrong_arrow_is_seen(seen, tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    (tmp_path / "data").mkdir()
    line = "import seqtag.probes.base" if seen == "import" else "from ..probes import base"
    (tmp_path / "data" / "x.py").write_text(f"def f():\n    {line}\n")
    ((number, name),) = imported("data/x.py")
    assert number == 2
    assert name.startswith("seqtag.probes")


def test_light_modules_import_nothing_heavy():
    code = (
        "import sys, seqtag, seqtag.cli, seqtag.errors, seqtag.labels, seqtag.training.help\n"
        "heavy = ('torch', 'datasets', 'lightning', 'numpy', 'hydra', 'rich', 'tokenizers')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout


def test_the_launcher_waits_for_no_torch():
    code = "import sys, seqtag.training.launch\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
