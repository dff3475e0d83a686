"""``seqtag VERB --help``, generated from the comments in ``conf/`` without importing Hydra."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seqtag.commands.comments import Key, groups_of, keys_of, keys_of_file
from seqtag.registry import installed

# Groups with one option only, which the help leaves out.
_INTERNAL = ("hydra", "paths")
# Groups for which the help lists the keys of the default option.
_WITH_KEYS = ("data", "model", "optimizer", "trainer")
# Groups to which installed packages can add options, with the groups of their entry points.
ENTRY_POINTS = {
    group: f"seqtag.{kind}"
    for group, kind in {"cell": "cells", "probe": "probes", "data": "formats"}.items()
}

_FLAGS = """\
flags:
  --cfg job         print every key with its value and description, and exit
  --multirun, -m    run once for each combination of values: -m cell=lstm,gru seed=1,2,3
  --config-dir DIR  add the options in your folder DIR, such as DIR/experiment/mine.yaml
  --help, -h        print this help and exit"""
_CODES = """\
exit codes:
  0      success
  1      an error in the program, in another process or on the machine; a failed job of a sweep
  2      wrong arguments or data, or a file that cannot be read or written
  75     stopped by a signal (SIGTERM, SIGUSR1) after a checkpoint was written; the same command
         with ckpt_path=auto hydra.run.dir=FOLDER resumes the run with the same results
  128+N  stopped by signal N without a new checkpoint"""


def config_dir() -> Path:
    """Return the folder of the configurations: in the package if installed, else next to it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def installed_options(group: str) -> dict[str, str]:
    """Return the options that installed packages add to a group: option to package."""
    points = installed(ENTRY_POINTS[group]) if group in ENTRY_POINTS else {}
    return {name: point.dist.name if point.dist else "?" for name, point in points.items()}


def entry_point_hint(group: str) -> str:
    """Return what an option of an installed package needs to be found; "" for other groups."""
    if group not in ENTRY_POINTS:
        return ""
    kind = "data format" if group == "data" else group
    return f"a {kind} of an installed package needs an entry point in {ENTRY_POINTS[group]}"


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
    groups = {name: key for name, key in groups_of(text).items() if name not in _INTERNAL}
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
    """Yield a list of keys for each option, without the keys of the options before it."""
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
    """Return a line for each key: its name, its description and its default."""
    width = max(map(len, keys)) + 2
    return "\n".join(_entry(f"  {name:{width}}", _with_default(key)) for name, key in keys.items())


def _with_default(key: Key) -> str:
    comment = key.comment.rstrip(".")
    if key.value == "???":
        return f"{comment} (must be given)"
    return comment if key.value == "null" else f"{comment} (default {key.value})"


def _header(text: str) -> list[str]:
    """Return the lines of the comment at the beginning of a file."""
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
        texts.setdefault(name, f"From the package {package}")
    width = max(map(len, texts)) + 2
    lines = []
    for name in sorted(texts, key=lambda name: (name != default, name)):
        lines.append(_entry(f"  {'*' if name == default else ' '} {name:{width}}", texts[name]))
    if group == "cell":
        lines.append(f"    ({entry_point_hint(group)})")
    return "\n".join(lines)


def _sentence(path: Path) -> str:
    """Return the first sentence of the comment at the beginning of a file."""
    comment = " ".join(_header(path.read_text(encoding="utf-8")))
    return re.split(r"(?<!et al)[.;](?:\s|$)", comment, maxsplit=1)[0]


def _entry(name: str, text: str) -> str:
    width = min(100, shutil.get_terminal_size().columns) - 1
    return textwrap.fill(text, width, initial_indent=name, subsequent_indent=" " * len(name))
