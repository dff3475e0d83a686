"""A metric for tests: the fraction of sentences without a wrong label."""

import torch

from seqtag.metrics import Score, register


@register("sentences")
class Sentences(Score):
    """The fraction of sentences whose labels are all correct."""

    main = "sentences_right"

    def __init__(self, labels, scheme):
        super().__init__(labels, scheme)
        self.add_state("counts", torch.zeros(2, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predicted, gold):
        """Count sentences."""
        for guesses, answers in zip(predicted, gold, strict=True):
            self.counts += torch.tensor([guesses == answers, 1])

    def compute(self):
        """Return the fraction."""
        right, sentences = self.counts.tolist()
        return {"sentences_right": right / max(1, sentences)}
