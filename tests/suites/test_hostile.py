"""Suite files with random changes are read, or rejected by file name, in bounded time."""

import json
import pickle
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.suites.registry import SUITES, read_suite

STATISTICS = (
    "occupation\tbergsma_pct_female\tbls_pct_female\tbls_year\n"
    "baker\t40\t61.5\t2015\nroofer\t2.0\t1.5\t2015\n"
)
_BLIMP = {
    "sentence_good": "Olga can't see herself.",
    "sentence_bad": "Olga can't see himself.",
    "UID": "anaphor_gender_agreement",
    "pairID": "0",
}
_CONDITION = [
    ("match_sing", ["The cook", "hurt herself"]),
    ("mismatch_sing", ["The cook", "hurt themselves"]),
]
_GYM = {
    "meta": {"name": "reflexive_prep"},
    "predictions": [{"formula": "(2;%match_sing%) < (2;%mismatch_sing%)"}],
    "items": [
        {
            "item_number": 1,
            "conditions": [
                {
                    "condition_name": name,
                    "regions": [{"region_number": n, "content": c} for n, c in enumerate(words, 1)],
                }
                for name, words in _CONDITION
            ],
        }
    ],
}
_GAP = (
    "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
    "d-1\tOlga met Nora. Later she left.\tshe\t21\tOlga\t0\tTRUE\tNora\t9\tFALSE\thttp://x\n"
)
_ML = {"sing_MS": [("the cook sings", "the cook sing")], "plur_MS": [("cooks sing", "cooks sings")]}
# By suite: a file name and valid content.
VALID = {
    "blimp": ("anaphor_x_agreement.jsonl", json.dumps(_BLIMP).encode() + b"\n"),
    "syntaxgym": ("number_x.json", json.dumps(_GYM, indent=1).encode()),
    "gap": ("gap-test.tsv", _GAP.encode()),
    "marvin_linzen": ("simple_agrmt.pickle", pickle.dumps(_ML)),
    "winogender": (
        "templates.tsv",
        b"occupation(0)\tother-participant(1)\tanswer\tsentence\n"
        b"baker\tguest\t0\tThe $OCCUPATION told the $PARTICIPANT that $NOM_PRONOUN was late.\n",
    ),
    "winobias": (
        "pro_stereotyped_type1.txt.dev",
        b"1 [The baker] met the guest because [she] was late.\n",
    ),
}
PIECES = [
    *(
        b"\t",
        b"\n",
        b"\r",
        b"\0",
        b'"',
        b"[",
        b"{",
        b"}",
        b"]",
        b"(",
        b")",
        b"%",
        b";",
        b"$",
        b"\\",
    ),
    *(b"NaN", b"Infinity", b"1e999", b"-1", b"9" * 5000, b"null", b"true", b"1.5", b"[" * 3000),
    *(b"\\ud800", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"he", b"she", b"PRON", b"TRUE", b"."),
    *(b"q\x00", b"h\x00", b"\x86", b"\x85", b"s", b"u", b"e", b"a", b"0", b"2", b"t", b"l", b"d"),
]


def change(content, changes):
    for kind, place, length, piece in changes:
        start = place % (len(content) + 1)
        end = start + length
        if kind == "cut":
            content = content[:start] + content[end:]
        elif kind == "insert":
            content = content[:start] + piece + content[start:]
        elif kind == "replace":
            content = content[:start] + piece + content[end:]
        elif kind == "repeat":
            content = content[:end] + content[start:]
        else:
            flipped = bytes(byte ^ 1 << length % 8 for byte in content[start : start + 1])
            content = content[:start] + flipped + content[start + 1 :]
    return content


def changes():
    one_change = st.tuples(
        st.sampled_from(["cut", "insert", "replace", "repeat", "flip"]),
        st.integers(0, 2000),
        st.integers(0, 30),
        st.sampled_from(PIECES) | st.binary(max_size=5),
    )
    return st.lists(one_change, min_size=0, max_size=4)


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "occupations-stats.tsv").write_text(STATISTICS)
        yield Path(name)


def test_every_suite_has_a_valid_file(folder):
    assert VALID.keys() == SUITES.keys()
    for name, (file, content) in VALID.items():
        (folder / file).write_bytes(content)
        assert len(read_suite(name, folder / file)) >= 1


@pytest.mark.fuzz("suites")
@pytest.mark.parametrize("name", VALID)
@given(changed=changes())
def test_a_changed_file_is_read_or_rejected(name, folder, changed):
    file, content = VALID[name]
    path = folder / file
    path.write_bytes(change(content, changed))
    pairs, message = read_or_error(name, path)
    assert file in (message or file)
    for pair in pairs:
        assert pair.gold != pair.foil
        assert 0 <= pair.position < len(pair.tokens)
        assert all(0 <= place < len(pair.tokens) for place in pair.antecedent)
        " ".join([*pair.tokens, pair.group, pair.pair]).encode()


def read_or_error(name, path):
    try:
        return read_suite(name, path), None
    except InputError as error:
        return [], str(error)


@pytest.mark.fuzz("suites")
@given(changed=changes())
def test_changed_statistics_are_read_or_rejected(folder, changed):
    file, content = VALID["winogender"]
    changed_folder = folder / "changed"
    changed_folder.mkdir(exist_ok=True)
    (changed_folder / file).write_bytes(content)
    (changed_folder / "occupations-stats.tsv").write_bytes(change(STATISTICS.encode(), changed))
    pairs, message = read_or_error("winogender", changed_folder / file)
    assert "occupation" in (message or "occupation")
    assert len(pairs) == (message is None)
    assert all({pair.gold, pair.foil} == {"F", "M"} for pair in pairs)
