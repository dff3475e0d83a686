"""The language model's loss, compared with a loop over every word and its neighbours."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.model.language_model import LanguageModel

H, V, UNKNOWN = 3, 6, 1


def model():
    torch.manual_seed(2)
    return LanguageModel(H, V, size=4).double()


def loss_by_loop(model, y_BTH, words_BT, lengths_B):
    total = torch.zeros((), dtype=torch.float64)
    for y_TH, words, length in zip(y_BTH, words_BT.tolist(), lengths_B.tolist(), strict=True):
        target = [word if word < V else UNKNOWN for word in words]
        for t in range(length):
            if t + 1 < length:
                hidden = model.forward_layer(y_TH[t, :H]).tanh()
                total = total - model.forward_words(hidden).log_softmax(0)[target[t + 1]]
            if t > 0:
                hidden = model.backward_layer(y_TH[t, H:]).tanh()
                total = total - model.backward_words(hidden).log_softmax(0)[target[t - 1]]
    return total


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(1, 2 * V), max_size=5), min_size=1, max_size=4))
def test_the_loss_equals_a_loop_over_words(sentences):
    lengths_B = torch.tensor([len(words) for words in sentences])
    longest = int(lengths_B.max())
    words_BT = torch.tensor([[*w, *[0] * (longest - len(w))] for w in sentences]).long()
    torch.manual_seed(3)
    y_BTH = torch.randn(*words_BT.shape, 2 * H, dtype=torch.float64, requires_grad=True)
    actual, expected = (
        f(y_BTH, words_BT, lengths_B) for f in (model(), lambda *a: loss_by_loop(model(), *a))
    )
    torch.testing.assert_close(actual, expected)
    if longest > 1:
        (one,) = torch.autograd.grad(actual, y_BTH)
        (other,) = torch.autograd.grad(expected, y_BTH)
        torch.testing.assert_close(one, other)
        outside_BT = torch.arange(longest) >= lengths_B[:, None]
        assert not one[outside_BT].any()


@pytest.mark.parametrize("shape", [(0, 0), (2, 0), (3, 1), (0, 4)])
def test_the_loss_without_neighbours_is_0(shape):
    words_BT = torch.ones(shape, dtype=torch.int64)
    lengths_B = torch.full((shape[0],), shape[1])
    y_BTH = torch.randn(*shape, 2 * H, dtype=torch.float64)
    assert model()(y_BTH, words_BT, lengths_B) == 0
