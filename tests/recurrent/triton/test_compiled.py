"""Kernels compiled ahead of time for Nvidia GPUs, none of which is needed: what they use there."""

import pytest

pytest.importorskip("triton")

from shared.cells import PRESETS
from shared.compiled import SHARED_LIMITS, compile_layer, compiling_process

# Units, sequences, dtype, and whether products may use TF32.
GROUP = (200, 32, "float32", True)  # programs share the units
OTHERS = {
    "group, bfloat16": (200, 32, "bfloat16", False),
    "group, without TF32": (200, 32, "float32", False),
    "program": (256, 512, "float32", True),
    "program, bfloat16": (256, 512, "bfloat16", False),
    "program, few units": (64, 32, "float32", True),
}
KINDS = ("lstm_peephole", "gru", "fgr", "gru_reset_before", "lstm_layernorm")
pytestmark = pytest.mark.triton
capabilities = pytest.mark.parametrize("capability", SHARED_LIMITS)


@pytest.fixture(scope="module")
def compiler(tmp_path_factory):
    """Return a function that compiles the kernels of a layer in a process of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_CACHE_DIR", str(tmp_path_factory.mktemp("triton")))
        with compiling_process() as pool:
            yield lambda *arguments: pool.submit(compile_layer, *arguments).result()


def assert_fits(kernels, capability):
    assert [found.kernel.partition(",")[0] for found in kernels] == ["forward", "backward"]
    for found in kernels:
        assert found.spills == 0
        assert found.shared <= SHARED_LIMITS[capability]


@capabilities
@pytest.mark.parametrize("cell", PRESETS)
def test_every_cell_fits(cell, capability, compiler):
    assert_fits(compiler(cell, capability, *GROUP), capability)


@pytest.mark.parametrize("sizes", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("cell", KINDS)
def test_other_sizes_and_dtypes_fit(cell, sizes, compiler):
    assert_fits(compiler(cell, 90, *sizes), 90)
