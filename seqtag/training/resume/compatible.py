"""Check the content of a checkpoint against the run that is to continue from it."""

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

Form = tuple[torch.dtype, tuple[int, ...]]  # dtype and shape of a tensor

_DATA = CorpusModule.__qualname__
_ORDER = ("completed", "processed", "started", "ready")


class InvalidContent(Exception):
    """Something in a checkpoint that no checkpoint of seqtag has."""


class ExpectedCheckpoint(NamedTuple):
    """What a checkpoint of a run looks like.

    Attributes:
        weights: forms of the network's tensors, by name.
        trainable: names of those that the optimizer updates, in its order.
        make_optimizer: parameters to optimizer.
        make_schedule: optimizer to learning-rate schedule.
        loops: Lightning's counters, as they are before training.
        callbacks: the states of its callbacks before training, by their keys.
        precision: key and state of what scales gradients; None where nothing does.
        batches: training batches of an epoch.
    """

    weights: dict[str, Form]
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
    """Return what a checkpoint of a run looks like; the run has not begun."""
    weights = {name: _form(tensor) for name, tensor in task.state_dict().items()}
    scaling = trainer.precision_plugin.state_dict()
    states = {callback.state_key: callback.state_dict() for callback in trainer.callbacks}
    return ExpectedCheckpoint(
        weights,
        [f"network.{name}" for name, _ in task.network.named_parameters()],
        task.make_optimizer,
        task.make_schedule,
        trainer.fit_loop.state_dict(),
        {key: state for key, state in states.items() if state},
        (type(trainer.precision_plugin).__qualname__, scaling) if scaling else None,
        data.batches_per_epoch(),
    )


def check_network(saved: Mapping[str, Any], run: ExpectedCheckpoint) -> None:
    """Refuse a checkpoint of another network or precision; its weights are known to be tensors.

    Raises:
        InputError: naming the tensor that differs.
    """
    found = {name: _form(tensor) for name, tensor in saved["state_dict"].items()}
    for name in sorted(run.weights.keys() | found.keys()):
        own, theirs = run.weights.get(name), found.get(name)
        shapes = [form and form[1] for form in (theirs, own)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"it is of another network or corpus: its {name} is "
                f"{_shape(theirs)}, this one's {_shape(own)}"
            )
        if own != theirs:
            raise InputError(
                f"its {name} is {_name(theirs)}, this run's {_name(own)}: take the "
                "trainer.precision that it was written with"
            )


def check_content(saved: Mapping[str, Any], run: ExpectedCheckpoint) -> None:
    """Check that a checkpoint has all parts, of the right types, and that they go together.

    Raises:
        InvalidContent: saying what is wrong with it.
    """
    if KEY not in saved:
        raise InvalidContent("it has no part 'seqtag', and is perhaps of another program")
    _typed(saved, {"epoch": 0, "global_step": 0, "state_dict": {}, "loops": {}, _DATA: {}}, "")
    _typed(saved, {"callbacks": {}, "optimizer_states": [], "lr_schedulers": []}, "")
    for part in ("state_dict", "current_model_state"):
        for name, tensor in saved.get(part, {}).items():
            _require(isinstance(tensor, Tensor), f"{part}.{name} is not a tensor")
    if "current_model_state" in saved:
        forms = {name: _form(tensor) for name, tensor in saved["current_model_state"].items()}
        own = {name: _form(tensor) for name, tensor in saved["state_dict"].items()}
        _require(forms == own, "current_model_state is not of the same network as state_dict")
    for part in ("state_dict", "current_model_state", "averaging_state", "optimizer_states"):
        name = first_non_finite(named_tensors(saved.get(part, {}), part))
        _require(name is None, f"{name} is not finite")
    _check_counters(saved, run)
    _check_optimizer(saved, run)
    for key, state in saved["callbacks"].items():
        for name, model in run.callbacks.get(key, {}).items():
            if isinstance(state, Mapping) and name in state:
                _like(state[name], model, f"callbacks.{key}.{name}")
            _require(isinstance(state, Mapping), f"callbacks.{key} is not a dict")
    if run.precision is not None and run.precision[0] in saved:
        _like(saved[run.precision[0]], run.precision[1], run.precision[0])
    _check_own(saved[KEY])


