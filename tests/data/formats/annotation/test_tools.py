"""Readers and writers of annotation tools: files as the tools write them, round trips, damage."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.formats import find_format
from seqtag.data.formats.annotation.base import LIKE_LABELS
from seqtag.data.formats.base import read_source
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.document import CharSpan, Document, OutputOptions
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.formats.span_options import SpanOptions
from seqtag.data.text.split import split_text
from seqtag.errors import InputError


def layout(**options):
    return Layout((), "text", "labels", spans=SpanOptions(**{"policy": "skip", **options}))


def source(data):
    if isinstance(data, Path):
        return Source(io.BytesIO(), Place(data.name, "utf-8"), folder=data)
    data = data if isinstance(data, bytes) else data.encode()
    return Source(io.BufferedReader(io.BytesIO(data)), Place("file", "utf-8"))


def documents(tool, data, **options):
    found = find_format(tool).documents(source(data), layout(**options))
    return [one for one in found if one is not None]


def lines(*records):
    return "\n".join(json.dumps(one) for one in records)


TEXT = "Ann 😀 met Bob."
SPANS = (CharSpan(0, 3, "PER"), CharSpan(10, 13, "PER"))
PAIRS = [[0, 3, "PER"], [10, 13, "PER"]]
OFFSETS = [{"start_offset": s, "end_offset": e, "label": t, "id": 1} for s, e, t in PAIRS]


@pytest.mark.parametrize(
    "record",
    [
        {"id": 1, "text": TEXT, "label": PAIRS},
        {"id": 1, "text": TEXT, "labels": PAIRS},
        {"id": 1, "data": TEXT, "label": PAIRS},
        {"id": 1, "text": TEXT, "annotations": OFFSETS, "meta": {}},
        {"id": 1, "text": TEXT, "entities": OFFSETS, "relations": [], "Comments": []},
    ],
)
def test_doccano(record):
    for tool in ("doccano", "spans"):
        (document,) = documents(tool, lines(record))
        assert (document.text, document.spans, document.id) == (TEXT, SPANS, 1)


def region(start, end, text, label="PER", **more):
    value = {"start": start, "end": end, "text": text, "labels": [label]}
    return {
        "id": "a",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": value,
    } | more


FULL = {
    **{"id": 5, "data": {"text": TEXT, "url": "x"}, "predictions": [], "drafts": []},
    "annotations": [{"id": 1, "result": [region(0, 3, "Ann"), region(10, 13, "Bob")]}],
}


def task(*annotations):
    return json.dumps([{**FULL, "annotations": list(annotations)}])


@pytest.mark.parametrize("tool", ["label_studio", "spans"])
def test_label_studio(tool):
    (document,) = documents(tool, json.dumps([FULL], indent=2))
    assert (document.text, document.spans, document.id) == (TEXT, SPANS, 5)
    assert document.meta == {"url": "x"}
    minimal = [
        {"id": 5, "text": TEXT, "label": [one["value"] for one in FULL["annotations"][0]["result"]]}
    ]
    minimal[0] |= {"annotator": 1, "annotation_id": 2, "lead_time": 1.5}
    (document,) = documents(tool, json.dumps(minimal))
    assert (document.text, document.spans, document.id) == (TEXT, SPANS, 5)


def test_label_studio_counted_utf16_code_units_before_version_1_4():
    old = {"result": [region(0, 3, "Ann"), region(11, 14, "Bob")]}
    (document,) = documents("label_studio", task(old))
    assert document.spans == SPANS
    assert document.remarks == ("records whose offsets were converted from UTF-16 code units",)
    wrong = {"result": [region(0, 3, "Ann"), region(1, 4, "Bob")]}
    (document,) = documents("label_studio", task(wrong))
    assert document.spans == SPANS[:1]
    assert "'Bob' and 'nn '" in document.faults[0].text


def test_label_studio_chooses_among_annotations():
    one = {"result": [region(0, 3, "Ann")]}
    cancelled = {"result": [region(10, 13, "Bob")], "was_cancelled": True}
    truth = {"result": [region(10, 13, "Bob")], "ground_truth": True}
    (document,) = documents("label_studio", task(cancelled, one))
    assert document.spans == SPANS[:1]
    (document,) = documents("label_studio", task(one, truth))
    assert document.spans == SPANS[1:]
    assert "several annotations" in document.remarks[0]
    (document,) = documents("label_studio", task(cancelled))
    assert "cancelled" in document.left_out
    (document,) = documents("label_studio", task())
    assert document.spans is None
    assert not document.left_out
    two = {"result": [region(0, 3, "Ann"), region(10, 13, "Bob", from_name="other")]}
    (document,) = documents("label_studio", task(two), from_name="other")
    assert document.spans == SPANS[1:]


def test_a_labels_tag_that_does_not_occur_is_refused():
    tasks = task({"result": [region(0, 3, "Ann")]})
    with pytest.raises(InputError, match=r"from_name=other: no Labels tag .* there are: label"):
        documents("label_studio", tasks, from_name="other")
    minimal = json.dumps([{"text": TEXT, "label": [region(0, 3, "Ann")["value"]], "annotator": 1}])
    with pytest.raises(InputError, match="there are: label"):
        documents("spans", minimal, from_name="other")
    assert documents("spans", task({"result": []}), from_name="other")


@pytest.mark.parametrize("option", [{"from_name": "x"}, {"annotations": "predictions"}])
def test_options_of_label_studio_are_refused_for_other_tools(option):
    with pytest.raises(InputError, match="only for files of Label Studio, but file is doccano's"):
        documents("spans", lines({"text": TEXT, "label": PAIRS}), **option)
    with pytest.raises(InputError, match=r"only for data\.spans\.tool=label_studio"):
        SpanOptions(tool="doccano", **option)


@pytest.mark.parametrize("tool", ["doccano", "prodigy", "label_studio"])
def test_a_key_of_texts_that_does_not_occur_is_refused(tool):
    record = {"text": TEXT, "label": [], "spans": [], "annotator": 1}
    record = record if tool != "label_studio" else [record]
    format = find_format(tool)
    training = dataclasses.replace(layout(), token_column="body")
    with pytest.raises(InputError, match="no text under 'body'"):
        list(format.documents(source(json.dumps(record)), training))
    use = dataclasses.replace(training, label_column=None)
    assert [one.text for one in format.documents(source(json.dumps(record)), use) if one] == [TEXT]


def test_a_file_named_spacy_is_read_as_one():
    damaged = Source(io.BufferedReader(io.BytesIO(b"text")), Place("x.spacy", "utf-8"))
    with pytest.raises(InputError, match="not a DocBin of spaCy"):
        list(find_format("spans").documents(damaged, layout()))


def test_label_studio_regions_of_html_are_refused():
    value = {
        "start": "/p[1]",
        "end": "/p[1]",
        "startOffset": 0,
        "endOffset": 3,
        "hypertextlabels": ["X"],
    }
    with pytest.raises(InputError, match="HyperText"):
        documents("label_studio", task({"result": [{"type": "hypertextlabels", "value": value}]}))


@pytest.mark.parametrize("tool", ["prodigy", "spans"])
def test_prodigy(tool):
    spans = [{"start": s, "end": e, "label": t, "token_start": 0} for s, e, t in PAIRS]
    record = {"text": TEXT, "_input_hash": 1, "_task_hash": 2, "meta": {"a": 1}, "spans": spans}
    rows = [{**record, "answer": answer} for answer in ("accept", "reject", "ignore")]
    rows.append({"text": TEXT, "answer": "accept"})
    rows.append({"text": TEXT, "_task_hash": 2})
    found = documents(tool, lines(*rows))
    assert [bool(one.left_out) for one in found] == [False, True, True, False, False]
    assert [one.spans for one in found] == [SPANS, SPANS, SPANS, (), None]
    assert found[0].meta == {"meta": {"a": 1}}


@pytest.mark.parametrize("tool", ["brat", "spans"])
def test_brat(tool, tmp_path):
    (tmp_path / "a.txt").write_bytes(f"{TEXT}\r\nEve left\r\nnow.".encode())
    (tmp_path / "a.ann").write_text(
        "T1\tPER 0 3\tAnn\nT2\tPER 10 13\tBob\nT3\tX 20 24;26 29\tleft now\n"
        "T4\tPER 0 3;10 13\tAnn Bob\nR1\tKnows Arg1:T1 Arg2:T2\n#1\tNote T1\ttext\n*\tEquiv T1 T2\n"
    )
    (tmp_path / "b.txt").write_text("No annotations")
    (tmp_path / "c.txt").write_text("No spans")
    (tmp_path / "c.ann").write_text("")
    first, second, third = documents(tool, tmp_path)
    assert first.spans == (*SPANS, CharSpan(20, 29, "X"))
    assert [fault.kind for fault in first.faults] == ["are discontinuous"]
    assert first.id == "a"
    assert (second.spans, third.spans) == (None, ())
    (tmp_path / "c.ann").write_text("T1 PER 0 3\n")
    with pytest.raises(InputError, match=r"c\.ann:1: 'T1 PER 0 3'; expected is a line such as"):
        documents(tool, tmp_path)
    (tmp_path / "c.txt").unlink()
    with pytest.raises(InputError, match=r"without its text file c\.txt"):
        documents(tool, tmp_path)


def docbin(**options):
    spacy = pytest.importorskip("spacy")
    from spacy.tokens import Doc, DocBin, Span

    vocab = spacy.blank("en").vocab
    doc = Doc(vocab, ["Ann", "😀", "met", "Bob", "."], [True, True, True, False, False])
    doc.set_ents([Span(doc, 0, 1, "PERSON"), Span(doc, 3, 4, "PERSON")], **options)
    bare = Doc(vocab, ["Not", "annotated"])
    return DocBin(docs=[doc, bare], store_user_data=True).to_bytes()


@pytest.mark.parametrize("tool", ["spacy", "spans"])
def test_spacy(tool):
    first, second = documents(tool, docbin())
    assert (first.text, second.text) == (TEXT, "Not annotated ")
    assert first.spans == tuple(span._replace(type="PERSON") for span in SPANS)
    assert (second.spans, first.unlabelled) == (None, ())
    first, _ = documents(tool, docbin(default="missing"))
    assert first.unlabelled == ((4, 5), (6, 9), (13, 14))


def test_spacy_files_are_bounded(monkeypatch):
    monkeypatch.setattr("seqtag.data.formats.annotation.spacy._MAX_BYTES", 1 << 20)
    with pytest.raises(InputError, match="larger than 1 MiB"):
        documents("spacy", zlib.compress(bytes(1 << 24)))
    with pytest.raises(InputError, match=r"not a DocBin of spaCy: .*incorrect header check"):
        documents("spacy", b"text")
    with pytest.raises(InputError, match="cut short"):
        documents("spacy", docbin()[:-20])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "no records"),
        ('{"tokens": ["A"], "labels": ["O"]}', "not a file of an annotation tool"),
        ("A O\n", "not JSON"),
        ("[1, 2]", "item 1 of the array is 1, not an object; expected are"),
        ('[{"text": "a"', "the file ends: is it cut short"),
        ('[{"text": "a", "label": []} {}]', r"a comma or \] is expected"),
        ('{"text": "a", "label": [[0, 1]]}', "a span is"),
    ],
)
def test_other_files_are_refused(data, message):
    with pytest.raises(InputError, match=message):
        documents("spans", data)


def test_arrays_are_read_piece_by_piece(monkeypatch):
    monkeypatch.setattr("seqtag.data.formats.lines._CHUNK", 7)
    rows = [{"text": f"Ann {n}", "label": [[0, 3, "PER"]]} for n in range(20)]
    found = documents("spans", json.dumps(rows, indent=1))
    assert [one.text for one in found] == [row["text"] for row in rows]
    assert found[1].place == "file:12"


def test_records_on_one_line_are_told_apart():
    rows = [{"text": "Ann left", "label": [[0, end, "PER"]], "id": 7 + end} for end in (3, 2, 3)]
    refusing = layout(policy="error")
    with pytest.raises(InputError, match=r"file:1 \(record 2, id 9\): 'An' .* cut a token"):
        list(find_format("spans").read(source(json.dumps(rows)), refusing))


def test_types_that_look_like_labels_are_reported():
    rows = [{"text": "Ann left", "label": [[0, 3, "B-PER"], [4, 8, "PER"]]}]
    (sentence,) = find_format("spans").read(source(json.dumps(rows)), layout())
    assert sentence.labels == ["B-B-PER", "B-PER"]
    (remark,) = [one for one in sentence.remarks if one.message == LIKE_LABELS]
    assert (remark.where, remark.example) == ("file:1", "B-PER")


# Round trips.

PIECES = [
    "Ann",
    "Bob",
    "😀",
    "👨\u200d👩\u200d👧",
    "e\u0301",
    "東京",
    ". ",
    " ",
    "\r\n",
    "\n",
    "\t",
    "x-y",
    "12",
]
NAMES = ("PER", "LOC", "日本", "a-b")


@st.composite
def tagged(draw):
    """A document with spans of whole tokens, none of which overlap."""
    text = "".join(draw(st.lists(st.sampled_from(PIECES), max_size=12)))
    sentences = split_text(text)
    spans = []
    for sentence in sentences:
        size = len(sentence.tokens)
        first, last = draw(st.integers(0, size - 1)), draw(st.integers(0, size - 1))
        if first <= last and draw(st.booleans()):
            start, end = sentence.tokens[first].start, sentence.tokens[last].end
            spans.append(CharSpan(start, end, draw(st.sampled_from(NAMES))))
    offsets = tuple(tuple((t.start, t.end) for t in one.tokens) for one in sentences)
    return Document(text, tuple(spans), sentences=offsets)


def written(tool, given, folder):
    format = find_format(tool)
    if format.writes == "folder":
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        format.write_folder(given, folder, OutputOptions())
        return folder
    return b"".join(format.write_documents(given, OutputOptions()))


@pytest.mark.parametrize("tool", ["doccano", "label_studio", "prodigy", "brat", "spacy"])
@given(given=st.lists(tagged(), min_size=1, max_size=3))
def test_what_is_written_is_read_again(tool, given, tmp_path_factory):
    if tool == "spacy":
        pytest.importorskip("spacy")
    data = written(tool, given, tmp_path_factory.getbasetemp() / f"round_{tool}")
    options = {"annotations": "predictions"} if tool == "label_studio" else {}
    found = documents(tool, data, **options)
    assert [one.text for one in found] == [one.text for one in given]
    assert [set(one.spans or ()) for one in found] == [set(one.spans) for one in given]
    assert not any(one.faults for one in found)
    sentences = list(read_source(source(data), find_format(tool), layout(**options)))
    assert not [r for s in sentences if s for r in s.remarks if r.is_problem]


# Damage.

SAMPLES = {
    "doccano": lines({"text": TEXT, "label": PAIRS}, {"text": TEXT, "entities": OFFSETS}).encode(),
    "label_studio": json.dumps([FULL, FULL]).encode(),
    "prodigy": lines(
        {"text": TEXT, "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}
    ).encode(),
    "brat": b"T1\tPER 0 3\tAnn\nT2\tX 0 3;10 13\tAnn Bob\nR1\tX Arg1:T1 Arg2:T2\n",
}
TOKENS = [
    b"null",
    b"-1",
    b"1e9",
    b"[]",
    b"{}",
    b'"',
    b"99999999999999999999",
    b"true",
    b"\xff",
    b"\\ud800",
]


@st.composite
def damaged(draw, data):
    """Bytes with some of them replaced, removed or inserted."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 6)))
        new = draw(st.one_of(st.binary(max_size=4), st.sampled_from(TOKENS)))
        data = data[:at] + new + data[end:]
    return data


