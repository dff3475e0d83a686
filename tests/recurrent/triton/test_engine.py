"""The triton engine in Triton's interpreter, against the reference engine in float64."""

import logging

import pytest
import torch

pytest.importorskip("triton")

from shared.cells import PRESETS
from shared.staged_cells import CELLS as STAGED

from seqtag.cells import Gru, build_cell
from seqtag.errors import InputError
from seqtag.recurrent import Recurrent
from seqtag.recurrent.engines import triton as engine_file
from seqtag.recurrent.engines.registry import ENGINES, _log_choice, choose_engine

D = 4
RAGGED = torch.tensor([5, 0, 1, 3, 5])
SHORT = torch.tensor([2, 0, 1])


def assert_equal(found, expected, tolerance=1e-6):
    for a, b in zip(found, expected, strict=True):
        assert (a.double() - b).norm() <= tolerance * (1e-6 + b.norm())


@pytest.mark.parametrize("name", ["lstm_peephole", "minlstm", "gru_reset_before"])
def test_cells_of_each_kind(name, layer_of, outcome):
    """One with one stage, one without a product, and one with two stages; traces too."""
    layer = layer_of(name, hidden=5)
    found = outcome(layer, "triton", torch.float32, SHORT, trace=True)
    assert_equal(found, outcome(layer, "reference", torch.float64, SHORT, trace=True))


@pytest.mark.triton
@pytest.mark.parametrize("cell", [*PRESETS, *STAGED.values()], ids=str)
def test_every_cell(cell, layer_of, outcome):
    layer = layer_of(cell, hidden=21)
    found = outcome(layer, "triton", torch.float32, RAGGED)
    assert_equal(found, outcome(layer, "reference", torch.float64, RAGGED))


@pytest.mark.triton
@pytest.mark.parametrize("cell", ["lstm_layernorm", *STAGED.values()], ids=str)
def test_traces_of_cells_in_stages(cell, layer_of, outcome):
    layer = layer_of(cell, hidden=6)
    found = outcome(layer, "triton", torch.float32, SHORT, trace=True)
    assert_equal(found, outcome(layer, "reference", torch.float64, SHORT, trace=True))


@pytest.mark.triton
@pytest.mark.parametrize(
    "options",
    [{"recurrent_dropout": 0.4}, {"zoneout": 0.3, "recurrent_dropout": 0.2, "weight_drop": 0.2}],
    ids=lambda options: "-".join(options),
)
@pytest.mark.parametrize("cell", ["lstm", "gru_reset_before", STAGED["counted"]], ids=str)
def test_noise(cell, options, layer_of, outcome, monkeypatch):
    """Masks are drawn in float32 in both runs, so that they are the same."""
    layer = layer_of(cell, hidden=6, **options)
    found = outcome(layer, "triton", torch.float32, SHORT, trace=True)
    expected = outcome(layer, "reference", torch.float32, SHORT, trace=True)
    assert_equal(found, [value.double() for value in expected], 3e-6)


@pytest.mark.triton
@pytest.mark.parametrize("cell", ["lstm_peephole", "gru_reset_before", STAGED["both"]], ids=str)
def test_padding_changes_nothing_bitwise(cell, layer_of, outcome):
    layer = layer_of(cell, hidden=6)
    results = [
        outcome(layer, "triton", torch.float32, SHORT, padding=padding) for padding in (0.0, 1e30)
    ]
    results.append(outcome(layer, "triton", torch.float32, SHORT))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.triton
@pytest.mark.parametrize("name", ["lstm", "gru_reset_before"])
def test_half_precision(name, layer_of, outcome):
    """In bfloat16: float16 is for GPUs."""
    layer, dtype = layer_of(name), torch.bfloat16
    expected = outcome(layer, "reference", torch.float64, RAGGED)
    found = outcome(layer, "triton", dtype, RAGGED)
    assert all(value.dtype == dtype for value in found)
    assert_equal(found, expected, 0.03)
    layer = layer.float()
    with torch.autocast("cpu", dtype):
        y, _ = layer(torch.randn(2, 3, D).requires_grad_())
        assert y.dtype == dtype
        y.float().sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in layer.parameters())


