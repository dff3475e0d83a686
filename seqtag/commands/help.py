"""``seqtag VERB --help``: read off the comments in ``conf/``, without waiting for Hydra."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

from seqtag.registry import installed

_GROUP = re.compile(r"  - (?P<name>\w+): (?P<value>\S+) # (?P<text>.*)")
_KEY = re.compile(r"(?P<name>\w+): (?P<value>\S+) # (?P<text>.*)")
# Groups without a choice.
_MACHINERY = ("hydra", "paths")
# Groups to which installed packages add options, by entry points.
_EXTENDED = ("cell", "probe")

_FLAGS = """\
flags:
  --cfg job         print every key with its value, as the other arguments have it, and exit
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
    if keys := [match for match in map(_KEY.fullmatch, text.splitlines()) if match]:
        width = max(len(match["name"]) for match in keys) + 2
        lines = [_entry(f"  {key['name']:{width}}", _with_default(key)) for key in keys]
        parts.append("keys (key=value):\n" + "\n".join(lines))
    parts.append("groups (group=option; a star marks what is taken if you do not say):")
    for group in map(_GROUP.fullmatch, text.splitlines()):
        if group and group["name"] not in _MACHINERY:
            options = _options(group["name"], group["value"])
            parts.append(f"  {group['name']}: {group['text']}\n{options}")
    codes = [_CODES] if any(key["name"] == "ckpt_path" for key in keys) else []
    return "\n\n".join([*parts, _FLAGS, *codes])


def _with_default(key: re.Match[str]) -> str:
    if key["value"] == "???":
        return f"{key['text']}; must be given"
    return key["text"] if key["value"] == "null" else f"{key['text']} (now {key['value']})"


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
