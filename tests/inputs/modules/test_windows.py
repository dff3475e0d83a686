"""Max-pooled convolutions, compiled and by torch, against scoring each window by itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.inputs.modules import windows as module
from seqtag.inputs.modules.windows import strongest_responses

spellings = st.lists(st.lists(st.integers(1, 8), min_size=1, max_size=7), min_size=1, max_size=6)


@pytest.fixture(params=["compiled", "torch"])
def path(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(module, "load_functions", lambda *_: None)
    elif module.load_functions(module.WINDOWS, torch.zeros(0)) is None:
        pytest.skip("no compiler")
    return request.param


def padded(words, width=0):
    width = max(width, *map(len, words))
    return torch.tensor([[*word, *[0] * (width - len(word))] for word in words])


def table(width, filters, dtype=torch.float64):
    generator = torch.Generator().manual_seed(width)
    return torch.randn(width, 9, filters, generator=generator).to(dtype).requires_grad_()


def one_by_one(table_kVF, words):
    rows = []
    for word in words:
        around = [0] * (len(table_kVF) - 1) + word + [0] * (len(table_kVF) - 1)
        scores = [
            sum(table_kVF[j, around[p + j]] for j in range(len(table_kVF)))
            for p in range(len(around) - len(table_kVF) + 1)
        ]
        rows.append(torch.stack(scores).amax(0))
    return torch.stack(rows)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(spellings, st.sampled_from([1, 2, 5]), st.integers(0, 9))
@pytest.mark.parametrize("compiled", [True, False])
def test_values_and_gradients_equal_a_search_of_all_windows(compiled, words, width, wider):
    table_kVF, characters_UW = table(width, 3), padded(words, wider)
    lengths_U = torch.tensor([len(word) for word in words])
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr(module, "load_functions", lambda *_: None)
        scores_UF = strongest_responses(table_kVF, characters_UW, lengths_U)
    expected_UF = one_by_one(table_kVF, words)
    torch.testing.assert_close(scores_UF, expected_UF, rtol=1e-12, atol=1e-12)
    weights_UF = torch.linspace(-1, 2, scores_UF.numel(), dtype=torch.float64).view_as(scores_UF)
    grad_kVF, expected_kVF = (
        torch.autograd.grad((y * weights_UF).sum(), table_kVF) for y in (scores_UF, expected_UF)
    )
    torch.testing.assert_close(grad_kVF, expected_kVF, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("filters", [1, 63, 64, 65, 130])
def test_any_number_of_filters(path, dtype, filters):
    words = [[1, 2, 3], [4], [5, 6, 7, 8, 1]]
    table_kVF = table(3, filters, dtype)
    scores_UF = strongest_responses(table_kVF, padded(words), torch.tensor([3, 1, 5]))
    assert scores_UF.dtype == dtype
    torch.testing.assert_close(scores_UF, one_by_one(table_kVF, words))


def test_the_gradient_flows_to_the_first_of_equal_maxima(path):
    table_kVF = torch.zeros(2, 9, 1, dtype=torch.float64, requires_grad=True)
    strongest_responses(table_kVF, torch.tensor([[3, 4]]), torch.tensor([2])).sum().backward()
    assert table_kVF.grad.nonzero().tolist() == [[0, 0, 0], [1, 3, 0]]


def test_nan_is_propagated(path):
    table_kVF = table(2, 3).detach()
    table_kVF[0, 3, 1] = torch.nan
    scores_UF = strongest_responses(table_kVF, torch.tensor([[3, 4], [4, 0]]), torch.tensor([2, 1]))
    assert scores_UF.isnan().tolist() == [[False, True, False], [False] * 3]


def test_half_precision(path):
    words = [[1, 2, 3], [4]]
    table_kVF = table(2, 3, torch.bfloat16)
    scores_UF = strongest_responses(table_kVF, padded(words), torch.tensor([3, 1]))
    expected_UF = one_by_one(table_kVF.float(), words)
    torch.testing.assert_close(scores_UF.float(), expected_UF, rtol=0.02, atol=0.02)
