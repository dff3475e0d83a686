"""`Recurrent` as a module: options, traces, errors, saving, autocast, compile."""

import copy
import io
import logging
import pickle

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

from seqtag.cells import Cell, Lstm
from seqtag.errors import InputError
from seqtag.recurrent import Recurrent
from seqtag.recurrent.compiler.build import BuildError
from seqtag.recurrent.engines import cpu
from seqtag.recurrent.engines.registry import ENGINES, _log_choice, set_engine

B, T, D, H = 3, 5, 4, 6
LENGTHS = torch.tensor([3, 5, 1])


class Leaky(Cell):
    """h = h'/2 + W x + b: a cell without R."""

    gates = ("a",)
    products = ()
    states = ("h",)

    def step(self, wx, rh, state, unit):
        return {"h": 0.5 * state["h"] + wx["a"]}


def test_a_minimal_cell_runs():
    layer = Recurrent(Leaky(), D, H, bidirectional=True, engine="loop")
    assert [n for n, _ in layer.named_parameters()] == [
        f"layers.0.{direction}.{name}"
        for direction in ("fwd", "bwd")
        for name in ("weight_input", "bias")
    ]
    x = torch.randn(B, T, D)
    y, h = layer(x, LENGTHS)
    wx = x @ layer.layers[0]["fwd"].weight_input.T
    torch.testing.assert_close(y[0, 1, :H], 0.5 * wx[0, 0] + wx[0, 1])
    torch.testing.assert_close(h[1, 0], y[0, 0, H:])


def test_parameter_names_do_not_change():
    """Saved models depend on them."""
    layer = Recurrent("gru", D, H, 2, True, layer_norm=True)
    shapes = {name: tuple(p.shape) for name, p in layer.state_dict().items()}
    expected = {"layers.1.norm.weight": (2 * H,), "layers.1.norm.bias": (2 * H,)}
    for index, size in ((0, D), (1, 2 * H)):
        for direction in ("fwd", "bwd"):
            at = f"layers.{index}.{direction}."
            expected[f"{at}weight_input"] = (3 * H, size)
            expected[f"{at}weight_recurrent"] = (3 * H, H)
            expected[f"{at}bias"] = (3 * H,)
            expected[f"{at}bias_recurrent"] = (H,)
    assert shapes == expected
    assert not [n for n in Recurrent("gru", D, H, bias=False).state_dict() if "bias" in n]


def test_initialisation():
    direction = Recurrent({"name": "lstm", "forget_bias": 2.0}, D, H).layers[0]["fwd"]
    for block in direction.weight_recurrent.split(H):
        torch.testing.assert_close(block @ block.T, torch.eye(H), atol=1e-5, rtol=0)
    assert direction.bias.tolist() == [0.0] * H + [2.0] * H + [0.0] * 2 * H
    assert direction.weight_input.abs().max() <= (6 / (D + H)) ** 0.5


def test_trace_names_every_gate_and_state_in_time_order():
    layer = Recurrent("lstm", D, H, 2, True)
    x = torch.randn(B, T, D)
    y, (h, c), trace = layer(x, LENGTHS, trace=True)
    expected_y, expected_state = layer(x, LENGTHS)
    torch.testing.assert_close(y, expected_y)
    torch.testing.assert_close((h, c), expected_state)
    assert list(trace) == ["l0.fwd", "l0.bwd", "l1.fwd", "l1.bwd"]
    for values in trace.values():
        assert set(values) == {"i", "f", "z", "o", "c", "h"}
        assert all(v.shape == (B, T, H) and not v[0, 3:].any() for v in values.values())
        torch.testing.assert_close(values["h"], values["o"] * values["c"].tanh())
    torch.testing.assert_close(torch.cat([trace["l1.fwd"]["h"], trace["l1.bwd"]["h"]], -1), y)
    fwd, bwd = trace["l0.fwd"], trace["l0.bwd"]
    new_c = fwd["f"] * fwd["c"].roll(1, 1) + fwd["i"] * fwd["z"]
    torch.testing.assert_close(fwd["c"][1, 1:], new_c[1, 1:])
    torch.testing.assert_close(c[0, 0], fwd["c"][0, 2])
    torch.testing.assert_close(c[1], bwd["c"][:, 0])


