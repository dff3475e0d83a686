"""The mean loss of sentences."""

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanLoss(Metric):
    """Mean loss per sentence, over batches and processes; 0 without sentences."""

    full_state_update = False
    total: Tensor
    sentences: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("sentences", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, loss: Tensor, sentences: int) -> None:
        """Add the mean loss of a batch with this many sentences."""
        self.total = self.total + loss * sentences
        self.sentences = self.sentences + sentences

    def compute(self) -> Tensor:
        """Return the mean loss."""
        return self.total / self.sentences.clamp(min=1)
