"""C++ functions, and the fallback to torch."""

import logging

import pytest
import torch

from seqtag.inputs.modules.windows import WINDOWS, strongest_responses
from seqtag.model.crf import LinearChainCRF
from seqtag.recurrent.compiler import build, cpp_functions
from seqtag.recurrent.compiler.cpp_functions import load_functions


@pytest.fixture
def no_compiler(monkeypatch):
    cpp_functions._build.cache_clear()
    monkeypatch.setattr(build, "compiler", lambda: None)
    yield
    cpp_functions._build.cache_clear()


def results():
    torch.manual_seed(0)
    table, crf, emissions = torch.randn(2, 9, 3), LinearChainCRF(4), torch.randn(3, 5, 4)
    windows = strongest_responses(table, torch.tensor([[3, 4], [5, 0]]), torch.tensor([2, 1]))
    return windows, crf.decode(emissions, torch.tensor([5, 0, 2]))


def test_torch_is_used_without_a_compiler(no_compiler, caplog):
    with caplog.at_level(logging.WARNING, "seqtag"):
        without_compiler = [results(), results()][0]
    messages = [record.message for record in caplog.records]
    assert [message.partition(":")[0] for message in messages] == [
        "windows runs on torch's operations",
        "chain runs on torch's operations",
    ]
    assert all("no C++ compiler found" in message for message in messages)
    cpp_functions._build.cache_clear()
    for actual, expected in zip(results(), without_compiler, strict=True):
        torch.testing.assert_close(actual, expected)


def test_torch_is_used_for_other_tensors():
    assert load_functions(WINDOWS, torch.zeros(1, dtype=torch.bfloat16)) is None
    assert load_functions(WINDOWS, torch.zeros(1, device="meta")) is None