@pytest.mark.parametrize("shape", [(0, T), (B, 0), (0, 0)])
def test_empty_batches(cell, engine, shape):
    layer = Recurrent(cell, D, H, 2, True, engine=engine)
    lengths = torch.zeros(shape[0], dtype=torch.int64)
    for given in (None, lengths):
        y, state, trace = layer(torch.randn(*shape, D), given, trace=True)
        assert y.shape == (*shape, 2 * H)
        state = state if isinstance(state, tuple) else (state,)
        assert all(s.shape == (4, shape[0], H) for s in state)
        assert all(v.shape == (*shape, H) for v in trace["l1.bwd"].values())
        y.sum().backward()


def test_residual_and_norm_act_from_the_second_layer_on():
    x = torch.randn(B, T, D)
    both = Recurrent("rnn", D, H, 2, residual=True, layer_norm=True)
    nn.init.uniform_(both.layers[1]["norm"].bias)
    first, second = Recurrent("rnn", D, H), Recurrent("rnn", H, H)
    first.layers[0].load_state_dict(both.layers[0].state_dict())
    second.layers[0]["fwd"].load_state_dict(both.layers[1]["fwd"].state_dict())
    below = first(x, LENGTHS)[0]
    expected = below + second(both.layers[1]["norm"](below), LENGTHS)[0]
    torch.testing.assert_close(both(x, LENGTHS)[0], expected)


def test_locked_dropout_has_one_mask_per_sequence():
    layer = Recurrent(Leaky(), D, D, bias=False, locked_dropout=0.5, engine="loop")
    nn.init.eye_(layer.layers[0]["fwd"].weight_input)
    wide = torch.ones(64, T, D)
    y = layer(wide)[0]
    mask = y[:, 0] != 0
    assert 0.3 < mask.float().mean() < 0.7
    assert len({tuple(row.tolist()) for row in mask}) > 4
    assert torch.equal(y != 0, mask[:, None].expand_as(y))
    assert layer.eval()(wide)[0].all()


def test_dropout_acts_between_layers_and_in_training_only():
    one, two = Recurrent("rnn", D, H, dropout=0.9), Recurrent("rnn", D, H, 2, dropout=0.9)
    x = torch.randn(B, T, D)
    assert torch.equal(one(x)[0], one(x)[0])
    assert not torch.equal(two(x)[0], two(x)[0])
    two.eval()
    assert torch.equal(two(x)[0], two(x)[0])


def test_backward_in_eval_mode(cell):
    layer = Recurrent(cell, D, H, bidirectional=True).eval()
    layer(torch.randn(B, T, D), LENGTHS)[0].sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


def test_gradients_of_the_initial_state_only(cell):
    layer = Recurrent(cell, D, H).requires_grad_(False).eval()
    parts = [torch.zeros(1, B, H, requires_grad=True) for _ in cell.states]
    state = tuple(parts) if len(parts) > 1 else parts[0]
    layer(torch.randn(B, T, D), LENGTHS, state)[0].sum().backward()
    assert all(part.grad.any() for part in parts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "gur"}, "unknown cell 'gur'.*did you mean 'gru'"),
        ({"input_size": 0}, "input_size must be a whole number from 1 to 2,147,483,647, not 0"),
        ({"hidden_size": -1}, "hidden_size must be"),
        ({"num_layers": 1.0}, "num_layers must be"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"locked_dropout": -0.1}, "locked_dropout must be"),
        ({"engine": "tourch"}, "unknown engine 'tourch'.*did you mean 'torch'"),
    ],
)
def test_invalid_options_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Recurrent(**{"cell": "lstm", "input_size": D, "hidden_size": H, **change})


