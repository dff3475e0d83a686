"""Check the content of a checkpoint against the run that will resume from it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn

from seqtag.data.batches.module import CorpusModule
from seqtag.errors import InputError
from seqtag.training.finite import first_non_finite, named_tensors
from seqtag.training.resume.state import KEY
from seqtag.training.task import TaggingTask

TensorSpec = tuple[torch.dtype, tuple[int, ...]]  # dtype and shape of a tensor

_DATA = CorpusModule.__qualname__
# Lightning's counters, in ascending order of their values.
_COUNTERS = ("completed", "processed", "started", "ready")


class InvalidContent(Exception):
    """Raised for content that no checkpoint of seqtag can have."""


class ExpectedCheckpoint(NamedTuple):
    """Structure that a checkpoint of a run must have.

    Attributes:
        weights: dtype and shape of the network's tensors, by name.
        trainable: names of the tensors that the optimizer updates, in its order.
        make_optimizer: function from parameters to an optimizer.
        make_schedule: function from an optimizer to its learning-rate schedule.
        loops: Lightning's counters before training.
        callbacks: the states of the callbacks before training, by their keys.
        precision: key and state of the gradient scaler, if there is one.
        batches: number of training batches in an epoch.
    """

    weights: dict[str, TensorSpec]
    trainable: list[str]
    make_optimizer: Callable[[Any], Any]
    make_schedule: Callable[[Any], Any]
    loops: dict[str, Any]
    callbacks: dict[str, dict[str, Any]]
    precision: tuple[str, dict[str, Any]] | None
    batches: int


def expected_checkpoint(
    trainer: L.Trainer, task: TaggingTask, data: CorpusModule
) -> ExpectedCheckpoint:
    """Return the structure that checkpoints of a run have; call it before training starts."""
    weights = {name: _spec(tensor) for name, tensor in task.state_dict().items()}
    scaling = trainer.precision_plugin.state_dict()
    states = {callback.state_key: callback.state_dict() for callback in trainer.callbacks}
    return ExpectedCheckpoint(
        weights,
        [f"network.{n}" for n, weight in task.network.named_parameters() if weight.requires_grad],
        task.make_optimizer,
        task.make_schedule,
        trainer.fit_loop.state_dict(),
        {key: state for key, state in states.items() if state},
        (type(trainer.precision_plugin).__qualname__, scaling) if scaling else None,
        data.batches_per_epoch(),
    )


def check_network(saved: Mapping[str, Any], expected: ExpectedCheckpoint) -> None:
    """Check that a checkpoint is of the same network and precision; its weights must be tensors.

    Raises:
        InputError: if not; it names the tensor that differs.
    """
    specs = {name: _spec(tensor) for name, tensor in saved["state_dict"].items()}
    for name in sorted(expected.weights.keys() | specs.keys()):
        own, theirs = expected.weights.get(name), specs.get(name)
        shapes = [spec and spec[1] for spec in (theirs, own)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"it belongs to another network or corpus: its {name} is "
                f"{_shape(theirs)}, this run's {_shape(own)}"
            )
        if own != theirs:
            raise InputError(
                f"its {name} is {_dtype(theirs)}, this run's {_dtype(own)}: use the "
                "trainer.precision that it was written with"
            )


def check_content(saved: Mapping[str, Any], expected: ExpectedCheckpoint) -> None:
    """Check that a checkpoint has all parts, with the right types and consistent values.

    Raises:
        InvalidContent: if not; it says what is wrong.
    """
    if KEY not in saved:
        raise InvalidContent("it has no part 'seqtag'; perhaps another program wrote it")
    _check_parts(
        saved, {"epoch": 0, "global_step": 0, "state_dict": {}, "loops": {}, _DATA: {}}, ""
    )
    _check_parts(saved, {"callbacks": {}, "optimizer_states": [], "lr_schedulers": []}, "")
    for part in ("state_dict", "current_model_state"):
        for name, tensor in saved.get(part, {}).items():
            _require(isinstance(tensor, Tensor), f"{part}.{name} is not a tensor")
    if "current_model_state" in saved:
        averaged = {name: _spec(tensor) for name, tensor in saved["current_model_state"].items()}
        own = {name: _spec(tensor) for name, tensor in saved["state_dict"].items()}
        _require(averaged == own, "current_model_state is not of the same network as state_dict")
    for part in ("state_dict", "current_model_state", "averaging_state", "optimizer_states"):
        name = first_non_finite(named_tensors(saved.get(part, {}), part))
        _require(name is None, f"{name} is not finite")
    _check_counters(saved, expected)
    _check_optimizer(saved, expected)
    for key, state in saved["callbacks"].items():
        for name, template in expected.callbacks.get(key, {}).items():
            if isinstance(state, Mapping) and name in state:
                _check_like(state[name], template, f"callbacks.{key}.{name}")
            _require(isinstance(state, Mapping), f"callbacks.{key} is not a dict")
    if expected.precision is not None and expected.precision[0] in saved:
        _check_like(saved[expected.precision[0]], expected.precision[1], expected.precision[0])
    _check_resume_state(saved[KEY])


def _check_counters(saved: Mapping[str, Any], expected: ExpectedCheckpoint) -> None:
    """Check Lightning's counters and the position in the data."""
    loop = saved["loops"].get("fit_loop")
    _check_like(loop, expected.loops, "loops.fit_loop")
    _check_order(loop, "loops.fit_loop")
    steps = loop["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]["step"]["total"]
    _require(
        saved["global_step"] == steps["completed"],
        f"global_step is {saved['global_step']}, but {steps['completed']} steps are completed",
    )
    epochs = loop["epoch_progress"]["current"]
    _require(
        epochs["processed"] - saved["epoch"] in (0, 1),
        f"epoch is {saved['epoch']}, but {epochs['processed']} epochs are processed",
    )
    _check_parts(saved[_DATA], {"epoch": 0, "batch": 0}, f"{_DATA}.")
    position = (saved[_DATA]["epoch"], saved[_DATA]["batch"])
    epoch = max(0, epochs["ready"] - 1)
    batch = loop["epoch_loop.batch_progress"]["current"]["processed"]
    _require(
        position in ((epoch, batch), (epoch + 1, 0)),
        f"the position in the data is batch {position[1]} of epoch {position[0]}, but batch "
        f"{batch} of epoch {epoch} is processed",
    )
    _require(
        position[1] <= expected.batches,
        f"its position is batch {position[1]} of an epoch that has {expected.batches}",
    )


def _check_order(value: Any, where: str) -> None:
    """Check that no counter is negative, and that no more is completed than was started."""
    if isinstance(value, Mapping):
        counts = [value[name] for name in _COUNTERS if name in value]
        _require(counts == sorted(counts), f"{where}: more is completed than was started")
        for key, part in value.items():
            _check_order(part, f"{where}.{key}")
    elif not isinstance(value, bool):
        _require(value >= 0, f"{where} is {value}")


def _check_optimizer(saved: Mapping[str, Any], expected: ExpectedCheckpoint) -> None:
    """Check the states of optimizer and schedule: their shapes, and that a step with them works."""
    states, schedules = saved["optimizer_states"], saved["lr_schedulers"]
    _require(len(states) == len(schedules) == 1, "there is not exactly one optimizer and schedule")
    _check_like(states[0], {"state": {}, "param_groups": []}, "optimizer_states.0")
    _check_like(
        schedules[0], {"last_epoch": 0, "_step_count": 0, "_last_lr": []}, "lr_schedulers.0"
    )
    step = schedules[0]["last_epoch"]
    _require(0 <= step <= saved["global_step"], f"its schedule is at step {step}")
    groups, by_number = states[0]["param_groups"], states[0]["state"]
    numbers = list(range(len(expected.trainable)))
    _require(
        len(groups) == 1 and isinstance(groups[0], dict) and groups[0].get("params") == numbers,
        f"its optimizer does not have the {len(numbers)} parameters of this run",
    )
    weight = nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    optimizer = expected.make_optimizer([weight])
    schedule = expected.make_schedule(optimizer)
    try:
        optimizer.step()
        template = dict(optimizer.state[weight])
        own = optimizer.state_dict()["state"]
        group = {**groups[0], "params": [0]}
        for name, value in group.items():
            _require(not _has_nonfinite(value), f"the optimizer's {name} is {value}")
        optimizer.load_state_dict({"state": own, "param_groups": [group]})
        schedule.load_state_dict(dict(schedules[0]))
        optimizer.step()
        schedule.step()
        rates = [*schedule.base_lrs, *schedule.get_last_lr(), schedules[0]["_last_lr"][0]]
        _require(not any(map(_has_nonfinite, rates)), "its learning rate is not a number")
    except InvalidContent:
        raise
    except Exception as error:  # any, depending on the missing or wrong part
        reason = f"{type(error).__name__}: {error}"
        raise InvalidContent(
            f"its optimizer or schedule is not that of this run ({reason})"
        ) from error
    for number, state in by_number.items():
        _require(type(number) is int and number in numbers, f"there is no parameter {number!r}")
        dtype, shape = expected.weights[expected.trainable[number]]
        where = f"optimizer_states.0.state.{number}"
        _require(
            isinstance(state, dict) and state.keys() == template.keys(),
            f"{where} is not a state of this run's optimizer",
        )
        for name, value in state.items():
            _check_like(value, template[name], f"{where}.{name}")
            if isinstance(value, Tensor):
                fits = (value.dtype, tuple(value.shape)) == (dtype, shape)
                scalar = template[name].dim() == 0 and _spec(value) == _spec(template[name])
                _require(fits or scalar, f"{where}.{name} is {_dtype(_spec(value))} {value.shape}")


def _check_resume_state(own: Any) -> None:
    """Check the part that `ResumeCallback` adds."""
    template = {"processes": [], "rows": 0, "dev_metric": 0.0, "figures": {}, "stop": False}
    _check_like(own, template, KEY)
    _require(own["rows"] >= 0, f"{KEY}.rows is {own['rows']}")
    _require(bool(own["processes"]), f"{KEY}.processes is empty")
    for name, value in own["figures"].items():
        fits = isinstance(value, Tensor) and value.numel() == 1
        _require(fits, f"{KEY}.figures.{name} is not a tensor with one value")
    for number, process in enumerate(own["processes"]):
        where = f"{KEY}.processes.{number}"
        _check_like(process, {"random": {}, "loss": {}}, where)
        known = process["loss"].keys() in (set(), {"total", "sentences"})
        _require(known, f"{where}.loss has other keys than total and sentences")
        for name, value in process["loss"].items():
            fits = isinstance(value, Tensor) and not value.dim()
            _require(fits, f"{where}.loss.{name} is not a tensor with one value")
        _require(first_non_finite(process["loss"]) is None, f"{where}.loss is not finite")
        states = process["random"]
        try:
            # Use separate generators: those of the program must not change.
            version, numbers, gauss = states["python"]
            random.Random().setstate((version, tuple(numbers), gauss))
            keys, *rest = states["numpy"]
            np.random.RandomState().set_state(("MT19937", keys.numpy().astype(np.uint32), *rest))
            torch.Generator().set_state(states["torch"])
        except Exception as error:  # any, depending on the missing or wrong part
            reason = f"{type(error).__name__}: {error}"
            raise InvalidContent(f"{where}.random is not a random state ({reason})") from error


def _check_parts(saved: Mapping[str, Any], templates: Mapping[str, Any], where: str) -> None:
    """Check that parts exist and match their templates; whole numbers must not be negative."""
    for key, template in templates.items():
        _require(key in saved, f"its part {where + key!r} is missing")
        _check_like(saved[key], template, where + key)
        if isinstance(template, int):
            _require(saved[key] >= 0, f"{where}{key} is {saved[key]}")


def _check_like(value: Any, template: Any, where: str) -> None:
    """Check that a value has the type of a template; in dicts this is checked for each key."""
    if isinstance(template, Mapping):
        _require(isinstance(value, Mapping), f"{where} is not a dict")
        for key, part in template.items():
            _require(key in value, f"its part '{where}.{key}' is missing")
            _check_like(value[key], part, f"{where}.{key}")
    elif isinstance(template, Tensor):
        _require(isinstance(value, Tensor), f"{where} is not a tensor")
        same = template.is_floating_point() == value.is_floating_point()
        _require(same, f"{where} has the wrong dtype, {value.dtype}")
    elif template is not None:  # None is a score that a run does not have yet
        kinds = (int, float) if isinstance(template, float) else (type(template),)
        if type(value) not in kinds:
            raise InvalidContent(
                f"{where} is not of type {type(template).__name__}, but {value!r:.80}"
            )


def _has_nonfinite(value: Any) -> bool:
    """Return whether a value contains a number that is not finite."""
    if isinstance(value, list | tuple):
        return any(map(_has_nonfinite, value))
    return isinstance(value, float) and not math.isfinite(value)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidContent(message)


def _spec(tensor: Tensor) -> TensorSpec:
    return tensor.dtype, tuple(tensor.shape)


def _dtype(spec: TensorSpec | None) -> str:
    return "missing" if spec is None else str(spec[0]).removeprefix("torch.")


def _shape(spec: TensorSpec | None) -> str:
    return "missing" if spec is None else str(spec[1])
