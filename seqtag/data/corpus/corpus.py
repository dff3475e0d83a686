"""Load corpora: from files or hub data sets to one `datasets.Dataset` per split.

    config ─► splits: which files ─► a reader: sentences ─► build: Arrow, schemes ─► cache ─► Corpus

Every data set has the columns tokens, labels (null: not scored), one column per feature, length
(in tokens), doc (number of the document, from 0), where ("train.txt:123") and one integer column
per factor.
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
from seqtag.data.corpus.held_out import hold_out
from seqtag.data.corpus.memory_mapped import lengths_of
from seqtag.data.corpus.near_schemes import NearScheme
from seqtag.data.corpus.oddities import explain_single_tokens, mostly_single_tokens
from seqtag.data.corpus.origins import Origin, common_scheme, label_map_notes, origin_notes
from seqtag.data.corpus.remarks import RemarkCount
from seqtag.data.corpus.schemes import LabelReader
from seqtag.data.corpus.splits import SplitSource, find_sources
from seqtag.data.corpus.stream import Stream
from seqtag.data.corpus.write import build_converted, build_split
from seqtag.data.formats.base import find_format
from seqtag.errors import InputError, unknown

if TYPE_CHECKING:
    import datasets

__all__ = ["Corpus", "CorpusConfig", "Origin", "load_corpus"]

# Part of every cache key: increase it when the same bytes are read or stored differently.
READER_VERSION = 6


@dataclass(frozen=True)
class Corpus:
    """A labelled corpus, as `load_corpus` returns it.

    Attributes:
        splits: memory-mapped data sets for at least one of "train", "dev" and "test".
        scheme: "plain", "bio" or "bioes".
        features: names of further input columns, each a list of strings per sentence.
        factors: names of integer columns by which accuracy is broken down.
        notes: messages about the corpus for the user.
        origins: where each split came from; empty for a generated corpus.
        stream: the training split, if it is streamed during training; `splits` then has its first
            sentences.
        config: the settings it was read with; None for a generated corpus.
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
    """Return the corpus that `config` describes, from the cache if it was read before.

        corpus = load_corpus(CorpusConfig(format="column", path="my/corpus"))
        corpus.splits["train"]["tokens"]

    Args:
        config: where the corpus is and how to read it.
        splits: the splits to load; other splits are not read. None: all splits.

    Raises:
        InputError: for an error in the config or the files; the message names file and line.
    """
    sources = find_sources(config)
    held_out = _held_out_splits(sources, config)
    available = [split for split in SPLITS if split in sources or split in held_out]
    requested = [split for split in SPLITS if split in (available if splits is None else splits)]
    for split in splits or ():
        if split not in available:
            raise unknown("split of data", split, available)
    root = cache_root(config.cache_dir)
    loaded: dict[str, datasets.Dataset] = {}
    origins: dict[str, Origin] = {}
    notes: list[str] = []
    paths: dict[str, Path] = {}
    for split in sources:
        if split in requested or (split == "train" and not set(held_out).isdisjoint(requested)):
            loaded[split], origins[split], path, unfilled = _open(sources[split], config, root)
            if split != "train":
                paths[split] = path
            if split == "train":
                _require_features(sources[split], config, unfilled)
            if split == "train" and held_out:
                parts, more = hold_out(loaded[split], path, config, held_out, READER_VERSION)
                loaded |= parts
                origins |= {
                    part: replace(origins["train"], empty=0, first_empty="", remarks=())
                    for part in parts
                    if part != "train"
                }
                notes += more
    scheme = common_scheme(origins)
    for split, path in paths.items():
        loaded[split] = _in_scheme(loaded[split], origins[split], scheme, path, root)
    notes += origin_notes(origins, config) + _unused_notes(sources)
    if config.unlabelled and not any(origin.unlabelled for origin in origins.values()):
        notes.append(
            f"data.unlabelled={config.unlabelled}: no token has this label in the column "
            f"{config.label_column!r} ({', '.join(origins)})"
        )
    notes += label_map_notes(origins, config, is_whole=set(sources) <= set(loaded))
    if "train" in loaded:
        notes += single_token_notes(loaded["train"], config)
    stream = None
    if "train" in loaded and config.streaming:
        stream = sources["train"].stream()
        stream = stream.converting(origins["train"].reader, config.label_map or {})
        notes.append(
            f"the training split is a stream in {stream.rows.num_shards} shards; its first "
            f"{loaded['train'].num_rows:,} sentences define the vocabulary and the labels"
        )
    if "train" in loaded and "dev" not in available:
        why = "none is held out of a stream" if config.streaming else "data.dev_fraction=0"
        notes.append(f"no development split ({why})")
    return Corpus(
        splits={split: loaded[split] for split in requested if split in loaded},
        scheme=scheme,
        features=config.features,
        notes=tuple(notes),
        origins={split: origins[split] for split in requested if split in origins},
        stream=stream,
        config=config,
    )


