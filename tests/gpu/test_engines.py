"""Engines on a GPU, compared with the reference engine in float64 on the CPU."""

import pytest
import torch
from shared.cells import MATRIX, PRESETS
from shared.gpu import DEVICE, KERNELS, ON_GPU, D, layer_of, reference, run, tf32, worst_error

from seqtag.recurrent import Recurrent
from seqtag.recurrent.engines.registry import ENGINES, choose_engine

pytestmark = pytest.mark.gpu
FLOAT32 = 2e-5
LENGTHS = torch.tensor([4, 9, 0, 1, 7])
# One of each kind: products with parts of their own, several products, none, a state with a
# maximum, a product inside the step, reductions.
KINDS = ("lstm_peephole", "gru", "fgr", "indrnn", "slstm", "gru_reset_before", "lstm_layernorm")
NOISES = (
    {"recurrent_dropout": 0.4},
    {"zoneout": 0.3},
    {"weight_drop": 0.3},
    {"recurrent_dropout": 0.3, "zoneout": 0.2, "weight_drop": 0.1},
)


def refusal(engine: str, cell) -> str | None:
    """Return why an engine does not run a cell on the device."""
    return ENGINES[engine].refuses(cell, torch.zeros(1, 1, D, device=DEVICE), False)


OTHERS = [
    (engine, name)
    for engine in ("torch", "scan", "loop", "reference")
    for name, cell in PRESETS.items()
    if ENGINES[engine].refuses(cell, torch.zeros(1, 1, D), False) is None
    and (engine != "reference" or name in KINDS)
]


@pytest.mark.parametrize("name", PRESETS)
def test_kernels_equal_the_reference(name):
    layer = layer_of(name)
    found = run(layer, KERNELS, lengths=LENGTHS)
    assert worst_error(found, reference(layer, lengths=LENGTHS)) < FLOAT32


@pytest.mark.parametrize(("engine", "name"), OTHERS)
def test_other_engines_equal_the_reference(engine, name):
    layer = layer_of(name)
    found = run(layer, engine, lengths=LENGTHS)
    assert worst_error(found, reference(layer, lengths=LENGTHS)) < FLOAT32


@pytest.mark.parametrize("name", MATRIX)
def test_cells_with_a_matrix_state_equal_the_reference(name):
    layer, options = layer_of(name, hidden=32), {"lengths": LENGTHS, "start": False}
    assert worst_error(run(layer, "auto", **options), reference(layer, **options)) < 5 * FLOAT32


@pytest.mark.parametrize("lengths", [None, torch.arange(67) % 5])
@pytest.mark.parametrize("hidden", [64, 200, 520])
@pytest.mark.parametrize("name", KINDS)
def test_wide_layers(name, hidden, lengths):
    """Layers of several tiles of units and of sequences; the kernel waits in different ways."""
    layer, sizes = layer_of(name, hidden), {"batch": 67, "time": 4, "lengths": lengths}
    assert worst_error(run(layer, KERNELS, **sizes), reference(layer, **sizes)) < FLOAT32


@pytest.mark.parametrize("name", KINDS)
def test_long_sequences(name):
    layer, sizes = layer_of(name), {"batch": 3, "time": 300}
    assert worst_error(run(layer, KERNELS, **sizes), reference(layer, **sizes)) < 10 * FLOAT32


@pytest.mark.parametrize("name", KINDS)
def test_padding_changes_nothing_and_runs_are_equal(name):
    """NaN or more steps after the end: all results are bitwise equal."""
    layer = layer_of(name)
    first, again, longer = (
        run(layer, KERNELS, lengths=LENGTHS, extra_steps=steps) for steps in (0, 0, 6)
    )
    time = first["y"].shape[1]
    for result, value in first.items():
        assert torch.equal(value, again[result]), f"{result} differs from run to run"
        padded = longer[result]
        if result in ("y", "gradient of x"):
            assert not padded[:, time:].any()
            padded = padded[:, :time]
        assert torch.equal(value, padded), f"{result} depends on padding"


@pytest.mark.parametrize("lengths", [torch.zeros(5, dtype=torch.int64), LENGTHS.clamp(max=1)])
def test_sequences_without_steps(lengths):
    layer = layer_of("lstm_peephole")
    found = run(layer, KERNELS, lengths=lengths)
    assert worst_error(found, reference(layer, lengths=lengths)) < FLOAT32


@pytest.mark.parametrize("name", KINDS)
def test_traces_and_their_gradients(name):
    layer = layer_of(name)
    found = run(layer, KERNELS, lengths=LENGTHS, trace=True)
    assert worst_error(found, reference(layer, lengths=LENGTHS, trace=True)) < FLOAT32


@pytest.mark.parametrize("options", NOISES, ids=lambda options: "-".join(options))
@pytest.mark.parametrize("name", ["lstm", "gru", "gru_reset_before"])
def test_noise(name, options):
    """Both engines draw the same masks on the device."""
    layer = layer_of(name, **options)
    found, expected = (run(layer, engine, lengths=LENGTHS) for engine in (KERNELS, "reference"))
    assert worst_error(found, expected) < FLOAT32
    plain = run(layer.eval(), KERNELS, lengths=LENGTHS)
    assert worst_error(plain, reference(layer, lengths=LENGTHS)) < FLOAT32
    assert worst_error(plain, found) > 0.01


@pytest.mark.parametrize(
    ("dtype", "error"),
    [
        (torch.bfloat16, 0.03),
        pytest.param(
            torch.float16,
            0.004,
            marks=() if ON_GPU else pytest.mark.skip("float16 is for GPUs"),
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("engine", [KERNELS, "torch", "loop"])
@pytest.mark.parametrize("name", ["lstm", "gru", "lstm_peephole", "lstm_layernorm"])
def test_half_precision(name, engine, dtype, error):
    """Under autocast, and with weights of that dtype."""
    layer = layer_of(name, hidden=96)
    if reason := refusal(engine, layer.cell):
        pytest.skip(f"{engine}: {reason}")
    expected = reference(layer, lengths=LENGTHS)
    assert worst_error(run(layer, engine, lengths=LENGTHS, autocast=dtype), expected) < error
    assert worst_error(run(layer, engine, dtype=dtype, lengths=LENGTHS), expected) < 2 * error


@pytest.mark.parametrize("name", ["lstm_peephole", "gru", "lstm_layernorm"])
def test_tf32_is_used_only_if_torch_allows_it(name):
    layer = layer_of(name, hidden=200)
    expected = reference(layer)
    assert worst_error(run(layer, KERNELS), expected) < FLOAT32
    with tf32(True):
        assert worst_error(run(layer, KERNELS), expected) < 5e-3


def test_choice_of_the_engine():
    chosen = {
        name: choose_engine("auto", PRESETS[name], torch.zeros(2, 3, D, device=DEVICE), False).name
        for name in ("lstm", "lstm_peephole", "lstm_layernorm")
    }
    fused = "torch" if ON_GPU else "cpu"
    assert chosen == {"lstm": fused, "lstm_peephole": KERNELS, "lstm_layernorm": KERNELS}


def test_layers_on_the_device_save_and_load_as_on_a_cpu():
    layer = Recurrent("lstm_peephole", D, 8, num_layers=2).to(DEVICE)
    other = Recurrent("lstm_peephole", D, 8, num_layers=2)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(2, 5, D)
    torch.testing.assert_close(layer(x.to(DEVICE))[0].cpu(), other(x)[0], rtol=1e-5, atol=1e-6)
