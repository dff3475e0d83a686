"""Evaluate a trained tagger on one split of a corpus: its scores and its speed."""

from __future__ import annotations

import time
from typing import Any

import torch

from seqtag.data.batches.module import EncodedSentences
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.corpus.corpus import Corpus
from seqtag.data.corpus.memory_mapped import lengths_of
from seqtag.errors import unknown
from seqtag.tagging.tagger import Tagger
from seqtag.training.scoring import TaggingScore


def evaluate_split(
    tagger: Tagger, corpus: Corpus, split: str, config: BatchConfig, metric: str | None = None
) -> dict[str, Any]:
    """Return the scores of a tagger on a split, in the form of ``metrics.json``.

    ``tokens_per_second`` includes reading, encoding and decoding, but not the scoring.

    Args:
        tagger: the tagger; its network is set to evaluation mode.
        corpus: the corpus.
        split: name of the split.
        config: size limits of the batches.
        metric: the registered metric that gives the main score; see `TaggingScore`.

    Raises:
        InputError: if the corpus has no such split.
    """
    if split not in corpus.splits:
        raise unknown("split of the corpus", split, corpus.splits)
    sentences = EncodedSentences(
        corpus.splits[split], tagger.indexer, tagger.labels, with_text=True
    )
    lengths = lengths_of(corpus.splits[split])
    score = TaggingScore.of_split(
        corpus, split, tagger.labels, metric, tagger.indexer.words.num_trained
    )
    network = tagger.network.eval()
    device = next(network.parameters()).device
    seconds = 0.0
    for rows in BatchOrder(lengths, config, shuffle=False):
        started = time.perf_counter()
        batch = sentences[rows]
        inputs = {name: tensor.to(device) for name, tensor in batch["inputs"].items()}
        with torch.inference_mode():
            ids_BT = network.decode(inputs).cpu()
        seconds += time.perf_counter() - started
        score.update(ids_BT, inputs["words_BT"].cpu(), batch["columns"])
    return {
        "split": split,
        "sentences": len(lengths),
        **score.compute(),
        "tokens_per_second": round(int(lengths.sum()) / max(seconds, 1e-9)),
    }
