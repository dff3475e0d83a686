"""The verb `evaluate`: score a trained tagger on a corpus that the user names.

A model folder may come from a stranger. Of its ``data`` group only the layout of a corpus is
obeyed (`LAYOUT`), or the numbers of a generated one; where the corpus is, what is downloaded and
where files are written is said by the user alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
from datasets.table import InMemoryTable

from seqtag.checks import from_plain
from seqtag.commands.settings import EvaluateSettings
from seqtag.data.batches.order import BatchConfig
from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import Corpus, load_corpus
from seqtag.data.corpus.find import unsplit_files
from seqtag.data.formats.base import format_of
from seqtag.errors import InputError
from seqtag.files import write_json
from seqtag.labels import convert
from seqtag.model_folder.folder import CONFIG
from seqtag.model_folder.untrusted import read_untrusted
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.recurrent.engines.registry import set_engine
from seqtag.report.tables import show_scores
from seqtag.tagging.tagger import Tagger
from seqtag.training.evaluation import evaluate_split
from seqtag.training.probe_corpus import generate_corpus

log = logging.getLogger("seqtag")

# The keys of a model folder's data group that are obeyed. `features` are the encoder's own.
LAYOUT = (
    *("format", "columns", "token_column", "label_column", "separator", "comment", "absent"),
    *("document_marker", "document_column", "encoding", "scheme", "label_names"),
)
GENERATED = ("probe", "train", "dev", "test", "lag", "seed")
# What a model folder can have generated: training uses 8,000 items at a lag of some hundreds.
_MOST_ITEMS, _MOST_TOKENS = 100_000, 20_000_000


def evaluate(settings: EvaluateSettings) -> dict[str, Any]:
    """Evaluate a model folder on a split of a corpus; return and write the figures.

    ``data.path=...`` says where the corpus is, which is read as that of the training was, unless
    ``data=...`` gives a layout of its own. Writes ``metrics.json``.
    """
    folder, split = Path(settings.keys.model_dir), settings.keys.split
    tagger = Tagger.load(folder)
    set_engine(tagger.network, settings.keys.engine)
    corpus, batches = corpus_to_evaluate(tagger, folder, settings.data, split)
    scores = evaluate_split(tagger, corpus, split, batches, settings.keys.metric)
    write_json(settings.identity.folder / "metrics.json", scores)
    show_scores(scores)
    return scores


def corpus_to_evaluate(
    tagger: Tagger, folder: Path, data: Mapping[str, Any], split: str
) -> tuple[Corpus, BatchConfig]:
    """Read the split that is to be scored, its labels in the tagger's scheme.

    A single file is that split as a whole, whatever `split` is called: nothing is held out.

    Args:
        tagger: the tagger.
        folder: its model folder, for messages.
        data: the group ``data`` as the user gave it. Without a format only the corpus's place is
            given, and its layout is that of the corpus the tagger was trained on.
        split: the split's name.

    Raises:
        InputError: if no corpus is named, it cannot be read, has no such split, or has labels of
            another kind.
    """
    given = _without_nulls(data)
    batches = from_plain(BatchConfig, given.pop("batch", {}), "data.batch")
    own_layout = "format" in given
    if not own_layout:
        given = _completed(tagger.data or {}, given, folder)
    if given["format"] != "probe":
        corpus = _read(given, tagger, split, guessable=not own_layout)
    elif own_layout:
        described = from_plain(ProbeCorpusConfig, _of(GENERATED, given), "data")
        corpus = generate_corpus(described, (split,))
    else:
        corpus = _generated(given, split, folder)
    return _in_scheme(corpus, split, tagger), batches


def _without_nulls(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the user set: without null places, and without files if none is named."""
    given = dict(data)
    if not any((given.get("files") or {}).values()):
        given.pop("files", None)
    if given.get("path") is None:
        given.pop("path", None)
    return given


def _of(keys: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}


