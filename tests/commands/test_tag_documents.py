"""`seqtag tag` with formats of annotation tools: whole records in and out."""

import json

import pytest

from seqtag.cli import main

TEXT = "Ann 😀 met Bob. Eve left.\nBob left."


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "in.jsonl"
    rows = [{"id": 7, "text": TEXT, "source": "x"}, {"id": "b/c", "text": ""}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def tag(folder, records, *arguments):
    return main(["tag", "--model", str(folder), "--input", str(records), *arguments])


@pytest.mark.parametrize("input_format", ["json", "doccano"])
def test_records_keep_text_id_and_metadata(folder, records, tmp_path, input_format):
    out = tmp_path / "out.jsonl"
    arguments = ("--input-format", input_format, "--format", "doccano", "--output", str(out))
    assert tag(folder, records, *arguments) == 0
    first, second = map(json.loads, out.read_text(encoding="utf-8").splitlines())
    assert (first["id"], first["text"], first["source"]) == (7, TEXT, "x")
    assert (second["id"], second["text"], second["label"]) == ("b/c", "", [])
    for start, end, _ in first["label"]:
        assert TEXT[start:end].strip() == TEXT[start:end] != ""


def test_tasks_of_label_studio_have_predictions(folder, records, tmp_path):
    out = tmp_path / "out.json"
    names = ("--from-name", "ner", "--to-name", "t", "--probabilities")
    assert tag(folder, records, "--format", "label_studio", "--output", str(out), *names) == 0
    task, _ = json.loads(out.read_text(encoding="utf-8"))
    assert task["data"] == {"source": "x", "text": TEXT}
    for result in task["predictions"][0]["result"]:
        value = result["value"]
        assert value["text"] == TEXT[value["start"] : value["end"]]
        assert (result["from_name"], result["to_name"], result["type"]) == ("ner", "t", "labels")


def test_brat_writes_a_new_folder_that_can_be_tagged_again(folder, records, tmp_path, capsys):
    out, again = tmp_path / "brat", tmp_path / "again.jsonl"
    assert tag(folder, records, "--format", "brat", "--output", str(out)) == 0
    assert sorted(path.name for path in out.iterdir()) == ["7.ann", "7.txt", "b_c.ann", "b_c.txt"]
    assert (out / "7.txt").read_text(encoding="utf-8") == TEXT
    arguments = ("--input-format", "brat", "--format", "prodigy", "--output", str(again))
    assert tag(folder, out, *arguments) == 0
    assert json.loads(again.read_text(encoding="utf-8").splitlines()[0])["id"] == "7"
    assert tag(folder, records, "--format", "brat", "--output", str(out)) == 2
    assert "exists and is not an empty folder" in capsys.readouterr().err


@pytest.mark.parametrize("input_format", ["json", "text"])
def test_the_least_certain_sentences_are_documents_of_their_own(
    folder, records, tmp_path, input_format
):
    out = tmp_path / "out.jsonl"
    if input_format == "text":
        records.write_text(TEXT, encoding="utf-8")
    arguments = ("--input-format", input_format, "--lowest", "2", "--format", "doccano")
    assert tag(folder, records, *arguments, "--output", str(out)) == 0
    chosen = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(chosen) == 2
    for one in chosen:
        assert one["text"] in ("Ann 😀 met Bob.", "Eve left.", "Bob left.")
        for start, end, _ in one["label"]:
            assert 0 <= start < end <= len(one["text"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "brat"), "name it with --output FOLDER"),
        (("--format", "json", "--to-name", "x"), "only be used with --format label_studio"),
    ],
)
def test_refused(folder, records, capsys, arguments, message):
    assert tag(folder, records, *arguments) == 2
    assert message in capsys.readouterr().err
