"""The base class of metrics."""

from collections.abc import Sequence
from typing import Any

from torchmetrics import Metric


class Score(Metric):
    """Base class for a metric of a tagger's predictions, counted over batches and processes.

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

    With ``metric=whole_sentences`` it then selects the best epoch, and is shown in metrics.json,
    tables, model cards and sweeps. An evaluation without tokens gives figures of 0, not an error.

    Attributes:
        main: the name of the figure that models are selected by: a share.
        higher_is_better: whether a higher one is better; True unless a subclass sets it to False.
        labels: the argument of that name.
        scheme: the argument of that name.

    Args:
        labels: every label that can be predicted or is in the evaluated split.
        scheme: the scheme of predicted and gold labels: plain, iob1, bio or bioes.
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
        """Count a batch: the labels of each sentence, without tokens whose gold label is None."""
        raise NotImplementedError

    def compute(self) -> dict[str, Any]:
        """Return the figures by name as plain numbers, `main` among them."""
        raise NotImplementedError

    @property
    def update_called(self) -> bool:
        """True, so that computing before any update gives no warning: initial counts are valid."""
        return True
