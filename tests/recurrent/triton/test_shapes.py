"""How the work is divided."""

import pytest
import torch
from shared.cells import PRESETS

from seqtag.recurrent.compiler.plan import plan_of
from seqtag.recurrent.triton.program import backward_pass, forward_pass
from seqtag.recurrent.triton.shapes import SHARED_BYTES, Gpu, _shared_bytes, shape_on

H200 = Gpu(132, 227 << 10)
SMALL = Gpu(20, SHARED_BYTES)


def programs(name):
    plan = plan_of(PRESETS[name])
    return forward_pass(plan, keep=True).program, backward_pass(plan).program


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("gpu", [H200, SMALL])
@pytest.mark.parametrize("itemsize", [2, 4])
def test_every_unit_has_a_program_and_tiles_fit_into_shared_memory(name, gpu, itemsize):
    for program in programs(name):
        for hidden in (1, 16, 33, 200, 768):
            for batch in (1, 64, 5000):
                shape = shape_on(gpu, program, batch, 2, hidden, itemsize, "ieee")
                assert shape.tiles * shape.units >= hidden
                assert shape.inner_tiles * shape.inner >= hidden
                assert shape.group * shape.share >= shape.tiles
                assert _shared_bytes(program, shape, itemsize) < 0.9 * gpu.shared_bytes
                if shape.wait == "group":
                    assert shape.group * -(-batch // 16) * 2 <= gpu.processors
                elif program.blocks:
                    assert shape.group == 1


@pytest.mark.parametrize(
    ("batch", "hidden", "wait"),
    [(32, 64, "program"), (32, 200, "group"), (128, 200, "program"), (2000, 200, "program")],
)
def test_programs_share_the_units_of_wide_layers(batch, hidden, wait):
    forward, _ = programs("lstm")
    assert shape_on(H200, forward, batch, 2, hidden, 4, "tf32").wait == wait


def test_products_follow_the_setting_of_torch(monkeypatch):
    from seqtag.recurrent.triton import kernel

    monkeypatch.setattr(kernel, "is_interpreted", lambda: False)
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    try:
        for allowed, precision in ((True, "tf32"), (False, "ieee")):
            matmul.allow_tf32 = allowed
            assert kernel.products_precision(torch.float32) == precision
    finally:
        matmul.allow_tf32 = before
    assert kernel.products_precision(torch.bfloat16) == "ieee"