@pytest.mark.parametrize(
    ("x", "lengths", "state", "message"),
    [
        (torch.zeros(B, T, D + 1), None, None, r"x must have the shape \(batch, time, 4\)"),
        (torch.zeros(T, D), None, None, "x must have the shape"),
        (torch.zeros(B, T, D, dtype=torch.int64), None, None, "x must be floating point"),
        (torch.zeros(B, T, D, dtype=torch.float64), None, None, "x is torch.float64, but the"),
        (torch.zeros(B, T, D, device="meta"), None, None, "x is on meta"),
        (torch.zeros(B, T, D, dtype=torch.float16), None, None, "float16, which is for GPUs"),
        (None, [1, 2, 3], None, "lengths must be a tensor"),
        (None, torch.tensor([1, 2]), None, r"lengths must have the shape \(3,\)"),
        (None, torch.tensor([1.0, 2.0, 3.0]), None, "lengths must be integers"),
        (None, torch.tensor([True, True, True]), None, "lengths must be integers"),
        (None, torch.tensor([1, T + 1, 1]), None, "a length is 6, but x has only 5 steps"),
        (None, torch.tensor([1, -1, 1]), None, "must not be negative, but one is -1"),
        (None, torch.ones(B, dtype=torch.int64, device="meta"), None, "lengths are on meta"),
        (None, None, torch.zeros(1, B, H), r"state must be a tuple of 2 \(h, c\)"),
        (None, None, (torch.zeros(1, B, H), torch.zeros(B, H)), r"state c must have .*\(1, 3, 6\)"),
        (None, None, (torch.zeros(1, B, H).double(),) * 2, "state h is torch.float64"),
        (None, None, (torch.zeros(1, B, H, device="meta"),) * 2, "state h is on meta"),
        (None, None, (0, 0), "state h must be a tensor"),
    ],
)
def test_invalid_arguments_of_a_call_are_refused(x, lengths, state, message):
    x = torch.zeros(B, T, D) if x is None else x
    with pytest.raises(InputError, match=message):
        Recurrent("lstm", D, H)(x, lengths, state)


def test_an_engine_that_cannot_run_the_cell_gives_the_reason():
    with pytest.raises(InputError, match="not torch: torch has no such cell"):
        Recurrent(Leaky(), D, H, engine="torch")(torch.zeros(B, T, D))


def test_the_choice_of_engine_is_logged_once(caplog):
    _log_choice.cache_clear()
    layer = Recurrent(Lstm(), D, H)
    with caplog.at_level(logging.INFO, logger="seqtag"):
        for _ in range(3):
            layer(torch.zeros(B, T, D))
        layer.engine = "loop"
        layer(torch.zeros(B, T, D), trace=True)
    lines = [record.getMessage() for record in caplog.records]
    choices = [line for line in lines if " kernel /" not in line]  # where it is new
    assert len(choices) == 2
    assert "runs on the cpu engine" in choices[0]
    assert choices[1].endswith("runs on the cpu engine (not loop: its loop gives no traces)")


@pytest.fixture
def no_compiler(monkeypatch):
    """Make each kernel fail to compile, and return the list of attempts."""
    attempts = []

    def fail(cell, dtype, traces):
        attempts.append(cell)
        raise BuildError("c++ failed on the kernel: no such thing")

    monkeypatch.setattr(cpu, "kernel_of", fail)
    cpu._build_failure.cache_clear()
    _log_choice.cache_clear()
    yield attempts
    cpu._build_failure.cache_clear()
    _log_choice.cache_clear()


@pytest.mark.parametrize(
    ("cell", "engine"),
    [("lstm", "torch"), ("lstm_peephole", "loop"), ("mingru", "scan"), ("nig", "loop")],
)
def test_without_a_compiler_another_engine_runs_with_one_warning(cell, engine, no_compiler, caplog):
    layer = Recurrent(cell, D, H, bidirectional=True)
    with caplog.at_level(logging.INFO, logger="seqtag"):
        for _ in range(3):
            layer(torch.randn(B, T, D), LENGTHS)[0].sum().backward()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"runs on the {engine} engine (not cpu: c++ failed on" in record.getMessage()
    assert len(no_compiler) == 1
    with pytest.raises(InputError, match=r"not cpu: c\+\+ failed on"):
        Recurrent(cell, D, H, engine="cpu")(torch.zeros(B, T, D))


