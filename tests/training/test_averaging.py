"""The running average of the weights, compared with one computed by hand."""

import lightning as L
import pytest
import torch
from torch import nn

from seqtag.errors import InputError
from seqtag.training.averaging import ExponentialAverage
from seqtag.training.console import quiet


class OneWeight(L.LightningModule):
    """One weight that falls by 1 at each step; records it after steps and at evaluations."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.layer.weight, 10.0)
        self.trained, self.evaluated = [], []

    def training_step(self, batch, batch_idx):
        return self.layer.weight.sum()

    def on_train_batch_end(self, *args):
        self.trained.append(self.layer.weight.item())

    def validation_step(self, batch, batch_idx):
        self.evaluated.append(self.layer.weight.item())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


def train_averaged(decay: float, tmp_path, steps: int = 5, epochs: int = 2, precision="32-true"):
    """Train; return the module, and the average computed by hand after each epoch."""
    module = OneWeight()
    loader = torch.utils.data.DataLoader(torch.zeros(steps, 1))
    with quiet():
        trainer = L.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            precision=precision,
            logger=False,
            callbacks=[ExponentialAverage(decay)],
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            num_sanity_val_steps=0,
            default_root_dir=tmp_path,
        )
        trainer.fit(module, loader, torch.utils.data.DataLoader(torch.zeros(1, 1)))
    # The average starts at the weight after the first step.
    average, after_epoch = module.trained[0], []
    for step, weight in enumerate(module.trained):
        if step:
            share = min(decay, (1 + step) / (10 + step))
            average = share * average + (1 - share) * weight
        if (step + 1) % steps == 0:
            after_epoch.append(average)
    return module, after_epoch


@pytest.mark.parametrize("decay", [0.9, 0.2])
def test_the_average_equals_one_computed_by_hand(decay, tmp_path):
    module, by_hand = train_averaged(decay, tmp_path)
    assert module.trained == pytest.approx([9.0 - step for step in range(10)])
    assert module.evaluated == pytest.approx(by_hand)
    # Training continues with the weights, and replaces them by the average at the end.
    assert module.layer.weight.item() == pytest.approx(by_hand[-1])


def test_the_average_has_the_precision_of_the_weights(tmp_path):
    module, by_hand = train_averaged(0.9, tmp_path, precision="64-true")
    assert module.evaluated == pytest.approx(by_hand, rel=1e-9, abs=1e-9)
    with pytest.raises(InputError, match="too few digits for a running average"):
        train_averaged(0.9, tmp_path, precision="bf16-true")


@pytest.mark.parametrize("decay", [0.0, 1.0, -1, 2, True, "x", float("nan")])
def test_an_invalid_decay_is_refused(decay):
    with pytest.raises(InputError, match=r"callbacks\.average\.decay must be a number above 0 and"):
        ExponentialAverage(decay)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights_are_refused(dtype):
    trainer = L.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    with pytest.raises(InputError, match="too few digits for a running average"):
        ExponentialAverage(0.9).setup(trainer, OneWeight().to(dtype), "fit")
