"""One tagger used in several threads, interrupted, copied, and sent to other processes."""

from __future__ import annotations

import asyncio
import ctypes
import io
import multiprocessing
import pickle
import random
import threading
import time
from copy import copy, deepcopy

import joblib
import pytest
import torch

import seqtag.data.encode.indexer
import seqtag.data.encode.word_cache
import seqtag.inputs.modules.spelling_cache
import seqtag.inputs.word_table
import seqtag.tagging.base
import seqtag.tagging.scores
import seqtag.tagging.tagger
from seqtag.tagging.workers import Workers

OPTIONS = {
    "characters and subwords": {"encode": {"subwords": {"vocab_size": 60}}, "subword_size": 3},
    "characters": {},
    "recurrent characters": {"characters": {"encoder": "gru", "size": 3, "hidden_size": 4}},
    "softmax, no characters": {"characters": None, "decoder": "softmax"},
}
WORDS = [["Alex", "goes", "to", "Paris"], [], ["Anna"], ["in", "1999", "."]]
FILES = (
    *(
        seqtag.data.encode.indexer,
        seqtag.data.encode.word_cache,
        seqtag.inputs.word_table,
        seqtag.inputs.modules.spelling_cache,
    ),
    *(seqtag.tagging.base, seqtag.tagging.tagger, seqtag.tagging.scores),
)


def texts(seed, number, letters="AlexGravesß漢"):
    """Return random calls: lists of sentences of words, most of which are new."""
    rng = random.Random(seed)

    def word():
        return "".join(rng.choices(letters, k=rng.randint(1, 7)))

    def sentences():
        return [[word() for _ in range(rng.randint(0, 9))] for _ in range(rng.randint(1, 6))]

    return [sentences() for _ in range(number)]


def same(found, expected):
    """Return whether sentences have equal labels, and probabilities equal up to rounding."""
    return [s.labels for s in found] == [s.labels for s in expected] and all(
        one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        for one, other in zip(found, expected, strict=True)
    )


@pytest.fixture(params=OPTIONS)
def shared(request, build_tagger):
    """Return a tagger to share, and an equal one that only one thread uses."""
    options = OPTIONS[request.param]
    return build_tagger(**options), build_tagger(**options)


@pytest.fixture
def small_caches(monkeypatch):
    """Make all caches so small that they are cleared often."""
    monkeypatch.setattr(seqtag.data.encode.word_cache, "_MAX_WORDS", 60)
    monkeypatch.setattr(seqtag.inputs.modules.spelling_cache, "_BYTES", 1500)


def run_in_threads(shared, at_once, number):
    tagger, alone = shared
    calls = texts(0, number)
    predicted = [alone.predict(call) for call in calls]
    tagged = [alone.tag(call, probabilities=True) for call in calls]

    def work(seed):
        rng = random.Random(seed)
        wrong = []
        for at in rng.sample(range(number), number):
            if seed % 2:
                right = tagger.predict(calls[at]) == predicted[at]
            else:
                right = same(tagger.tag(calls[at], probabilities=True), tagged[at])
            wrong += [] if right else [at]
        return wrong

    assert at_once(*(lambda seed=seed: work(seed) for seed in range(8))) == [[]] * 8
    assert [tagger.predict(call) for call in calls] == predicted


def test_eight_threads(shared, at_once):
    run_in_threads(shared, at_once, 12)


def test_eight_threads_with_small_caches(shared, at_once, small_caches):
    run_in_threads(shared, at_once, 12)


@pytest.mark.slow
@pytest.mark.parametrize("memories", ["large", "small"])
def test_eight_threads_for_a_long_time(shared, at_once, memories, request):
    if memories == "small":
        request.getfixturevalue("small_caches")
    run_in_threads(shared, at_once, 300)


def test_coroutines_that_run_in_threads(shared):
    tagger, alone = shared
    calls = texts(1, 20)

    async def everything():
        return await asyncio.gather(*(asyncio.to_thread(tagger.predict, call) for call in calls))

    assert asyncio.run(everything()) == [alone.predict(call) for call in calls]


@pytest.mark.parametrize("every", [211, pytest.param(31, marks=pytest.mark.slow)])
def test_an_interrupt_at_any_bytecode(build_tagger, interrupt, every):
    """Interrupt a whole call at every n-th bytecode; the caches are tested at each bytecode."""
    options = OPTIONS["characters and subwords"]
    tagger, alone = build_tagger(**options), build_tagger(**options)
    place, interrupted = 0, True
    while interrupted:
        place += every
        call, other = (
            [[f"{word}{n}" for word in words] for words in WORDS] for n in (place, -place)
        )
        interrupted = interrupt(lambda call=call: tagger.tag(call, None, True), place, *FILES)
        for sentences in (call, other, WORDS):
            assert same(tagger.tag(sentences, None, True), alone.tag(sentences, None, True))
    assert place > 1000


def interrupted_at_random(tagger, rng, sentences, longest):
    """Predict until another thread interrupts this one, after a random time."""
    here = ctypes.c_ulong(threading.get_ident())

    def raise_later():
        time.sleep(rng.random() * longest)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(here, ctypes.py_object(KeyboardInterrupt))

    other = threading.Thread(target=raise_later)
    met = []
    try:
        other.start()
        while True:
            met = [[f"{word}{rng.random()}" for word in words] for words in sentences]
            tagger.predict(met)
    except KeyboardInterrupt:
        other.join()
    return met


