"""Shared by the tests of this folder."""

import pytest
import torch

from seqtag.cells import Cell, Lstm, Rnn, build_cell

CELLS = {"lstm": Lstm(), "gru": build_cell("gru"), "rnn": Rnn(), "rnn_relu": Rnn("relu")}


@pytest.fixture(autouse=True)
def _seed_and_one_thread():
    """One thread: on sizes this small a second only waits, for long on a busy machine."""
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=CELLS)
def cell(request) -> Cell:
    return CELLS[request.param]


@pytest.fixture(params=["cpu", "torch", "reference"])
def engine(request) -> str:
    return request.param
