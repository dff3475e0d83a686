"""The group `trainer`: types and ranges of the options of Lightning's trainer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from seqtag.checks import (
    Above,
    AtLeast,
    AtMost,
    Count,
    Matching,
    NonEmpty,
    NotNegative,
    Text,
    from_plain,
)
from seqtag.errors import InputError

_Whole = Annotated[int, AtLeast(0)]
_Limit = Annotated[int, AtLeast(-1)]
_Share = Annotated[float, AtLeast(0), AtMost(1)]
_PositiveShare = Annotated[float, Above(0), AtMost(1)]
_Batches = _Whole | _Share | None
_Processes = Annotated[int, AtLeast(1), AtMost(65_536)]
_List = Annotated[list[_Whole], NonEmpty(1024)]
_CommaList = Annotated[str, Matching(r"-1|\d+(,\d+)*", "numbers separated by commas")]
_Time = Annotated[str, Matching(r"\d+:\d\d:\d\d:\d\d", "a time as DD:HH:MM:SS")]
_TimeParts = Mapping[Literal["days", "hours", "minutes", "seconds"], _Whole]
_Precision = Literal[
    *("32-true", "16-mixed", "bf16-mixed", "64-true", "bf16-true", "16-true"),
    *("32", "16", "64", "bf16"),
    *(32, 16, 64),
]


@dataclass(frozen=True)
class TrainerOptions:
    """The group `trainer`: the options of Lightning's trainer that are plain values."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps", "tpu"] = "auto"
    devices: Literal["auto", -1] | _Processes | _List | _CommaList = 1
    num_nodes: Literal["auto"] | _Processes = "auto"
    strategy: Literal["auto", "ddp", "ddp_spawn"] = "auto"
    precision: _Precision | None = "32-true"
    max_epochs: _Limit | None = None
    min_epochs: _Whole | None = None
    max_steps: _Limit = -1
    min_steps: _Whole | None = None
    max_time: _Time | _TimeParts | None = None
    limit_train_batches: _Batches = None
    limit_val_batches: _Batches = None
    limit_test_batches: _Batches = None
    limit_predict_batches: _Batches = None
    overfit_batches: _Whole | _Share = 0.0
    val_check_interval: Count | _PositiveShare | _Time | _TimeParts | None = None
    check_val_every_n_epoch: Count | None = 1
    num_sanity_val_steps: _Limit | None = None
    log_every_n_steps: _Whole | None = None
    accumulate_grad_batches: Count = 1
    gradient_clip_val: NotNegative | None = None
    gradient_clip_algorithm: Literal["norm", "value"] | None = None
    deterministic: bool | Literal["warn"] | None = None
    benchmark: bool | None = None
    inference_mode: bool = True
    detect_anomaly: bool = False
    sync_batchnorm: bool = False
    fast_dev_run: bool | _Whole = False
    profiler: Literal["simple", "advanced", "pytorch"] | None = None
    enable_checkpointing: bool | None = None
    enable_progress_bar: bool | None = None
    enable_model_summary: bool | None = None
    reload_dataloaders_every_n_epochs: _Whole = 0
    enable_autolog_hparams: bool = True
    barebones: bool = False
    model_registry: Text | None = None


def trainer_options(plain: Any) -> TrainerOptions:
    """Parse the group `trainer`.

    Raises:
        InputError: for an invalid key; it names the key.
    """
    for key in ("callbacks", "logger"):
        if isinstance(plain, Mapping) and key in plain:
            raise InputError(f"trainer: {key!r} is not set here, but in its own group")
    return from_plain(TrainerOptions, plain, "trainer")
