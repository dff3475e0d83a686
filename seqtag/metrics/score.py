"""What a metric is, and the rates that the metrics share."""

from collections.abc import Sequence
from typing import Any

from torchmetrics import Metric


class Score(Metric):
    """A metric of a tagger's predictions, counted over batches and processes.

    A subclass registers itself, adds its states (of a fixed size, summed over processes), counts
    batches in `update`, and returns figures from `compute`:

        from seqtag.metrics import Score, register

        @register("whole_sentences")
        class WholeSentences(Score):
            main = "whole_sentences"

            def __init__(self, labels, scheme):
                super().__init__(labels, scheme)
                self.add_state("counts", torch.zeros(2), dist_reduce_fx="sum")

            def update(self, predicted, gold):
                for guesses, answers in zip(predicted, gold, strict=True):
                    self.counts += torch.tensor([guesses == answers, 1])

            def compute(self):
                right, sentences = self.counts.tolist()
                return {"whole_sentences": right / max(1, sentences)}

    ``metric=whole_sentences`` then chooses the best epoch by it, and metrics.json, tables, cards
    and sweeps show it. An evaluation of nothing is not a mistake: its figures are 0.

    Attributes:
        main: the name of the figure that models are chosen by: a share, and higher is better.
        labels: as given.
        scheme: as given.

    Args:
        labels: every label that can be predicted or is in the evaluated split.
        scheme: that of predicted and gold labels: plain, iob1, bio or bioes.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    main: str

    def __init__(self, labels: Sequence[str], scheme: str) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.scheme = scheme

    def update(
        self, predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]]
    ) -> None:
        """Count a batch: the labels of each sentence; gold ones that are None count nowhere."""
        raise NotImplementedError

    def compute(self) -> dict[str, Any]:
        """Return the figures by name as plain numbers, `main` among them."""
        raise NotImplementedError

    @property
    def update_called(self) -> bool:
        """True: states start as valid counts, so computing at once deserves no warning."""
        return True


def ratio(part: int, whole: int) -> float:
    """Return part / whole, and 0.0 where there is nothing to divide by."""
    return part / whole if whole else 0.0


def rates(correct: int, predicted: int, gold: int) -> dict[str, float]:
    """Return precision, recall and F1 of these counts.

    F1 is their harmonic mean, 2 correct / (predicted + gold).
    """
    return {
        "precision": ratio(correct, predicted),
        "recall": ratio(correct, gold),
        "f1": ratio(2 * correct, predicted + gold),
    }
