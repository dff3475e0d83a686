"""From sentences to the Arrow files of one split: schemes, label checks, held-out sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from seqtag.data.cache import batches, rewrite, write_sentences
from seqtag.data.sentence import Sentence
from seqtag.errors import InputError
from seqtag.labels import OUTSIDE, allowed_transitions, convert, detect_scheme

# What a split's labels are in once they are read: IOB1 is BIO with fewer B.
_KEPT_AS = {"plain": "plain", "iob1": "bio", "bio": "bio", "bioes": "bioes"}


def build_split(
    folder: Path,
    sources: Iterable[tuple[str, Iterable[Sentence]]],
    features: tuple[str, ...],
    scheme: str,
    absent: str = "_",
) -> dict[str, Any]:
    """Write the sentences of a split to ``data.arrow`` and return what is to be known of them.

    Args:
        folder: where to write.
        sources: (name of the file, its sentences), read in this order.
        features: names of the further input columns.
        scheme: the label scheme, or "auto".
        absent: the value that stands for none; columns that hold nothing else are noted.

    Raises:
        InputError: for what the readers refuse, for a file without a sentence, and for a label
            that is none of the scheme.
    """
    notes = _Notes(("labels", *features), absent)
    raw = folder / "raw.arrow"
    rows = write_sentences(raw, notes.watch(sources), features)
    found = detect_scheme(_labels(raw)) if scheme == "auto" else scheme
    notes.check_labels(found, detected=scheme == "auto")
    kept = _KEPT_AS[found]
    # BILOU letters are read as bioes; writing them anew makes E and S of them.
    if found == "iob1" or (found == "bioes" and any(label[0] in "LU" for label in notes.labels)):
        rewrite(raw, folder / "data.arrow", lambda batch: _converted(batch, found, kept))
        raw.unlink()
    else:
        raw.rename(folder / "data.arrow")
    return {
        "rows": {"data": rows},
        "found_scheme": found,
        "scheme": kept,
        "bare": set(notes.labels) <= {OUTSIDE},
        "empty": notes.empty,
        "first_empty": notes.first_empty,
        "unfilled": sorted(notes.unfilled),
    }


class _Notes:
    """Watches sentences go by: first places of labels, empty sentences, columns without values."""

    def __init__(self, columns: tuple[str, ...], absent: str) -> None:
        self._columns, self._absent = columns, absent
        self.unfilled = set(columns)
        self.labels: dict[str, str] = {}
        self.empty, self.first_empty = 0, ""

    def watch(
        self, sources: Iterable[tuple[str, Iterable[Sentence]]]
    ) -> Iterator[tuple[Sentence, str]]:
        """Yield (sentence, where); documents are counted on from file to file."""
        next_doc = 0
        for name, sentences in sources:
            base, full = next_doc, False
            for sentence in sentences:
                where = f"{name}:{sentence.line}"
                full = full or bool(sentence.tokens)
                if not sentence.tokens:
                    self.empty += 1
                    self.first_empty = self.first_empty or where
                    continue
                self._look(name, sentence)
                sentence = sentence._replace(doc=base + sentence.doc)
                next_doc = sentence.doc + 1
                yield sentence, where
            if not full:
                raise InputError(f"{name}: empty: there is no sentence with a token in this file")

    def _look(self, name: str, sentence: Sentence) -> None:
        for label in set(sentence.labels).difference(self.labels):
            if label is not None:
                line = sentence.line_of(sentence.labels.index(label))
                self.labels[label] = f"{name}:{line}"
        if self.unfilled:
            values = (sentence.labels, *sentence.features)
            for column, of_column in zip(self._columns, values, strict=True):
                if set(of_column) - {self._absent, None}:
                    self.unfilled.discard(column)

    def check_labels(self, scheme: str, detected: bool) -> None:
        """Raise an InputError for the first label that is none of the scheme."""
        for label, where in self.labels.items():
            try:
                allowed_transitions([label], scheme)
            except InputError as error:
                how = f" (data.scheme=auto found {scheme} labels)" if detected else ""
                raise InputError(
                    f"{where}: {error}{how}. Mend it, or set data.scheme=plain if labels stand "
                    "for themselves"
                ) from None


def _labels(path: Path) -> Iterator[list[str | None]]:
    for batch in batches(path):
        yield from batch.column("labels").to_pylist()


def _converted(batch: pa.RecordBatch, source: str, target: str) -> pa.RecordBatch:
    position = batch.schema.get_field_index("labels")
    field = batch.schema.field(position)
    labels = [convert(one, source, target) for one in batch.column(position).to_pylist()]
    return batch.set_column(position, field, pa.array(labels, type=field.type))


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
        "train": rewrite(source, folder / "train.arrow", _picking(~mask)),
        "dev": rewrite(source, folder / "dev.arrow", _picking(mask)),
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
