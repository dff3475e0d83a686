"""The Lightning task: one training step, one evaluation step, the optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from torch import Tensor, distributed
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics import Metric

from seqtag.metrics.main import main_score
from seqtag.model.network import TaggerNetwork
from seqtag.training.finite import FirstNonFinite, divergence_error, first_non_finite, named_tensors
from seqtag.training.scoring import TaggingScore


class MeanLoss(Metric):
    """The mean loss of a sentence, over batches and processes."""

    full_state_update = False
    total: Tensor
    sentences: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("sentences", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, loss: Tensor, sentences: int) -> None:
        """Count the mean loss of so many sentences."""
        self.total = self.total + loss * sentences
        self.sentences = self.sentences + sentences

    def compute(self) -> Tensor:
        """Return the mean."""
        return self.total / self.sentences


class TaggingTask(L.LightningModule):
    """Trains and evaluates a tagger network; stops where the loss or the scores are not finite.

    Whether they are is recorded on the device and looked at in every step on one CPU process,
    elsewhere every ``trainer.log_every_n_steps`` batches, before each evaluation and checkpoint,
    and at the end of each epoch: so that no step waits for the device.

    Args:
        network: the network.
        score: what its predictions on the development split are counted by.
        make_optimizer: parameters to optimizer.
        make_schedule: optimizer to learning-rate schedule, stepped after each batch.

    Attributes:
        mean_loss: that of the running epoch.
        dev_metric: the last figure that checkpoints go by; nan where there was none.
        training_started: whether training has begun: what a checkpoint holds is restored by then.
        make_optimizer, make_schedule: as given.
    """

    def __init__(
        self,
        network: TaggerNetwork,
        score: TaggingScore,
        make_optimizer: Callable[[Any], Optimizer],
        make_schedule: Callable[[Optimizer], LRScheduler],
    ) -> None:
        super().__init__()
        self.network = network
        self.score = score
        self.mean_loss = MeanLoss()
        self.dev_metric = math.nan
        self.make_optimizer, self.make_schedule = make_optimizer, make_schedule
        self.training_started = False
        self._losses, self._scores = FirstNonFinite(), FirstNonFinite()
        self._rates: dict[int, float] = {}  # of the steps since the last look, and one

    def on_train_start(self) -> None:
        """Note that training begins."""
        self.training_started = True

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Return the batch's mean loss; on several processes, this one's part of it."""
        size = len(batch["labels_BT"])
        share = self._begin_to_share(size)
        loss = self.network.loss(batch["inputs"], batch["labels_BT"])
        self._record_loss(loss, batch_idx)
        self.mean_loss.update(loss.detach(), size)
        self.log("train/loss", self.mean_loss, on_step=False, on_epoch=True, logger=False)
        return loss * share()

    def _record_loss(self, loss: Tensor, batch_idx: int) -> None:
        """Record whether a loss is finite, and look at the record where that is due."""
        step = self.global_step + 1
        self._losses.record(loss, step)
        self._rates.setdefault(step, self.optimizers().param_groups[0]["lr"])
        free = self.device.type == "cpu" and self.trainer.world_size == 1
        if free or (batch_idx + 1) % max(1, self.trainer.log_every_n_steps) == 0:
            self.require_finite()

    def require_finite(self) -> None:
        """Stop if a loss or a development score was not finite; all processes call this together.

        Raises:
            Diverged: naming the step, its learning rate, what to try and the checkpoints there are.
        """
        if (step := self._losses.step(self.trainer)) is not None:
            what = f"the loss of step {step} is not finite"
            raise divergence_error(self.trainer, what, self._rates.get(step))
        if (step := self._scores.step(self.trainer)) is not None:
            raise divergence_error(
                self.trainer,
                f"the scores of the development split after step {step} are not finite",
            )
        for step in list(self._rates)[:-1]:
            del self._rates[step]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse to write a checkpoint of a run that has diverged.

        Raises:
            Diverged: if a loss, score, weight or part of the optimizer is not finite.
        """
        self.require_finite()
        parts = ("state_dict", "current_model_state", "optimizer_states")
        saved = {part: checkpoint[part] for part in parts if part in checkpoint}
        if name := first_non_finite(named_tensors(saved)):
            name = name.removeprefix("state_dict.")
            what = f"after step {self.global_step} the tensor {name} is not finite"
            raise divergence_error(self.trainer, what, self._rates.get(self.global_step))

    def on_validation_start(self) -> None:
        """Stop before an evaluation of weights that came to a loss which is not finite."""
        self.require_finite()

    def _begin_to_share(self, sentences: int) -> Callable[[], Tensor | float]:
        """Return what gives the factor by which a mean over processes is one over sentences.

        Gradients are averaged over processes, whose shares of a batch may differ by a sentence.
        The shares are summed while the network is at work.
        """
        if self.trainer.world_size == 1:
            return lambda: 1.0
        total = torch.tensor(float(sentences), device=self.device)
        summing = distributed.all_reduce(total, async_op=True)

        def share() -> Tensor:
            summing.wait()
            return sentences * self.trainer.world_size / total

        return share

    def on_train_epoch_end(self) -> None:
        """Write the epoch's loss; Lightning would do so after the epoch's checkpoint only."""
        loss = float(self.trainer.callback_metrics["train/loss"])
        figures = {"train/loss": loss, "epoch": self.current_epoch}
        for logger in self.loggers:
            logger.log_metrics(figures, step=self.global_step - 1)

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Count the network's predictions for a development batch."""
        emissions_BTK = self.network(batch["inputs"])
        self._scores.record(emissions_BTK, self.global_step)
        ids_BT = self.network.best_labels(emissions_BTK, batch["inputs"]["lengths_B"])
        self.score.update(ids_BT, batch["inputs"]["words_BT"], batch["columns"])

    def on_validation_epoch_end(self) -> None:
        """Log the development figures; ``dev/metric`` is the one that checkpoints go by."""
        if self.trainer.sanity_checking:
            self.score.reset()
            return
        self.require_finite()
        figures = self.score.compute()
        self.score.reset()
        name, main = main_score(figures)
        others = [other for other in ("accuracy", "f1") if other in figures and other != name]
        logged = {f"dev/{figure}": figures[figure] for figure in (*others, name)}
        self.log_dict(logged, prog_bar=True)
        self.log("dev/metric", main)
        self.dev_metric = float(main)

    def configure_optimizers(self) -> dict[str, Any]:
        """Return optimizer and schedule, stepped after each batch."""
        optimizer = self.make_optimizer(self.network.parameters())
        schedule = self.make_schedule(optimizer)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
