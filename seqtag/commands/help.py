"""``seqtag VERB --help``: read off the comments in ``conf/``, without waiting for Hydra."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seqtag.commands.comments import Key, groups_of, keys_of, keys_of_file
from seqtag.registry import installed

# Groups without a choice.
_MACHINERY = ("hydra", "paths")
# Groups whose keys are listed, those of the default option.
_WITH_KEYS = ("data", "model", "optimizer", "trainer")
# Groups to which installed packages add options, by entry points.
_EXTENDED = ("cell", "probe")

_FLAGS = """\
flags:
  --cfg job         print every key, its value and what it is for, and exit
  --multirun, -m    run once for each combination of values: -m cell=lstm,gru seed=1,2,3
  --config-dir DIR  look for options in a folder of your own too: DIR/experiment/mine.yaml
  --help, -h        print this and exit"""
_CODES = """\
exit codes:
  1    a fault: of the program, or of a process or machine beside it
  2    a mistake in what was given; nothing was lost
  75   stopped by SIGTERM or SIGUSR1 after a step, the checkpoint written: the same command with
       ckpt_path=auto and hydra.run.dir=FOLDER goes on, and comes to the same"""


def config_dir() -> Path:
    """Return the folder of the configurations: inside a wheel, or beside the package."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def installed_options(group: str) -> dict[str, str]:
    """Return what installed packages add to a group: names, and the package of each."""
    points = installed(f"seqtag.{group}s") if group in _EXTENDED else {}
    return {name: point.dist.name if point.dist else "?" for name, point in points.items()}


def help_text(verb: str) -> str:
    """Return the help of a verb that Hydra configures."""
    text = (config_dir() / f"{verb}.yaml").read_text(encoding="utf-8")
    title, *examples = _header(text)
    about = title.partition(": ")[2]
    parts = [
        f"usage: seqtag {verb} [group=option ...] [key=value ...]",
        about[0].upper() + about[1:],
        "examples:\n" + "\n".join(f"  {line.strip()}" for line in examples),
    ]
    keys = {path[0]: key for path, key in keys_of(text).items() if len(path) == 1 and key.value}
    if keys:
        parts.append("keys (key=value):\n" + _entries(keys))
    parts.append("groups (group=option; a star marks the default):")
    groups = {name: key for name, key in groups_of(text).items() if name not in _MACHINERY}
    for name, group in groups.items():
        parts.append(f"  {name}: {group.comment}\n{_options(name, group.value)}")
    for name in _WITH_KEYS:
        if name in groups:
            # A corpus from files has keys that the built-in one lacks.
            files = ["column"] if groups[name].value == "pronoun" else []
            parts += _keys_of_group(name, [groups[name].value, *files])
    codes = [_CODES] if "ckpt_path" in keys else []
    return "\n\n".join([*parts, _FLAGS, *codes])


def _keys_of_group(group: str, options: Sequence[str]) -> Iterator[str]:
    """Yield the list of the keys of each option; a key is listed once."""
    listed: dict[tuple[str, ...], Key] = {}
    for option in options:
        file = config_dir() / group / f"{option}.yaml"
        if not file.is_file():
            continue
        keys = {
            path: key
            for path, key in keys_of_file(file).items()
            if key.value and key.comment and path not in listed
        }
        listed |= keys
        if keys:
            names = {f"{group}.{'.'.join(path)}": key for path, key in keys.items()}
            yield f"keys of {group}={option}:\n{_entries(names)}"


def _entries(keys: Mapping[str, Key]) -> str:
    """Return a line for each key: its name, what it is for, its value."""
    width = max(map(len, keys)) + 2
    return "\n".join(_entry(f"  {name:{width}}", _with_default(key)) for name, key in keys.items())


def _with_default(key: Key) -> str:
    comment = key.comment.rstrip(".")
    if key.value == "???":
        return f"{comment} (must be given)"
    return comment if key.value == "null" else f"{comment} (default {key.value})"


def _header(text: str) -> list[str]:
    """Return the comment that a file begins with, line by line."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return [line for line in lines if not line.startswith("@package")]


def _options(group: str, default: str) -> str:
    """Return a line for each option of a group, with the first sentence of its comment."""
    texts = {path.stem: _sentence(path) for path in (config_dir() / group).glob("[!_]*.yaml")}
    for name, package in installed_options(group).items():
        texts.setdefault(name, f"Of the package {package}")
    width = max(map(len, texts)) + 2
    lines = []
    for name in sorted(texts, key=lambda name: (name != default, name)):
        lines.append(_entry(f"  {'*' if name == default else ' '} {name:{width}}", texts[name]))
    return "\n".join(lines)


def _sentence(path: Path) -> str:
    """Return the first sentence of the comment that a file begins with."""
    comment = " ".join(_header(path.read_text(encoding="utf-8")))
    return re.split(r"(?<!et al)[.;](?:\s|$)", comment, maxsplit=1)[0]


def _entry(name: str, text: str) -> str:
    width = min(100, shutil.get_terminal_size().columns) - 1
    return textwrap.fill(text, width, initial_indent=name, subsequent_indent=" " * len(name))
