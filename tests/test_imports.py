"""Imports between the parts of the package follow ARROWS, and light modules stay light."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "seqtag"

# The parts that each part of the package may import; all of them may import those of `GROUND`.
ARROWS = {
    **{
        part: set()
        for part in ("errors", "terminal", "annotations", "checks", "files", "registry", "memory")
    },
    **{part: set() for part in ("cache", "columns", "labels", "renamed", "streams")},
    "cells": set(),
    "recurrent": {"cells", "cache"},
    "inputs": {"recurrent", "cells"},
    "model": {"recurrent", "cells", "labels", "inputs"},
    "data": {"labels", "cache", "inputs"},
    "metrics": {"labels"},
    "model_folder": {"model", "data", "inputs", "cells", "metrics"},
    "tagging": {"model_folder", "model", "data", "labels", "inputs", "cells"},
    # Of these parts it uses only what needs no torch: see the tests below.
    "runtime": {"tagging", "model_folder", "data", "cells"},
    "export": {"tagging", "model_folder", "model", "inputs", "recurrent", "cells", "labels"},
    "probes": set(),
    "suites": {"tagging", "probes", "data", "metrics", "inputs"},
    "inspect": {"tagging", "model", "data", "recurrent", "cells", "labels", "probes"},
    "report": {"columns", "metrics", "labels"},
    "sweeps": {"metrics", "renamed"},
    "distributed": {"data"},
    "training": {
        *("distributed", "probes", "tagging", "metrics", "data", "model", "inputs", "recurrent"),
        *("cells", "labels", "renamed", "sweeps", "columns", "model_folder", "report"),
    },
    "study": {
        *("training", "report", "inspect", "suites", "probes", "tagging", "model_folder"),
        *("metrics", "data", "model", "recurrent", "cells", "columns", "labels", "sweeps"),
    },
    "serve": {"tagging", "inspect", "report", "probes", "model", "data", "labels"},
    "commands": {
        *(
            "runtime",
            "serve",
            "study",
            "training",
            "distributed",
            "sweeps",
            "report",
            "inspect",
            "suites",
            "probes",
        ),
        *("tagging", "model_folder", "metrics", "data", "model", "inputs", "recurrent", "cells"),
        *("labels", "columns", "export"),
    },
}
# The ground floor, which every part may import.
GROUND = ("errors", "annotations", "checks", "terminal", "files", "registry")
# Libraries that only some parts or files of the package may import.
ONLY = {
    "hydra": ("commands/", "sweeps/"),
    "omegaconf": ("commands/", "sweeps/"),
    "starlette": ("serve/",),
    "uvicorn": ("serve/",),
    "lightning": ("training/", "distributed/", "data/batches/module.py"),
}
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imported(file: str) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each module that a file imports, at any depth of the code."""
    for node in ast.walk(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ["seqtag", *Path(file).parent.parts][: -node.level + 1 or None]
            module = node.module or ""
            if node.level:
                module = ".".join([*above, module]).rstrip(".")
            for alias in node.names:
                # A name imported from a package is a module of it, or defined in its __init__.
                whole = f"{module}.{alias.name}"
                is_module = (PACKAGE.parent / whole.replace(".", "/")).with_suffix(".py").is_file()
                is_package = (PACKAGE.parent / whole.replace(".", "/")).is_dir()
                named = is_module or is_package or module == "seqtag" or not module
                yield node.lineno, whole if named else module


def part_of(file: str) -> str:
    return Path(file).parts[0].removesuffix(".py")


def test_every_part_is_listed():
    unlisted = {part_of(file) for file in FILES} - ARROWS.keys() - {"__init__", "cli"}
    assert not unlisted, f"add these to ARROWS in this test: {sorted(unlisted)}"


@pytest.mark.parametrize("file", FILES)
def test_imports_follow_the_arrows(file):
    part = part_of(file)
    wrong = []
    for line, name in imported(file):
        top, _, rest = name.partition(".")
        if top == "seqtag":
            other = rest.partition(".")[0]
            # A program, as cli.py, is imported by nothing.
            program = part in ("cli", "__init__") or file.endswith("__main__.py")
            free = program or other in (part, *GROUND, "__version__")
            if not free and other not in ARROWS[part]:
                wrong.append(f"{file}:{line}: {part} -> {other} (imports {name})")
        elif top in ONLY and not file.startswith(ONLY[top]):
            wrong.append(f"{file}:{line}: {top} is imported by {', '.join(ONLY[top])} only")
        elif top == "torch" and part in ("labels", *GROUND, "cache", "report", "cli", "__init__"):
            wrong.append(f"{file}:{line}: {part} does not import torch")
    assert not wrong, "imports not in ARROWS:\n" + "\n".join(wrong)


def test_tagging_imports_no_corpora():
    # Corpora, their caches and readers of tables are not needed for tagging.
    allowed = {
        *("batches.order", "config", "encode.indexer", "encode.labelset", "encode.word_cache"),
        *("formats.lines", "formats.decoding", "formats.sentence", "formats.layout"),
        *(
            "formats.document",
            "formats.annotation.spacy",
            "formats.base",
            "text.split",
            "text.tokenizers",
        ),
    }
    for file in FILES:
        if part_of(file) in ("tagging", "model_folder"):
            for line, name in imported(file):
                if name.startswith("seqtag.data."):
                    module = name.removeprefix("seqtag.data.")
                    assert module in allowed, f"{file}:{line}: {part_of(file)} -> {name}"


MODULES = {
    ("seqtag." + file[:-3].replace("/", ".")).removesuffix(".__init__"): file for file in FILES
}


def files_imported(file: str) -> Iterator[str]:
    """Yield the files of the package that a file imports, other than itself."""
    for _, name in imported(file):
        other = MODULES.get(name)
        if other not in (None, file):
            yield other


@pytest.mark.parametrize("folder", sorted({Path(file).parent.as_posix() for file in FILES}))
def test_no_circular_imports_inside_a_folder(folder):
    """The files and subfolders of a folder do not import each other in a circle."""
    above = Path(folder).parts
    graph: dict[str, set[str]] = {}
    for file in FILES:
        parts = Path(file).parts
        if parts[: len(above)] != above or parts[-1] == "__init__.py":
            continue
        for other in map(Path, files_imported(file)):
            inside = other.parts[: len(above)] == above and other.name != "__init__.py"
            if inside and other.parts[len(above)] != parts[len(above)]:
                graph.setdefault(parts[len(above)], set()).add(other.parts[len(above)])
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"{folder}: a circle of imports: {' -> '.join(error.args[1])}")