def test_engines_are_ordered_by_preference():
    assert list(ENGINES) == ["cpu", "torch", "triton", "scan", "loop", "chunked", "reference"]
    assert all(f'"{name}": ' in Recurrent.__doc__ for name in ENGINES)


def test_copies_and_saving(cell):
    layer = Recurrent(cell, D, H, 2, True)
    x = torch.randn(B, T, D)
    expected = layer(x, LENGTHS)[0]
    assert torch.equal(copy.deepcopy(layer)(x, LENGTHS)[0], expected)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x, LENGTHS)[0], expected)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    fresh = Recurrent(cell, D, H, 2, True)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh(x, LENGTHS)[0], expected)


def test_repr_shows_spec_sizes_and_changed_options():
    text = repr(Recurrent("lstm", D, H, num_layers=2, bidirectional=True))
    assert "Lstm(), 4, 6, num_layers=2, bidirectional=True\n" in text
    assert "Lstm(peepholes=('i',), chrono=9), 4, 6\n" in repr(
        Recurrent({"name": "lstm", "peepholes": ["i"], "chrono": 9}, D, H)
    )


def test_autocast_to_bfloat16(cell, engine):
    layer = Recurrent(cell, D, H, 2, True, engine=engine)
    x = torch.randn(B, T, D)
    expected, _ = layer(x, LENGTHS)
    with torch.autocast("cpu", torch.bfloat16):
        y, state = layer(x, LENGTHS)
        again, _ = layer(x, LENGTHS, tuple(state) if isinstance(state, tuple) else state)
    torch.testing.assert_close(y.float(), expected, atol=0.05, rtol=0.05)
    assert again.isfinite().all()
    y.float().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.dtype == p.dtype for p in layer.parameters())


def test_torch_engine_returns_bfloat16_on_any_processor(cell):
    layer = Recurrent(cell, D, H, engine="torch")
    x = torch.randn(B, T, D)
    with torch.autocast("cpu", torch.bfloat16):
        y, state = layer(x, LENGTHS)
    assert {y.dtype, *(end.dtype for end in state)} == {torch.bfloat16}
    y, state = layer.bfloat16()(x.bfloat16(), LENGTHS)
    assert {y.dtype, *(end.dtype for end in state)} == {torch.bfloat16}


# Torch warns at any graph break: it reads the gradient of a tensor that crosses it.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_under_torch_compile_one_graph_break_for_any_number_of_steps():
    model = nn.Sequential(nn.Linear(D, D), Recurrent("lstm", D, H, bidirectional=True))
    frames = CompileCounter()
    compiled = torch.compile(model, backend=frames)
    for time in range(2, 14):
        x = torch.randn(B, time, D)
        torch.testing.assert_close(compiled(x), model(x))
    compiled(x)[0].sum().backward()
    assert frames.frame_count <= 2  # the linear layer: for the first T, and for any T


def test_onednn_runs_whenever_torch_uses_it():
    """In the forward and the backward pass, also with ragged lengths, where packing would not."""
    layer = Recurrent("lstm", D, H, bidirectional=True, engine="torch")
    x = torch.randn(B, T, D)
    with torch.profiler.profile() as ours:
        layer(x, LENGTHS)[0].sum().backward()
    with torch.profiler.profile() as theirs:
        layer.to_torch()(x)[0].sum().backward()
    kernels = [{e.key for e in p.key_averages() if "mkldnn_rnn" in e.key} for p in (theirs, ours)]
    assert kernels[0] == kernels[1]


def test_set_engine_reaches_every_layer():
    module = nn.ModuleList([nn.Linear(2, 2), Recurrent("lstm", 2, 2), Recurrent("gru", 2, 2)])
    set_engine(module, "loop")
    assert [module[1].engine, module[2].engine] == ["loop", "loop"]
    with pytest.raises(InputError, match=r"unknown engine 'lop'.*did you mean 'loop'"):
        set_engine(module, "lop")
