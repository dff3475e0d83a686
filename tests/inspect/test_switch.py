import numpy as np
import pytest
import torch

from seqtag.errors import InputError
from seqtag.inspect.memory import kept_share
from seqtag.inspect.switch import FIRST, LAST, Event, _band, switch_curves
from seqtag.inspect.trace import trace

PLAIN = ["the", "old", "the", "left", "again", "the"]
OTHER = Event([*PLAIN, "king", *PLAIN], 6)
SWITCH = Event([*PLAIN, "Anna", *PLAIN], 6)
EARLY = Event(["Anna", *PLAIN], 0)


def many(event, count=24):
    """Return `count` events like this one, with different words before it."""
    before = event.tokens[: event.position]
    after = event.tokens[event.position :]
    rotated = (before[n % 5 :] + before[: n % 5] for n in range(count))
    return [Event([*words, *after], event.position) for words in rotated]


def forgetting(build_tagger):
    """Return a tagger whose units 7 and 19, of 20, close their forget gates at "Anna"."""
    tagger = build_tagger("lstm", hidden_size=20)
    network = tagger.network
    inputs = tagger.indexer.encode([["Anna"]])
    with torch.no_grad():
        x_D = network.embedding(inputs)[0, 0]
        weights = network.encoder.layers[0]["fwd"]
        for unit in (7, 19):
            weights.weight_input[20 + unit] = -20 * x_D / (x_D @ x_D)
    return tagger


def test_units_that_forget_are_found_and_the_place_where_they_do(build_tagger):
    tagger = forgetting(build_tagger)
    events = {"new subject": many(SWITCH), "attractor": many(OTHER), "first": many(EARLY)}
    curves = switch_curves(tagger, events)
    assert set(curves.units) == {7, 19}
    here = -FIRST
    assert curves.places_P[here] == 0
    assert curves.reacting["new subject"].mean_P[here] < 0.05
    assert curves.reacting["first"].mean_P[here] < 0.05
    assert curves.reacting["attractor"].mean_P[here] > 0.3
    assert curves.every["new subject"].mean_P[here] > 0.3


def test_the_means_are_those_of_the_traces(build_tagger):
    tagger = build_tagger("gru")
    events = many(SWITCH) + many(EARLY)
    band = switch_curves(tagger, {"a": events, "b": events[::-1]}).every["a"]
    cell = tagger.network.encoder.cell
    kept = [kept_share(cell, trace(tagger, e.tokens).values["l0.fwd"]) for e in events]
    for place in range(FIRST, LAST + 1):
        there = [
            kept_TH[e.position + place].mean()
            for kept_TH, e in zip(kept, events, strict=True)
            if 0 <= e.position + place < len(e.tokens)
        ]
        assert band.count_P[place - FIRST] == len(there)
        mean, low, high = (part_P[place - FIRST] for part_P in band[:3])
        if there:
            assert mean == pytest.approx(np.mean(there), rel=1e-5)
            assert low <= mean <= high
        else:
            assert np.isnan([mean, low, high]).all()


def test_an_interval_has_its_nominal_coverage():
    rng = np.random.default_rng(0)
    kept_NP = rng.normal(0.5, 0.1, size=(100, 400))
    kept_NP[rng.random(kept_NP.shape) < 0.3] = np.nan
    band = _band(kept_NP)
    held = (band.low_P <= 0.5) & (band.high_P >= 0.5)
    assert 0.91 < held.mean() < 0.98


def test_places_with_few_events_are_nan(build_tagger):
    events = many(EARLY, 30) + many(SWITCH, 9)
    band = switch_curves(build_tagger(), {"a": events, "b": events}).every["a"]
    assert band.count_P[-FIRST - 1] == 9
    assert np.isnan(band.mean_P[-FIRST - 1])
    assert np.isfinite(band.mean_P[-FIRST])


def test_the_same_call_gives_the_same_arrays(build_tagger):
    events = {"a": many(SWITCH), "b": many(OTHER)}
    one, two = (switch_curves(build_tagger(), events).arrays() for _ in range(2))
    assert {"places", "units", "every/a/mean", "reacting/b/count"} <= one.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name])


@pytest.mark.parametrize(
    ("cell", "events", "layer", "message"),
    [
        ("rnn", {"a": many(SWITCH), "b": many(OTHER)}, None, "has no gate"),
        ("lstm", {"a": many(SWITCH)}, None, "two kinds of events"),
        ("lstm", {"a": many(SWITCH), "b": many(OTHER, 19)}, None, "20 events of each"),
        ("lstm", {"a": many(SWITCH), "b": many(OTHER)}, "l3.fwd", "unknown layer 'l3.fwd'"),
        ("lstm", {"a": many(SWITCH), "b": many(OTHER)}, "l0.bwd", "use l0.fwd"),
    ],
)
def test_wrong_events_cells_and_layers_are_refused(cell, events, layer, message, build_tagger):
    with pytest.raises(InputError, match=message):
        switch_curves(build_tagger(cell, bidirectional=True), events, layer)
