"""Option checks for the classes that this package's configurations name by `_target_`.

A dataclass below has the name of the class that it describes; its fields are the options that a
configuration may set. This module imports neither torch nor Lightning: a configuration is checked
before these slow imports. A user's configuration may name other classes, see `training.importable`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from seqtag.checks import (
    Above,
    AtLeast,
    AtMost,
    Below,
    Count,
    FileName,
    Matching,
    NotNegative,
    Positive,
    Share,
    Text,
    from_plain,
    shown,
)
from seqtag.errors import InputError
from seqtag.renamed import TARGETS
from seqtag.training.importable import require_module

_Whole = Annotated[int, AtLeast(0)]
# Logged metrics that checkpoints and early stopping can monitor.
_Metric = Literal["dev/metric", "dev/f1", "dev/accuracy", "train/loss"]
_Mode = Literal["min", "max"]
# last.ckpt and previous.ckpt are reserved: a run resumes from them.
_CheckpointName = Annotated[
    str,
    Matching(
        r"(?!(last|previous)$)([^{}\0]|\{(epoch|step|[\w/]+(:\.\d+f)?)\})+",
        "a file name other than last and previous, which may contain {epoch} and {step}",
    ),
]


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent."""

    lr: NotNegative = 0.001
    momentum: NotNegative = 0.0
    dampening: float = 0.0
    weight_decay: NotNegative = 0.0
    nesterov: bool = False
    maximize: bool = False
    foreach: bool | None = None
    fused: bool | None = None

    def __post_init__(self) -> None:
        _check_implementation(self)
        if self.nesterov and not (self.momentum and not self.dampening):
            raise InputError("nesterov=true needs a momentum above 0 and dampening=0")


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay."""

    lr: NotNegative = 0.001
    betas: tuple[Share, Share] = (0.9, 0.999)
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0.01
    amsgrad: bool = False
    maximize: bool = False
    foreach: bool | None = None
    fused: bool | None = None

    def __post_init__(self) -> None:
        _check_implementation(self)


@dataclass(frozen=True)
class Adam(AdamW):
    """Adam."""

    weight_decay: NotNegative = 0.0
    decoupled_weight_decay: bool = False


def _check_implementation(optimizer: SGD | AdamW) -> None:
    if optimizer.foreach and optimizer.fused:
        raise InputError("foreach and fused cannot both be true: set one of them to null")


@dataclass(frozen=True)
class WarmupDecay:
    """A warm-up, then a decay of the learning rate."""

    warmup: Share = 0.1
    decay: Literal["linear", "cosine", "constant"] = "linear"
    final: NotNegative = 0.0


@dataclass(frozen=True)
class ModelCheckpoint:
    """Saves the best checkpoints."""

    dirpath: FileName | None = None
    filename: _CheckpointName | None = None
    monitor: _Metric | None = None
    verbose: bool = False
    save_last: bool | Literal["link"] | None = None
    save_top_k: Annotated[int, AtLeast(-1), AtMost(1_000_000)] = 1
    save_on_exception: bool = False
    save_weights_only: bool = False
    mode: _Mode = "min"
    auto_insert_metric_name: bool = True
    every_n_train_steps: _Whole | None = None
    every_n_epochs: _Whole | None = None
    save_on_train_epoch_end: bool | None = None
    enable_version_counter: bool = True


@dataclass(frozen=True)
class LastCheckpoint:
    """Saves the checkpoint that a run resumes from."""

    dirpath: FileName
    every_minutes: Positive | None = 10.0
    every_steps: Count | None = None


@dataclass(frozen=True)
class EarlyStopping:
    """Stops training when a metric no longer improves."""

    monitor: _Metric
    min_delta: float = 0.0
    patience: _Whole = 3
    verbose: bool = False
    mode: _Mode = "min"
    strict: bool = True
    check_finite: bool = True
    stopping_threshold: float | None = None
    divergence_threshold: float | None = None
    check_on_train_epoch_end: bool | None = None
    log_rank_zero_only: bool = False

    def __post_init__(self) -> None:
        if self.monitor == "train/loss" and not self.check_on_train_epoch_end:
            raise InputError("monitor=train/loss needs check_on_train_epoch_end=true")


@dataclass(frozen=True)
class ExponentialAverage:
    """Evaluates and saves a running average of the weights."""

    decay: Annotated[float, Above(0), Below(1)] = 0.999


@dataclass(frozen=True)
class Progress:
    """Logs a line for each epoch, and shows a bar in a terminal."""

    bar: bool = True


@dataclass(frozen=True)
class LearningRateMonitor:
    """Logs the learning rate."""

    logging_interval: Literal["step", "epoch"] | None = None
    log_momentum: bool = False
    log_weight_decay: bool = False


@dataclass(frozen=True)
class RichProgressBar:
    """Lightning's progress bar in colours."""

    refresh_rate: _Whole = 100
    leave: bool = False


