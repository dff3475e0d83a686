"""Write the Arrow files of a split: detect the scheme, check labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seqtag.data.corpus.cache import rewrite, write_sentences
from seqtag.data.corpus.near_schemes import find_near_scheme
from seqtag.data.corpus.oddities import likely_typos
from seqtag.data.corpus.parts import Part, map_in_processes
from seqtag.data.corpus.remarks import RemarkCounter
from seqtag.data.corpus.schemes import LabelPlace, LabelReader, Pairs, count_illegal, count_tokens
from seqtag.data.formats.sentence import Sentence
from seqtag.data.label_map import LabelMap
from seqtag.errors import InputError
from seqtag.labels import OUTSIDE, convert, label_counts, neighbours

# Schemes whose conversion repairs illegal labels, which is reported.
_REPAIRED = ("ioe1", "ioe2")


# Labels that are kept to suggest one for a wrong name.
_SOME_LABELS = 200


def build_split(
    folder: Path,
    parts: list[Part],
    features: tuple[str, ...],
    scheme: str,
    absent: str = "_",
    processes: int = 1,
    label_map: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """Write the sentences of a split to ``data.arrow`` and return its metadata.

    Args:
        folder: the folder to write to.
        parts: the parts of the split, in order.
        features: names of the feature columns.
        scheme: the label scheme, or "auto".
        absent: the value of a missing label or feature; columns with no other value are reported.
        processes: number of processes that read parts in parallel.
        label_map: labels and types to replace.

    Raises:
        InputError: for a file that cannot be read or has no sentence, and for a label that does
            not follow the scheme.
    """
    work = partial(
        _write_part, folder=folder, features=features, absent=absent, label_map=label_map
    )
    notes = map_in_processes(work, list(enumerate(parts)), processes)
    _refuse_empty(parts, notes)
    labels: dict[str, LabelPlace] = {}
    for note in notes:
        for label, place in note.labels.items():
            labels.setdefault(label, place)
    pairs = sum((note.neighbours for note in notes), Counter())
    reader = LabelReader.detect(pairs, labels, scheme)
    is_plain = scheme == "auto" and reader.stored == "plain"
    reader.check(labels, is_auto=scheme == "auto")
    rows = _join(folder, parts, notes, reader if reader.changes(labels) else None)
    empty = [note for note in notes if note.empty]
    remarks = RemarkCounter()
    for note in notes:
        remarks.merge(note.remarks)
    return {
        "rows": {"data": rows},
        "reader": asdict(reader),
        "repaired": count_illegal(pairs, reader) if reader.notation.scheme in _REPAIRED else 0,
        "overlapping": count_tokens(pairs, reader, "V") if reader.stored != "plain" else 0,
        "some_labels": sorted(labels)[:_SOME_LABELS],
        "bare": set(labels) <= {OUTSIDE},
        "near": _near(pairs, labels) if is_plain else None,
        "unlabelled": sum(note.unlabelled for note in notes),
        "typos": [] if reader.stored == "plain" else _typos(pairs, labels, reader),
        "mapped": sorted(set().union(*(note.label_map.used for note in notes))),
        "empty": sum(note.empty for note in notes),
        "first_empty": empty[0].first_empty if empty else "",
        "remarks": remarks.to_plain(),
        "unfilled": sorted(set.intersection(*(note.unfilled for note in notes))),
    }


def _near(pairs: Pairs, labels: Mapping[str, LabelPlace]) -> dict[str, Any] | None:
    """Return, as JSON values, the scheme that plain labels resemble and the first such place."""
    near = find_near_scheme(label_counts(pairs))
    if near is None:
        return None
    changed = {label for label, _ in near.examples}
    where = next(place.where for label, place in labels.items() if not changed or label in changed)
    return {"where": where, **asdict(near)}


def _write_part(
    numbered: tuple[int, Part],
    folder: Path,
    features: tuple[str, ...],
    absent: str,
    label_map: Mapping[str, str | None] | None,
) -> _PartNotes:
    number, part = numbered
    notes = _PartNotes(("labels", *features), absent, LabelMap(label_map or {}))
    notes.rows = write_sentences(_part_file(folder, number), notes.collect(part), features)
    return notes


def _part_file(folder: Path, number: int) -> Path:
    return folder / f"part-{number}.arrow"


def _join(
    folder: Path, parts: list[Part], notes: list[_PartNotes], reader: LabelReader | None
) -> int:
    """Concatenate the parts in ``data.arrow``, renumber documents; return the number of rows."""
    target = folder / "data.arrow"
    if len(parts) == 1 and reader is None:
        _part_file(folder, 0).rename(target)
        return notes[0].rows
    # Whether the file has had a row so far: its first parts may hold only empty sentences.
    last_doc, file_has_rows = -1, False
    changes = []
    for number, (part, note) in enumerate(zip(parts, notes, strict=True)):
        file_has_rows = file_has_rows and part.continues_document
        first_doc = last_doc if file_has_rows else last_doc + 1
        last_doc = max(last_doc, first_doc + note.last_doc)
        file_has_rows = file_has_rows or note.rows > 0
        change = partial(_renumbered, documents=first_doc, reader=reader)
        changes.append((_part_file(folder, number), change))
    rows = rewrite(changes, target)
    for path, _ in changes:
        path.unlink()
    return rows


def _renumbered(
    batch: pa.RecordBatch, documents: int, reader: LabelReader | None
) -> pa.RecordBatch:
    """Return a batch with `documents` added to its document numbers and its labels converted."""
    if documents:
        numbers = pc.add(batch.column("doc"), pa.scalar(documents, pa.int32()))
        batch = _with_column(batch, "doc", numbers)
    if reader is not None:
        labels = [reader.convert(one) for one in batch.column("labels").to_pylist()]
        batch = _with_column(batch, "labels", labels)
    return batch


def build_converted(folder: Path, path: Path, source: str, target: str) -> dict[str, Any]:
    """Write the Arrow file of a split with its labels converted to another scheme."""

    def change(batch: pa.RecordBatch) -> pa.RecordBatch:
        labels = [convert(one, source, target) for one in batch.column("labels").to_pylist()]
        return _with_column(batch, "labels", labels)

    return {"rows": {"data": rewrite([(path, change)], folder / "data.arrow")}}


def _typos(pairs: Pairs, labels: Mapping[str, LabelPlace], reader: LabelReader) -> list[str]:
    """Return messages about rare span types that resemble frequent ones."""
    types: Counter[str] = Counter()
    places: dict[str, LabelPlace] = {}
    for label, count in label_counts(pairs).items():
        type_ = reader.type_of(label)
        if type_:
            types[type_] += count
            places.setdefault(type_, labels[label])
    return [
        f"{places[rare].where}: the rare type {rare!a} ({types[rare]} times) resembles {name!a} "
        f"({types[name]:,} times): a typo? (data.label_map replaces types)"
        for rare, name in likely_typos(types)
    ]


def _with_column(batch: pa.RecordBatch, name: str, values: Any) -> pa.RecordBatch:
    position = batch.schema.get_field_index(name)
    field = batch.schema.field(position)
    return batch.set_column(position, field, pa.array(values, type=field.type))


class _PartNotes:
    """Statistics of the sentences of a part, collected while they are written.

    Attributes:
        rows: number of sentences with a token.
        labels: the first occurrence of each label.
        neighbours: counts of pairs of adjacent labels.
        empty: number of sentences without a token, the first of which is at `first_empty`.
        unlabelled: number of tokens without a label.
        last_doc: document of the last sentence, from 0 within the part; -1 if there is none.
        unfilled: columns without any value.
        remarks: the remarks of the reader.
        label_map: replaces labels; it holds which of its keys occurred.
    """

    def __init__(self, columns: tuple[str, ...], absent: str, label_map: LabelMap) -> None:
        self._columns, self._absent = columns, absent
        self.label_map, self.remarks = label_map, RemarkCounter()
        self.unfilled = set(columns)
        self.labels: dict[str, LabelPlace] = {}
        self.neighbours: Counter[tuple[object, object]] = Counter()
        self.rows, self.empty, self.first_empty = 0, 0, ""
        self.unlabelled, self.last_doc = 0, -1

    def collect(self, part: Part) -> Iterator[tuple[Sentence, str]]:
        """Yield (sentence, where) for each sentence with a token, and update the statistics."""
        for sentence in part.read():
            where = sentence.place or f"{part.name}:{sentence.line}"
            self.remarks.add(sentence.remarks)
            if sentence.tokens:
                sentence = sentence._replace(labels=self.label_map.apply(sentence.labels))
                self._add(part.name, sentence)
                yield sentence, where
            elif not sentence.remarks:
                self.empty += 1
                self.first_empty = self.first_empty or where

    def _add(self, name: str, sentence: Sentence) -> None:
        self.last_doc = sentence.doc
        self.unlabelled += sentence.labels.count(None)
        self.neighbours.update(neighbours(sentence.labels))
        new = set(sentence.labels).difference(self.labels, (None,))
        for label in sorted(new, key=sentence.labels.index):
            position = sentence.labels.index(label)
            where = sentence.place or f"{name}:{sentence.line_of(position)}"
            self.labels[label] = LabelPlace(where, sentence.tokens[position])
        if self.unfilled:
            values = (sentence.labels, *sentence.features)
            for column, column_values in zip(self._columns, values, strict=True):
                if set(column_values) - {self._absent, None}:
                    self.unfilled.discard(column)


def _refuse_empty(parts: list[Part], notes: list[_PartNotes]) -> None:
    full = {part.name for part, note in zip(parts, notes, strict=True) if note.last_doc >= 0}
    for part in parts:
        if part.name not in full:
            remarks = RemarkCounter()
            for other, note in zip(parts, notes, strict=True):
                if other.name == part.name:
                    remarks.merge(note.remarks)
            why = remarks.summary()
            raise InputError(
                f"{part.name}: empty: this file has no sentence with a token"
                + f" that can be used: {why}" * bool(why)
            )
