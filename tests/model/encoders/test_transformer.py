"""The Transformer encoder against its equations, its padding, its order and its masks."""

import logging
import math

import pytest
import torch
from torch import nn

from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders.modules.positions import POSITIONS, Relative, Rope, sinusoids
from seqtag.model.encoders.modules.transformer import Transformer
from seqtag.model.encoders.transformer import TransformerEncoder
from seqtag.model.size import hidden_size_for
from seqtag.study.describe import encoder_label

KINDS = list(POSITIONS)
LENGTHS = torch.tensor([9, 4, 1, 0])


def build(positions, dtype=torch.float64, layers=2, **options):
    torch.manual_seed(0)
    return Transformer(5, 16, layers, 4, positions=positions, **options).to(dtype).eval()


def inputs(dtype=torch.float64, batch=4, steps=9):
    draw = torch.Generator().manual_seed(1)
    return torch.randn(batch, steps, 5, generator=draw, dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"window": 2}], ids=str)
@pytest.mark.parametrize("positions", KINDS)
def test_padding_changes_nothing(positions, options):
    x = inputs()
    model = build(positions, **options)
    expected = model(x, LENGTHS)
    other = x.clone()
    for row, length in enumerate(LENGTHS):
        other[row, length:] = float("nan")
    found = model(other, LENGTHS)
    for row, length in enumerate(LENGTHS):
        assert torch.equal(found[row, :length], expected[row, :length])
        if length:
            alone = model(x[row : row + 1, :length], LENGTHS[row : row + 1])
            torch.testing.assert_close(alone[0], expected[row, :length], rtol=0, atol=1e-12)
    assert expected.isfinite().all()


@pytest.mark.parametrize("positions", KINDS)
def test_company_in_float32(positions):
    model, x = build(positions, torch.float32), inputs(torch.float32)
    together = model(x, LENGTHS)
    alone = model(x[1:2, :4])
    torch.testing.assert_close(alone[0], together[1, :4], rtol=0, atol=1e-6)


@pytest.mark.parametrize("positions", KINDS)
def test_a_causal_encoder_does_not_read_ahead(positions):
    model, x = build(positions, causal=True), inputs()
    changed = x.clone()
    changed[:, 5:] += 1
    difference = (model(x) - model(changed)).abs().amax(dim=(0, 2))
    assert difference[:5].max() < 1e-12
    assert difference[5:].min() > 1e-3


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("positions", KINDS)
def test_one_layer_reads_no_farther_than_its_window(positions, causal):
    model, x = build(positions, layers=1, window=2, causal=causal), inputs(batch=1)
    weights = torch.arange(16.0)  # the plain sum after layer normalisation is 0
    jacobian = torch.autograd.functional.jacobian(lambda v: (model(v) * weights).sum(2)[0], x)[:, 0]
    reads = jacobian.abs().sum(-1) > 1e-9
    behind = torch.arange(9)[:, None] - torch.arange(9)
    assert torch.equal(reads, (behind.abs() <= 2) & (behind >= 0 if causal else True))


@pytest.mark.parametrize("positions", KINDS)
def test_whether_order_matters(positions):
    """Without positions and both ways, a permutation of the words permutes the output."""
    model, x = build(positions), inputs(batch=1)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    close = torch.allclose(model(x[:, order]), model(x)[:, order], atol=1e-9)
    assert close == (positions == "none")


@pytest.mark.parametrize("positions", ["relative", "alibi", "rope"])
def test_relative_positions_do_not_depend_on_the_start(positions):
    """With a window, words far from a change see the same distances wherever they stand."""
    model, x = build(positions, layers=1, window=2), inputs(batch=1, steps=12)
    y = model(x)
    later = model(x[:, 4:])
    torch.testing.assert_close(later[:, 2:], y[:, 6:], rtol=0, atol=1e-10)


@pytest.mark.parametrize("positions", ["relative", "alibi", "rope", "sinusoidal"])
def test_left_and_right_differ(positions):
    """A word between two equal neighbours, one of them marked on either side."""
    model = build(positions, layers=1)
    x = torch.ones(2, 3, 5, dtype=torch.float64)
    x[0, 0], x[1, 2] = inputs()[0, 0], inputs()[0, 0]
    y = model(x)
    assert not torch.allclose(y[0, 1], y[1, 1], atol=1e-6)