@dataclass(frozen=True)
class TQDMProgressBar:
    """Lightning's plain progress bar."""

    refresh_rate: _Whole = 1
    process_position: _Whole = 0
    leave: bool = False


@dataclass(frozen=True)
class MetricsFile:
    """Writes the metrics of each epoch to ``metrics.csv``."""

    save_dir: FileName


@dataclass(frozen=True)
class TensorBoardLogger:
    """Logs to TensorBoard's event files."""

    save_dir: FileName
    name: str | None = "lightning_logs"
    version: _Whole | str | None = None
    log_graph: bool = False
    default_hp_metric: bool = True
    prefix: str = ""
    sub_dir: FileName | None = None
    comment: str = ""
    purge_step: _Whole | None = None
    max_queue: Count = 10
    flush_secs: Count = 120
    filename_suffix: str = ""


@dataclass(frozen=True)
class MLFlowLogger:
    """Logs to MLflow."""

    experiment_name: Text = "lightning_logs"
    run_name: Text | None = None
    tracking_uri: Text | None = None
    tags: Mapping[str, Any] | None = None
    save_dir: FileName | None = None
    log_model: bool | Literal["all"] = False
    prefix: str = ""
    artifact_location: Text | None = None
    run_id: Text | None = None
    synchronous: bool | None = None


@dataclass(frozen=True)
class WandbLogger:
    """Logs to Weights & Biases."""

    name: Text | None = None
    save_dir: FileName = "."
    version: Text | None = None
    offline: bool = False
    dir: FileName | None = None
    id: Text | None = None
    project: Text | None = None
    entity: Text | None = None
    group: Text | None = None
    job_type: Text | None = None
    notes: str | None = None
    tags: list[Text] | None = None
    log_model: bool | Literal["all"] = False
    prefix: str = ""
    checkpoint_name: Text | None = None


def _by_full_name(package: str, *classes: type) -> dict[str, type]:
    return {f"{package}.{cls.__name__}": cls for cls in classes}


OPTIMIZERS = _by_full_name("torch.optim", AdamW, SGD, Adam)
SCHEDULES = _by_full_name("seqtag.training.schedules", WarmupDecay)
CALLBACKS = {
    **_by_full_name(
        "lightning.pytorch.callbacks",
        *(EarlyStopping, LearningRateMonitor, ModelCheckpoint, RichProgressBar, TQDMProgressBar),
    ),
    **_by_full_name("seqtag.training.averaging", ExponentialAverage),
    **_by_full_name("seqtag.training.resume.last_checkpoint", LastCheckpoint),
    **_by_full_name("seqtag.training.progress", Progress),
}
LOGGERS = {
    **_by_full_name("lightning.pytorch.loggers", MLFlowLogger, TensorBoardLogger, WandbLogger),
    **_by_full_name("seqtag.training.metrics_file", MetricsFile),
}


@dataclass(frozen=True)
class Target:
    """Description of an object in a configuration: its class (``_target_``) and options.

    Attributes:
        name: the full name of the class.
        options: keyword arguments of the class.
        where: the configuration key, for messages: "callbacks.last".

    Example::

        plain = {"_target_": "torch.optim.SGD", "lr": 0.1}
        Target.from_plain(plain, OPTIMIZERS, "optimizer").options  # {"lr": 0.1}
    """

    name: str
    options: Mapping[str, Any]
    where: str

    @classmethod
    def from_plain(cls, part: Any, targets: Mapping[str, type], where: str) -> Target:
        """Parse the description of an object.

        The options of a class in `targets` are checked here. For any other class only the existence
        of its module is checked; its options are checked when it is imported.

        Args:
            part: ``_target_`` and the options.
            targets: classes that check options, by the full name of the class they describe.
            where: the configuration key, for messages.

        Raises:
            InputError: for a class name without a module, and for invalid options.
        """
        if not isinstance(part, Mapping):
            raise InputError(f"{where} must be a group of keys, not {shown(part)}")
        name = part.get("_target_")
        name = TARGETS.get(name, name) if isinstance(name, str) else name
        options = {key: value for key, value in part.items() if key != "_target_"}
        if isinstance(name, str) and name in targets:
            from_plain(targets[name], options, where)
        else:
            require_module(name, targets, where)
        return cls(name, options, where)

    def to_plain(self) -> dict[str, Any]:
        """Return the description as plain values; `from_plain` parses them to an equal object."""
        return {"_target_": self.name, **self.options}