@pytest.mark.parametrize("times", [8, pytest.param(250, marks=pytest.mark.slow)])
def test_interrupts_at_random(shared, times):
    tagger, alone = shared
    rng = random.Random(5)
    for call in texts(2, times):
        met = interrupted_at_random(tagger, rng, call, 0.02)
        for sentences in (met, call, WORDS):
            assert tagger.predict(sentences) == alone.predict(sentences)


@pytest.mark.slow
def test_threads_while_one_thread_is_interrupted(shared, at_once):
    tagger, alone = shared
    calls = texts(3, 60)
    expected = [alone.predict(call) for call in calls]

    def work(seed):
        rng = random.Random(seed)
        if seed < 2:
            for call in calls[:25]:
                interrupted_at_random(tagger, rng, call, 0.05)
        return [at for at, call in enumerate(calls) if tagger.predict(call) != expected[at]]

    assert at_once(*(lambda seed=seed: work(seed) for seed in range(8))) == [[]] * 8


def test_results_are_the_same_after_an_error(build_tagger, monkeypatch):
    options = OPTIONS["characters and subwords"]
    tagger, alone = build_tagger(**options), build_tagger(**options)
    for owner, name in (
        (tagger.network.embedding.characters, "forward"),
        (tagger.indexer, "arrays"),
        (tagger.indexer._cache, "_ids"),
        (tagger.network, "best_labels"),
    ):
        for call in texts(name, 3):
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, lambda *given: 1 / 0)
                with pytest.raises(ZeroDivisionError):
                    tagger.predict([*call, ["new to it", name]])
            assert tagger.predict(call) == alone.predict(call)


def test_an_interrupt_drops_waiting_batches(set_threads):
    set_threads(2)
    started = []

    def batch(number):
        started.append(number)
        time.sleep(0.05)

    def run():
        with Workers(torch.device("cpu"), 50) as workers:
            for number in range(50):
                workers.submit(batch, number)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(started) < 10
    assert torch.get_num_threads() == 2


def through_torch(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


COPIES = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "the first protocol of pickle": lambda value: pickle.loads(pickle.dumps(value, 2)),
    "deepcopy": deepcopy,
    "copy": copy,
    "torch.save": through_torch,
}


@pytest.mark.parametrize("name", COPIES)
def test_copies(shared, name):
    tagger, alone = shared
    tagger.figures = {"f1": 0.5}
    before = tagger.tag(WORDS, probabilities=True)
    other = COPIES[name](tagger)
    assert same(other.tag(WORDS, probabilities=True), before)
    assert other.figures == {"f1": 0.5}
    assert (other.device, other.features, other.cell, other.data) == (
        *(tagger.device, tagger.features),
        *(tagger.cell, tagger.data),
    )
    assert not other.network.training
    for call in texts(4, 3):
        assert other.predict(call) == tagger.predict(call) == alone.predict(call)
    with torch.no_grad():  # the copy has its own cache
        other.network.projection.weight.neg_()
        if hasattr(other.network.embedding, "characters"):
            next(other.network.embedding.characters.parameters()).add_(1.0)
    assert other.predict(WORDS) == COPIES[name](other).predict(WORDS)
    if name != "copy":
        assert same(tagger.tag(WORDS, probabilities=True), before)


def test_a_pickle_is_small(shared, small_caches):
    tagger, alone = shared
    for call in texts(6, 20):
        tagger.predict(call)
    # Pickle stores equal strings once if they are one object, else twice.
    assert abs(len(pickle.dumps(tagger)) - len(pickle.dumps(alone))) < 100
    weights = sum(tensor.nbytes for tensor in tagger.network.state_dict().values())
    assert len(pickle.dumps(tagger)) < weights + 25_000


def test_a_network_that_has_run_can_be_copied(shared):
    tagger, _ = shared
    tagger.predict(WORDS)
    inputs = tagger.indexer.encode(WORDS)
    for name in COPIES:
        network = COPIES[name](tagger.network)
        assert network(inputs).equal(tagger.network(inputs))
        y_BTH = network.encoder(torch.zeros(1, 3, network.encoder.input_size))[0]
        layer = COPIES[name](network.encoder)
        assert layer(torch.zeros(1, 3, layer.input_size))[0].equal(y_BTH)


def predict(tagger, sentences):
    return tagger.predict(sentences), tagger.figures


@pytest.mark.slow
def test_a_pool_of_new_processes(shared):
    tagger, _ = shared
    tagger.figures = {"f1": 0.5}
    expected = (tagger.predict(WORDS), tagger.figures)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.starmap(predict, [(tagger, WORDS)] * 3) == [expected] * 3


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_joblib(shared, backend):
    tagger, _ = shared
    expected = tagger.predict(WORDS)
    jobs = [joblib.delayed(tagger.predict)(WORDS)] * 3
    assert joblib.Parallel(n_jobs=2, backend=backend)(jobs) == [expected] * 3
