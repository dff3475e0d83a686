"""Checks of values against annotations: every type, its bounds, and the error messages."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.checks import (
    Above,
    AtLeast,
    AtMost,
    Below,
    Count,
    FileName,
    Hint,
    Matching,
    NonEmpty,
    Seed,
    Share,
    Text,
    check_fields,
    checked,
    describe,
    from_plain,
    shown,
)
from seqtag.errors import InputError


@dataclass(frozen=True)
class Inner:
    size: Count = 1


@dataclass(frozen=True)
class Config:
    size: int
    names: tuple[str, ...] = field(default_factory=tuple)
    inner: Inner | None = None

    def __post_init__(self):
        check_fields(self)
        if self.size < 1:
            raise InputError(f"size must be at least 1, not {self.size}")


KINDS = {
    "whole": int,
    "count": Count,
    "seed": Seed,
    "number": float,
    "share": Share,
    "open": Annotated[float, Above(0), Below(1)],
    "text": Text,
    "any text": str,
    "path": FileName | None,
    "flag": bool,
    "choice": Literal["auto", "cpu", -1],
    "mixed": bool | Literal["warn"] | Annotated[int, AtLeast(0), AtMost(5)],
    "list": tuple[Text, ...],
    "lists": Annotated[list[Count], NonEmpty(3)] | Text,
    "pair": tuple[Share, Share],
    "mapping": Mapping[str, list[int]] | None,
    "nested": Inner | None,
    "like": Annotated[str, Matching(r"\d+", "digits")],
}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("whole", value) for value in (0, -5, 2**63 - 1)),
        *(("seed", value) for value in (0, 2**32 - 1)),
        *(("number", value) for value in (0, -1, 1.5, 3e38)),
        *(("share", value) for value in (0, 0.0, 0.999)),
        *(("flag", value) for value in (True, False)),
        *(("choice", value) for value in ("auto", -1)),
        *(("mixed", value) for value in (True, "warn", 5)),
        *(("path", value) for value in (None, "a b/ü\n")),
        *(("lists", value) for value in ([1, 2], "x")),
        ("mapping", {"a": [1, 2]}),
        ("mapping", None),
        ("nested", Inner(3)),
        ("any text", ""),
        ("like", "12"),
    ],
)
def test_a_valid_value_is_returned_unchanged(kind, value):
    result = checked(value, KINDS[kind], "key")
    assert result == value
    assert type(result) is type(value)


def test_lists_become_tuples_if_the_annotation_is_one():
    assert checked(["a", "b"], KINDS["list"], "key") == ("a", "b")
    assert checked([0, 0.5], KINDS["pair"], "key") == (0, 0.5)
    assert checked({"size": 2}, KINDS["nested"], "key") == Inner(2)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("count", 0, "key must be a whole number of at least 1, not 0"),
        ("count", True, "key must be a whole number of at least 1, not True"),
        (
            "count",
            1e9,
            "not 1000000000.0; write it without a decimal point or exponent: 1000000000",
        ),
        ("count", 1.5, "key must be a whole number of at least 1, not 1.5"),
        ("count", "5", "key must be a whole number of at least 1, not '5'"),
        ("count", None, "not None"),
        ("whole", 2**63, "; the largest 64-bit number is 2^63 - 1"),
        pytest.param("whole", 10**5000, "not a whole number with thousands of digits", id="huge"),
        ("seed", -1, "key must be a whole number from 0 to 4,294,967,295, not -1"),
        ("number", math.nan, "key must be a finite number, not nan"),
        ("number", -math.inf, "key must be a finite number, not -inf"),
        ("number", True, "key must be a finite number, not True"),
        ("number", 1e39, "; the largest 32-bit number is 3.4e38"),
        ("number", 2**53 + 1, "; write 9.007199e+15"),
        ("share", 1, "key must be a number of at least 0 and below 1, not 1"),
        ("open", 0, "key must be a number above 0 and below 1, not 0"),
        ("text", "", "key must be text that is not empty, not ''"),
        ("text", 5, "not 5; for text, write '\"5\"'"),
        ("text", False, "not False; for text, write '\"false\"'"),
        ("path", "a\0b", "key must be a path or null, not 'a\\x00b'"),
        ("path", "", "key must be a path or null, not ''"),
        ("flag", 1, "key must be true or false, not 1"),
        ("flag", "true", "key must be true or false, not 'true'"),
        ("choice", "atuo", "key must be one of auto, cpu, -1, not 'atuo' (did you mean 'auto'?)"),
        ("choice", True, "key must be one of auto, cpu, -1, not True"),
        ("mixed", 6, "key must be true or false or warn or a whole number from 0 to 5, not 6"),
        ("mixed", None, "not None"),
        ("list", "x", "key must be a list, each element text that is not empty, not 'x'"),
        ("list", "x", "; write key=[x]"),
        ("list", ["a", 5], "key[1] must be text that is not empty, not 5"),
        ("lists", [], "key must be a list"),
        ("lists", [1, 2, 3, 4], "key must be a list"),
        ("lists", [0], "key[0] must be a whole number of at least 1, not 0"),
        ("pair", [0.5], "key must be a list of 2, not [0.5]"),
        ("pair", [0.5, 1], "key[1] must be a number of at least 0 and below 1, not 1"),
        ("mapping", {"a": 1}, "key.a must be a list, each element a whole number, not 1"),
        ("mapping", {1: [1]}, "key, its key 1, must be text, not 1"),
        ("nested", {"sice": 2}, "key: unknown key 'sice' (did you mean 'size'?)"),
        ("nested", {"size": 0}, "key.size must be a whole number of at least 1, not 0"),
        ("nested", 5, "key must be a group of keys or null, not 5"),
        ("like", "1x", "key must be digits, not '1x'"),
    ],
)
def test_an_error_names_the_key_and_the_expected_value(kind, value, message):
    with pytest.raises(InputError) as raised:
        checked(value, KINDS[kind], "key")
    assert message in str(raised.value)
    assert str(raised.value).startswith("key")


def test_a_hint_is_added_to_the_error():
    kind = Annotated[FileName, Hint("several: files=[a]")] | None
    with pytest.raises(InputError, match=r"must be a path or null, not \['a'\]; several: files="):
        checked(["a"], kind, "data.path")


def test_from_plain_builds_the_dataclass():
    assert from_plain(Config, {"size": 2}, "model") == Config(2)
    assert from_plain(Config, {"size": 2, "names": ["a"]}, "model") == Config(2, ("a",))
    assert from_plain(Config, {"size": 2, "inner": {"size": 3}}, "model").inner == Inner(3)


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"size": 1, "nmaes": ()}, r"^model: unknown key 'nmaes' \(did you mean 'names'\?\)$"),
        ({"size": 1, "zebra": 1}, "^model: unknown key 'zebra'$"),
        ({"size": 1, 5: 1}, "^model: unknown key 5$"),
        ({"names": ()}, "^model: key 'size' is missing$"),
        ({"size": 0}, "^model: size must be at least 1, not 0$"),
        ({"size": "x"}, "^model.size must be a whole number, not 'x'$"),
        ({"size": 1, "inner": {"size": 0}}, "^model.inner.size must be"),
        (None, "^model must be a group of keys, not None$"),
        ([1], "^model must be a group of keys, not"),
    ],
)
def test_errors_of_from_plain_name_place_and_key(plain, message):
    with pytest.raises(InputError, match=message):
        from_plain(Config, plain, "model")


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ("", "size must"),
        ("data.batch", "data.batch.size must"),
        ("a/config.json", "a/config.json: size must"),
        ("cell 'lstm'", "cell 'lstm': size must"),
    ],
)
def test_keys_are_named_as_on_the_command_line(where, key):
    with pytest.raises(InputError) as raised:
        from_plain(Config, {"size": "x"}, where)
    assert str(raised.value).startswith(key)


def test_a_class_checks_its_fields_when_called_directly():
    with pytest.raises(InputError, match=r"^size must be a whole number, not 'x'$"):
        Config("x")
    assert Config(1, ["a"]).names == ("a",)


def test_long_values_are_cut():
    assert shown("x" * 5000) == "'" + "x" * 79 + "..."
    assert shown([10**5000]) == "a whole number with thousands of digits"
    assert "\n" not in shown("a\nb")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.builds(lambda: 10**5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=5,
)


@pytest.mark.fuzz("settings")
@given(st.sampled_from(sorted(KINDS)), PLAIN)
def test_any_value_is_accepted_or_refused_with_its_key(kind, value):
    try:
        result = checked(value, KINDS[kind], "key")
    except InputError as error:
        message = str(error)
    else:
        message = "key"
        assert checked(result, KINDS[kind], "key") == result
    assert message.startswith("key")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_annotation_has_a_description(kind):
    assert describe(KINDS[kind])
    assert describe(Any)