def _open(
    source: SplitSource, config: CorpusConfig, root: Path
) -> tuple[datasets.Dataset, Origin, Path, list[str]]:
    """Return a split's data set, its origin, its Arrow file and its columns without any value."""
    try:
        key = digest(READER_VERSION, *source.identity())
    except OSError as error:
        raise InputError(f"{', '.join(source.names)}: cannot be read: {error}") from error

    def build(folder: Path) -> dict[str, Any]:
        columns = (config.features, config.scheme, config.absent)
        return build_split(folder, source.parts(), *columns, config.processes, config.label_map)

    entry, (rows,) = cached(root, key, ["data"], build)
    meta = entry.meta
    near, near_at = meta["near"], ""
    if near is not None:
        near_at = near.pop("where")
        near = from_plain(NearScheme, near, "")
    origin = Origin(
        *(source.names, from_plain(LabelReader, meta["reader"], "")),
        *(meta["empty"], meta["first_empty"], meta["bare"]),
        *(near, near_at, meta["unlabelled"], meta["repaired"], meta["overlapping"]),
        *(tuple(meta["mapped"]), tuple(meta["some_labels"]), tuple(meta["typos"])),
        tuple(from_plain(RemarkCount, one, "") for one in meta.get("remarks", ())),
    )
    return rows, origin, entry.folder / "data.arrow", meta["unfilled"]


def _require_features(source: SplitSource, config: CorpusConfig, unfilled: list[str]) -> None:
    """Raise the format's error, if it has one, for a column without any value in training.

    Other splits are not checked: a small test file may lack a feature.
    """
    format = find_format(config.format)
    for column in (config.label_column, *config.features):
        name = "labels" if column == config.label_column else column
        if name in unfilled:
            error = format.explain_unfilled(source.files(), config.layout(), column)
            if error is not None:
                raise error


def _held_out_splits(sources: Mapping[str, SplitSource], config: CorpusConfig) -> tuple[str, ...]:
    """Return the splits to hold out of the training split.

    Raises:
        InputError: for folds of a corpus that has a test split.
    """
    if "train" not in sources or config.streaming:
        return ()
    if config.folds is not None and "test" in sources:
        raise InputError(
            f"data.folds={config.folds} makes test splits of the training split, but the corpus "
            f"has one ({', '.join(sources['test'].names)}): name only the training files with "
            "data.files.train, or set data.folds=null and data.fold=null"
        )
    holds_out_test = config.folds is not None or config.test_fraction > 0
    held_out = ["dev"] if "dev" not in sources and config.dev_fraction > 0 else []
    return (*held_out, *(["test"] if holds_out_test and "test" not in sources else []))


def single_token_notes(rows: datasets.Dataset, config: CorpusConfig | None) -> list[str]:
    """Return a note with advice if (nearly) all training sentences have a single token."""
    lengths = lengths_of(rows)
    count = int((lengths == 1).sum())
    if not mostly_single_tokens(count, len(lengths)):
        return []
    return [f"{rows[0]['where']}: {explain_single_tokens(count, len(lengths), config)}"]


def _unused_notes(sources: Mapping[str, SplitSource]) -> list[str]:
    """Return a note on files next to those of the corpus that are not used."""
    unused = sorted({name for source in sources.values() for name in source.unused})
    if not unused:
        return []
    more = f" and {len(unused) - 6:,} more" if len(unused) > 6 else ""
    return [
        "not used, since their names do not say which split they are: "
        f"{', '.join(unused[:6])}{more}; "
        "data.files.dev=NAME (or train, test) names the files of a split"
    ]


def _in_scheme(rows: datasets.Dataset, origin: Origin, scheme: str, path: Path, root: Path) -> Any:
    """Return the data set of a split, stored at `path`, with its labels in another scheme."""
    source = origin.reader.stored
    if source == scheme or origin.only_outside:
        return rows
    key = digest("converted", READER_VERSION, path.parent.name, source, scheme)
    _, (converted,) = cached(
        root, key, ["data"], lambda folder: build_converted(folder, path, source, scheme)
    )
    return converted