def _check_counters(saved: Mapping[str, Any], run: ExpectedCheckpoint) -> None:
    """Check Lightning's counters and the position in the data."""
    loop = saved["loops"].get("fit_loop")
    _like(loop, run.loops, "loops.fit_loop")
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
    _typed(saved[_DATA], {"epoch": 0, "batch": 0}, f"{_DATA}.")
    at = (saved[_DATA]["epoch"], saved[_DATA]["batch"])
    epoch = max(0, epochs["ready"] - 1)
    done = loop["epoch_loop.batch_progress"]["current"]["processed"]
    _require(
        at in ((epoch, done), (epoch + 1, 0)),
        f"the position in the data is batch {at[1]} of epoch {at[0]}, but batch {done} of epoch "
        f"{epoch} is processed",
    )
    _require(
        at[1] <= run.batches, f"its position is batch {at[1]} of an epoch that has {run.batches}"
    )


def _check_order(value: Any, where: str) -> None:
    """Check that counters are not below 0, and that nothing is completed before it is begun."""
    if isinstance(value, Mapping):
        counts = [value[name] for name in _ORDER if name in value]
        _require(counts == sorted(counts), f"{where}: more is completed than was begun")
        for key, part in value.items():
            _check_order(part, f"{where}.{key}")
    elif not isinstance(value, bool):
        _require(value >= 0, f"{where} is {value}")


def _check_optimizer(saved: Mapping[str, Any], run: ExpectedCheckpoint) -> None:
    """Check the states of optimizer and schedule: by shape, and by a step of one parameter."""
    states, schedules = saved["optimizer_states"], saved["lr_schedulers"]
    _require(len(states) == len(schedules) == 1, "it has not exactly one optimizer and schedule")
    _like(states[0], {"state": {}, "param_groups": []}, "optimizer_states.0")
    _like(schedules[0], {"last_epoch": 0, "_step_count": 0, "_last_lr": []}, "lr_schedulers.0")
    step = schedules[0]["last_epoch"]
    _require(0 <= step <= saved["global_step"], f"its schedule is at step {step}")
    groups, by_number = states[0]["param_groups"], states[0]["state"]
    numbers = list(range(len(run.trainable)))
    _require(
        len(groups) == 1 and isinstance(groups[0], dict) and groups[0].get("params") == numbers,
        f"its optimizer is not one of {len(numbers)} parameters",
    )
    weight = nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    optimizer = run.make_optimizer([weight])
    schedule = run.make_schedule(optimizer)
    try:
        optimizer.step()
        model = dict(optimizer.state[weight])
        own = optimizer.state_dict()["state"]
        group = {**groups[0], "params": [0]}
        for name, value in group.items():
            _require(not _is_wild(value), f"the optimizer's {name} is {value}")
        optimizer.load_state_dict({"state": own, "param_groups": [group]})
        schedule.load_state_dict(dict(schedules[0]))
        optimizer.step()
        schedule.step()
        rates = [*schedule.base_lrs, *schedule.get_last_lr(), schedules[0]["_last_lr"][0]]
        _require(not any(map(_is_wild, rates)), "its learning rate is not a number")
    except InvalidContent:
        raise
    except Exception as error:  # by what is missing or of the wrong type
        reason = f"{type(error).__name__}: {error}"
        raise InvalidContent(
            f"its optimizer or schedule is not that of this run ({reason})"
        ) from error
    for number, state in by_number.items():
        _require(type(number) is int and number in numbers, f"there is no parameter {number!r}")
        dtype, shape = run.weights[run.trainable[number]]
        where = f"optimizer_states.0.state.{number}"
        _require(
            isinstance(state, dict) and state.keys() == model.keys(),
            f"{where} is not a state of this run's optimizer",
        )
        for name, value in state.items():
            _like(value, model[name], f"{where}.{name}")
            if isinstance(value, Tensor):
                fits = (value.dtype, tuple(value.shape)) == (dtype, shape)
                scalar = model[name].dim() == 0 and _form(value) == _form(model[name])
                _require(fits or scalar, f"{where}.{name} is {_name(_form(value))} {value.shape}")


