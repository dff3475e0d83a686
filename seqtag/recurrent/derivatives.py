"""Autograd functions: whether gradients are needed, and gradients that have none of their own."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from seqtag.errors import InputError


def first_derivatives_only(backward: Callable[..., tuple]) -> Callable[..., tuple]:
    """Return the backward method of an autograd function, written without autograd.

    Its gradients are constants for autograd. Under `create_graph=True` they raise an error as soon
    as something differentiates them, instead of being left out of that derivative.
    """

    @wraps(backward)
    def run(ctx: Any, *grads: Tensor | None) -> tuple:
        with torch.no_grad():
            results = backward(ctx, *grads)
        if not torch.is_grad_enabled():
            return results
        flag = torch.ones((), requires_grad=True)
        return tuple(_Constant.apply(flag, r) if r is not None else None for r in results)

    return run


def is_differentiated(tensors: Iterable[Tensor | None]) -> bool:
    """Return whether autograd will need gradients at any of the tensors.

    To be called outside of autograd functions: `needs_input_grad` is also true under `no_grad`.
    """
    some = any(tensor is not None and tensor.requires_grad for tensor in tensors)
    return some and torch.is_grad_enabled()


class _Constant(torch.autograd.Function):
    """Returns a gradient that raises an error when it is differentiated."""

    @staticmethod
    def forward(ctx: Any, flag: Tensor, gradient: Tensor) -> Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple:
        raise InputError(
            "this engine of a recurrent layer has no second derivatives; "
            "Recurrent(..., engine='reference') has them"
        )
