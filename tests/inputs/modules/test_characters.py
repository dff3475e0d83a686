"""Character encoders; the CNN is compared with nn.Conv1d over all windows of a word."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqtag.errors import InputError
from seqtag.inputs.modules.characters import CharacterCNN, CharacterRNN
from seqtag.model.config import CharacterConfig

NUM = 9
spellings = st.lists(st.lists(st.integers(1, NUM - 1), max_size=7), min_size=1, max_size=6)


def padded(words, width=0):
    width = max([1, width, *map(len, words)])
    return torch.tensor([[*word, *[0] * (width - len(word))] for word in words])


def cnn(**settings):
    torch.manual_seed(5)
    config = CharacterConfig(**{"size": 3, "filters": 4, "widths": (1, 2, 3, 5), **settings})
    module = CharacterCNN(NUM, config).double()
    nn.init.normal_(module.embedding.weight)  # the padding's vector too, as after training
    return module


def convolved(module, characters_UW):
    """Return the result by nn.Conv1d, with windows of only padding masked."""
    lengths_U = (characters_UW != 0).sum(1).clamp(min=1)
    pooled = []
    for convolution in module.convolutions:
        width = convolution.kernel_size[0]
        around = nn.functional.pad(characters_UW, (width - 1, width - 1))
        x_UCW = module.embedding.weight[around].transpose(1, 2)
        scores_UFP = nn.functional.conv1d(x_UCW, convolution.weight, convolution.bias)
        windows_P = torch.arange(scores_UFP.shape[2])
        empty_UP = windows_P >= (lengths_U + width - 1)[:, None]
        pooled.append(scores_UFP.masked_fill(empty_UP[:, None], -torch.inf).amax(2))
    return torch.cat(pooled, 1)


def gradients(module, y_UF):
    weights_UF = torch.linspace(-1, 2, y_UF.numel(), dtype=y_UF.dtype).view_as(y_UF)
    return torch.autograd.grad((y_UF * weights_UF).sum(), list(module.parameters()))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(spellings)
def test_values_and_gradients_equal_conv1d(words):
    module, characters_UW = cnn(), padded(words)
    y_UF, expected_UF = module(characters_UW), convolved(module, characters_UW)
    assert y_UF.shape == (len(words), module.output_size)
    torch.testing.assert_close(y_UF, expected_UF, rtol=1e-12, atol=1e-12)
    for one, other in zip(gradients(module, y_UF), gradients(module, expected_UF), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_one_convolution_word_by_word():
    """Without a mask: each word by itself through the module's nn.Conv1d, padded with zeros."""
    module = cnn()
    with torch.no_grad():
        module.embedding.weight[0] = 0.0
    words = [[3, 1, 4], [1], [5, 2, 6, 5, 3, 5]]
    for row, word in zip(module(padded(words)), words, strict=True):
        x_1CW = module.embedding.weight[torch.tensor([word])].transpose(1, 2)
        expected = [convolution(x_1CW).amax(2)[0] for convolution in module.convolutions]
        torch.testing.assert_close(row, torch.cat(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("encoder", ["cnn", "lstm", "gru", "rnn"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(words=spellings, wider=st.integers(0, 12))
def test_the_vector_of_a_word_does_not_depend_on_the_batch(encoder, words, wider):
    module = build(encoder)
    y_UF = module(padded(words, wider))
    for row, word in zip(y_UF, words, strict=True):
        torch.testing.assert_close(row, module(padded([word]))[0], rtol=1e-10, atol=1e-12)


def build(encoder):
    if encoder == "cnn":
        return cnn()
    torch.manual_seed(6)
    return CharacterRNN(NUM, CharacterConfig(encoder, size=3, hidden_size=4)).double()


@pytest.mark.parametrize("encoder", ["cnn", "lstm"])
def test_no_words_and_empty_words(encoder):
    module = build(encoder)
    assert module(torch.zeros(0, 1, dtype=torch.int64)).shape == (0, module.output_size)
    empty = module(padded([[], []]))
    assert empty.shape == (2, module.output_size)
    assert empty.isfinite().all()
    assert empty[0].equal(empty[1])
    mixed = module(padded([[], [1, 2]]))
    torch.testing.assert_close(mixed[0], empty[0])
    mixed.sum().backward()


def test_recurrent_vectors_are_the_two_final_states():
    module = build("lstm")
    first, last = module(padded([[1, 2, 3], [4]])).split(4, dim=1)
    x = module.embedding(torch.tensor([[1, 2, 3]]))
    y_1WH, _ = module.encoder(x)
    torch.testing.assert_close(first[0], y_1WH[0, -1, :4])
    torch.testing.assert_close(last[0], y_1WH[0, 0, 4:])


def test_dropout_is_for_training_only():
    module, characters_UW = cnn(dropout=0.5), padded([[1, 2, 3]])
    module.train()
    assert not module(characters_UW).equal(module(characters_UW))
    module.eval()
    assert module(characters_UW).equal(module(characters_UW))


def test_an_unknown_encoder():
    with pytest.raises(InputError, match="lsdm"):
        CharacterRNN(NUM, CharacterConfig("lsdm"))
