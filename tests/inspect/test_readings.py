"""Which value is read at which position; new subjects; values of control tasks."""

import numpy as np
from shared.holding import FirstSymbol

from seqtag.inspect.readings import around_new_subjects, control_values, read_items
from seqtag.probes.base import ProbeItem
from seqtag.probes.registry import make_probe

# A queen, then a new subject, a king, then PRON.
ITEM = ProbeItem(
    tokens=("queen", "slept", ",", "but", "king", "slept", "PRON"),
    labels=(None,) * 6 + ("M",),
    targets=(6,),
    factors={},
    cue_positions=(0, 4),
)


def test_earlier_subjects_have_their_own_form():
    readings = read_items(make_probe("pronoun"), [ITEM])
    assert readings.value_N.tolist() == ["F"] * 4 + ["M"] * 3
    assert readings.old_N.tolist() == [""] * 4 + ["F"] * 3
    assert readings.cue_N.tolist() == ["queen"] * 4 + ["king"] * 3
    assert readings.distance_N.tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert readings.position_N.tolist() == list(range(7))


def test_targets_that_do_not_begin_the_sentence_have_no_subjects_around():
    item = ProbeItem(ITEM.tokens, ITEM.labels, ITEM.targets, {}, ())
    readings = read_items(make_probe("pronoun"), [item])
    assert readings.distance_N.tolist() == [6]
    assert around_new_subjects(readings)[0].size == 0


def test_places_around_a_new_subject():
    readings = read_items(make_probe("pronoun"), [ITEM, ITEM])
    number_N, event_N = around_new_subjects(readings)
    places = readings.position_N[number_N] - readings.position_N[event_N]
    assert places.tolist() == [-4, -3, -2, -1, 0, 1, 2] * 2
    assert readings.sentence_N[number_N].tolist() == [0] * 7 + [1] * 7


def test_the_generated_subjects_agree_with_the_parser():
    probe = make_probe("pronoun")
    items = probe.corpus("dev", 40, 3)
    readings = read_items(probe, items)
    for number, item in enumerate(items):
        own = readings.sentence_N == number
        assert readings.value_N[own][-1] == item.labels[item.targets[0]]
        assert readings.position_N[own][0] == item.cue_positions[0]
        assert (np.diff(readings.position_N[own]) == 1).all()


def test_other_probes_are_read_from_the_deciding_cue():
    readings = read_items(FirstSymbol(), FirstSymbol().generate(4, "dev", {"gap": 3}, 0))
    assert readings.distance_N.tolist() == [0, 1, 2, 3, 4] * 4
    assert around_new_subjects(readings)[0].size == 0


def test_items_with_several_targets_are_read_at_these():
    probe = make_probe("parity")
    readings = read_items(probe, probe.generate(2, "dev", {"length": 5}, 0))
    assert readings.position_N.tolist() == [0, 1, 2, 3, 4] * 2
    assert set(readings.value_N) <= set(probe.labels)


def test_control_values_depend_on_word_and_seed_alone():
    words = [f"w{number}" for number in range(400)]
    drawn = control_values(words, {"a": 3, "b": 1}, 5)
    assert drawn == control_values(words[::-1], {"b": 1, "a": 3}, 5)
    assert {word: drawn[word] for word in words[:9]} == control_values(
        words[:9], {"a": 3, "b": 1}, 5
    )
    assert drawn != control_values(words, {"a": 3, "b": 1}, 6)
    assert abs(list(drawn.values()).count("a") / 400 - 0.75) < 0.08
