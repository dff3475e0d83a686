"""Corpora: files or hub data sets in, one `datasets.Dataset` per split out.

    config ─► splits: which files ─► a reader: sentences ─► build: Arrow, schemes ─► cache ─► Corpus

Every data set has the columns tokens, labels (null: not scored), one per feature, length (in
tokens), doc (number of the document, from 0), where ("train.txt:123") and one int per factor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtag.cache import cache_root
from seqtag.checks import from_plain
from seqtag.data.config import SPLITS, CorpusConfig
from seqtag.data.corpus.cache import cached, digest
from seqtag.data.corpus.memory_mapped import lengths_of
from seqtag.data.corpus.near_schemes import Near, explain
from seqtag.data.corpus.oddities import explain_single, mostly_single
from seqtag.data.corpus.splits import Source, find_sources
from seqtag.data.corpus.stream import Stream
from seqtag.data.corpus.write import KEPT_AS, build_held_out, build_split, held_out, held_out_count
from seqtag.data.formats.base import find_format
from seqtag.errors import InputError, unknown

if TYPE_CHECKING:
    import datasets

__all__ = ["Corpus", "CorpusConfig", "Origin", "load_corpus"]

# Part of every cache key: raise it when the same bytes are read, or noted down, differently.
READER_VERSION = 3


@dataclass(frozen=True)
class Origin:
    """Where a split came from.

    Attributes:
        files: names of its files.
        scheme: the label scheme they are written in, before IOB1 is made BIO.
        empty: sentences without a token, which are left out.
        first_empty: where the first of them was.
        bare: there is no label but O.
        bilou: its labels are BILOU, of which L and U become E and S.
        near: the scheme that its plain labels nearly are; None if there is none.
        near_at: where the first such label is.
    """

    files: tuple[str, ...]
    scheme: str
    empty: int = 0
    first_empty: str = ""
    bare: bool = False
    bilou: bool = False
    near: Near | None = None
    near_at: str = ""


@dataclass(frozen=True)
class Corpus:
    """A labelled corpus.

    Attributes:
        splits: memory-mapped data sets by "train", "dev" and "test"; at least one of them.
        scheme: "plain", "bio" or "bioes".
        features: names of further input columns, each a list of strings per sentence.
        factors: names of int columns by which accuracy is sliced.
        notes: what the user should read about it.
        origins: where each split came from; empty for a generated corpus.
        stream: the training split, where it is read while training goes on; `splits` then has its
            first sentences.
        config: how it was read; None for a generated corpus.
    """

    splits: dict[str, datasets.Dataset]
    scheme: str
    features: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    stream: Stream | None = None
    config: CorpusConfig | None = None


def load_corpus(config: CorpusConfig, splits: Sequence[str] | None = None) -> Corpus:
    """Read a corpus, or open what was read before from the same bytes in the same way.

    Args:
        config: where it is and how it is read.
        splits: the splits wanted; others are not even read. None: all there are.

    Raises:
        InputError: for what is wrong with the config or the files, by name and line.
    """
    sources = find_sources(config)
    holds_out = (
        "train" in sources
        and "dev" not in sources
        and config.dev_fraction > 0
        and not config.streaming
    )
    there = [split for split in SPLITS if split in sources or (split == "dev" and holds_out)]
    wanted = [split for split in SPLITS if split in (there if splits is None else splits)]
    for split in splits or ():
        if split not in there:
            raise unknown("split of data", split, there)
    root = cache_root(config.cache_dir)
    found: dict[str, datasets.Dataset] = {}
    origins: dict[str, Origin] = {}
    notes: list[str] = []
    for split in sources:
        if split in wanted or (split == "train" and holds_out and "dev" in wanted):
            found[split], origins[split], path, unfilled = _open(sources[split], config, root)
            if split == "train":
                _require_features(sources[split], config, unfilled)
            if split == "train" and holds_out:
                _hold_out(found, origins, notes, config, root, path)
    notes += origin_notes(origins, config) + _unused_notes(sources)
    if "train" in found:
        notes += single_token_notes(found["train"], config)
    stream = None
    if "train" in found and config.streaming:
        scheme = origins["train"].scheme
        stream = replace(sources["train"].stream(), schemes=(scheme, KEPT_AS[scheme]))
        notes.append(
            f"the training split is a stream in {stream.rows.num_shards} shards; what is known of "
            f"it beforehand are {found['train'].num_rows:,} sentences"
        )
    if "train" in found and "dev" not in there:
        why = "a stream holds none out" if config.streaming else "data.dev_fraction=0"
        notes.append(f"no development split ({why})")
    return Corpus(
        splits={split: found[split] for split in wanted if split in found},
        scheme=_common_scheme(origins),
        features=config.features,
        notes=tuple(notes),
        origins={split: origins[split] for split in wanted if split in origins},
        stream=stream,
        config=config,
    )


def _open(
    source: Source, config: CorpusConfig, root: Path
) -> tuple[datasets.Dataset, Origin, Path, list[str]]:
    """Return a split's data set, its origin, its Arrow file and its columns without values."""
    try:
        key = digest(READER_VERSION, *source.identity())
    except OSError as error:
        raise InputError(f"{', '.join(source.names)}: cannot be read: {error}") from error

    def build(folder: Path) -> dict[str, Any]:
        columns = (config.features, config.scheme, config.absent)
        return build_split(folder, source.parts(), *columns, config.processes)

    entry, (rows,) = cached(root, key, ["data"], build)
    meta = entry.meta
    near, near_at = meta["near"], ""
    if near is not None:
        near_at = near.pop("where")
        near = from_plain(Near, near, "")
    origin = Origin(
        *(source.names, meta["found_scheme"], meta["empty"], meta["first_empty"], meta["bare"]),
        *(meta["bilou"], near, near_at),
    )
    return rows, origin, entry.folder / "data.arrow", meta["unfilled"]


