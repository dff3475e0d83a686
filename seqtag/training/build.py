"""Build the corpus, indexer, label set and network of a run from its settings."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch

from seqtag.cells import CellDescription
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.corpus.cache import digest
from seqtag.data.corpus.corpus import Corpus, CorpusConfig, load_corpus
from seqtag.data.corpus.fingerprints import cached_result
from seqtag.data.corpus.memory_mapped import lengths_of
from seqtag.data.encode.counting import count_strings, distinct_labels
from seqtag.data.encode.gazetteers import read_gazetteers, require_files
from seqtag.data.encode.indexer import INDEXER_VERSION, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.data.encode.normalize import normalized_counts
from seqtag.data.encode.vector_coverage import Coverage
from seqtag.data.encode.vectors import load_vectors, words_with_vectors
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER
from seqtag.errors import InputError
from seqtag.inputs.gazetteers import Gazetteers
from seqtag.inputs.options import EncodeConfig
from seqtag.inputs.vocabulary import Vocabulary
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.model.size import require_memory, with_parameters
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.training.initial.start import Start
from seqtag.training.label_weights import label_weights
from seqtag.training.probe_corpus import generate_corpus
from seqtag.training.settings import DataSettings, TrainingSettings

log = logging.getLogger("seqtag")


def corpus(
    config: CorpusConfig | ProbeCorpusConfig, splits: tuple[str, ...] | None = None
) -> Corpus:
    """Read or generate a corpus: all splits, or only the named ones."""
    if isinstance(config, ProbeCorpusConfig):
        return generate_corpus(config, splits)
    return load_corpus(config, splits)


def training_corpus(settings: TrainingSettings, splits: tuple[str, ...] | None = None) -> Corpus:
    """Read or generate the corpus of a run; with `trainer.overfit_batches` only a few batches."""
    config = settings.data.corpus
    if isinstance(config, ProbeCorpusConfig):
        log.info("generating sentences of the probe %s", config.probe)
    else:
        log.info(
            "reading the corpus %s",
            config.path or ", ".join(map(str, (config.files or {}).values())),
        )
    if settings.data.gazetteers is not None:
        require_files(settings.data.gazetteers)
    whole = corpus(config, splits)
    sizes = (f"{rows.num_rows:,} {split}" for split, rows in whole.splits.items())
    log.info("sentences: %s", ", ".join(sizes))
    if count := settings.trainer.overfit_batches:
        return few_batches(whole, count, settings.data.batch, settings.seed)
    return whole


def with_absolute_path(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a corpus for a model folder: a local path is made absolute."""
    absolute = dict(description)
    if absolute.get("path") and Path(absolute["path"]).exists():
        absolute["path"] = str(Path(absolute["path"]).resolve())
    return absolute


def indexer(
    data: DataSettings, model: TaggerConfig, corpus: Corpus, start: Start | None = None
) -> Indexer:
    """Return the indexer: vocabularies of the training split, and files of names and word vectors.

    With a `start`, the vocabularies of its folder are extended.

    Raises:
        InputError: if there is no training split, or a file cannot be read.
    """
    encode = data.encode if start is None else start.fit_config(data.encode)
    built = _vocabularies(encode, corpus, model.package_input_options)
    if start is not None:
        built = start.indexer(built)
    inputs = built.inputs
    if data.gazetteers is not None:
        listed = gazetteers(data)
        inputs["gazetteers"] = listed if start is None else start.gazetteers(listed)
    if model.words is not None and model.words.vectors_for == "all":
        path, size = str(model.words.vectors), model.words.size
        inputs["words"] = inputs["words"].with_words(words_with_vectors(path, size))
    return Indexer(built.config, inputs)


def gazetteers(data: DataSettings) -> Gazetteers:
    """Return the gazetteers, whose names are split into tokens as the texts of the corpus are."""
    assert data.gazetteers is not None
    tokenizer = getattr(data.corpus, "tokenizer", DEFAULT_TOKENIZER)
    return read_gazetteers(data.gazetteers, tokenizer, data.encode.normalize)


def _vocabularies(config: EncodeConfig, corpus: Corpus, added: Mapping[str, Any]) -> Indexer:
    """Return the indexer without gazetteers, built from the training split or read from the cache.

    With `added` inputs nothing is cached, because their code may have changed.

    Raises:
        InputError: if there is no training split.
    """
    if "train" not in corpus.splits:
        raise InputError("data: there is no training split")
    train, features = corpus.splits["train"], corpus.features
    if added:
        return Indexer.fit(train, config, features, added)
    pieces = config.subwords and config.subwords.path
    key = [INDEXER_VERSION, asdict(config), features]
    if pieces and Path(pieces).is_file():
        key.append(digest(Path(pieces)))
    plain = cached_result(train, key, lambda: Indexer.fit(train, config, features).to_plain())
    return Indexer.from_plain(plain)


