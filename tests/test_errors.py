"""Mistakes of the user: the nearest name, the place, the key."""

from dataclasses import dataclass, field

import pytest

from seqtag.errors import InputError, did_you_mean, from_plain, listed, shown


@dataclass(frozen=True)
class Config:
    size: int
    names: tuple[str, ...] = field(default_factory=tuple)

    def __post_init__(self):
        if self.size < 1:
            raise InputError(f"size must be at least 1, not {self.size}")


def test_did_you_mean_offers_the_nearest_name():
    assert did_you_mean("colum", ["column", "conllu"]) == " (did you mean 'column'?)"
    assert did_you_mean("zebra", ["column", "conllu"]) == ""
    assert did_you_mean("x", []) == ""
    assert did_you_mean(11, [111, 5]) == " (did you mean '111'?)"


def test_names_and_values_are_short_in_messages():
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == "none"
    assert listed(range(99), 3) == "0, 1, 2, ..."
    assert len(listed(["x" * 5000] * 99)) < 1300
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in (deep, "x" * 5000, 10**4000, 10**5000, {1: deep}):
        assert len(shown(value)) < 200


def test_from_plain_builds_the_dataclass():
    assert from_plain(Config, {"size": 2}, "model") == Config(2)
    assert from_plain(Config, {"size": 2, "names": ("a",)}, "model") == Config(2, ("a",))


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"size": 1, "nmaes": ()}, r"^model: unknown key 'nmaes' \(did you mean 'names'\?\)$"),
        ({"size": 1, "zebra": 1}, "^model: unknown key 'zebra'$"),
        ({"names": ()}, "^model: key 'size' is missing$"),
        ({"size": 0}, "^model: size must be at least 1, not 0$"),
    ],
)
def test_from_plain_names_place_and_key(plain, message):
    with pytest.raises(InputError, match=message):
        from_plain(Config, plain, "model")


def test_an_input_error_is_a_value_error():
    assert issubclass(InputError, ValueError)
