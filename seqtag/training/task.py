"""The Lightning module: training step, evaluation step and optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from torch import Tensor, distributed
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from seqtag.metrics.loss import MeanLoss
from seqtag.metrics.main import main_score
from seqtag.model.network import TaggerNetwork
from seqtag.training.finite import FirstNonFinite, divergence_error, first_non_finite, named_tensors
from seqtag.training.scoring import TaggingScore


class TaggingTask(L.LightningModule):
    """Trains and evaluates a tagger network; stops if the loss or the scores are not finite.

    Non-finite values are recorded on the device. So that steps need not wait for the device, the
    record is read only every ``trainer.log_every_n_steps`` batches, before each evaluation and
    checkpoint, and at the end of each epoch; a single CPU process reads it after every step.

    Args:
        network: the network.
        score: the scores of the development split.
        make_optimizer: function from parameters to an optimizer.
        make_schedule: function from an optimizer to its learning-rate schedule, which is stepped
            after each optimizer step.

    Attributes:
        mean_loss: mean loss of the current epoch.
        dev_metric: the latest development score that checkpoints are chosen by, or nan.
        training_started: whether training has started; a checkpoint is fully restored by then.
        make_optimizer, make_schedule: the two functions.

    Example::

        task = TaggingTask(network, score, make_optimizer, make_schedule)
        trainer.fit(task, CorpusModule(corpus, indexer, labels, settings.data.batch))
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
        self._rates: dict[int, float] = {}  # by step, since the last check

    def on_train_start(self) -> None:
        """Record that training has started."""
        self.training_started = True

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Return the mean loss of a batch; on several processes, this process's part of it."""
        size = len(batch["labels_BT"])
        weight = self._begin_loss_weight(size)
        loss = self.network.loss(batch["inputs"], batch["labels_BT"])
        self._record_loss(loss, batch_idx)
        self.mean_loss.update(loss.detach(), size)
        self.log("train/loss", self.mean_loss, on_step=False, on_epoch=True, logger=False)
        return loss * weight()

    def _record_loss(self, loss: Tensor, batch_idx: int) -> None:
        """Record whether a loss is finite, and check the record if that is due."""
        step = self.global_step + 1
        self._losses.record(loss, step)
        self._rates.setdefault(step, self.optimizers().param_groups[0]["lr"])
        is_cheap = self.device.type == "cpu" and self.trainer.world_size == 1
        if is_cheap or (batch_idx + 1) % max(1, self.trainer.log_every_n_steps) == 0:
            self.require_finite()

    def require_finite(self) -> None:
        """Check that all losses and scores so far are finite; all processes call this together.

        Raises:
            Diverged: if not; it names the step, its learning rate, remedies and the checkpoints.
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
        """Check that the content of a checkpoint is finite before it is written.

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
        """Check that the loss was finite before an evaluation starts."""
        self.require_finite()

    def _begin_loss_weight(self, sentences: int) -> Callable[[], Tensor | float]:
        """Start to sum the batch sizes of all processes; return a function that returns the weight.

        Gradients are averaged over processes, whose batch sizes may differ by one. The weight of
        each loss turns that mean into a mean over sentences. The sum runs while the network does.
        """
        if self.trainer.world_size == 1:
            return lambda: 1.0
        total = torch.tensor(float(sentences), device=self.device)
        summing = distributed.all_reduce(total, async_op=True)

        def weight() -> Tensor:
            summing.wait()
            return sentences * self.trainer.world_size / total

        return weight

    def on_train_epoch_end(self) -> None:
        """Log the loss of the epoch; Lightning would do so only after the epoch's checkpoint."""
        loss = float(self.trainer.callback_metrics["train/loss"])
        metrics = {"train/loss": loss, "epoch": self.current_epoch}
        for logger in self.loggers:
            logger.log_metrics(metrics, step=self.global_step - 1)

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Score the predictions for a development batch."""
        emissions_BTK = self.network(batch["inputs"])
        self._scores.record(emissions_BTK, self.global_step)
        ids_BT = self.network.best_labels(emissions_BTK, batch["inputs"]["lengths_B"])
        self.score.update(ids_BT, batch["inputs"]["words_BT"], batch["columns"])
        if self.score.loss is not None:
            lengths_B = batch["inputs"]["lengths_B"]
            loss = self.network.label_loss(emissions_BTK, batch["labels_BT"], lengths_B)
            self._scores.record(loss, self.global_step)
            self.score.add_loss(loss, len(lengths_B))

    def on_validation_epoch_end(self) -> None:
        """Log the development scores; checkpoints are chosen by ``dev/metric``."""
        if self.trainer.sanity_checking:
            self.score.reset()
            return
        self.require_finite()
        scores = self.score.compute()
        self.score.reset()
        name, main = main_score(scores)
        others = [other for other in ("accuracy", "f1") if other in scores and other != name]
        logged = {f"dev/{score}": scores[score] for score in (*others, name)}
        self.log_dict(logged, prog_bar=True)
        self.log("dev/metric", main)
        self.dev_metric = float(main)

    def configure_optimizers(self) -> dict[str, Any]:
        """Return the optimizer and its schedule, which is stepped after each optimizer step."""
        optimizer = self.make_optimizer(
            [weight for weight in self.network.parameters() if weight.requires_grad]
        )
        schedule = self.make_schedule(optimizer)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
