"""From sentences to the Arrow files of one split: schemes, label checks, held-out sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqtag.data.corpus.cache import rewrite, write_sentences
from seqtag.data.corpus.near_schemes import hint, near_scheme
from seqtag.data.corpus.parts import Part, in_processes
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError
from seqtag.labels import OUTSIDE, allowed_transitions, convert, neighbours, scheme_of

# What a split's labels are in once they are read: IOB1 is BIO with fewer B.
KEPT_AS = {"plain": "plain", "iob1": "bio", "bio": "bio", "bioes": "bioes"}


def build_split(
    folder: Path,
    parts: list[Part],
    features: tuple[str, ...],
    scheme: str,
    absent: str = "_",
    processes: int = 1,
) -> dict[str, Any]:
    """Write the sentences of a split to ``data.arrow`` and return what is to be known of them.

    Args:
        folder: where to write.
        parts: its sentences, in this order.
        features: names of the further input columns.
        scheme: the label scheme, or "auto".
        absent: the value that stands for none; columns that hold nothing else are noted.
        processes: how many of them read parts side by side.

    Raises:
        InputError: for what the readers refuse, for a file without a sentence, and for a label
            that is none of the scheme.
    """
    work = partial(_write_part, folder=folder, features=features, absent=absent)
    notes = in_processes(work, list(enumerate(parts)), processes)
    _refuse_empty(parts, notes)
    found, near = scheme, None
    labels: dict[str, Place] = {}
    for note in notes:
        for label, place in note.labels.items():
            labels.setdefault(label, place)
    if scheme == "auto":
        pairs = sum((note.neighbours for note in notes), Counter())
        found = scheme_of(pairs)
        if found == "plain":
            near = _near(pairs, labels)
    _check_labels(labels, found, detected=scheme == "auto")
    kept = KEPT_AS[found]
    # BILOU letters are read as bioes; writing them anew makes E and S of them.
    bilou = found == "bioes" and any(label[0] in "LU" for label in labels)
    rewritten = found == "iob1" or bilou
    rows = _join(folder, parts, notes, (found, kept) if rewritten else None)
    empty = [note for note in notes if note.empty]
    return {
        "rows": {"data": rows},
        "found_scheme": found,
        "scheme": kept,
        "bare": set(labels) <= {OUTSIDE},
        "bilou": bilou,
        "near": near,
        "empty": sum(note.empty for note in notes),
        "first_empty": empty[0].first_empty if empty else "",
        "unfilled": sorted(set.intersection(*(note.unfilled for note in notes))),
    }


def _near(
    pairs: Counter[tuple[object, object]], labels: Mapping[str, Place]
) -> dict[str, Any] | None:
    """Return the scheme that plain labels nearly are as JSON, and where the first one is."""
    counts: Counter[str] = Counter()
    for (_, label), count in pairs.items():
        if isinstance(label, str):
            counts[label] += count
    near = near_scheme(counts)
    if near is None:
        return None
    changed = {label for label, _ in near.examples}
    where = next(place.where for label, place in labels.items() if not changed or label in changed)
    return {"where": where, **asdict(near)}


def _write_part(
    numbered: tuple[int, Part], folder: Path, features: tuple[str, ...], absent: str
) -> _Notes:
    number, part = numbered
    notes = _Notes(("labels", *features), absent)
    notes.rows = write_sentences(_part_file(folder, number), notes.watch(part), features)
    return notes


def _part_file(folder: Path, number: int) -> Path:
    return folder / f"part-{number}.arrow"


def _join(
    folder: Path, parts: list[Part], notes: list[_Notes], schemes: tuple[str, str] | None
) -> int:
    """Put the parts together in ``data.arrow``, documents counted on; return the rows."""
    target = folder / "data.arrow"
    if len(parts) == 1 and not schemes:
        _part_file(folder, 0).rename(target)
        return notes[0].rows
    last_doc, begun = -1, False
    changes = []
    for number, (part, note) in enumerate(zip(parts, notes, strict=True)):
        begun = begun and part.goes_on  # the part before may have had nothing but empty sentences
        first_doc = last_doc if begun else last_doc + 1
        last_doc = max(last_doc, first_doc + note.last_doc)
        begun = begun or note.rows > 0
        change = partial(_moved, documents=first_doc, schemes=schemes)
        changes.append((_part_file(folder, number), change))
    rows = rewrite(changes, target)
    for path, _ in changes:
        path.unlink()
    return rows


def _moved(
    batch: pa.RecordBatch, documents: int, schemes: tuple[str, str] | None
) -> pa.RecordBatch:
    """Count documents from a number on, and convert the labels from one scheme to another."""
    if documents:
        batch = _with(batch, "doc", pc.add(batch.column("doc"), pa.scalar(documents, pa.int32())))
    if schemes:
        labels = [convert(one, *schemes) for one in batch.column("labels").to_pylist()]
        batch = _with(batch, "labels", labels)
    return batch


def _with(batch: pa.RecordBatch, name: str, values: Any) -> pa.RecordBatch:
    position = batch.schema.get_field_index(name)
    field = batch.schema.field(position)
    return batch.set_column(position, field, pa.array(values, type=field.type))


class Place(NamedTuple):
    """Where a label is first, as file:line, and on which token."""

    where: str
    token: str


class _Notes:
    """Watches the sentences of a part go by, and notes what is to be known of them.

    Attributes:
        rows: sentences with a token.
        labels: the place where each label is first.
        neighbours: how often two labels stand side by side.
        empty: sentences without a token; the first of them is at `first_empty`.
        last_doc: the last sentence's document, the part's first one being 0; -1 without any.
        unfilled: columns without a value.
    """

    def __init__(self, columns: tuple[str, ...], absent: str) -> None:
        self._columns, self._absent = columns, absent
        self.unfilled = set(columns)
        self.labels: dict[str, Place] = {}
        self.neighbours: Counter[tuple[object, object]] = Counter()
        self.rows, self.empty, self.first_empty = 0, 0, ""
        self.last_doc = -1

    def watch(self, part: Part) -> Iterator[tuple[Sentence, str]]:
        """Yield (sentence, where) for each sentence with a token."""
        for sentence in part.read():
            where = f"{part.name}:{sentence.line}"
            if sentence.tokens:
                self._look(part.name, sentence)
                yield sentence, where
            else:
                self.empty += 1
                self.first_empty = self.first_empty or where

    def _look(self, name: str, sentence: Sentence) -> None:
        self.last_doc = sentence.doc
        self.neighbours.update(neighbours(sentence.labels))
        for label in set(sentence.labels).difference(self.labels):
            if label is not None:
                position = sentence.labels.index(label)
                where = f"{name}:{sentence.line_of(position)}"
                self.labels[label] = Place(where, sentence.tokens[position])
        if self.unfilled:
            values = (sentence.labels, *sentence.features)
            for column, of_column in zip(self._columns, values, strict=True):
                if set(of_column) - {self._absent, None}:
                    self.unfilled.discard(column)


def _refuse_empty(parts: list[Part], notes: list[_Notes]) -> None:
    full = {part.name for part, note in zip(parts, notes, strict=True) if note.last_doc >= 0}
    for part in parts:
        if part.name not in full:
            raise InputError(f"{part.name}: empty: there is no sentence with a token in this file")


def _check_labels(labels: Mapping[str, Place], scheme: str, detected: bool) -> None:
    """Raise an InputError for the first label that is not of the scheme."""
    for label, (where, token) in labels.items():
        try:
            allowed_transitions([label], scheme)
        except InputError as error:
            how = f" (data.scheme=auto found {scheme} labels)" if detected else ""
            raise InputError(
                f"{where}: {error}{how}.{hint(label, token)} Correct it, or set "
                "data.scheme=plain if labels stand for themselves"
            ) from None


def held_out(size: int, fraction: float, seed: int) -> np.ndarray:
    """Return which of `size` training sentences are held out: (size,) bool.

    A pure function of its arguments. NumPy's RandomState is used because its stream is frozen for
    good.
    """
    mask = np.zeros(size, dtype=bool)
    chosen = np.random.RandomState(seed).permutation(size)[: held_out_count(size, fraction)]
    mask[chosen] = True
    return mask


def held_out_count(size: int, fraction: float) -> int:
    """Return how many of `size` training sentences are held out.

    At least one stays for training, and if any is held out at all, at least one is.
    """
    return min(max(1, round(size * fraction)), size - 1) if fraction > 0 else 0


def build_held_out(folder: Path, source: Path, mask: np.ndarray) -> dict[str, Any]:
    """Part an Arrow file into ``dev.arrow``, the rows of `mask`, and ``train.arrow``."""
    rows = {
        "train": rewrite([(source, _picking(~mask))], folder / "train.arrow"),
        "dev": rewrite([(source, _picking(mask))], folder / "dev.arrow"),
    }
    return {"rows": rows}


def _picking(mask: np.ndarray) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    position = 0

    def pick(batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal position
        kept = mask[position : position + batch.num_rows]
        position += batch.num_rows
        return batch.filter(pa.array(kept))

    return pick
