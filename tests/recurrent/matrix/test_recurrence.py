"""The compiled recurrence against a loop over its definition, in float64.

T time, B batch, A heads, N rows and E columns of the state.
"""

import pytest
import torch
from torch.nn.functional import silu

from seqtag.cells.linear import LinearRecurrence
from seqtag.recurrent.matrix.recurrence import run_recurrence

# More than two chunks; sizes that are no multiples of a register.
T, B, A, N, E = 37, 2, 3, 5, 11
LENGTHS = torch.tensor([37, 18])


def draw(*shape, low=-1.0, high=1.0):
    return torch.empty(shape, dtype=torch.float64).uniform_(low, high).requires_grad_()


def plain(heads=A):
    return {"query": draw(T, B, heads, N), "key": draw(T, B, heads, N), "value": draw(T, B, A, E)}


def per_head(low, high):
    return draw(T, B, A, low=low, high=high)


VARIANTS = {
    "plain": lambda: plain(),
    "decay": lambda: {**plain(), "log_decay": per_head(-2, 0), "strength": per_head(0, 1)},
    "shared": lambda: {
        **{**plain(heads=1), "log_decay": per_head(-2, 0), "strength": per_head(0, 1)},
        **{"skip": draw(A), "silu": ("query", "key", "value")},
        "sign": torch.randint(2, (T, B, A)).double() * 2 - 1,
    },
    "counted": lambda: {
        **{**plain(), "log_decay": per_head(-1, 0), "strength": per_head(0, 1)},
        **{"bound": torch.full((T, B, A), 0.3, dtype=torch.float64), "silu": ("query", "key")},
    },
    "replaces": lambda: {**plain(), "strength": per_head(0, 2), "replaces": True, "unit": True},
    "decay and replaces": lambda: {
        **{**plain(), "log_decay": per_head(-1, 0), "strength": per_head(0, 2), "replaces": True},
        **{"unit": True, "silu": ("query", "key", "value")},
    },
    "vector decay": lambda: {
        **{**plain(), "log_decay": draw(T, B, A, N, low=-0.6, high=0)},
        **{"read_key": draw(T, B, A, N), "write_key": draw(T, B, A, N, low=-0.4, high=0.4)},
    },
}


def activated(steps, name, vector):
    vector = silu(vector) if name in steps.silu else vector
    if not steps.unit or name == "value":
        return vector
    vector = vector * ((vector * vector).sum(-1, keepdim=True) + 1e-6).rsqrt()
    return vector * N**-0.5 if name == "query" else vector


def loop(steps, S, lengths):
    """Return the outputs and the last state by the docstring of LinearRecurrence."""
    q, k, v = (activated(steps, n, getattr(steps, n)) for n in ("query", "key", "value"))
    one = torch.ones(T, B, A, dtype=torch.float64)
    b = (one if steps.strength is None else steps.strength)[..., None]
    f = one if steps.log_decay is None else steps.log_decay.exp()
    f = f if steps.sign is None else f * steps.sign
    f = f if f.dim() == 4 else f[..., None]
    outputs = []
    for t in range(T):
        z = v[t] if steps.bound is None else torch.cat([v[t], torch.ones_like(v[t, ..., :1])], -1)
        new = f[t][..., None] * S
        if steps.replaces:
            z = z - (k[t][..., None, :] @ new)[..., 0, :]
        new = new + (b[t] * k[t])[..., None] * z[..., None, :]
        if steps.read_key is not None:
            old = steps.read_key[t][..., None, :] @ S
            new = new - steps.write_key[t][..., None] * old
        runs = (t < lengths)[:, None, None, None]
        S = torch.where(runs, new, S)
        o = (q[t][..., None, :] @ S)[..., 0, :]
        if steps.bound is not None:
            o = o[..., :-1] / o[..., -1:].abs().maximum(steps.bound[t][..., None])
        if steps.skip is not None:
            o = o + steps.skip[:, None] * v[t]
        outputs.append(torch.where(runs[..., 0], o, 0.0))
    return torch.stack(outputs), S


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_equals_the_loop(name, lengths):
    torch.manual_seed(0)
    steps = LinearRecurrence(**VARIANTS[name]())
    start = draw(B, A, N, E + (steps.bound is not None))
    leaves = [s for s in (*steps, start) if isinstance(s, torch.Tensor) and s.requires_grad]
    whole = torch.full((B,), T) if lengths is None else lengths
    results = run_recurrence(steps, start, lengths), loop(steps, start, whole)
    weights = [torch.randn_like(value) for value in results[0]]
    grads = []
    for result in results:
        total = sum((w * value).sum() for w, value in zip(weights, result, strict=True))
        grads.append(torch.autograd.grad(total, leaves))
    torch.testing.assert_close(*results, atol=1e-11, rtol=1e-10)
    torch.testing.assert_close(*grads, atol=1e-10, rtol=1e-9)


def test_strides_and_threads_change_nothing():
    """Arguments may be parts of one tensor, as they are after a product with W."""
    torch.manual_seed(0)
    whole = torch.randn(T, B, A, 2 * N + E + 1, dtype=torch.float64)
    q, k, v, _ = whole.split([N, N, E, 1], dim=-1)
    start = torch.zeros(B, A, N, E, dtype=torch.float64)
    expected = run_recurrence(LinearRecurrence(*(p.contiguous() for p in (q, k, v))), start)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert all(map(torch.equal, run_recurrence(LinearRecurrence(q, k, v), start), expected))
    finally:
        torch.set_num_threads(threads)


def test_a_decay_of_zero_forgets_everything():
    torch.manual_seed(0)
    steps = LinearRecurrence(**plain(), log_decay=per_head(-1e4, -1e3))
    output, _ = run_recurrence(steps, draw(B, A, N, E))
    own = (steps.query * steps.key).sum(-1, keepdim=True) * steps.value
    torch.testing.assert_close(output, own)
    grad = torch.autograd.grad(output.sum(), steps.log_decay)[0]
    torch.testing.assert_close(grad, torch.zeros_like(grad), atol=1e-12, rtol=0)
