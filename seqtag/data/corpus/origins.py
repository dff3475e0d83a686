"""Where the splits of a corpus came from, how their labels were read, and notes about that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seqtag.data.config import SPLITS, CorpusConfig
from seqtag.data.corpus.near_schemes import NearScheme, explain_near_scheme
from seqtag.data.corpus.remarks import RemarkCount
from seqtag.data.corpus.schemes import LabelReader
from seqtag.data.label_map import explain_unused
from seqtag.errors import InputError


@dataclass(frozen=True)
class Origin:
    """Where a split came from.

    Attributes:
        files: names of its files.
        reader: the notation of the labels in the files, and their conversion.
        empty: number of sentences without a token, which are left out.
        first_empty: place of the first of them.
        only_outside: whether `O` is the only label.
        near: the span scheme that the plain labels resemble; None if there is none.
        near_at: place of the first such label.
        unlabelled: number of tokens without a label.
        repaired: number of illegal labels that were repaired in the conversion.
        overlapping: number of tokens with the letter V of BMEWO-V.
        mapped: the keys of `data.label_map` that occurred.
        some_labels: labels as in the files or replaced by `data.label_map`, at most 200.
        typos: messages about rare types that resemble frequent ones.
        remarks: what the reader reports about records, such as spans that were left out.
    """

    files: tuple[str, ...]
    reader: LabelReader
    empty: int = 0
    first_empty: str = ""
    only_outside: bool = False
    near: NearScheme | None = None
    near_at: str = ""
    unlabelled: int = 0
    repaired: int = 0
    overlapping: int = 0
    mapped: tuple[str, ...] = ()
    some_labels: tuple[str, ...] = ()
    typos: tuple[str, ...] = ()
    remarks: tuple[RemarkCount, ...] = ()

    @property
    def scheme(self) -> str:
        """The label scheme of the files."""
        return self.reader.notation.scheme


def origin_notes(origins: Mapping[str, Origin], config: CorpusConfig | None) -> list[str]:
    """Return notes on how labels were interpreted and which sentences were left out."""
    notes = []
    found = {split: origin.reader.note() for split, origin in origins.items()}
    different = len({found[s] for s, origin in origins.items() if not origin.only_outside}) > 1
    if different:
        notes += [f"{split}: {note}" for split, note in found.items() if note]
    else:
        notes += [note for note in dict.fromkeys(found.values()) if note]
    common = common_scheme(origins)
    for split, origin in origins.items():
        if origin.reader.stored != common and not origin.only_outside:
            notes.append(
                f"{split}: converted from {origin.reader.stored.upper()} to {common.upper()}, the "
                "scheme of the corpus"
            )
        notes += [f"{split}: {typo}" for typo in origin.typos]
        if origin.repaired:
            notes.append(f"{split}: repaired {origin.repaired:,} illegal {origin.scheme} labels")
        if origin.overlapping:
            notes.append(
                f"{split}: {origin.overlapping:,} tokens have the letter V (overlapping spans), "
                "which was read as M: spans cannot overlap"
            )
    near = [origin for origin in origins.values() if origin.near is not None]
    for origin in near[:1]:  # the labels of the other splits look the same
        notes.append(f"{origin.near_at}: {explain_near_scheme(origin.near, config)}")
    for split, origin in origins.items():
        notes += [remark.note(split) for remark in origin.remarks]
        if origin.empty:
            notes.append(
                f"{split}: left out {origin.empty:,} sentences without a token (first: "
                f"{origin.first_empty})"
            )
    return notes


def label_map_notes(
    origins: Mapping[str, Origin], config: CorpusConfig, is_whole: bool
) -> list[str]:
    """Return a note on keys of `data.label_map` that do not occur in these splits.

    Raises:
        InputError: instead, if these are the whole corpus.
    """
    occurring = {key for origin in origins.values() for key in origin.mapped}
    missing = [key for key in config.label_map or {} if key not in occurring]
    if not missing:
        return []
    labels = [label for origin in origins.values() for label in origin.some_labels]
    message = explain_unused(missing, labels, origins)
    if is_whole and not config.streaming:
        raise InputError(message)
    return [message]


def common_scheme(origins: Mapping[str, Origin]) -> str:
    """Return the scheme of the corpus: that of training, or of the first split with spans.

    A split with only `O` labels fits any scheme.

    Raises:
        InputError: if some splits have spans and others plain labels.
    """
    schemes = {split: origin.reader.stored for split, origin in origins.items()}
    with_spans = {s: scheme for s, scheme in schemes.items() if not origins[s].only_outside}
    decisive = with_spans or schemes
    if "plain" in decisive.values() and len(set(decisive.values())) > 1:
        listed = ", ".join(f"{split}: {scheme}" for split, scheme in decisive.items())
        raise InputError(
            f"data: some splits have plain labels and others labels of spans ({listed}): set "
            "data.scheme to one scheme, or convert the files"
        )
    return next(decisive[split] for split in SPLITS if split in decisive)
