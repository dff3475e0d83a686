"""JSON arrays of records, alone or under a key: the same sentences as JSON lines."""

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared.mutations import mutated

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.formats.base import find_format, read_source
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.json_array import JsonText
from seqtag.data.formats.lines import Source
from seqtag.errors import InputError

RECORDS = [
    {"id": 1, "tokens": ["a", "b \u2028 é"], "labels": ["O", "B-X"]},
    {"id": 2, "tokens": ["[{", '"'], "labels": [None, "O"], "spans": [{"start": 0}]},
    {"id": 3, "tokens": ["c"], "labels": ["O"]},
]
words = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=4)


class Pieces(io.BytesIO):
    """Bytes that arrive in pieces of a few bytes, as from a pipe."""

    def __init__(self, data, size):
        super().__init__(data)
        self.size = size

    def read1(self, size=-1):
        return super().read1(self.size)


def read(text, size=1 << 16, name="a.json", tag=False, **settings):
    data = text if isinstance(text, bytes) else text.encode()
    layout = CorpusConfig(**{"format": "json", "path": "x", **settings}).layout()
    if tag:
        layout = layout.without_labels(None)
    source = Source(Pieces(data, size), Place(name, "utf-8"))
    return [s for s in read_source(source, find_format("json"), layout) if s is not None]


def without_lines(sentences):
    return [sentence._replace(line=0) for sentence in sentences]


def forms(records):
    """Return the text of records in each form of JSON."""
    return {
        "lines": "".join(json.dumps(record) + "\n" for record in records),
        "array": json.dumps(records),
        "indented": "\n \t" + json.dumps(records, indent=2, ensure_ascii=False) + "\n",
        "key": json.dumps({"version": [1.5], "meta": [{"a": []}], "data": records, "n": None}),
        "indented key": json.dumps({"data": records, "n": [[], "x"]}, indent=1),
    }


@pytest.mark.parametrize("form", forms([]))
@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_each_form_has_the_same_sentences(form, size):
    expected = without_lines(read(forms(RECORDS)["lines"]))
    found = read(forms(RECORDS)[form], size)
    assert without_lines(found) == expected
    assert [sentence.line for sentence in found] == [1, 2, 3]
    assert len(expected) == 3


@given(st.lists(words, min_size=1, max_size=6), st.sampled_from(sorted(forms([]))),
       st.integers(1, 40))  # fmt: skip
def test_any_tokens_in_any_form(sentences, form, size):
    records = [{"tokens": tokens, "labels": ["O"] * len(tokens)} for tokens in sentences]
    assert [s.tokens for s in read(forms(records)[form], size)] == sentences


@pytest.mark.parametrize("form", forms([]))
def test_arrays_can_be_tagged(form):
    records = [{"text": "Raw text."}, {"tokens": ["a"], "id": "x"}, {"words": ["b"]}]
    found = read(forms(records)[form], tag=True, token_column="words")
    assert [(s.text, s.tokens, s.id) for s in found] == [
        ("Raw text.", [], None), (None, ["a"], "x"), (None, ["b"], None),
    ]  # fmt: skip


def test_a_record_of_a_pipe_is_read_before_the_next_one_arrives():
    def pieces():
        for number, piece in enumerate(["[", '{"a": 1}', ',\n{"a"', ": 2}", "]"]):
            asked.append(number)
            yield piece

    asked, found = [], []
    text = JsonText("a.json", pieces())
    assert text.start_array(None)
    for record in text.records():
        found.append((record and (record.line, record.value), len(asked)))
    first, second = ((1, {"a": 1}), 2), ((2, {"a": 2}), 4)
    assert found == [(None, 1), first, (None, 2), (None, 3), second, (None, 4)]


def test_json_lines_with_lists_of_objects_stay_lines():
    line = '{"spans": [{"start": 0}], "tokens": ["a"], "labels": ["O"]}\n'
    assert [s.line for s in read(line * 3)] == [1, 2, 3]
    assert [s.line for s in read(line)] == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"tokens": ["a"], "labels": ["O"]}', "a.json:1: not JSON: a comma or ] is expect"),
        ('[\n{"tokens": ["a"], "labels": ["O"]}\n{', "a.json:3: not JSON: a comma or ] is"),
        ('[\n{"tokens": ["a]}]', "a.json:2: not JSON: Unterminated string"),
        (
            '[{"tokens": ["a"], "labels": ["O"]}, 3]',
            "a.json:1: item 2 of the array is 3, not an object",
        ),
        ('[{"tokens": ["a"], "labels": ["O"]},]', "a.json:1: not JSON: Expecting value"),
        ('[{"tokens": ["a"], "labels": ["O"]}] []', "not JSON: text after its end"),
        ('[{"tokens": ["a"], "labels": []}]', "a.json:1: 1 tokens but 0 labels"),
        ('[{"words": ["a"]}]', "a.json:1: no column 'tokens'; there are: words"),
        ('{"data": [{"words": ["a"]}]}', "a.json:1: no column 'tokens'; there are: words"),
        (
            '{"a": [{"tokens": [], "labels": []}], "b": [{"tokens": []}]}',
            "a second list of records",
        ),
        ('[{"tokens": [1], "tokens": [], "labels": []}]', "the key 'tokens' occurs more than once"),
        ("[" * 10**5, "a.json:1: not JSON: its brackets are nested too deeply"),
        ('[{"tokens": ["a"], "labels": [' + "9" * 5000 + "]}]", "a number has too many digits"),
        ('[{"tokens": ["\\ud800"], "labels": ["O"]}]', "which is not Unicode text"),
        ('{"data": 1}', "a.json:1: no column 'tokens'; there are: data"),
    ],
)
def test_wrong_files(text, message):
    with pytest.raises(InputError, match=message.replace("]", r"\]")) as error:
        read(text)
    assert "\n" not in str(error.value)


def test_a_corpus_of_arrays(write, tmp_path):
    write("c/train.json", forms(RECORDS)["indented"])
    write("c/test.json", forms(RECORDS)["key"])
    corpus = load_corpus(
        CorpusConfig(format="json", path=f"{tmp_path}/c", processes=2, dev_fraction=0)
    )
    assert corpus.splits["train"]["where"][:] == [f"train.json:{i}" for i in (1, 2, 3)]
    assert corpus.splits["test"]["tokens"][:] == corpus.splits["train"]["tokens"][:]


def test_an_array_is_not_cut_into_parts():
    layout = CorpusConfig(format="json", path="x").layout()
    for form, text in forms(RECORDS).items():
        cut = find_format("json").can_be_cut(io.BytesIO(text.encode()), layout)
        assert cut == (form == "lines")


def test_memory_does_not_grow_with_the_array():
    # Few records of long words: reading with tracemalloc is slow.
    tokens = [word * 100 for word in RECORDS[0]["tokens"]]
    record = json.dumps({**RECORDS[0], "tokens": tokens}).encode()
    data = b"[" + b",".join([record] * 10_000) + b"]"
    layout = CorpusConfig(format="json", path="x").layout()
    source = Source(io.BytesIO(data), Place("a.json", "utf-8"))
    tracemalloc.start()
    assert sum(s is not None for s in read_source(source, find_format("json"), layout)) == 10_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000 < len(data)


@given(mutated([text.encode() for text in forms(RECORDS).values()]), st.booleans())
def test_damaged_files_are_refused_or_read(data, tag):
    try:
        for sentence in read(data, tag=tag):
            assert tag or len(sentence.tokens) == len(sentence.labels)
    except InputError as error:
        assert str(error).startswith("a.json")  # noqa: PT017
