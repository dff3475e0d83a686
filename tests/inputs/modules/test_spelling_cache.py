"""The cache of spellings returns the encoder's output, whatever was cached before."""

import itertools
import pickle
from copy import deepcopy

import pytest
import torch

from seqtag.inputs.modules import spelling_cache as module
from seqtag.inputs.modules.characters import CharacterCNN, CharacterRNN
from seqtag.inputs.modules.spelling_cache import SpellingCache
from seqtag.model.config import CharacterConfig


class Counting(torch.nn.Module):
    """An encoder that counts the words it encodes."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.output_size = encoder, encoder.output_size
        self.words = 0

    def forward(self, characters_UW):
        self.words += len(characters_UW)
        return self.encoder(characters_UW)


@pytest.fixture
def counting():
    torch.manual_seed(0)
    return Counting(CharacterCNN(300, CharacterConfig(size=3, filters=2)).eval())


def words(*spellings, width=5):
    padded = torch.zeros(len(spellings), width, dtype=torch.int64)
    for row, spelling in zip(padded, spellings, strict=True):
        row[: len(spelling)] = torch.tensor(spelling)
    return padded


@pytest.mark.parametrize(("kind", "encoder"), [(CharacterCNN, "cnn"), (CharacterRNN, "gru")])
def test_vectors_equal_the_output_of_the_encoder(kind, encoder):
    torch.manual_seed(0)
    characters = kind(300, CharacterConfig(encoder=encoder, size=3, filters=2, hidden_size=4))
    cache = SpellingCache(characters.eval())
    # 256 is 1 with a zero byte before it; the last word has no characters.
    batches = [words([1], [1, 2], [256]), words([2, 1], [1, 2], [2], [], width=9), words([256, 1])]
    for batch in (*batches, *batches):
        with torch.no_grad():
            torch.testing.assert_close(cache(batch), characters(batch), rtol=0, atol=1e-6)
    assert cache(words()).shape == (0, characters.output_size)


def test_a_spelling_is_encoded_once(counting):
    cache = SpellingCache(counting)
    cache(words([1], [1, 2]))
    cache(words([1, 2], [3], width=8))
    assert counting.words == 3
    # The result is a copy, not a view of the cache.
    with torch.inference_mode():
        first = cache(words([1])).clone()
        cache(words([1])).zero_()
    assert cache(words([1])).equal(first)


def _in_place(network):
    with torch.no_grad():
        network.encoder.convolutions[0].bias.add_(1.0)


def _for_other_parameters(network):
    network.encoder.embedding.weight = torch.nn.Parameter(torch.randn(300, 3))


def _by_an_optimizer(network):
    network.encoder(words([1])).sum().backward()
    torch.optim.AdamW(network.parameters(), lr=0.1, fused=True).step()


def test_another_precision_is_noticed(counting):
    cache = SpellingCache(counting)
    cache(words([1]))
    counting.double()
    with torch.no_grad():
        assert cache(words([1])).equal(counting.encoder(words([1])))


@pytest.mark.parametrize("change", [_in_place, _for_other_parameters, _by_an_optimizer])
def test_changed_weights_are_noticed(counting, change):
    cache = SpellingCache(counting)
    before = cache(words([1]))
    change(counting)
    after = cache(words([1]))
    assert not after.equal(before)
    with torch.no_grad():
        assert after.equal(counting.encoder(words([1])))


def test_weights_created_in_inference_mode():
    with torch.inference_mode():
        characters = CharacterCNN(9, CharacterConfig(size=3, filters=2)).eval()
        cache = SpellingCache(characters)
        assert cache(words([1])).equal(characters(words([1])))


def test_a_full_cache_is_emptied(counting, monkeypatch):
    monkeypatch.setattr(module, "_BYTES", 3 * 4 * counting.output_size)  # three words
    cache = SpellingCache(counting)
    five = words([1], [2], [3], [4], [5])
    with torch.no_grad():
        expected = counting.encoder(five)
    for rows in ([0, 1], [2, 3], [0, 1, 2, 3, 4], [3, 4], [1, 0]):
        assert cache(five[rows]).equal(expected[rows])


@pytest.mark.parametrize("size", [1 << 20, 40])
def test_threads_share_a_cache(counting, at_once, monkeypatch, size):
    monkeypatch.setattr(module, "_BYTES", size * 4 * counting.output_size)
    cache = SpellingCache(counting)
    every = words(*([a, b] for a in range(1, 20) for b in range(1, 20)))
    with torch.no_grad():
        expected = counting.encoder(every)

    def read(seed):
        order = torch.randperm(len(every), generator=torch.Generator().manual_seed(seed))
        parts = order.split(40)
        return [part for part in parts if not cache(every[part]).equal(expected[part])]

    assert at_once(*(lambda seed=seed: read(seed) for seed in range(8))) == [[]] * 8


@pytest.mark.parametrize("room", [1000, 3])
def test_an_interrupt_anywhere_changes_nothing(counting, interrupt, monkeypatch, room):
    monkeypatch.setattr(module, "_BYTES", room * 4 * counting.output_size)
    cache = SpellingCache(counting)
    for place in itertools.count():
        if place % 3 == 0:
            _in_place(counting)  # changed weights empty the cache
        a, b = 1 + place % 15, 1 + place // 15
        batch = words([a, b], [b], [b, b, a])
        if not interrupt(lambda batch=batch: cache(batch), place, module):
            break
        batch = words([b, a], [a, b], [a], [b, b, a], [b])
        with torch.no_grad():
            assert cache(batch).equal(counting.encoder(batch))
    assert place > 150


@pytest.mark.parametrize("copied", [deepcopy, lambda memory: pickle.loads(pickle.dumps(memory))])
def test_a_copy_has_no_cached_spellings(counting, copied):
    cache = SpellingCache(counting)
    small = len(pickle.dumps(cache))
    vectors = cache(words([1], [1, 2]))
    assert len(pickle.dumps(cache)) == small
    assert copied(cache)(words([1], [1, 2])).equal(vectors)
