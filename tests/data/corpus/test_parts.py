"""Corpora read in parts equal corpora read as a whole, wherever they are cut."""

import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import datasets
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.data.corpus import hub, parts
from seqtag.data.corpus import write as build
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.corpus.parts import Part, file_parts, map_in_processes
from seqtag.data.corpus.write import build_split
from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError

quick = settings(max_examples=40, derandomize=True, deadline=None)
COLUMN = st.sampled_from(
    ["a O", "b B-X", "# c d", "", " \t", "-DOCSTART- O", "é\u2028 O", "x -DOCSTART-", "\r"]
)
ROWS = ["\t".join([number, word, *"_X______"]) for number, word in (("1", "a"), ("2", "b"))]
MORE = "\t".join(["1-2", "ab", *"________"]) + "\n" + "\n".join(ROWS)
# Most rows end their sentence, so that files can be cut, and few sentences repeat an id.
CONLLU = st.sampled_from(
    [*[ROWS[0] + "\n"] * 5, ROWS[0], ROWS[1], MORE + "\n", "", "# newdoc", "# text = a", " ", "x"]
)
JSON = st.sampled_from(['{"tokens": ["a"], "labels": ["O"]}', "", '{"tokens": [], "labels": []}'])
ends = st.sampled_from(["\n", "\r\n"])


def built(folder, pieces, scheme="plain", processes=1):
    """Return the rows and the metadata of a split, or the error message."""
    Path(folder).mkdir()
    try:
        meta = build_split(Path(folder), pieces, (), scheme, processes=processes)
    except InputError as error:
        return str(error)
    assert [path.name for path in Path(folder).iterdir()] == ["data.arrow"]
    with pa.OSFile(f"{folder}/data.arrow") as file, pa.ipc.open_stream(file) as reader:
        return reader.read_all().to_pylist(), meta


def same_in_parts(lines, end, config, monkeypatch, count):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_bytes(end.join(lines).encode())
        file = SourceFile(path, "train.txt")
        whole = built(f"{folder}/whole", file_parts([file], config))
        object.__setattr__(config, "processes", count)
        with monkeypatch.context() as patch:
            patch.setattr(parts, "_MIN_PART_BYTES", 1)
            pieces = file_parts([file], config)
        assert built(f"{folder}/parts", pieces) == whole
        return len(pieces)


@pytest.mark.parametrize(
    ("format", "line"), [("column", COLUMN), ("conllu", CONLLU), ("json", JSON)]
)
def test_a_file_in_parts_equals_the_whole(format, line, monkeypatch):
    most = []

    @quick
    @given(st.lists(line, max_size=25), ends, st.integers(2, 6))
    def check(lines, end, count):
        config = CorpusConfig(format=format, path="x", comment="#")
        most.append(same_in_parts(lines, end, config, monkeypatch, count))

    check()
    assert max(most) > 3


@pytest.mark.parametrize(
    "settings",
    [
        {"format": "column", "encoding": "utf-16"},
        {"format": "json", "document_column": "doc"},
        {"format": "csv"},
        {"format": "column", "name": "a.gz"},
    ],
)
def test_files_that_cannot_be_cut_are_read_whole(write, monkeypatch, settings):
    name = settings.pop("name", "a.txt")
    monkeypatch.setattr(parts, "_MIN_PART_BYTES", 1)
    config = CorpusConfig(path="x", processes=4, **settings)
    file = SourceFile(write(name, "a O\n\n" * 20), name)
    assert len(file_parts([file], config)) == 1


@pytest.mark.parametrize("before", ["", "# newdoc\n", "# a\n\n# b\n"])
def test_conllu_plus_is_read_whole(write, monkeypatch, before):
    monkeypatch.setattr(parts, "_MIN_PART_BYTES", 1)
    text = before + "# global.columns = ID FORM UPOS\n" + "1\ta\tX\n\n" * 20
    file = SourceFile(write("a.conllup", text), "a.conllup")
    config = CorpusConfig(format="conllu", path="x", processes=4)
    assert len(file_parts([file], config)) == 1


def test_two_processes_read_the_same_as_one(write, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "_MIN_PART_BYTES", 100)
    for number in range(3):
        lines = [f"w{i} {'BI'[i % 2]}-X\n" + "\n" * (i % 3) for i in range(60)]
        write(f"c/train-{number}.txt", "-DOCSTART- O\n\n" + "".join(lines))
    one, two = (
        load_corpus(
            CorpusConfig(
                format="column", path=f"{tmp_path}/c", dev_fraction=0, processes=processes,
                cache_dir=f"{tmp_path}/cache{processes}",
            )
        )
        for processes in (1, 2)
    )  # fmt: skip
    assert one.splits["train"].to_list() == two.splits["train"].to_list()
    assert one.splits["train"]["doc"][-1] == 2
    assert (one.origins, one.scheme) == (two.origins, two.scheme)


@pytest.mark.parametrize("processes", [1, 3])
def test_the_first_error_is_reported_with_its_line(write, monkeypatch, processes):
    monkeypatch.setattr(parts, "_MIN_PART_BYTES", 10)
    text = "a O\n\n" * 50 + "bad\n\n" + "a O\n\n" * 50 + "worse\n"
    path = write("train.txt", text)
    monkeypatch.setattr(build, "map_in_processes", lambda work, tasks, _: list(map(work, tasks)))
    config = CorpusConfig(format="column", path=str(path), processes=processes)
    with pytest.raises(InputError, match=r"train.txt:101: 1 column where"):
        load_corpus(config)


def test_a_process_that_is_killed():
    with pytest.raises(InputError, match=r"was killed, perhaps .* data.processes=2"):
        map_in_processes(os._exit, [9, 9], 2)


def test_rows_of_the_hub_in_parts(monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "_MIN_PART_ROWS", 3)
    rows = datasets.Dataset.from_dict(
        {"tokens": [[str(i)] for i in range(10)], "ner_tags": [["O"]] * 10, "id": list(range(10))}
    )
    one, three, by_document = (
        hub.row_parts("o/n", rows, CorpusConfig(format="hub", path="o/n", **settings))
        for settings in ({}, {"processes": 9}, {"processes": 9, "document_column": "id"})
    )
    assert (len(one), len(three), len(by_document)) == (1, 3, 1)
    assert built(tmp_path / "one", one) == built(tmp_path / "three", three)


def test_documents_continue_across_parts(tmp_path):
    def part(*docs, continues_document=False):
        text = "\n\n".join("-DOCSTART- O\n\na O" if doc else "a O" for doc in docs)
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.txt"
        path.write_text("x O\n\n" * continues_document + text)
        file = SourceFile(path, "a.txt", start=5 * continues_document)
        return Part("a.txt", partial(config.read, file), continues_document)

    config = CorpusConfig(format="column", path="x")
    pieces = [
        part(0, 1),
        part(0, 1, continues_document=True),
        part(1, continues_document=True),
        part(0),
    ]
    rows, _ = built(tmp_path / "built", pieces)
    assert [row["doc"] for row in rows] == [0, 1, 1, 2, 3, 4]
