"""Error messages: the closest known name, and values cut short."""

from seqtag.errors import InputError, did_you_mean, listed, shown


def test_did_you_mean_suggests_the_closest_name():
    assert did_you_mean("colum", ["column", "conllu"]) == " (did you mean 'column'?)"
    assert did_you_mean("LSTM", ["gru", "lstm"]) == " (did you mean 'lstm'?)"
    assert did_you_mean("per", ["LOC", "PER"]) == " (did you mean 'PER'?)"
    assert did_you_mean("zebra", ["column", "conllu"]) == ""
    assert did_you_mean("x", []) == ""
    assert did_you_mean(11, [111, 5]) == " (did you mean '111'?)"
    assert did_you_mean(10**5000, ["1"]) == ""


def test_names_and_values_are_cut_in_messages():
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == "none"
    assert listed(range(99), 3) == "0, 1, 2, ..."
    assert len(listed(["x" * 5000] * 99)) < 1300
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, "x" * 5000, 10**4000, 10**5000, {1: deep}):
        assert len(shown(value)) < 200


def test_an_input_error_is_a_value_error():
    assert issubclass(InputError, ValueError)