def _check_own(own: Any) -> None:
    """Check the part that `ResumeCallback` adds."""
    model = {"processes": [], "rows": 0, "dev_metric": 0.0, "figures": {}, "stop": False}
    _like(own, model, KEY)
    _require(own["rows"] >= 0, f"{KEY}.rows is {own['rows']}")
    _require(bool(own["processes"]), f"{KEY}.processes is empty")
    for name, value in own["figures"].items():
        _require(isinstance(value, Tensor) and value.numel() == 1, f"{KEY}.figures.{name}")
    for number, process in enumerate(own["processes"]):
        where = f"{KEY}.processes.{number}"
        _like(process, {"random": {}, "loss": {}}, where)
        _require(process["loss"].keys() in (set(), {"total", "sentences"}), f"{where}.loss")
        for name, value in process["loss"].items():
            _require(isinstance(value, Tensor) and not value.dim(), f"{where}.loss.{name}")
        _require(first_non_finite(process["loss"]) is None, f"{where}.loss is not finite")
        states = process["random"]
        try:
            # In generators of its own: those of the program are left as they are.
            version, numbers, gauss = states["python"]
            random.Random().setstate((version, tuple(numbers), gauss))
            keys, *rest = states["numpy"]
            np.random.RandomState().set_state(("MT19937", keys.numpy().astype(np.uint32), *rest))
            torch.Generator().set_state(states["torch"])
        except Exception as error:  # by what is missing or of the wrong type
            reason = f"{type(error).__name__}: {error}"
            raise InvalidContent(
                f"{where}.random is not a state of random numbers ({reason})"
            ) from error


def _typed(saved: Mapping[str, Any], models: Mapping[str, Any], where: str) -> None:
    for key, model in models.items():
        _require(key in saved, f"its part {where + key!r} is missing")
        _like(saved[key], model, where + key)
        if isinstance(model, int):
            _require(saved[key] >= 0, f"{where}{key} is {saved[key]}")


def _like(value: Any, model: Any, where: str) -> None:
    """Check that a value has the type of a model, and a dict its keys, likewise."""
    if isinstance(model, Mapping):
        _require(isinstance(value, Mapping), f"{where} is not a dict")
        for key, part in model.items():
            _require(key in value, f"its part '{where}.{key}' is missing")
            _like(value[key], part, f"{where}.{key}")
    elif isinstance(model, Tensor):
        _require(isinstance(value, Tensor), f"{where} is not a tensor")
        _require(model.is_floating_point() == value.is_floating_point(), f"{where}: {value.dtype}")
    elif model is not None:  # None stands for a figure that a run does not have yet
        kinds = (int, float) if isinstance(model, float) else (type(model),)
        if type(value) not in kinds:
            raise InvalidContent(
                f"{where} is not of type {type(model).__name__}, but {value!r:.80}"
            )


def _is_wild(value: Any) -> bool:
    """Return whether a value holds a number that is not finite."""
    if isinstance(value, list | tuple):
        return any(map(_is_wild, value))
    return isinstance(value, float) and not math.isfinite(value)


def _require(fine: bool, finding: str) -> None:
    if not fine:
        raise InvalidContent(finding)


def _form(tensor: Tensor) -> Form:
    return tensor.dtype, tuple(tensor.shape)


def _name(form: Form | None) -> str:
    return "missing" if form is None else str(form[0]).removeprefix("torch.")


def _shape(form: Form | None) -> str:
    return "missing" if form is None else str(form[1])