@pytest.mark.triton
@pytest.mark.parametrize("name", ["lstm_peephole", "mgu", "lstm_layernorm"])
def test_inference_equals_training(name, layer_of):
    layer = layer_of(name)
    layer.engine, x = "triton", torch.randn(5, 5, D)
    trained, end = layer(x, RAGGED)
    with torch.no_grad():
        y, inferred = layer(x, RAGGED)
    assert torch.equal(y, trained)
    for a, b in zip(inferred, end, strict=True):
        assert torch.equal(a, b)


@pytest.mark.triton
def test_options_of_the_layer(outcome):
    """No biases, one direction, several layers, frozen weights, no lengths and default states."""
    layer = Recurrent(Gru(), D, 6, num_layers=2, bias=False, residual=True)
    layer.layers[0]["fwd"].weight_input.requires_grad_(False)
    x, results = torch.randn(20, 3, D), []
    for engine in ("triton", "reference"):
        layer.engine = engine
        layer.zero_grad()
        y, _ = layer(x)
        y.square().sum().backward()
        results.append([y, *(p.grad for p in layer.parameters() if p.requires_grad)])
    torch.testing.assert_close(*results)


@pytest.mark.triton
def test_second_derivatives_are_refused():
    layer = Recurrent("rnn", D, 4, engine="triton")
    x = torch.randn(2, 3, D, requires_grad=True)
    (grad,) = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
    with pytest.raises(InputError, match=r"no second derivatives; .*engine='reference'"):
        grad.square().sum().backward()


def test_auto_never_chooses_it_on_a_cpu(monkeypatch):
    monkeypatch.setattr(type(ENGINES["cpu"]), "refuses", lambda *_: "no compiler")
    cell = build_cell("lstm_peephole")
    for traces, engine in ((False, "loop"), (True, "reference")):
        assert choose_engine("auto", cell, torch.zeros(1, 1, D), traces).name == engine


def test_what_it_refuses(monkeypatch, caplog):
    layer = Recurrent("lstm", D, 4, engine="triton")
    with pytest.raises(InputError, match=r"float32, bfloat16 and float16, not in float64"):
        layer.double()(torch.zeros(1, 2, D, dtype=torch.float64))
    monkeypatch.setattr(engine_file, "_is_installed", lambda: False)
    with pytest.raises(InputError, match="the package triton is not installed"):
        layer.float()(torch.zeros(1, 2, D))
    monkeypatch.delenv("TRITON_INTERPRET")
    with pytest.raises(InputError, match="it runs on a GPU, not on cpu"):
        layer(torch.zeros(1, 2, D))


class OnGpu(torch.Tensor):
    """Claims to be on a GPU."""

    device = torch.device("cuda")
    is_cuda = True


@pytest.mark.parametrize("missing", [True, False])
def test_on_a_gpu_the_next_engine_serves_where_triton_does_not_work(missing, monkeypatch, caplog):
    def failing(device):
        raise RuntimeError("no C compiler\nand more")

    from seqtag.recurrent.triton import trial

    if missing:
        monkeypatch.setattr(engine_file, "_is_installed", lambda: False)
    monkeypatch.setattr(trial, "run_trial", failing)
    engine_file._failure.cache_clear()
    _log_choice.cache_clear()
    x = torch.zeros(1, 1, D).as_subclass(OnGpu)
    with caplog.at_level(logging.INFO, logger="seqtag"):
        assert choose_engine("auto", build_cell("lstm_peephole"), x, False).name == "loop"
    engine_file._failure.cache_clear()
    (record,) = caplog.records
    reason = "the package triton is not" if missing else r"triton fails on cuda \(RuntimeError: no"
    assert record.levelno == logging.WARNING
    assert reason.replace("\\", "") in record.getMessage()
    assert "and more" not in record.getMessage()
