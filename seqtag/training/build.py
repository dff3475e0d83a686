"""From the configuration to a corpus, its indexer and labels, and the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch

from seqtag.checks import from_plain
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.corpus.cache import digest
from seqtag.data.corpus.corpus import Corpus, CorpusConfig, load_corpus
from seqtag.data.corpus.fingerprints import remembered
from seqtag.data.corpus.memory_mapped import lengths_of
from seqtag.data.encode.counting import distinct_labels
from seqtag.data.encode.indexer import INDEXER_VERSION, EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.data.encode.vectors import load_vectors
from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.model.size import require_memory
from seqtag.probes.baselines import WindowBaseline
from seqtag.training.probe_corpus import baselines_of, generate_corpus

# What `data` holds beside the description of the corpus itself.
_BESIDE_CORPUS = ("batch", "encode", "tag_scheme")


def corpus(data: Mapping[str, Any], splits: tuple[str, ...] | None = None) -> Corpus:
    """Read, or generate, the corpus that the group `data` describes."""
    made, plain = _description(data)
    if made:
        return generate_corpus(plain, splits)
    return load_corpus(from_plain(CorpusConfig, plain, "data"), splits)


def training_corpus(config: Mapping[str, Any], splits: tuple[str, ...] | None = None) -> Corpus:
    """Read the corpus that a run trains on: all of it, or a few batches to overfit."""
    found = corpus(config["data"], splits)
    if few := config["trainer"]["overfit_batches"]:
        found = few_batches(found, few, batch_config(config["data"]), config["seed"])
    return found


def baselines(data: Mapping[str, Any]) -> dict[str, WindowBaseline]:
    """Return the baselines of the generated corpus that the group `data` describes."""
    return baselines_of(_description(data)[1])


def _description(data: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Return whether a corpus is generated, and what describes it."""
    plain = {key: value for key, value in data.items() if key not in _BESIDE_CORPUS}
    made = plain.get("format") == "probe"
    if made:
        del plain["format"]
    return made, plain


def portable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the group `data` as a model folder keeps it: a local path made absolute."""
    kept = dict(data)
    if kept.get("path") and Path(kept["path"]).exists():
        kept["path"] = str(Path(kept["path"]).resolve())
    return kept


def indexer(data: Mapping[str, Any], corpus: Corpus) -> Indexer:
    """Build the vocabularies from the training split, or read those built of it before."""
    if "train" not in corpus.splits:
        raise InputError("data: there is no training split")
    config = from_plain(EncodeConfig, data["encode"], "data.encode")
    train, features = corpus.splits["train"], corpus.features
    pieces = config.subwords and config.subwords.path
    key = [INDEXER_VERSION, asdict(config), features]
    if pieces and Path(pieces).is_file():
        key.append(digest(Path(pieces)))
    plain = remembered(train, key, lambda: Indexer.fit(train, config, features).to_plain())
    return Indexer.from_plain(plain)


def label_set(data: Mapping[str, Any], corpus: Corpus) -> LabelSet:
    """Collect the labels of the training split, in the scheme the tagger is to work in."""
    known = [distinct_labels(corpus.splits["train"])]
    if corpus.stream is not None:
        known.append(corpus.stream.labels)
    return LabelSet.fit(known, corpus.scheme, data["tag_scheme"])


def network(
    model: Mapping[str, Any], cell: Mapping[str, Any], indexer: Indexer, labels: LabelSet
) -> TaggerNetwork:
    """Build the network, with word vectors from a file where the configuration names one."""
    config = from_plain(TaggerConfig, model, "model")
    require_memory(config, cell, indexer.sizes)
    # They come in the square of the labels.
    transitions = labels.transitions if config.decoder == "crf" else None
    try:
        built = TaggerNetwork(config, cell, indexer.sizes, len(labels), transitions)
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise InputError(
            f"model: not enough memory for a network of this size ({error})"
        ) from error
    if config.words is not None and config.words.vectors is not None:
        rows, vectors = load_vectors(
            config.words.vectors, indexer.words.strings(), config.words.size
        )
        with torch.no_grad():
            built.embedding.words.weight[rows] = vectors
    return built


def batch_config(data: Mapping[str, Any]) -> BatchConfig:
    """Return how large batches are."""
    return from_plain(BatchConfig, data["batch"], "data.batch")


def few_batches(corpus: Corpus, count: float, config: BatchConfig, seed: int) -> Corpus:
    """Return a corpus of so many (or such a share) of the training batches, for overfitting.

    Its development split is the same sentences; there is no test split.
    """
    train = corpus.splits["train"]
    lengths = lengths_of(train)
    batches = BatchOrder(lengths, config, shuffle=True, seed=seed).batches(0)
    chosen = batches[: count if isinstance(count, int) else max(1, int(count * len(batches)))]
    rows = np.sort(np.concatenate(chosen)).tolist()
    few = datasets.Dataset.from_dict(train[rows], features=train.features)
    return replace(corpus, splits={"train": few, "dev": few}, stream=None)


@contextmanager
def compiled(network: TaggerNetwork, wanted: bool) -> Iterator[None]:
    """Have what a training step spends its time in compiled, once for all lengths, if `wanted`.

    The CRF stays as it is: its loops over time would be unrolled anew for each length. So does
    the whole network afterwards: evaluation in inference mode would compile it all over again.
    """
    parts = (network.embedding, network.encoder, network.projection) if wanted else ()
    for part in parts:
        part.compile(dynamic=True)
    try:
        yield
    finally:
        for part in parts:
            part._compiled_call_impl = None