def _completed(trained: Mapping[str, Any], given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the user's place of a corpus with the layout that the model folder names."""
    if "format" not in trained:
        raise InputError(
            f"{folder}: the model folder does not say how its corpus is read; name one with "
            "data=column data.path=... (or another format)"
        )
    if trained["format"] == "probe":
        if given:
            raise InputError(
                f"{folder}: the tagger was trained on generated items, which have no place: for "
                f"a corpus in files give its format too, such as data=column"
            )
        return {"format": "probe", **_of(GENERATED, trained)}
    if not given:
        was = trained.get("path")
        shown = f"; it was trained on data.path={was!r}" if _is_short_text(was) else ""
        raise InputError(
            f"{folder}: name the corpus with data.path=PATH. A model folder may come from "
            f"anywhere, so that a path in it is not opened unless you give it{shown}"
        )
    layout = _of(LAYOUT, trained)
    path = given.get("path")
    if layout["format"] == "hub" and isinstance(path, str) and Path(path).exists():
        layout["format"] = format_of(path)
    # A wrong value is the folder's fault, not the user's.
    read_untrusted(
        folder / CONFIG, lambda: from_plain(CorpusConfig, {**layout, "path": "x"}, "data")
    )
    return {**layout, **given}


def _is_short_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 500


def _generated(described: Mapping[str, Any], split: str, folder: Path) -> Corpus:
    """Generate the split that a model folder describes, if that is no more than training needs."""
    numbers = _of(GENERATED, described)

    def checked() -> ProbeCorpusConfig:
        config = from_plain(ProbeCorpusConfig, numbers, "data")
        lag = 0 if config.lag is None else config.lag
        count = getattr(config, split, 0)
        if count > _MOST_ITEMS or count * max(1, lag) > _MOST_TOKENS:
            raise InputError(
                f"data asks for {count} generated items at a lag of {lag}: give data=probe and "
                "the numbers yourself if they are meant"
            )
        return config

    return generate_corpus(read_untrusted(folder / CONFIG, checked), (split,))


def _read(given: Mapping[str, Any], tagger: Tagger, split: str, guessable: bool) -> Corpus:
    """Read the split; where `guessable`, labels may be of another scheme than `given` says."""
    plain = {key: value for key, value in given.items() if key not in ("encode", "tag_scheme")}
    config = from_plain(CorpusConfig, plain | {"features": list(tagger.features)}, "data")
    config = replace(config, dev_fraction=0.0, streaming=False)
    if files := unsplit_files(config):
        config = replace(config, path=None, files={split: files})
    try:
        return load_corpus(config, (split,))
    except InputError:
        if not guessable or config.scheme in ("auto", "plain"):
            raise
        try:
            found = load_corpus(replace(config, scheme="auto"), (split,))
        except InputError:
            found = None
        if found is None or found.scheme == "plain":
            raise
        return found


def _in_scheme(corpus: Corpus, split: str, tagger: Tagger) -> Corpus:
    """Return the corpus with its labels in the scheme of the one that the tagger was trained on.

    Raises:
        InputError: between plain labels and those of spans.
    """
    wanted, found = tagger.labels.corpus_scheme, corpus.scheme
    origin = corpus.origins.get(split)
    if found == wanted or (origin is not None and origin.bare and wanted == "plain"):
        return corpus
    if "plain" in (wanted, found):
        raise InputError(
            f"the tagger's labels are {wanted}, but the corpus's are {found}; is "
            "data.label_column right?"
        )
    rows = corpus.splits[split]
    before = rows.data.column("labels").to_pylist()
    after = [convert(labels, found, wanted) for labels in before]
    changed = sum(
        convert(new, wanted, found) != old for old, new in zip(before, after, strict=True)
    )
    repaired = f"; illegal labels were repaired in {changed:,} sentences" if changed else ""
    log.info("the corpus's labels are %s: converted to %s%s", found, wanted, repaired)
    splits = {**corpus.splits, split: _with_labels(rows, after)}
    return replace(corpus, splits=splits, scheme=wanted)


def _with_labels(rows: datasets.Dataset, labels: list[list[str | None]]) -> datasets.Dataset:
    table = rows.data.table
    position = table.schema.get_field_index("labels")
    field = table.schema.field(position)
    column = pa.chunked_array([pa.array(labels, type=field.type)])
    table = table.set_column(position, field, column)
    return datasets.Dataset(InMemoryTable(table), info=rows.info, split=rows.split)
