"""Lightning's private attributes that an exact resume needs: they are used here and nowhere else.

Lightning has no public way to ask these. Written for 2.6, the version that `pyproject.toml` allows;
the tests of interrupted runs fail if one of them changes its meaning.
"""

from __future__ import annotations

import lightning as L


def is_accumulating(trainer: L.Trainer) -> bool:
    """Return whether the running step only sums gradients, with more batches to come."""
    return trainer.fit_loop.epoch_loop._should_accumulate()


def validates_next(trainer: L.Trainer) -> bool:
    """Return whether an evaluation follows the running step."""
    fetcher = trainer.fit_loop._data_fetcher
    return trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher)


def uncount_step(trainer: L.Trainer) -> None:
    """Take back one of the steps that loggers go by."""
    trainer.fit_loop.epoch_loop._batches_that_stepped -= 1
