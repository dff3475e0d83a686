"""The verb `evaluate`: score a trained tagger on a corpus that the user names.

A model folder may come from an untrusted source. From its ``data`` group only the layout of a
corpus is used (`LAYOUT`), or the settings of a generated one (`GENERATED`). The user alone chooses
which corpus is read or downloaded, and where files are written.
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
from seqtag.data.encode.counting import distinct_labels
from seqtag.data.formats.base import format_by_ending
from seqtag.errors import InputError
from seqtag.files import write_json
from seqtag.labels import OUTSIDE, convert
from seqtag.model_folder.folder import CONFIG
from seqtag.model_folder.untrusted import read_untrusted
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.recurrent.engines.registry import set_engine
from seqtag.report.tables import show_scores
from seqtag.tagging.tagger import Tagger
from seqtag.training.evaluation import evaluate_split
from seqtag.training.findings import Findings, model_title
from seqtag.training.probe_corpus import generate_corpus

log = logging.getLogger("seqtag")

# Keys of a model folder's data group that are used. `features` come from the indexer instead.
LAYOUT = (
    *("format", "columns", "token_column", "label_column", "separator", "comment", "absent"),
    *("document_marker", "document_column", "sentence_column", "encoding", "scheme"),
    *("label_names", "unlabelled", "label_map", "tokenizer", "spans"),
)
# Keys that only training uses.
_OF_TRAINING = (
    *("encode", "tag_scheme", "gazetteers", "gazetteer_ignore_case", "gazetteer_encoding"),
)
# Keys that say which sentences were held out. They are used for the training corpus only.
HELD_OUT = ("folds", "fold", "test_fraction", "dev_fraction", "split_by", "split_seed")
GENERATED = ("probe", "train", "dev", "test", "lag", "seed")
# Limits on what a model folder can have generated; training uses 8,000 items at lags of hundreds.
_MOST_ITEMS, _MOST_TOKENS = 100_000, 20_000_000


def evaluate(settings: EvaluateSettings) -> dict[str, Any]:
    """Evaluate a model folder on a split of a corpus; return the figures.

    The corpus at ``data.path=...`` is read with the layout of the training corpus, unless
    ``data=...`` chooses another one. Writes ``metrics.json`` (figures), ``predictions.conll``,
    ``confusion.csv`` and ``errors.html``.
    """
    folder, split = Path(settings.keys.model_dir), settings.keys.split
    tagger = Tagger.load(settings.keys.model_dir).with_bias(settings.keys.bias or {})
    set_engine(tagger.network, settings.keys.engine)
    corpus, batches = corpus_to_evaluate(tagger, folder, settings.data, split)
    output, keys = settings.identity.folder, settings.keys
    with Findings.in_folder(output, tagger.labels, keys.errors) as findings:
        scores = evaluate_split(tagger, corpus, split, batches, keys.metric, findings)
    write_json(output / "metrics.json", scores)
    findings.write(f"Errors of {model_title(folder)} ({split} split)", scores)
    show_scores(scores)
    return scores


def corpus_to_evaluate(
    tagger: Tagger, folder: Path, data: Mapping[str, Any], split: str
) -> tuple[Corpus, BatchConfig]:
    """Read the split to evaluate; convert its labels to the tagger's scheme.

    A single file is read as that split, whatever its name: nothing is held out, unless it is the
    corpus that a test split or folds were held out of in training.

    Args:
        tagger: the tagger.
        folder: its model folder, for messages.
        data: the group ``data`` of the user. Without a format it only chooses the corpus, which is
            read with the layout of the training corpus.
        split: the split's name.

    Raises:
        InputError: if no corpus is named, it cannot be read, has no such split, or its labels
            cannot be converted.
    """
    settings = _without_nulls(data)
    batches = from_plain(BatchConfig, settings.pop("batch", {}), "data.batch")
    own_layout = "format" in settings
    if not own_layout:
        settings = _with_layout(tagger.data or {}, settings, folder)
    if settings["format"] != "probe":
        corpus = _read(settings, tagger, split, detect_scheme=not own_layout)
    elif own_layout:
        config = from_plain(ProbeCorpusConfig, _select(GENERATED, settings), "data")
        corpus = generate_corpus(config, (split,))
    else:
        corpus = _generate(settings, split, folder)
    return _in_scheme(corpus, split, tagger), batches


def _without_nulls(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's settings without a null path, and without files if all are null."""
    settings = dict(data)
    if not any((settings.get("files") or {}).values()):
        settings.pop("files", None)
    if settings.get("path") is None:
        settings.pop("path", None)
    return settings


def _select(keys: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}