def label_set(scheme: str, corpus: Corpus, start: Start | None = None) -> LabelSet:
    """Return the labels of the training split, converted to the label scheme of the tagger.

    With a `start`, they are added to the labels of its folder.
    """
    if start is not None:
        scheme = start.scheme(scheme, corpus)
    known = [distinct_labels(corpus.splits["train"])]
    if corpus.stream is not None:
        known.append(corpus.stream.labels)
    origin = corpus.origins.get("train")
    notation = None if origin is None else origin.reader.notation
    new = LabelSet.fit(known, corpus.scheme, scheme, notation)
    return new if start is None else start.labels(new)


def sized_model(settings: TrainingSettings, indexer: Indexer) -> TaggerConfig:
    """Return the configuration of the network, with the hidden size for `parameters` if set.

    Raises:
        InputError: if the smallest possible encoder has more parameters.
    """
    if settings.parameters is None:
        return settings.model
    sized = with_parameters(settings.model, settings.cell, indexer.inputs, settings.parameters)
    log.info("hidden size for %s parameters: %d", f"{settings.parameters:,}", sized.hidden_size)
    return sized


def network(
    config: TaggerConfig,
    cell: CellDescription,
    indexer: Indexer,
    labels: LabelSet,
    corpus: Corpus | None = None,
    start: Start | None = None,
) -> TaggerNetwork:
    """Build the network, and load word vectors if the configuration names a file.

    With a `corpus`, the share of its training split that has a vector is logged. With a `start`,
    the weights begin as those of its folder, and only words that it lacks get a vector of the file.

    Raises:
        InputError: if the network does not fit into memory, no word has a vector, or
            `label_weights` has an unknown label.
    """
    require_memory(config, cell, indexer.inputs, len(labels))
    # Only a CRF needs transitions: their number is the square of the number of labels.
    transitions = labels.transitions if config.decoder == "crf" else None
    try:
        built = TaggerNetwork(config, cell, indexer.inputs, len(labels), transitions)
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise InputError(
            f"model: not enough memory for a network of this size ({error})"
        ) from error
    if config.label_weights:
        weights = label_weights(config.label_weights, labels)
        built.label_weights_K = torch.tensor(weights)
    if start is not None:
        start.copy_weights(built, indexer, labels)
    if config.words is not None and config.words.vectors is not None:
        path, module = config.words.vectors, built.embedding.words
        rows, vectors = load_vectors(path, indexer.words.strings(), config.words.size)
        with torch.no_grad():
            table = module.weight if module.fixed is None else module.fixed
            used = slice(None)
            if start is not None and module.fixed is None:
                used = torch.isin(rows, start.new_words(indexer))
            table[rows[used]] = vectors[used]
        if corpus is not None:
            _report_vectors(path, set(rows.tolist()), indexer, corpus)
    return built


def _report_vectors(path: str, rows: set[int], indexer: Indexer, corpus: Corpus) -> None:
    """Log how many words and tokens of the training split have a vector in a file.

    Raises:
        InputError: if none has.
    """
    counts = count_strings(corpus.splits["train"], "tokens")
    if form := indexer.config.normalize:
        counts = normalized_counts(form, counts)
    ids = indexer.inputs["words"].ids(list(counts))
    rows = rows - {Vocabulary.UNKNOWN}
    coverage = Coverage.of(counts, {w for w, n in zip(counts, ids, strict=True) if n in rows})
    if not coverage.words_found:
        raise InputError(
            f"{path}: none of the {coverage.words:,} words of the training split has a vector in "
            "this file: use a file of the language of the corpus, or set model.words.vectors=null"
        )
    log.info("%s: there is a vector for %s of the training split", path, coverage)
    if coverage.is_low:
        log.warning(
            "%s: few words have a vector: are language and spelling those of the corpus?", path
        )


def few_batches(corpus: Corpus, count: float, config: BatchConfig, seed: int) -> Corpus:
    """Return a corpus of a few training batches, to overfit.

    The training and development splits are the same sentences; there is no test split.

    Args:
        corpus: the whole corpus.
        count: number of batches, or their share if it is a float.
        config: size limits of the batches.
        seed: seed of their order.
    """
    train = corpus.splits["train"]
    lengths = lengths_of(train)
    batches = BatchOrder(lengths, config, shuffle=True, seed=seed).batches(0)
    chosen = batches[: count if isinstance(count, int) else max(1, int(count * len(batches)))]
    rows = np.sort(np.concatenate(chosen)).tolist()
    few = datasets.Dataset.from_dict(train[rows], features=train.features)
    return replace(corpus, splits={"train": few, "dev": few}, stream=None)


@contextmanager
def compiled(network: TaggerNetwork, enabled: bool) -> Iterator[None]:
    """Compile the slow parts of a training step inside this context, if `enabled`.

    They are compiled once for all sentence lengths. The CRF is not compiled: its loops over time
    would be unrolled again for each length. On exit the network is restored: evaluation in
    inference mode would compile it again.
    """
    parts = (network.embedding, network.encoder, network.projection) if enabled else ()
    for part in parts:
        part.compile(dynamic=True)
    try:
        yield
    finally:
        for part in parts:
            part._compiled_call_impl = None