def test_without_positions_it_equals_the_layers_of_torch():
    model, x = build("none"), inputs()
    layers = [
        nn.TransformerEncoderLayer(
            16, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True, dtype=torch.float64
        )
        for _ in range(2)
    ]
    with torch.no_grad():
        for own, oracle in zip(model.layers, layers, strict=True):
            pairs = [
                (oracle.self_attn.in_proj_weight, own.attention.project_in.weight),
                (oracle.self_attn.in_proj_bias, own.attention.project_in.bias),
                (oracle.self_attn.out_proj.weight, own.attention.project_out.weight),
                (oracle.self_attn.out_proj.bias, own.attention.project_out.bias),
                (oracle.linear1.weight, own.feedforward[0].weight),
                (oracle.linear1.bias, own.feedforward[0].bias),
                (oracle.linear2.weight, own.feedforward[2].weight),
                (oracle.linear2.bias, own.feedforward[2].bias),
            ]
            for target, source in pairs:
                target.copy_(source)
    expected = model.input(x)
    outside = torch.arange(9) >= LENGTHS[:, None]
    for layer in layers:
        expected = layer(expected, src_key_padding_mask=outside)
    expected, found = model.norm(expected), model(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(found[row, :length], expected[row, :length])


def test_scores_of_rope_depend_on_the_distance():
    """Rotations as complex numbers: the score is the real part of q conj(k) e^(i c (t - j))."""
    positions, steps, size = Rope(8, 1, False), 6, 8
    q, k = torch.randn(2, size, dtype=torch.float64)
    rotated_q = positions.rotate(q.expand(1, 1, steps, size))[0, 0]
    rotated_k = positions.rotate(k.expand(1, 1, steps, size))[0, 0]
    frequency = 10_000.0 ** (-torch.arange(4) / 4)
    complex_q, complex_k = torch.complex(q[:4], q[4:]), torch.complex(k[:4], k[4:])
    for t in range(steps):
        for j in range(steps):
            turn = torch.polar(torch.ones(4).double(), frequency.double() * (t - j))
            expected = (complex_q * complex_k.conj() * turn).real.sum()
            torch.testing.assert_close(rotated_q[t] @ rotated_k[j], expected)


def test_scores_of_relative_positions_equal_their_equation():
    positions = Relative(12, 2, False).double()
    with torch.no_grad():
        positions.bias_key_AE.normal_()
        positions.bias_distance_AE.normal_()
    q, k = torch.randn(2, 1, 2, 5, 6, dtype=torch.float64)
    query, added = positions.scores(q)
    found = query @ k.transpose(2, 3) + added
    u, v = positions.bias_key_AE, positions.bias_distance_AE
    for head in range(2):
        for t in range(5):
            for j in range(5):
                r = sinusoids(torch.tensor([t - j]), 6, torch.float64)[0]
                a, b = q[0, head, t], k[0, head, j]
                expected = a @ b + a @ r + u[head] @ b + v[head] @ r
                torch.testing.assert_close(found[0, head, t, j], expected)


def test_scores_of_alibi():
    x = torch.zeros(1, 3, 8, dtype=torch.float64)
    causal = POSITIONS["alibi"](8, 2, True).fixed_scores(x)
    assert causal[0, 2].tolist() == [-2 * 2**-4, -(2**-4), 0.0]
    assert causal[1, 2].tolist() == [-2 * 2**-8, -(2**-8), 0.0]
    both = POSITIONS["alibi"](8, 2, False).fixed_scores(x)
    assert both[0, 1].tolist() == [-(2**-8), 0.0, -math.inf]
    assert both[1, 1].tolist() == [-math.inf, 0.0, -(2**-8)]


@pytest.mark.parametrize("positions", KINDS)
def test_gradcheck(positions):
    model = build(positions, layers=1, causal=True)
    x, lengths = inputs(batch=2, steps=4).requires_grad_(), torch.tensor([4, 2])

    def inside(x, *parameters):
        y = torch.func.functional_call(
            model, dict(zip(names, parameters, strict=True)), (x, lengths)
        )
        return y[0], y[1, :2]

    names = [name for name, _ in model.named_parameters()]
    assert torch.autograd.gradcheck(inside, (x, *model.parameters()), fast_mode=True)


def test_a_longer_sentence_than_in_training_is_reported_once(caplog):
    model = build("rope")
    model.train()(inputs(steps=6))
    model.eval()
    with caplog.at_level(logging.WARNING, "seqtag"):
        model(inputs(steps=6))
        assert not caplog.records
        model(inputs(steps=9))
        model(inputs(steps=8))
    (record,) = caplog.records
    assert "a sentence of 9 steps, but the longest in training had 6" in record.getMessage()


def test_empty_batches():
    for shape in ((0, 3, 5), (2, 0, 5)):
        x = torch.zeros(shape, dtype=torch.float64)
        assert build("rope")(x, torch.zeros(shape[0], dtype=torch.int64)).shape == (*shape[:2], 16)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 30}, "hidden_size=30 cannot be divided among 4 heads of an even size"),
        ({"hidden_size": 30, "encoder": {"positions": "none"}}, "must be a multiple of 4"),
        ({"encoder": {"heads": 0}}, "model.encoder.heads must be a whole number of at least 1"),
        ({"encoder": {"window": 0}}, "model.encoder.window must be a whole number of at least 1"),
        ({"encoder": {"positions": "learned"}}, "model.encoder.positions"),
        ({"encoder": {"heads": 5, "positions": "alibi"}, "hidden_size": 200}, "an even number"),
        ({"zoneout": 0.1}, "model.zoneout=0.1 is an option of recurrent layers"),
        ({"residual": True}, "model.residual=True is an option of recurrent layers"),
        ({"language_model": 0.1}, "needs both directions"),
    ],
    ids=str,
)
def test_wrong_options(options, message):
    encoder = {"name": "transformer", **options.pop("encoder", {})}
    with pytest.raises(InputError, match=message):
        TaggerConfig(encoder=encoder, **options)


def test_size_and_label():
    config = TaggerConfig(encoder={"name": "transformer", "positions": "alibi"}, num_layers=2)
    assert encoder_label(config) == "transformer(positions=alibi)"
    size = hidden_size_for("lstm", 100_000, 64, config)
    assert size % 4 == 0
    counts = {
        units: sum(
            p.numel()
            for p in TransformerEncoder(positions="alibi")
            .module(64, TaggerConfig(num_layers=2, hidden_size=units), None)
            .parameters()
        )
        for units in (size - 4, size, size + 4)
    }
    assert min(counts, key=lambda units: abs(counts[units] - 100_000)) == size
    with pytest.raises(InputError, match="the smallest encoder, of 4 units, has"):
        hidden_size_for("lstm", 100, 64, config)
