"""Evaluate a trained tagger on one split of a corpus: its scores, its speed and its errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from seqtag.data.batches.module import EncodedSentences
from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.data.corpus.corpus import Corpus
from seqtag.data.corpus.memory_mapped import lengths_of
from seqtag.errors import unknown
from seqtag.metrics.examples import Sentence
from seqtag.tagging.probabilities import chosen_probabilities
from seqtag.tagging.tagger import Tagger
from seqtag.training.findings import Findings
from seqtag.training.scoring import TaggingScore

# Sentences are batched in windows of this many, so that predictions can be written in order.
_WINDOW = 16_384


def evaluate_split(
    tagger: Tagger,
    corpus: Corpus,
    split: str,
    config: BatchConfig,
    metric: str | None = None,
    findings: Findings | None = None,
) -> dict[str, Any]:
    """Return the scores of a tagger on a split, in the form of ``metrics.json``.

    ``tokens_per_second`` includes reading, encoding and decoding, but not the scoring.

    Args:
        tagger: the tagger; its network is set to evaluation mode.
        corpus: the corpus.
        split: name of the split.
        config: size limits of the batches.
        metric: the metric that gives the main score; see `TaggingScore`.
        findings: gets every sentence with its predictions, in the order of the corpus.

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
    for first in range(0, len(lengths), _WINDOW):
        window: dict[int, Sentence] = {}
        for rows in BatchOrder(lengths[first : first + _WINDOW], config, shuffle=False):
            started = time.perf_counter()
            batch = sentences[[first + row for row in rows]]
            inputs = {name: tensor.to(device) for name, tensor in batch["inputs"].items()}
            with torch.inference_mode():
                emissions_BTK = network(inputs)
                ids_BT = network.best_labels(emissions_BTK, inputs["lengths_B"]).cpu()
            seconds += time.perf_counter() - started
            words_BT = inputs["words_BT"].cpu()
            score.update(ids_BT, words_BT, batch["columns"])
            if score.loss is not None:
                with torch.inference_mode():
                    loss = network.label_loss(
                        emissions_BTK, batch["labels_BT"].to(device), inputs["lengths_B"]
                    )
                score.add_loss(loss, len(rows))
            if findings is not None:
                with torch.inference_mode():
                    p_BTK = network.label_probabilities(emissions_BTK, inputs["lengths_B"])
                new_BT = score.unknown_words(words_BT).tolist()
                scored = _scored(tagger, ids_BT, p_BTK.cpu(), new_BT, batch["columns"])
                window.update(zip(rows, scored, strict=True))
        if findings is not None:
            for row in sorted(window):
                findings.add(window[row])
    return {
        "split": split,
        "sentences": len(lengths),
        **score.compute(),
        **(findings.figures() if findings is not None else {}),
        "tokens_per_second": round(int(lengths.sum()) / max(seconds, 1e-9)),
    }


def _scored(
    tagger: Tagger,
    ids_BT: torch.Tensor,
    p_BTK: torch.Tensor,
    new_BT: Sequence[Sequence[bool]],
    columns: Mapping[str, Sequence[Any]],
) -> Iterator[Sentence]:
    """Yield the sentences of a batch with their predicted labels and probabilities."""
    for row, tokens in enumerate(columns["tokens"]):
        predicted = tagger.labels.decode(ids_BT[row, : len(tokens)].tolist())
        p_TK = p_BTK[row, : len(tokens)].numpy()
        yield Sentence(
            tokens,
            columns["labels"][row],
            predicted,
            new_BT[row][: len(tokens)],
            chosen_probabilities(tagger.labels, predicted, p_TK),
            columns["where"][row],
        )
