"""The order of batches: the properties that resuming and distributed training rely on."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.data.batches.order import BatchConfig, BatchOrder
from seqtag.errors import InputError

quick = settings(max_examples=60, deadline=None, derandomize=True)
lengths = st.lists(st.integers(0, 60), max_size=60).map(lambda values: np.array(values, np.int32))
configs = st.builds(BatchConfig, sentences=st.integers(1, 9), tokens=st.integers(1, 120))
worlds = st.integers(1, 5)


def orders(lengths, config, world_size, **options):
    return [
        BatchOrder(lengths, config, rank=rank, world_size=world_size, **options)
        for rank in range(world_size)
    ]


def flat(batches):
    return sorted(row for batch in batches for row in batch)


@quick
@given(lengths, configs, worlds)
def test_in_evaluation_the_ranks_together_have_each_sentence_once(lengths, config, world_size):
    ranks = [list(order) for order in orders(lengths, config, world_size, shuffle=False)]
    assert flat(batch for rank in ranks for batch in rank) == list(range(len(lengths)))


@quick
@given(lengths, configs, worlds, st.integers(0, 5))
def test_in_training_the_ranks_divide_the_batches_of_one_process(
    lengths, config, world_size, epoch
):
    alone = BatchOrder(lengths, config, shuffle=True).batches(epoch)
    ranks = [o.batches(epoch) for o in orders(lengths, config, world_size, shuffle=True)]
    for batch, *shares in zip(alone, *ranks, strict=True):
        sizes = {len(share) for share in shares}
        if len(batch) < world_size:  # each rank gets all of it
            assert flat(shares) == sorted(batch.tolist() * world_size)
            assert sizes == {len(batch)}
        else:
            assert flat(shares) == sorted(batch)
            assert 1 <= max(sizes) <= min(sizes) + 1


@quick
@given(lengths, configs, worlds, st.booleans())
def test_all_ranks_have_the_same_number_of_batches_in_all_epochs(
    lengths, config, world_size, shuffle
):
    ranks = orders(lengths, config, world_size, shuffle=shuffle)
    counts = {len(order.batches(epoch)) for order in ranks for epoch in range(4)}
    assert counts == {len(order) for order in ranks}


@quick
@given(lengths, configs, st.booleans(), st.integers(0, 3))
def test_only_single_sentences_exceed_the_budget(lengths, config, shuffle, epoch):
    for batch in BatchOrder(lengths, config, shuffle=shuffle).batches(epoch):
        assert 1 <= len(batch) <= config.sentences
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= config.tokens


@quick
@given(lengths, configs, st.integers(0, 99), st.integers(0, 9), worlds)
def test_the_order_depends_only_on_the_arguments(lengths, config, seed, epoch, world_size):
    for one, other in zip(
        orders(lengths, config, world_size, shuffle=True, seed=seed),
        orders(lengths, config, world_size, shuffle=True, seed=seed),
        strict=True,
    ):
        list(other)  # earlier iterations do not matter
        for used in (0, epoch + 1, epoch):
            other.set_epoch(used)
            last = list(other)
        assert last == [batch.tolist() for batch in one.batches(epoch)]


@quick
@given(lengths, configs, st.integers(0, 9), worlds, st.data())
def test_starting_in_the_middle_yields_the_rest(lengths, config, epoch, world_size, data):
    for order in orders(lengths, config, world_size, shuffle=True):
        order.set_epoch(epoch)
        whole = list(order)
        order.start = data.draw(st.integers(0, len(whole)))
        start = order.start
        assert list(order) == whole[start:]
        assert list(order) == whole  # `start` applies to one epoch only


def test_the_order_never_changes():
    lengths = np.array([5, 2, 9, 2, 5, 1, 7, 3, 3, 12, 4, 6])
    config = BatchConfig(sentences=3, tokens=20)
    order = BatchOrder(lengths, config, shuffle=True, seed=7)
    order.set_epoch(2)
    assert list(order) == [[3, 1], [2], [9], [5], [6], [7, 8], [10], [0, 11, 4]]
    second = BatchOrder(lengths, config, shuffle=True, seed=7, rank=1, world_size=2)
    second.set_epoch(2)
    assert list(second) == [[1], [2], [9], [5], [6], [8], [10], [11]]
    lengths = np.random.RandomState(0).randint(1, 60, 5000)
    order = BatchOrder(lengths, BatchConfig(), shuffle=True, seed=1)
    batches = [batch.tolist() for epoch in range(3) for batch in order.batches(epoch)]
    assert len(batches) == 486
    assert hashlib.sha256(json.dumps(batches).encode()).hexdigest().startswith("cebf0a18dde25bf9")


def test_epochs_and_seeds_differ():
    lengths, config = np.full(50, 7), BatchConfig(sentences=4)
    first = BatchOrder(lengths, config, shuffle=True, seed=1)
    second = BatchOrder(lengths, config, shuffle=True, seed=2)
    seen = {str([b.tolist() for b in o.batches(e)]) for o in (first, second) for e in range(3)}
    assert len(seen) == 6


def test_sentences_of_a_batch_have_similar_lengths():
    lengths = np.random.default_rng(0).integers(1, 100, 500)
    for batch in BatchOrder(lengths, BatchConfig(), shuffle=True).batches(0):
        assert lengths[batch].max() <= max(1, int(1.2 * lengths[batch].min()))


def test_fewer_batches_than_processes():
    ranks = orders(np.array([3, 3]), BatchConfig(sentences=2), 5, shuffle=False)
    assert [b for order in ranks for b in order] == [[0, 1], [], [], [], []]


def test_no_sentences():
    assert list(BatchOrder(np.zeros(0, np.int32), BatchConfig(), shuffle=True, world_size=2)) == []


@pytest.mark.parametrize(
    "wrong",
    [{"sentences": 0}, {"tokens": 1.5}, {"workers": -1}, {"tokens": None}, {"workers": True}],
)
def test_invalid_values_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        BatchConfig(**wrong)