def _with_layout(
    trained: Mapping[str, Any], settings: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Return the user's settings of a corpus, completed by the layout in the model folder."""
    if "format" not in trained:
        raise InputError(
            f"{folder}: the model folder does not contain the format of its corpus; choose one "
            "with data=column data.path=... (or another format)"
        )
    if trained["format"] == "probe":
        if settings:
            raise InputError(
                f"{folder}: the tagger was trained on generated items, not on files: for a corpus "
                f"in files set its format too, such as data=column"
            )
        return {"format": "probe", **_select(GENERATED, trained)}
    if not settings:
        path = trained.get("path")
        origin = f"; it was trained on data.path={path!r}" if _is_short_text(path) else ""
        raise InputError(
            f"{folder}: name the corpus with data.path=PATH. A model folder may come from an "
            f"untrusted source, so a path in it is not opened unless you set it{origin}"
        )
    layout = _select(LAYOUT, trained)
    path = settings.get("path")
    if layout["format"] == "hub" and isinstance(path, str) and Path(path).exists():
        layout["format"] = format_by_ending(path)
    if _is_training_corpus(trained, settings):
        held_out = {**_select(HELD_OUT, trained), **_select(HELD_OUT, settings)}
        layout |= held_out
        log.info(
            "the tagger was trained on this corpus: its splits are held out as in training (%s)",
            ", ".join(f"data.{key}={value}" for key, value in held_out.items() if value),
        )
    # Errors in the layout must name the folder, not the user's settings.
    read_untrusted(
        folder / CONFIG, lambda: from_plain(CorpusConfig, {**layout, "path": "x"}, "data")
    )
    return {**layout, **settings}


def _is_training_corpus(trained: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Return whether the user names the corpus of the training, and its test split was held out."""
    if not (trained.get("folds") or trained.get("test_fraction")):
        return False
    path, files = settings.get("path"), _named(settings.get("files"))
    same_path = isinstance(path, str) and trained.get("path") in (path, str(Path(path).resolve()))
    return same_path and files == _named(trained.get("files"))


def _named(files: Any) -> dict[str, Any]:
    return {k: v for k, v in files.items() if v} if isinstance(files, Mapping) else {}


def _is_short_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 500


def _generate(stored: Mapping[str, Any], split: str, folder: Path) -> Corpus:
    """Generate the split that a model folder describes, within limits on its size."""
    numbers = _select(GENERATED, stored)

    def checked() -> ProbeCorpusConfig:
        config = from_plain(ProbeCorpusConfig, numbers, "data")
        lag = 0 if config.lag is None else config.lag
        count = getattr(config, split, 0)
        if count > _MOST_ITEMS or count * max(1, lag) > _MOST_TOKENS:
            raise InputError(
                f"data.{split}={count} and data.lag={config.lag} are more generated items than a "
                "model folder may set; to generate them, set data=probe and these keys yourself"
            )
        return config

    return generate_corpus(read_untrusted(folder / CONFIG, checked), (split,))


def _read(settings: Mapping[str, Any], tagger: Tagger, split: str, detect_scheme: bool) -> Corpus:
    """Read the split; with `detect_scheme`, its labels may be in a scheme other than `settings`."""
    plain = {key: value for key, value in settings.items() if key not in _OF_TRAINING}
    config = from_plain(CorpusConfig, plain | {"features": list(tagger.features)}, "data")
    config = replace(config, streaming=False)
    if config.folds is None and not config.test_fraction:
        config = replace(config, dev_fraction=0.0)
        files = unsplit_files(config)
    else:  # the splits are held out of this corpus, as the user or the training says
        files = None
    if files:
        config = replace(config, path=None, files={split: files})
    try:
        corpus = load_corpus(config, (split,))
    except InputError:
        if not detect_scheme or config.scheme in ("auto", "plain"):
            raise
        config = replace(config, scheme="auto")
        try:
            corpus = load_corpus(config, (split,))
        except InputError:
            corpus = None
        if corpus is None or (corpus.scheme == "plain" and not _are_types(corpus, split, tagger)):
            raise
    if config.scheme == "auto" and _are_types(corpus, split, tagger):
        # Types without letters are plain unless, as here, they are known to be those of spans.
        return load_corpus(replace(config, scheme="io"), (split,))
    return corpus


def _are_types(corpus: Corpus, split: str, tagger: Tagger) -> bool:
    """Return whether the labels of a split are O and types of the tagger's spans (IO)."""
    labels = {*distinct_labels(corpus.splits[split])} - {OUTSIDE, None}
    return corpus.scheme == "plain" and bool(labels) and labels <= {*tagger.labels.types}


def _in_scheme(corpus: Corpus, split: str, tagger: Tagger) -> Corpus:
    """Return the corpus with its labels converted to the scheme of the training corpus.

    Raises:
        InputError: between plain labels and span labels.
    """
    target, source = tagger.labels.corpus_scheme, corpus.scheme
    origin = corpus.origins.get(split)
    if origin is not None and (note := origin.reader.note()):
        log.info(note)
    if source == target or (origin is not None and origin.only_outside and target == "plain"):
        return corpus
    if "plain" in (target, source):
        raise InputError(
            f"the tagger's labels are {target}, but the corpus's are {source}; is "
            "data.label_column correct?"
        )
    rows = corpus.splits[split]
    before = rows.data.column("labels").to_pylist()
    after = [convert(labels, source, target) for labels in before]
    changed = sum(
        convert(new, target, source) != old for old, new in zip(before, after, strict=True)
    )
    repaired = f"; illegal labels were repaired in {changed:,} sentences" if changed else ""
    log.info("the corpus's labels are %s: converted to %s%s", source, target, repaired)
    splits = {**corpus.splits, split: _with_labels(rows, after)}
    return replace(corpus, splits=splits, scheme=target)


def _with_labels(rows: datasets.Dataset, labels: list[list[str | None]]) -> datasets.Dataset:
    table = rows.data.table
    position = table.schema.get_field_index("labels")
    field = table.schema.field(position)
    column = pa.chunked_array([pa.array(labels, type=field.type)])
    table = table.set_column(position, field, column)
    return datasets.Dataset(InMemoryTable(table), info=rows.info, split=rows.split)