def test_no_module_is_named_in_a_string():
    """A module name in a string is an import that the tests above cannot detect."""
    # The program that a rank or job runs, classes that a configuration may name, and groups of
    # entry points.
    allowed = {
        "distributed/process.py": "seqtag.cli",
        "training/targets.py": "seqtag.training.",
        "renamed.py": "seqtag.training.",
        "model/encoders/registry.py": "seqtag.encoders",
        "data/formats/base.py": "seqtag.formats",
    }
    hidden = []
    for file in FILES:
        for node in ast.walk(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named = re.fullmatch(r"(seqtag(\.\w+)+)", node.value)
                if named and not node.value.startswith(allowed.get(file, "\0")):
                    hidden.append(f"{file}:{node.lineno}: {node.value}")
    assert not hidden, "\n".join(hidden)


@pytest.mark.parametrize("statement", ["import", "from"])
def test_imports_are_detected(statement, tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    (tmp_path / "data").mkdir()
    line = "import seqtag.probes.base" if statement == "import" else "from ..probes import base"
    (tmp_path / "data" / "x.py").write_text(f"def f():\n    {line}\n")
    ((number, name),) = imported("data/x.py")
    assert number == 2
    assert name.startswith("seqtag.probes")


NO_TORCH = """
import sys


class Refused:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in ("torch", "lightning", "datasets", "hydra", "pandas", "pyarrow", "safetensors"):
            raise ImportError(f"{name} is refused")


sys.meta_path.insert(0, Refused())
"""


def test_the_runtime_and_what_taggers_share_need_no_torch():
    modules = (
        *("seqtag.runtime", "seqtag.tagging.base", "seqtag.tagging.writers", "seqtag.inputs"),
        *("seqtag.tagging.readers", "seqtag.model_folder.contents", "seqtag.commands.tag"),
    )
    code = f"{NO_TORCH}\nimport {', '.join(modules)}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_light_modules_import_no_slow_libraries():
    code = (
        "import sys, seqtag, seqtag.cli, seqtag.errors, seqtag.labels, seqtag.commands.help\n"
        "heavy = ('torch', 'datasets', 'lightning', 'numpy', 'hydra', 'rich', 'tokenizers')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout


def test_the_launcher_does_not_import_torch():
    code = "import sys, seqtag.commands.launch\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_private_attributes_of_lightning_are_used_in_one_file():
    private = re.compile(r"\b(trainer|loop|fit_loop|epoch_loop|strategy|connector)\._[a-z]")
    home = "training/resume/lightning_internals.py"
    users = {f for f in FILES if private.search((PACKAGE / f).read_text(encoding="utf-8"))}
    assert users == {home}
