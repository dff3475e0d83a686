"""Comments of the YAML files in ``conf/``, shown by ``--help`` and ``--cfg job``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_GROUP = re.compile(r"  - (?P<name>\w+): (?P<value>\S+) # (?P<text>.*)")
# A key with those above it: ("data", "batch", "sentences").
Keys = tuple[str, ...]


class Key(NamedTuple):
    """A key of a YAML file: its value as written ("" for a block of keys), and its comment."""

    value: str
    comment: str


def keys_of_file(file: Path) -> dict[Keys, Key]:
    """Return the keys of an option's file, and of the files in its list ``defaults``.

    Keys of those files come first, in the order of the list; the option's own values replace them.
    """
    text = file.read_text(encoding="utf-8")
    keys: dict[Keys, Key] = {}
    for base in _bases(text):
        keys |= keys_of_file(file.parent / f"{base}.yaml")
    return keys | keys_of(text)


def keys_of(text: str) -> dict[Keys, Key]:
    """Return the keys of a YAML text; the list ``defaults`` is not one of them."""
    lines = text.splitlines()
    keys = {}
    for path, name, value in _nodes(yaml.compose(text, Loader=yaml.SafeLoader)):
        if path[0] == "defaults":
            continue
        line = name.start_mark.line
        written = ""
        if value.start_mark.line == value.end_mark.line == line:
            written = lines[line][value.start_mark.column : value.end_mark.column]
        keys[path] = Key(written, _trailing(lines[line], name, value) or _above(lines, line))
    return keys


def groups_of(text: str) -> dict[str, Key]:
    """Return the groups in a verb's list ``defaults``, each with its default option and comment."""
    groups = filter(None, map(_GROUP.fullmatch, text.splitlines()))
    return {group["name"]: Key(group["value"], group["text"]) for group in groups}


def annotate(text: str, comments: Mapping[Keys, str]) -> str:
    """Return a YAML text with a comment after each key that has one."""
    lines = text.splitlines()
    for path, name, value in _nodes(yaml.compose(text, Loader=yaml.SafeLoader)):
        line, comment = name.start_mark.line, comments.get(path)
        # A comment must not come between the lines of a value.
        if comment and (value.start_mark.line > line or value.end_mark.line == line):
            lines[line] += f" # {comment}"
    return "\n".join(lines) + "\n"


def with_comments(shown: str, verb_file: Path) -> str:
    """Convert the output of ``--cfg all`` to that of ``--cfg job``, with a comment after each key.

    Args:
        shown: the output of ``--cfg all``; its part ``hydra`` names the files that were composed.
        verb_file: the configuration of the verb, in the folder with those of the groups.
    """
    start = next((i for i, line in enumerate(shown.splitlines()) if i and line[:1].isalpha()), None)
    job = "\n".join(shown.splitlines()[start:]) + "\n" if start is not None else ""
    runtime = yaml.safe_load(shown)["hydra"]["runtime"]
    folders = [verb_file.parent]
    for source in runtime["config_sources"]:
        if source["schema"] == "file":
            folders.append(Path(source["path"]))
    return annotate(job, _comments(runtime["choices"], folders, verb_file))


def _comments(
    choices: Mapping[str, Any], folders: Iterable[Path], verb_file: Path
) -> dict[Keys, str]:
    """Return the comments of the chosen files; those of a key's own group take precedence."""
    own: dict[Keys, str] = {}
    others: dict[Keys, str] = {}
    for group, option in choices.items():
        files = (folder / group / f"{option}.yaml" for folder in folders)
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            continue
        is_global = package_of(file) == "_global_"
        for path, key in keys_of_file(file).items():
            if key.comment and is_global:
                others.setdefault(path, key.comment)
            elif key.comment:
                own[(group, *path)] = key.comment
    text = verb_file.read_text(encoding="utf-8")
    groups = {(name,): group.comment for name, group in groups_of(text).items()}
    of_verb = {path: key.comment for path, key in keys_of(text).items() if key.comment}
    return others | groups | of_verb | own


def package_of(file: Path) -> str:
    """Return where Hydra puts the keys of an option's file, if not in its group; else ""."""
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    return first.partition("# @package ")[2].strip()


def _bases(text: str) -> list[str]:
    """Return the names of an option's base files, from its list ``defaults``."""
    values = yaml.safe_load(text)
    parts = values.get("defaults", ()) if isinstance(values, dict) else ()
    return [part for part in parts if isinstance(part, str) and part != "_self_"]


def _nodes(node: yaml.Node | None, above: Keys = ()) -> Iterator[tuple[Keys, yaml.Node, yaml.Node]]:
    """Yield the path of each key of nested mappings, its node and the node of its value."""
    if not isinstance(node, yaml.MappingNode):
        return
    for name, value in node.value:
        path = (*above, str(name.value))
        yield path, name, value
        yield from _nodes(value, path)


def _trailing(line: str, name: yaml.Node, value: yaml.Node) -> str:
    """Return the comment at the end of a key's line."""
    same = value.end_mark.line == name.start_mark.line
    after = line[(value if same else name).end_mark.column :]
    return after.partition(" # ")[2].strip()


def _above(lines: list[str], line: int) -> str:
    """Return the comment in the lines just above a key."""
    comment: list[str] = []
    for above in reversed(lines[:line]):
        if not above.lstrip().startswith("# "):
            break
        comment.insert(0, above.strip().removeprefix("# "))
    else:
        return ""  # the header of the file
    return " ".join(comment)
