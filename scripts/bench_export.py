"""Sizes and accuracy of exported taggers, in float32 and int8, beside seqtag's own.

    python scripts/bench_export.py --path test.txt MODEL [MODEL ...]

Each MODEL is a model folder. It is exported in memory, and its labels and probabilities are
compared on the first sentences of the file; F1 is measured on the whole file. Prints a table in
Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqtag.commands.evaluate import corpus_to_evaluate
from seqtag.data.batches.module import EncodedSentences
from seqtag.data.batches.order import BatchConfig
from seqtag.data.corpus.corpus import Corpus
from seqtag.export.network import export_network
from seqtag.export.session import GraphNetwork, with_graph
from seqtag.export.weights import Float32, Int8, Weights
from seqtag.metrics.main import main_score
from seqtag.model_folder.config import read_config
from seqtag.tagging.tagger import Tagger
from seqtag.training.evaluation import evaluate_split

SPLIT, BATCH = "test", 50


class Compared(NamedTuple):
    """An exported graph compared with the network: size in bytes, equal sentences, differences."""

    size: int
    equal: int
    difference: float
    score: float


def main() -> None:
    """Print a row for each model folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", metavar="MODEL", nargs="+", type=Path)
    parser.add_argument("--path", required=True, help="file of labelled sentences")
    parser.add_argument("--sentences", type=int, default=500, help="number of compared sentences")
    args = parser.parse_args()
    columns = ("cell", "MB", "int8, MB", "equal", "largest difference", "int8, equal")
    print(f"| {' | '.join((*columns, 'F1', 'ONNX', 'int8'))} |\n|{'---|' * 9}")
    for model in args.models:
        print(row(model, args.path, args.sentences), flush=True)


@torch.inference_mode()
def row(model: Path, path: str, sentences: int) -> str:
    """Return the row of a model folder."""
    tagger = Tagger.load(model)
    corpus, batches = corpus_to_evaluate(tagger, model, {"path": path}, SPLIT)
    score = main_score(evaluate_split(tagger, corpus, SPLIT, batches))[1]
    full, small = (
        compare(tagger, corpus, batches, store, sentences) for store in (Float32(), Int8())
    )
    cell = read_config(model)["cell"]
    return (
        f"| `{cell['name']}` | {full.size / 1e6:.2f} | {small.size / 1e6:.2f} "
        f"({small.size / full.size:.1%}) | {full.equal} of {sentences} | {full.difference:.0e} | "
        f"{small.equal} | {score:.2%} | {full.score:.2%} | {small.score:.2%} |"
    )


def compare(
    tagger: Tagger, corpus: Corpus, batches: BatchConfig, store: Weights, sentences: int
) -> Compared:
    """Export a tagger and compare its labels, probabilities and score with its own."""
    exported = export_network(tagger.network, store)
    encoded = EncodedSentences(corpus.splits[SPLIT], tagger.indexer, tagger.labels, with_text=False)
    graph = GraphNetwork(tagger.network, exported)
    equal, difference = 0, 0.0
    for first in range(0, sentences, BATCH):
        inputs = encoded[[*range(first, min(first + BATCH, sentences))]]["inputs"]
        (labels_BT, p_BTK), (graph_BT, graph_BTK) = (
            results(network, inputs) for network in (tagger.network, graph)
        )
        equal += int((graph_BT == labels_BT).all(dim=1).sum())
        difference = max(difference, float((graph_BTK - p_BTK).abs().max()))
    scores = evaluate_split(with_graph(tagger, exported), corpus, SPLIT, batches)
    return Compared(exported.model.ByteSize(), equal, difference, main_score(scores)[1])


def results(network: nn.Module, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the best labels (B, T) and the probabilities of all labels (B, T, K)."""
    emissions_BTK, lengths_B = network(inputs), inputs["lengths_B"]
    return (
        network.best_labels(emissions_BTK, lengths_B),
        network.label_probabilities(emissions_BTK, lengths_B),
    )


if __name__ == "__main__":
    main()
