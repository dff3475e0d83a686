"""Errors of the user: the nearest name."""

from seqtag.errors import InputError, did_you_mean


def test_did_you_mean_offers_the_nearest_name():
    assert did_you_mean("colum", ["column", "conllu"]) == " (did you mean 'column'?)"
    assert did_you_mean("zebra", ["column", "conllu"]) == ""
    assert did_you_mean("x", []) == ""
    assert did_you_mean(11, [111, 5]) == " (did you mean '111'?)"
    assert did_you_mean(10**5000, ["1"]) == ""


def test_an_input_error_is_a_value_error():
    assert issubclass(InputError, ValueError)
