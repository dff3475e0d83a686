"""Tests that need a GPU: `python -m pytest -m gpu`."""

import pytest
from shared.gpu import MISSING, tf32


@pytest.fixture(autouse=True)
def _gpu(request):
    if MISSING and request.node.get_closest_marker("gpu"):
        pytest.skip(MISSING)


@pytest.fixture(autouse=True)
def _float32_products():
    """Products of float32 matrices are exact to float32; a test that allows TF32 does so itself."""
    with tf32(False):
        yield