def read_or_refuse(tool, data, policy):
    with contextlib.suppress(InputError):
        list(read_source(source(data), find_format(tool), layout(policy=policy)))


@pytest.mark.fuzz("annotation")
@pytest.mark.parametrize("tool", ["doccano", "label_studio", "prodigy", "spans"])
@given(data=st.data(), policy=st.sampled_from(["error", "skip", "widen"]))
def test_damaged_json_is_read_or_refused(tool, data, policy):
    sample = data.draw(st.sampled_from([v for k, v in SAMPLES.items() if k in (tool, "doccano")]))
    read_or_refuse(tool, data.draw(damaged(sample)), policy)


@pytest.mark.fuzz("annotation")
@given(data=damaged(SAMPLES["brat"]), policy=st.sampled_from(["error", "skip", "widen"]))
def test_damaged_brat_is_read_or_refused(data, policy, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "damaged_brat"
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_bytes(TEXT.encode())
    (folder / "a.ann").write_bytes(data)
    read_or_refuse("brat", folder, policy)


@pytest.mark.fuzz("annotation")
@given(data=st.data(), policy=st.sampled_from(["error", "skip", "widen"]))
def test_damaged_spacy_is_read_or_refused(data, policy):
    inner = zlib.decompress(docbin())
    read_or_refuse("spacy", zlib.compress(data.draw(damaged(inner)), 1), policy)
