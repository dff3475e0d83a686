"""Gradients of a layer's tensors from the gradients at the slots: products over all steps.

After the end of a sequence the gradients at slots and all states are 0. T time, B batch, D features
in, N directions, H hidden units, S states, K slots, P blocks of recurrent matrices.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seqtag.recurrent.compiler.plan import Plan


def columns(slot_TBKH: Tensor, numbers: Sequence[int]) -> Tensor:
    """Return some slots, without a copy if they are adjacent."""
    if list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))):
        return slot_TBKH.narrow(-2, numbers[0], len(numbers))
    return slot_TBKH[..., list(numbers), :]


def gradient_of_x(plan: Plan, slot_TBNKH: Tensor, w_GD: Tensor) -> Tensor:
    """Return the gradient at x, (T, B, D)."""
    rows = columns(slot_TBNKH, plan.input_slots).flatten(2)
    return (rows.flatten(0, 1) @ w_GD).unflatten(0, slot_TBNKH.shape[:2])


def gradient_of_w(plan: Plan, slot_TBNKH: Tensor, x_TBD: Tensor) -> Sequence[Tensor]:
    """Return the gradients of W, (G*H, D) for each direction."""
    rows = columns(slot_TBNKH, plan.input_slots).flatten(2).flatten(0, 1)
    return (rows.t() @ x_TBD.flatten(0, 1)).chunk(slot_TBNKH.shape[2])


def gradient_of_bias(plan: Plan, slot_TBNKH: Tensor) -> Sequence[Tensor]:
    """Return the gradients of b, (G*H) for each direction."""
    slots = columns(slot_TBNKH, plan.input_slots)
    return slots.sum((0, 1), dtype=torch.float32).flatten(1).unbind()


def first_slots(slot_TBKH: Tensor, lengths_B: Tensor, backwards: bool) -> Tensor:
    """Return the gradients at the slots of each sequence's first step, (B, K, H)."""
    if not backwards:
        return slot_TBKH[0]  # 0 for a sequence without steps
    last_B = (lengths_B.long() - 1).clamp(min=0)
    return slot_TBKH[last_B, torch.arange(len(last_B), device=last_B.device)]


def gradients_of_recurrent(
    plan: Plan,
    slot_TBKH: Tensor,
    initial_BSH: Tensor,
    buffers: Mapping[str, Tensor],
    first_BKH: Tensor,
    direction: int,
) -> list[Tensor]:
    """Return the gradients of each R and of each inner R, of one direction.

    Args:
        plan: the plan.
        slot_TBKH: gradients at the slots.
        initial_BSH: initial states.
        buffers: states and operands, by name.
        first_BKH: gradients at the slots of the first steps.
        direction: its number.
    """
    here, before = slice(1, None), slice(None, -1)
    if direction == 1:
        here, before = before, here
    states, dtype = list(plan.states), slot_TBKH.dtype
    grads = []
    for product, slots in zip(plan.cell.products, plan.product_slots, strict=True):
        path_TBH = buffers[f"path {product.state}"][:-1, :, direction, 0][before].to(dtype)
        left = columns(slot_TBKH[here], slots).flatten(2).flatten(0, 1)
        first = columns(first_BKH, slots).flatten(1)
        initial_BH = initial_BSH[:, states.index(product.state)].to(dtype)
        grads.append(left.t() @ path_TBH.flatten(0, 1) + first.t() @ initial_BH)
    for i, slot in enumerate(plan.inner_slots.values()):
        operand_TBH = buffers["operand"][:, :, direction, i].to(dtype)
        grads.append(slot_TBKH[:, :, slot].flatten(0, 1).t() @ operand_TBH.flatten(0, 1))
    return grads


def gradients_of_states(
    plan: Plan, carry_BSH: Tensor, blocks_PHH: Tensor, first_BKH: Tensor, lengths_B: Tensor
) -> list[Tensor]:
    """Return the gradients of the initial states of one direction, (B, H) each.

    Args:
        plan: the plan.
        carry_BSH: what the backward pass has left; for a state that carries nothing, the gradient
            of the final state, which is the initial one of a sequence without steps.
        blocks_PHH: blocks of recurrent matrices.
        first_BKH: gradients at the slots of the first steps.
        lengths_B: lengths.
    """
    grads = {}
    for i, name in enumerate(plan.states):
        grads[name] = carry_BSH[:, i]
        if not plan.carries(name):
            grads[name] = grads[name].masked_fill((lengths_B > 0)[:, None], 0.0)
    start = 0
    for product, slots in zip(plan.cell.products, plan.product_slots, strict=True):
        matrix = blocks_PHH[start : start + len(slots)].flatten(0, 1)
        start += len(slots)
        through = columns(first_BKH, slots).flatten(1) @ matrix
        grads[product.state] = grads[product.state] + through
    return list(grads.values())
