"""Access to private attributes of Lightning, for which it has no public interface.

An exact resume needs them. No other module uses private attributes of Lightning. Written for
Lightning 2.6, the version that `pyproject.toml` allows; the tests of interrupted runs fail if the
meaning of an attribute changes.
"""

from __future__ import annotations

import lightning as L


def is_accumulating(trainer: L.Trainer) -> bool:
    """Return whether the current batch only accumulates gradients, without an optimizer step."""
    return trainer.fit_loop.epoch_loop._should_accumulate()


def validates_next(trainer: L.Trainer) -> bool:
    """Return whether an evaluation follows the current step."""
    fetcher = trainer.fit_loop._data_fetcher
    return trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher)


def uncount_step(trainer: L.Trainer) -> None:
    """Subtract one from the step counter of the loggers."""
    trainer.fit_loop.epoch_loop._batches_that_stepped -= 1
