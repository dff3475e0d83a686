"""Hold sentences out of the training split: development and test splits, and folds.

Which sentences are held out depends only on the number of sentences, on the documents (with
`data.split_by=document`) and on the settings. Legend: N sentences, U units, i.e. sentences or
documents, which are held out as a whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from seqtag.cache import cache_root
from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.cache import cached, digest, rewrite
from seqtag.errors import InputError

if TYPE_CHECKING:
    import datasets

# Codes of the splits in arrays.
CODES = {"train": 0, "dev": 1, "test": 2}
_NO_DEV = "no development split, and too few training sentences to hold one out"


def hold_out(
    rows: datasets.Dataset, path: Path, config: CorpusConfig, splits: tuple[str, ...], version: int
) -> tuple[dict[str, datasets.Dataset], list[str]]:
    """Divide the training split; return the data sets by split, and notes for the user.

    Args:
        rows: the training split.
        path: its Arrow file.
        config: the settings.
        splits: the splits to hold out: "dev", "test" or both.
        version: version of the reader, which is part of the cache key.

    Raises:
        InputError: if there are too few sentences or documents.
    """
    by_document = config.split_by == "document"
    units_N = units_of(rows) if by_document else np.arange(rows.num_rows)
    if splits == ("dev",) and rows.num_rows < 2:
        return {"train": rows}, [_NO_DEV]
    codes_N = split_codes(units_N, config, splits)
    held_out = [split for split in ("test", "dev") if CODES[split] in codes_N]
    if splits == ("dev",) and not by_document:
        # As in earlier versions, so that their cache entries stay valid.
        settings: list[Any] = [rows.num_rows, config.dev_fraction, config.split_seed]
    else:
        settings = [
            *(splits, rows.num_rows, config.split_by, config.split_seed),
            *(config.dev_fraction, config.test_fraction, config.folds, config.fold),
        ]
    names = ["train", *held_out]
    _, parts = cached(
        cache_root(config.cache_dir),
        digest("held out", version, path.parent.name, *settings),
        names,
        lambda folder: _build(folder, path, codes_N, names),
    )
    notes = [_note(split, codes_N, units_N, config) for split in held_out]
    if "dev" in splits and "dev" not in held_out:
        notes.append(_NO_DEV)
    return dict(zip(names, parts, strict=True)), notes


def units_of(rows: datasets.Dataset) -> np.ndarray:
    """Return the number of the document of each sentence, from 0 without gaps: (N,)."""
    return np.unique(rows.data.column("doc").to_numpy(), return_inverse=True)[1]


def split_codes(units_N: np.ndarray, config: CorpusConfig, splits: tuple[str, ...]) -> np.ndarray:
    """Return the code of the split (see `CODES`) of each sentence: (N,) uint8.

    Args:
        units_N: the number of the unit of each sentence.
        config: the settings.
        splits: the splits to hold out. Development sentences are held out of those that are left
            after the test split; there may be none if a single sentence is left.

    Raises:
        InputError: if there are too few units.
    """
    sizes_U = np.bincount(units_N)
    # NumPy's RandomState is used because its stream never changes.
    order = np.random.RandomState(config.split_seed % 2**32).permutation(len(sizes_U))
    codes_U = np.zeros(len(sizes_U), np.uint8)
    if "test" in splits:
        in_test = _test_mask(sizes_U[order], config)
        codes_U[order[in_test]] = CODES["test"]
        order = order[~in_test]
    if "dev" in splits:
        if config.fold:  # other development sentences for each fold
            order = np.roll(order, -(len(order) * config.fold // (config.folds or 1)))
        if len(order) >= 2:
            codes_U[order[_share(sizes_U[order], config.dev_fraction)]] = CODES["dev"]
        elif config.split_by == "document":
            raise _too_few(len(order), config, "data.dev_fraction", "0")
    return codes_U[units_N]


def _test_mask(sizes: np.ndarray, config: CorpusConfig) -> np.ndarray:
    """Return which units of these sizes (numbers of sentences) are the test split."""
    if config.folds is None:
        if len(sizes) < 2:
            raise _too_few(len(sizes), config, "data.test_fraction", "0")
        return _share(sizes, config.test_fraction)
    if config.folds > len(sizes):
        units = f"{len(sizes):,} {config.split_by}{'s' * (len(sizes) != 1)}"
        raise InputError(
            f"data.folds={config.folds}, but the training split has {units}: set "
            f"data.folds to at most their number{_or_by_sentence(config)}"
        )
    return balanced_folds(sizes, config.folds) == config.fold


def balanced_folds(sizes: np.ndarray, folds: int) -> np.ndarray:
    """Return the fold of each unit: units go, in order, to the fold with the fewest sentences."""
    if (sizes == 1).all():
        return np.arange(len(sizes)) % folds
    heap = [(0, fold) for fold in range(folds)]
    chosen = []
    for size in sizes.tolist():
        total, fold = heap[0]
        heapq.heapreplace(heap, (total + size, fold))
        chosen.append(fold)
    return np.array(chosen)


def held_out_count(size: int, fraction: float) -> int:
    """Return how many of `size` training sentences are held out.

    At least one sentence stays for training. Unless `fraction` is 0, at least one is held out.
    """
    return min(max(1, round(size * fraction)), size - 1) if fraction > 0 else 0


def _share(sizes: np.ndarray, fraction: float) -> np.ndarray:
    """Return which of at least two units are held out: the first ones that fit into the share.

    If none fits, it is the smallest one.
    """
    count = held_out_count(int(sizes.sum()), fraction)
    if (sizes == 1).all():
        return np.arange(len(sizes)) < count
    chosen = np.zeros(len(sizes), bool)
    total = 0
    for i, size in enumerate(sizes.tolist()):
        if total + size <= count:
            chosen[i], total = True, total + size
    if not total:
        chosen[sizes.argmin()] = True
    return chosen


def _too_few(count: int, config: CorpusConfig, key: str, off: str) -> InputError:
    unit = config.split_by
    left = f" {'is' if count == 1 else 'are'} left" if key == "data.dev_fraction" else " in all"
    return InputError(
        f"{key}: {count} training {unit}{'s' * (count != 1)}{left}, too few to hold "
        f"one out: set {key}={off}{_or_by_sentence(config)}"
    )


def _or_by_sentence(config: CorpusConfig) -> str:
    if config.split_by != "document":
        return ""
    return (
        ", mark documents in the files (data.document_marker, data.document_column), or set "
        "data.split_by=sentence"
    )


def _build(folder: Path, source: Path, codes_N: np.ndarray, names: list[str]) -> dict[str, Any]:
    """Write the rows of each split to an Arrow file of its name."""
    rows = {
        name: rewrite([(source, _row_filter(codes_N == CODES[name]))], folder / f"{name}.arrow")
        for name in names
    }
    return {"rows": rows}


def _row_filter(mask: np.ndarray) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    position = 0

    def pick(batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal position
        chosen = mask[position : position + batch.num_rows]
        position += batch.num_rows
        return batch.filter(pa.array(chosen))

    return pick


def _note(split: str, codes_N: np.ndarray, units_N: np.ndarray, config: CorpusConfig) -> str:
    """Return the note on a split that was held out."""
    held_out = codes_N == CODES[split]
    pool = len(codes_N) if split == "test" else int((codes_N != CODES["test"]).sum())
    count = f"{int(held_out.sum()):,} of {pool:,} training sentences"
    settings = [f"split_seed={config.split_seed}"]
    if config.split_by == "document":
        count += f" ({len(np.unique(units_N[held_out])):,} documents)"
        settings.append("split_by=document")
    if split == "test" and config.folds is not None:
        first = f"fold {config.fold} of 0 to {config.folds - 1} is the test split"
        return f"{first}: {count} ({', '.join(settings)})"
    name = {"dev": "development", "test": "test"}[split]
    settings.insert(0, f"{split}_fraction={getattr(config, f'{split}_fraction')}")
    return f"no {name} split: held out {count} ({', '.join(settings)})"