def _require_features(source: Source, config: CorpusConfig, unfilled: list[str]) -> None:
    """Refuse a column without a value in all of training, if the format says that it is a slip.

    In a small test file it may well be without one.
    """
    format = find_format(config.format)
    for column in (config.label_column, *config.features):
        name = "labels" if column == config.label_column else column
        if name in unfilled:
            error = format.explain_unfilled(source.files(), config.layout(), column)
            if error is not None:
                raise error


def _hold_out(
    found: dict[str, datasets.Dataset],
    origins: dict[str, Origin],
    notes: list[str],
    config: CorpusConfig,
    root: Path,
    path: Path,
) -> None:
    """Part the training split in two, and say so."""
    size = found["train"].num_rows
    if size < 2:
        notes.append("no development split, and too few training sentences to hold one out")
        return
    chosen = (size, config.dev_fraction, config.split_seed)
    key = digest("held out", READER_VERSION, path.parent.name, *chosen)
    _, (found["train"], found["dev"]) = cached(
        root,
        key,
        ["train", "dev"],
        lambda folder: build_held_out(folder, path, held_out(*chosen)),
    )
    origins["dev"] = replace(origins["train"], empty=0, first_empty="")
    count = held_out_count(size, config.dev_fraction)
    notes.append(
        f"no development split: held out {count:,} of {size:,} training sentences "
        f"(dev_fraction={config.dev_fraction}, split_seed={config.split_seed})"
    )


def origin_notes(origins: Mapping[str, Origin], config: CorpusConfig | None) -> list[str]:
    """Return what the user should read about how the labels and sentences of splits were taken."""
    notes = []
    if any(origin.scheme == "iob1" for origin in origins.values()):
        notes.append("the labels are IOB1; they were converted to BIO")
    if any(origin.bilou for origin in origins.values()):
        notes.append("the labels are BILOU; L and U were converted to E and S (BIOES)")
    near = [origin for origin in origins.values() if origin.near is not None]
    for origin in near[:1]:  # the other splits are written alike
        notes.append(f"{origin.near_at}: {explain(origin.near, config)}")
    for split, origin in origins.items():
        if origin.empty:
            notes.append(
                f"{split}: left out {origin.empty:,} sentences without a token (first: "
                f"{origin.first_empty})"
            )
    return notes


def single_token_notes(rows: datasets.Dataset, config: CorpusConfig | None) -> list[str]:
    """Return what to do if the sentences of the training split are all of one token."""
    lengths = lengths_of(rows)
    count = int((lengths == 1).sum())
    if not mostly_single(count, len(lengths)):
        return []
    return [f"{rows[0]['where']}: {explain_single(count, len(lengths), config)}"]


def _unused_notes(sources: Mapping[str, Source]) -> list[str]:
    """Return a note on files that stand beside those of the corpus and are not used."""
    unused = sorted({name for source in sources.values() for name in source.unused})
    if not unused:
        return []
    more = f" and {len(unused) - 6:,} more" if len(unused) > 6 else ""
    return [
        f"not used, since the names do not say which split they are: "
        f"{', '.join(unused[:6])}{more}; "
        "data.files.dev=NAME (or train, test) names the files of a split"
    ]


def _common_scheme(origins: Mapping[str, Origin]) -> str:
    """Return the scheme of the corpus; a split with nothing but O goes with any."""
    schemes = {split: KEPT_AS[origin.scheme] for split, origin in origins.items()}
    telling = {split: s for split, s in schemes.items() if not origins[split].bare} or schemes
    if len(set(telling.values())) > 1:
        listed = ", ".join(f"{split}: {scheme}" for split, scheme in telling.items())
        raise InputError(
            f"data: the splits are labelled by different schemes ({listed}): say which by "
            "data.scheme, or convert the files"
        )
    return next(iter(telling.values()))
