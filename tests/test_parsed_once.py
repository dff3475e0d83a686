"""Settings are parsed once: outside `commands/`, no function receives them as a mapping."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "seqtag"
# Configuration groups, and names of the whole configuration.
GROUPS = {
    *("config", "settings", "data", "model", "cell", "optimizer", "scheduler", "trainer"),
    *("callbacks", "logger", "paths", "regime", "probe", "search", "size", "study"),
}
# Parameters that hold the description of the training corpus from a model folder, in JSON.
FROM_A_FOLDER = {
    *(("tagging/tagger.py", "data"), ("tagging/base.py", "data")),
    *(("tagging/layouts.py", "data"), ("runtime/tagger.py", "data")),
    ("tagging/conllu_output.py", "data"),
    ("model_folder/card.py", "data"),
}
MAPPING = re.compile(r"\b(Mapping|dict|Dict|MutableMapping)(\[str, Any\]|(?!\[)\b)")
FILES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] != "commands"
)


def mappings(file: str, text: str) -> Iterator[str]:
    """Yield the parameters of functions that take a group of settings as a mapping."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for one in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                kind = "" if one.annotation is None else ast.unparse(one.annotation)
                plain = MAPPING.search(kind)
                if plain and one.arg in GROUPS and (file, one.arg) not in FROM_A_FOLDER:
                    yield f"{file}:{node.lineno}: {node.name}({one.arg}: {kind})"
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            named = isinstance(node.value, ast.Name) and node.value.id in ("config", "settings")
            if named and isinstance(node.slice.value, str) and node.slice.value != "hydra":
                yield f"{file}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("file", FILES)
def test_no_function_takes_a_mapping_of_settings(file):
    unparsed = list(mappings(file, (PACKAGE / file).read_text(encoding="utf-8")))
    assert not unparsed, "parse these in commands/settings.py:\n" + "\n".join(unparsed)


def test_a_mapping_is_detected():
    text = "def f(config: Mapping[str, Any]):\n    return config['seed']\n"
    assert len(list(mappings("x.py", text))) == 2
