"""Batches for training: encoded sentences with the ids of their labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.labels import NOT_SCORED


def labelled_batch(
    columns: Mapping[str, Sequence[Any]], indexer: Indexer, labels: LabelSet
) -> dict[str, Any]:
    """Return the encoded ``inputs`` and ``labels_BT`` of sentences given as corpus columns."""
    inputs = indexer.encode(columns["tokens"], columns)
    labels_BT = np.full(tuple(inputs["words_BT"].shape), NOT_SCORED, np.int64)
    for row, sentence_labels in zip(labels_BT, columns["labels"], strict=True):
        row[: len(sentence_labels)] = labels.encode(sentence_labels)
    return {"inputs": inputs, "labels_BT": torch.from_numpy(labels_BT)}
