"""Reading Marvin & Linzen's pickles, and rejecting malicious ones."""

from __future__ import annotations

import io
import os
import pickle
import pickletools

import pytest

from seqtag.errors import InputError
from seqtag.suites.marvin_linzen import read_marvin_linzen

TEMPLATES = {
    "sing_MS_MV_plur_ES": [
        ("the cook near the cats sings", "the cook near the cats sing"),
        ("the cook near the cats is tall", "the cook near the cats are tall"),
    ],
    "plur_MS_MV_plur_ES": [
        ("the cooks near the cats sing", "the cooks near the cats sings"),
        ("the cooks near the cats are tall", "the cooks near the cats is tall"),
    ],
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_templates_become_pairs_with_two_sides(source, protocol):
    pairs = read_marvin_linzen(source("prep_anim.pickle", pickle.dumps(TEMPLATES, protocol)))
    assert [pair.tokens[-2:] for pair in pairs] == [("VERB", "."), ("tall", ".")] * 2
    assert [(pair.gold, pair.foil) for pair in pairs] == [("SG", "PL")] * 2 + [("PL", "SG")] * 2
    assert [pair.pair for pair in pairs] == ["sing_MS_MV_plur_ES:1", "sing_MS_MV_plur_ES:2"] * 2
    assert {pair.group for pair in pairs} == {"prep_anim"}
    assert {pair.antecedent for pair in pairs} == {(1,)}
    assert pairs[1].where == "prep_anim.pickle: sing_MS_MV_plur_ES, pair 2"


def test_reflexives_have_the_pronoun_as_placeholder(source):
    content = {"sing_MS_ANPHR": [("the cook hurt himself", "the cook hurt themselves")]}
    (pair,) = read_marvin_linzen(source("reflexives.pickle", pickle.dumps(content)))
    assert (pair.placeholder, pair.gold, pair.foil, pair.antecedent) == ("PRON", "M", "PL", ())


class _RunsCode:
    def __reduce__(self):
        return os.mkdir, ("created",)


class _Instance:
    pass


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_cannot_run_anything(source, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps(TEMPLATES | {"last": [_RunsCode()]}, protocol)
    with pytest.raises(InputError, match=r"^x.pickle: .*mkdir, but only plain text is allowed"):
        read_marvin_linzen(source("x.pickle", content))
    assert not (tmp_path / "created").exists()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(pickle.dumps(_Instance()), id="object"),
        pytest.param(pickle.dumps({"set": {1}}, 2), id="set"),
        pytest.param(pickle.dumps({"type": str}), id="type"),
        pytest.param(b"\x80\x04\x8c\x02idQ.", id="persistent id"),
        pytest.param(b"\x80\x02\x82\x01.", id="registered extension"),
        pytest.param(b"(ios\nsystem\n.", id="object in protocol 0"),
        pytest.param(b"cbuiltins\neval\n.", id="global"),
    ],
)
def test_no_name_is_resolved(source, content):
    pickletools.dis(content, out=io.StringIO())  # raises an error unless it is a pickle
    with pytest.raises(InputError, match=r"^x.pickle: not a pickle of Marvin & Linzen's templates"):
        read_marvin_linzen(source("x.pickle", content))


def test_a_pickle_cannot_allocate_all_memory(source):
    content = b"\x80\x02]r\xff\xff\xff\x7f."  # an empty list, stored at index 2**31 - 1 of the memo
    with pytest.raises(InputError, match=r"^x.pickle: expected a dict of cases, found a list"):
        read_marvin_linzen(source("x.pickle", content))


def _nested(levels):
    value = ()
    for _ in range(levels):
        value = (value, value)
    return value


def _repeated(count):
    """Return a pickle of `count` cases that share one list of `count` references to one pair."""
    pairs = b"]q\x00((X\x02\0\0\0xxX\x02\0\0\0yy\x86q\x01" + b"h\x01" * count + b"e"
    cases = b"".join(b"X\x05\0\0\0%05dh\x00" % number for number in range(count))
    return b"\x80\x02}(X\x01\0\0\0a" + pairs.replace(b"((", b"(", 1) + cases + b"u."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            b"\x80\x02}\x8b"
            + len(n := pickle.encode_long(10**5000)).to_bytes(4, "little")
            + n
            + b"]s.",
            r"more than dicts.*\(LONG4\)",
            id="a number of 5,000 digits",
        ),
        pytest.param(
            b"I" + b"9" * 5000 + b"\n.", "it is damaged", id="a number of 5,000 decimal digits"
        ),
        pytest.param(
            b"\x80\x02})" + b"q\x00h\x00\x86" * 60 + b"]s.",
            "a key is a tuple",
            id="a key that takes forever to hash",
        ),
        pytest.param(
            pickle.dumps({"a": _nested(60)}),
            "'a': expected a list of pairs, found a tuple",
            id="a value that takes forever to print",
        ),
        pytest.param(_repeated(3000), "the sentences are repeated too often", id="repeated pairs"),
    ],
)
def test_reading_ends_in_short_time(source, content, message):
    with pytest.raises(InputError, match=rf"^x.pickle: .*{message}"):
        read_marvin_linzen(source("x.pickle", content))


@pytest.mark.parametrize("content", [b"", b"{}", b"\x80\x04]", pickle.dumps(TEMPLATES)[:60], b"}"])
def test_damaged_pickles_are_rejected(source, content):
    with pytest.raises(InputError, match=r"^x.pickle: not a pickle of Marvin & Linzen's templates"):
        read_marvin_linzen(source("x.pickle", content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["x"], "expected a dict of cases, found a list"),
        ({"past": "x"}, "'past': expected a list of pairs, found a str"),
        ({3: []}, "not a pickle of .* more than dicts"),
        (
            {"past": [("no cook ever", "the cook ever", "most ever")]},
            "past, pair 1: expected a good and",
        ),
        ({"past": [("the cook sings", [])]}, "past, pair 1: expected a good and a bad"),
        ({"past": [("the cook sings", "the cook left")]}, "past, pair 1: 'sings' and 'left'"),
    ],
)
def test_other_content_is_rejected(source, content, message):
    with pytest.raises(InputError, match=f"^x.pickle: {message}"):
        read_marvin_linzen(source("x.pickle", pickle.dumps(content)))
