"""An exported graph in place of a tagger's network, to evaluate it.

Legend: B sentences, T words, K labels.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import onnxruntime
import torch
from torch import Tensor, nn

from seqtag.export.network import LABELS, MARGINALS, PADDING, SCORES, Exported
from seqtag.labels import NOT_SCORED
from seqtag.tagging.tagger import Tagger


class GraphNetwork(nn.Module):
    """A network whose scores and best labels are those of an exported graph.

    Args:
        network: the network that was exported.
        exported: the graph.
    """

    def __init__(self, network: nn.Module, exported: Exported) -> None:
        super().__init__()
        self.network = network
        self._arrays = exported.arrays
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # no warnings of optional inputs
        self._session = onnxruntime.InferenceSession(
            exported.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._last: list[Tensor] = []

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the scores of labels: (B, T, K)."""
        arrays = {name: inputs[array].numpy() for name, array in self._arrays.items()}
        results = self._session.run([SCORES, LABELS, MARGINALS], arrays)
        scores_BTK, labels_BT, marginals_BTK = map(torch.from_numpy, results)
        labels_BT = labels_BT.masked_fill(labels_BT == PADDING, NOT_SCORED)
        self._last = [scores_BTK, labels_BT, marginals_BTK]
        return scores_BTK

    def best_labels(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the best labels; the scores must be the result of the last call."""
        assert emissions_BTK is self._last[0]
        return self._last[1]

    def label_probabilities(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the probabilities of labels; the scores must be the result of the last call."""
        assert emissions_BTK is self._last[0]
        return self._last[2]

    def label_loss(self, emissions_BTK: Tensor, labels_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the mean loss of the labels per sentence, from given scores."""
        return self.network.label_loss(emissions_BTK, labels_BT, lengths_B)


def with_graph(tagger: Tagger, exported: Exported) -> Tagger:
    """Return a tagger that runs an exported graph; only for `evaluate_split`."""
    copied = copy.copy(tagger)
    copied.network = GraphNetwork(tagger.network, exported).eval()
    return copied
