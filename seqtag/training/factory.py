"""Objects that a configuration names by `_target_`: from a closed list, and nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from lightning.pytorch.utilities.exceptions import MisconfigurationException

from seqtag.errors import InputError, did_you_mean

OPTIMIZERS = ("torch.optim.AdamW", "torch.optim.SGD", "torch.optim.Adam")
SCHEDULES = ("seqtag.training.schedules.WarmupDecay",)
CALLBACKS = (
    "lightning.pytorch.callbacks.EarlyStopping",
    "lightning.pytorch.callbacks.LearningRateMonitor",
    "lightning.pytorch.callbacks.ModelCheckpoint",
    "lightning.pytorch.callbacks.RichProgressBar",
    "lightning.pytorch.callbacks.TQDMProgressBar",
    "seqtag.training.averaging.ExponentialAverage",
    "seqtag.training.last.LastCheckpoint",
    "seqtag.training.progress.Progress",
)
LOGGERS = (
    "lightning.pytorch.loggers.MLFlowLogger",
    "lightning.pytorch.loggers.TensorBoardLogger",
    "lightning.pytorch.loggers.WandbLogger",
    "seqtag.training.metrics_file.MetricsFile",
)


def factory(part: Mapping[str, Any], names: tuple[str, ...], where: str) -> Callable[..., Any]:
    """Return what makes the object that `part` describes: the one place that heeds `_target_`.

    `names` are those allowed; `where` is the configuration's name for the part, for messages.

    Values are handed over as they are: a `_target_` further down names nothing.
    """
    target = part.get("_target_")
    if target not in names:
        raise InputError(
            f"{where}: _target_ {target!r} is not allowed{did_you_mean(str(target), names)}; "
            f"it is one of {', '.join(names)}"
        )
    module, _, name = target.rpartition(".")
    cls = getattr(import_module(module), name)
    options = {key: value for key, value in part.items() if key != "_target_"}
    return partial(call, cls, where, **known_options(cls, options, where))


def known_options(cls: type, options: dict[str, Any], where: str) -> dict[str, Any]:
    """Return `options`; raise an InputError that names one which `cls` does not take."""
    known = inspect.signature(cls).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        for key in options:
            if key not in known:
                raise InputError(f"{where}: unknown key {key!r}{did_you_mean(key, known)}")
    return options


def call(cls: type, where: str, *arguments: Any, **options: Any) -> Any:
    """Make the object; what it says against its options becomes an InputError."""
    try:
        return cls(*arguments, **options)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        extra = where.rpartition(".")[2]
        raise InputError(
            f"{where}: a package is missing; pip install 'seqtag[{extra}]' ({error})"
        ) from error
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise InputError(f"{where}: {error}") from error
