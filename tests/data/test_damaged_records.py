"""Damaged JSONL, CSV and parquet files are either read or refused with their line."""

import csv
import io
import json
import re
import tempfile
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.parts import cut_files
from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError

RECORDS = [
    {"id": 7, "tokens": ["Eva", "ran", "é"], "labels": ["B-X", "O", "O"], "pos": ["N", "V", "P"]},
    {"id": 8, "tokens": [], "labels": [], "pos": []},
    {"id": 8, "tokens": ["\u2028", "a b"], "labels": ["O", "B-X"], "pos": ["[", "😀"]},
]
SETTINGS = {"features": ["pos"], "document_column": "id"}


def as_json(records, ensure_ascii=True):
    lines = (json.dumps(record, ensure_ascii=ensure_ascii) + "\n" for record in records)
    return "".join(lines).encode()


def as_csv(records, notation):
    stream = io.StringIO()
    rows = csv.DictWriter(stream, ["id", "tokens", "labels", "pos"])
    rows.writeheader()
    for record in records:
        rows.writerow({key: notation(x) if isinstance(x, list) else x for key, x in record.items()})
    return stream.getvalue().encode()


def as_parquet(records):
    sink = pa.BufferOutputStream()
    strings = pa.list_(pa.string())
    schema = pa.schema(
        [("id", pa.int64()), ("tokens", strings), ("labels", strings), ("pos", strings)]
    )
    pq.write_table(pa.Table.from_pylist(records, schema), sink, compression="none")
    return sink.getvalue().to_pybytes()


FILES = {
    "json": [as_json(RECORDS), as_json(RECORDS, ensure_ascii=False)],
    "csv": [as_csv(RECORDS, json.dumps), as_csv(RECORDS, repr), as_csv(RECORDS, " ".join)],
    "parquet": [as_parquet(RECORDS)],
}
PIECES = [
    b'"',
    b"'",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b"\\",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
]
PIECES += [b"\\ud800", b"9" * 5000, b"NaN", b"null", b"1", b"[" * 3000, b"...", b"\xef\xbb\xbf"]


def damaged(files):
    """Return a strategy of valid files with a few bytes flipped, cut, repeated or inserted.

    All choices follow from one random number, which makes drawing fast.
    """
    return st.integers(0, 2**64).map(lambda seed: _damaged(Random(seed), files))


def _damaged(chance, files):
    data = chance.choice(files)
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(data))
        to = min(len(data), at + chance.randint(0, 12))
        change = chance.choice(["put", "cut", "repeat", "end", "flip"])
        if change == "flip":
            flipped = bytes(byte ^ (1 << chance.randrange(8)) for byte in data[at : at + 1])
            data = data[:at] + flipped + data[at + 1 :]
        else:
            piece = chance.choice([*PIECES, chance.randbytes(3)])
            middle = {"put": piece, "repeat": data[at:to] * 2}.get(change, b"")
            data = data[:at] + middle + (b"" if change == "end" else data[to:])
    return data


def read(format, data, parts=1, **settings):
    """Return the sentences of a file, and the error message or None."""
    config = CorpusConfig(format=format, path="a.x", **settings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.x"
        path.write_bytes(data)
        files = [SourceFile(path, "a.x")]
        if parts > 1:
            files = cut_files(files, config, max(1, len(data) // parts))
        try:
            return [s for file in files for s in config.read(file)], None
        except InputError as error:
            return [], str(error)


def check(format, data, **settings):
    sentences, refusal = read(format, data, **settings)
    if refusal is not None:
        assert re.match(r"a\.x(:\d+)?: ", refusal)
        assert len(refusal) < 1500
        return
    for sentence in sentences:
        columns = (sentence.labels, *sentence.features)
        assert {len(column) for column in columns} == {len(sentence.tokens)}
        for value in sentence.tokens:
            value.encode()
        for value in filter(None, sentence.labels):
            value.encode()


@pytest.mark.fuzz("json")
@given(damaged(FILES["json"]))
def test_damaged_json(data):
    check("json", data, **SETTINGS)


@pytest.mark.fuzz("csv")
@given(damaged(FILES["csv"]))
def test_damaged_csv(data):
    check("csv", data, **SETTINGS)


@pytest.mark.fuzz("parquet")
@given(damaged(FILES["parquet"]))
def test_damaged_parquet(data):
    check("parquet", data, **SETTINGS)


@pytest.mark.fuzz("json")
@given(damaged(FILES["json"]), st.integers(2, 9))
def test_json_in_parts_equals_the_whole(data, parts):
    whole, refusal = read("json", data, features=["pos"])
    in_parts, refusal_in_parts = read("json", data, parts, features=["pos"])
    assert in_parts == [s._replace(doc=0) for s in whole]
    # Of two errors either may be reported: a whole file is decoded in larger pieces.
    assert (refusal is None) == (refusal_in_parts is None)
    assert refusal is None or re.match(r"a\.x:\d+: ", refusal_in_parts)


VALUES = [
    None,
    True,
    0,
    -100,
    10**30,
    1.5,
    float("nan"),
    "",
    "a",
    "\ud800",
    [],
    ["a"],
    {},
    {"a": 1},
]
LIKELY = ["a", "B-X", "\u2028", None, -100]
VALUE = st.sampled_from(VALUES) | st.lists(
    st.sampled_from(VALUES) | st.sampled_from(LIKELY), max_size=3
)
LISTS = st.lists(st.sampled_from(LIKELY), min_size=2, max_size=2)
RECORD = st.fixed_dictionaries(dict.fromkeys(("tokens", "labels", "pos", "id"), LISTS | VALUE))


@pytest.mark.fuzz("json")
@given(RECORD)
def test_any_json_object(record):
    sentences, refusal = read("json", as_json([record]), **SETTINGS)
    if refusal is None:
        (sentence,) = sentences
        assert sentence.tokens == record["tokens"]
        assert sentence.labels == [None if x == -100 else x for x in record["labels"]]
    else:
        assert refusal.startswith("a.x:1: ")
