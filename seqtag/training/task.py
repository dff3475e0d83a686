"""The Lightning task: one training step, one evaluation step, the optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning as L
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from seqtag.model.tagger import TaggerNetwork
from seqtag.training.scoring import TaggingScore


class TaggingTask(L.LightningModule):
    """Trains and evaluates a tagger network.

    Args:
        network: the network.
        score: what its predictions on the development split are counted by.
        make_optimizer: parameters to optimizer.
        make_schedule: optimizer to learning-rate schedule, stepped after each batch.
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
        self._make_optimizer, self._make_schedule = make_optimizer, make_schedule

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Return the batch's loss."""
        loss = self.network.loss(batch["inputs"], batch["labels_BT"])
        size = len(batch["labels_BT"])
        self.log("train/loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=size)
        return loss

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Count what the network says of a development batch."""
        ids_BT = self.network.decode(batch["inputs"])
        self.score.update(ids_BT, batch["inputs"]["words_BT"], batch["columns"])

    def on_validation_epoch_end(self) -> None:
        """Log the development figures; ``dev/metric`` is the one that checkpoints go by."""
        if self.trainer.sanity_checking:
            self.score.reset()
            return
        figures = self.score.compute()
        self.score.reset()
        main = figures["f1" if "f1" in figures else "accuracy"]
        logged = {f"dev/{name}": figures[name] for name in ("accuracy", "f1") if name in figures}
        self.log_dict(logged, prog_bar=True)
        self.log("dev/metric", main)

    def configure_optimizers(self) -> dict[str, Any]:
        """Return optimizer and schedule, stepped after each batch."""
        optimizer = self._make_optimizer(self.network.parameters())
        schedule = self._make_schedule(optimizer)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
