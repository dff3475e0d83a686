"""Names of the files of a model folder, and its settings ``config.json``; imports no torch."""

from pathlib import Path
from typing import Any

from seqtag import __version__
from seqtag.errors import InputError, did_you_mean
from seqtag.model_folder.untrusted import DAMAGED, read_object

# Increase it when an earlier version cannot read what this one writes. Format 1 is that of 0.1; it
# lacks the optional keys of format 2 (of models, inputs and labels), and is still read.
FORMAT = 2
WEIGHTS, ENCODER, LABELS, CARD = _OTHERS = (
    "model.safetensors",
    "tokenizer.json",
    "labels.json",
    "README.md",
)
CONFIG = "config.json"
FILES = (CONFIG, *_OTHERS)
# Enough for vocabularies of tens of millions of words.
MOST_ENCODER_BYTES = 2 << 30
_KEYS = ("format", "seqtag", "model", "cell", "data", "figures", "packages")


def read_config(folder: Path) -> dict[str, Any]:
    """Return the content of ``config.json``; the types of its keys are checked, not their values.

    Raises:
        InputError: if the folder or the file is missing, damaged or of a newer format.
    """
    if not folder.is_dir():
        what = "is a file, not a model folder" if folder.exists() else "there is no such folder"
        raise InputError(f"{folder}: {what}; training writes one to logs/train/.../model")
    path = folder / CONFIG
    if not path.exists() and (folder / "model" / CONFIG).is_file():
        raise InputError(f"{folder} is a run folder; the model folder is {folder / 'model'}")
    stored = read_object(path)
    number = stored.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise InputError(f"{path}: 'format' is {number!r}, not a format of seqtag; {DAMAGED}")
    if number > FORMAT:
        raise InputError(
            f"{path}: format {number}, written by seqtag {stored.get('seqtag')!r}; this is seqtag "
            f"{__version__}, which reads formats up to {FORMAT}: pip install --upgrade seqtag"
        )
    for key in stored:
        if key not in _KEYS:
            raise InputError(f"{path}: unknown key {key!r}{did_you_mean(key, _KEYS)}")
    for key, kinds in (("model", dict), ("cell", (dict, str))):
        if not isinstance(stored.get(key), kinds):
            raise InputError(f"{path}: key {key!r} is missing or not a mapping; {DAMAGED}")
    if not isinstance(stored.setdefault("packages", {}), dict):
        raise InputError(f"{path}: key 'packages' is not a mapping; {DAMAGED}")
    for key in ("data", "figures"):
        if not isinstance(stored.setdefault(key, None), dict | None):
            raise InputError(f"{path}: key {key!r} is not a mapping; {DAMAGED}")
    return stored
