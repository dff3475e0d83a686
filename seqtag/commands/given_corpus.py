"""Settings of the corpus that Python code gives: a path, lists of sentences, or a data set."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqtag.data.config import SPLITS
from seqtag.data.formats.base import format_by_ending
from seqtag.data.formats.lines import SourceFile, text_lines
from seqtag.errors import InputError, shown, unknown

_NAMES = {**{split: split for split in SPLITS}, "validation": "dev"}


def keywords_of_corpus(corpus: Any, data: Any, folder: Path) -> dict[str, Any]:
    """Return keywords that set the corpus.

    Args:
        corpus: a path; the sentences of each split; a data set, or several by split.
        data: the keyword ``data``; None: the format is that of the file's ending, else columns.
        folder: where sentences and data sets are written to, so that they are read and checked as
            files are.

    Raises:
        InputError: for a path that does not exist, an unknown split, or a sentence that does not
            have a label for each token.
    """
    if isinstance(corpus, str | os.PathLike):
        path = os.path.expanduser(os.fspath(corpus))
        return {**({"data": data} if data is not None else _format_of(path)), "data.path": path}
    if isinstance(data, str):
        raise InputError("data= names the format of files: leave it out for a corpus in memory")
    written = _write_splits(corpus, folder / "corpus")
    own = {"data.path": str(folder / "corpus"), "data.cache_dir": str(folder / "cache")}
    return {"data": written, **own, **(data or {})}


def _format_of(path: str) -> dict[str, Any]:
    """Return keywords for the format of a file, or of the files of a folder."""
    root = Path(path)
    if not root.exists():
        if "://" in path or any(mark in path for mark in "*?["):
            return {"data": format_by_ending(path)}
        raise InputError(
            f"{path}: there is no such file or folder; data='hub' reads a data set of the hub"
        )
    files = sorted(file for file in root.iterdir() if file.is_file()) if root.is_dir() else [root]
    formats = {}
    for file in files:
        try:
            formats[format_by_ending(file.name.lower())] = file.name
        except InputError:
            continue
    if len(formats) > 1:
        names = ", ".join(formats.values())
        raise InputError(f"{path}: files of several formats ({names}): choose one, as data='json'")
    if formats:
        return {"data": next(iter(formats))}
    texts = [file for file in files if file.suffix in ("", ".txt", ".conll", ".tsv", ".bio")]
    return {"data": "column", **(_columns(texts[0]) if texts else {})}


def _columns(file: Path) -> dict[str, Any]:
    """Return the keyword for the columns of a file: the first are tokens, the last are labels."""
    for line in text_lines(SourceFile(file, str(file)), "utf-8"):
        cells = line.split()
        if cells and not line.startswith(("-DOCSTART-", "# ")):
            middle = ["_"] * (len(cells) - 2)
            return {"data.columns": ["tokens", *middle, "labels"]} if middle else {}
    return {}


def _write_splits(corpus: Any, folder: Path) -> str:
    """Write a corpus to files, one per split, and return their format."""
    if hasattr(corpus, "to_parquet"):
        corpus = {"train": corpus}
    if not isinstance(corpus, Mapping):
        raise InputError(
            "corpus must be a path, a data set, or a mapping of splits to lists of (tokens, "
            f"labels), not {shown(corpus)}"
        )
    for split in corpus:
        if split not in _NAMES:
            raise unknown("split", split, _NAMES)
    if {"dev", "validation"} <= set(corpus):
        raise InputError("corpus has the splits 'dev' and 'validation', which mean the same")
    if "train" not in corpus:
        only = f"only {', '.join(corpus)}" if corpus else "and no other split"
        raise InputError(f"corpus has no split 'train', {only}")
    folder.mkdir(parents=True)
    tabular = hasattr(corpus["train"], "to_parquet")
    for split, part in corpus.items():
        path = folder / f"{_NAMES[split]}.{'parquet' if tabular else 'jsonl'}"
        if tabular:
            with _no_progress_bars():
                part.to_parquet(path)
        else:
            with path.open("w", encoding="utf-8") as file:
                file.writelines(_lines(part, split))
    return "parquet" if tabular else "json"


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Switch off the progress bars of the library `datasets` inside this context."""
    from datasets.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _lines(sentences: Iterable[Any], split: str) -> Iterator[str]:
    """Yield sentences as lines of JSON."""
    for number, sentence in enumerate(sentences):
        where = f"corpus[{split!r}][{number}]"
        try:
            tokens, labels = sentence
            # Two keys, or the letters of a string, would be read as a sentence.
            if isinstance(sentence, Mapping) or isinstance(tokens, str) or isinstance(labels, str):
                raise TypeError
            tokens, labels = list(tokens), list(labels)
        except (TypeError, ValueError):
            raise InputError(
                f"{where} must be a pair (tokens, labels) of two lists, not {shown(sentence)}"
            ) from None
        if len(tokens) != len(labels):
            raise InputError(f"{where}: {len(tokens)} tokens but {len(labels)} labels")
        for token in tokens:
            if not isinstance(token, str):
                raise InputError(f"{where}: the token {shown(token)} is not text")
        for label in labels:
            if label is not None and not isinstance(label, str):
                raise InputError(f"{where}: the label {shown(label)} is not text")
        yield json.dumps({"tokens": tokens, "labels": labels}) + "\n"
