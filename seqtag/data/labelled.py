"""Sentences with their labels as tensors: what a network is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from seqtag.data.encode import Encoder
from seqtag.data.labelset import NOT_SCORED, LabelSet


def labelled_batch(
    columns: Mapping[str, Sequence[Any]], encoder: Encoder, labels: LabelSet
) -> dict[str, Any]:
    """Return ``inputs`` and ``labels_BT`` of some sentences, given as the columns of a corpus."""
    inputs = encoder.encode(columns["tokens"], columns)
    labels_BT = np.full(tuple(inputs["words_BT"].shape), NOT_SCORED, np.int64)
    for row, of_sentence in zip(labels_BT, columns["labels"], strict=True):
        row[: len(of_sentence)] = labels.encode(of_sentence)
    return {"inputs": inputs, "labels_BT": torch.from_numpy(labels_BT)}
