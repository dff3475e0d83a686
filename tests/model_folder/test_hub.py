"""Model folders on the hub: push, load, revisions, errors, repositories that are refused."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import socket

import pytest
from huggingface_hub import ModelCard, constants
from shared.hub import TOKEN, Repository, new_sessions, use_hub

from seqtag.cli import main
from seqtag.errors import InputError
from seqtag.model_folder.hub import resolve_model
from seqtag.model_folder.upload import push_folder
from seqtag.tagging.tagger import Tagger

NAME = "anna/names"
WORDS = [["Alex", "Graves", "is", "in", "Paris", "."]]


@pytest.fixture
def pushed(hub, folder):
    """Return the repository `NAME` with the files of `folder`."""
    repository = hub.repositories[NAME] = Repository()
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    repository.commit("main", files)
    return repository


def push(folder, *arguments):
    return main(["push", "--model", str(folder), "--repo", NAME, *arguments])


def test_push_then_load(hub, folder, tagger, capsys):
    assert push(folder) == 0
    assert capsys.readouterr().out == f"{hub.endpoint}/{NAME}\n"
    files = hub.repositories[NAME].files()
    assert files.keys() == {path.name for path in folder.iterdir()}
    for path in folder.iterdir():
        if path.name != "README.md":
            assert files[path.name] == path.read_bytes()
    loaded = Tagger.load(NAME)
    assert loaded.predict(WORDS) == tagger.predict(WORDS)
    assert [*hub.downloads()].count("model.safetensors") == 1
    assert "README.md" not in hub.downloads()


def test_tag_takes_a_repository(pushed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("Alex Graves left .\n")
    assert main(["tag", "--model", NAME, "--input", "text.txt"]) == 0
    assert "Graves" in capsys.readouterr().out


@pytest.mark.slow
def test_other_verbs_take_a_repository(pushed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["trace", "--model", f"{NAME}@main", "Alex left .", "--output", "traced"]) == 0
    (tmp_path / "test.txt").write_text("Alex B-PER\nleft O\n\n")
    arguments = ("data=column", "data.path=test.txt", "data.columns=[tokens,labels]")
    assert main(["evaluate", f"model_dir={NAME}", *arguments]) == 0


def test_privacy(hub, folder, capsys):
    assert push(folder, "--private") == 0
    assert hub.repositories[NAME].private
    assert push(folder, "--private") == 0  # again
    hub.repositories[NAME].private = False
    assert push(folder, "--private") == 2
    assert "exists and is public" in capsys.readouterr().err
    assert push(folder) == 0


def test_revisions(hub, folder, tagger, build_tagger):
    push_folder(folder, NAME)
    other = build_tagger(scheme="bio")
    other.save(folder)
    push_folder(folder, NAME, revision="bio")
    assert Tagger.load(NAME).labels.labels == tagger.labels.labels
    for model, revision in ((NAME, "bio"), (f"{NAME}@bio", None)):
        assert Tagger.load(model, revision=revision).labels.labels == other.labels.labels
    first = hub.repositories[NAME].branches["main"]
    push_folder(folder, NAME)
    assert Tagger.load(NAME).labels.labels == other.labels.labels
    assert Tagger.load(NAME, revision=first).labels.labels == tagger.labels.labels


def test_stale_files_are_removed_and_others_kept(hub, pushed, folder):
    pushed.commit("main", {**pushed.files(), "model.onnx": b"x", "notes.txt": b"y"})
    push_folder(folder, NAME)
    assert "model.onnx" not in pushed.files()
    assert pushed.files()["notes.txt"] == b"y"


def test_the_uploaded_card(hub, folder, tagger):
    splits = {"test": {"f1": 0.5, "accuracy": 0.75, "sentences": 2, "tokens": 9}}
    tagger.save(folder, {"splits": splits})
    assert push(folder, "--license", "apache-2.0", "--language", "en,de") == 0
    text = hub.repositories[NAME].files()["README.md"].decode()
    card = ModelCard(text)
    about = card.data.to_dict()
    assert about["license"] == "apache-2.0"
    assert about["language"] == ["en", "de"]
    assert about["library_name"] == "seqtag"
    assert about["pipeline_tag"] == "token-classification"
    assert {(r.metric_type, r.metric_value) for r in card.data.eval_results} == {
        *(("f1", 0.5), ("accuracy", 0.75))
    }
    assert about["model-index"][0]["name"] == "names"
    assert f'Tagger.load("{NAME}")' in text
    assert "path/to/this/folder" not in text
    assert "Languages: en, de. Licence: apache-2.0.\n" in text
    # What the owner wrote stays.
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n", "utf-8")
    assert push(folder) == 0
    card = ModelCard(hub.repositories[NAME].files()["README.md"].decode())
    assert (card.data.license, card.text) == ("mit", "# Mine\n")


def test_paths_of_the_owner_are_not_uploaded(hub, folder):
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["data"] |= {"path": "/home/anna/secret/corpus", "files": {"train": "/x/y.txt"}}
    config["data"]["separator"] = "/"
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    push_folder(folder, NAME)
    data = json.loads(hub.repositories[NAME].files()["config.json"])["data"]
    assert (data["path"], data["files"], data["separator"]) == ("corpus", {"train": "y.txt"}, "/")
    assert Tagger.load(NAME).data == data


def test_a_folder_of_that_name_wins(hub, pushed, folder, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, tmp_path / NAME)
    with caplog.at_level(logging.INFO, "seqtag"):
        Tagger.load(NAME)
    assert f"{NAME}: this is a folder on disk" in caplog.text
    assert hub.requests == []
    Tagger.load(NAME, revision="v1")
    assert "the revision 'v1' is ignored" in caplog.text


def load_error(*arguments, **options):
    with pytest.raises(InputError) as caught:
        Tagger.load(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_errors_of_loading(hub, pushed, tmp_path, monkeypatch):
    assert "there is no such folder, and http://127.0.0.1" in load_error("anna/none")
    assert "has no such model (404)" in load_error("anna/none")
    assert "no branch, tag or commit 'v9'" in load_error(NAME, revision="v9")
    assert "names a revision already" in load_error(f"{NAME}@main", revision="v9")
    assert "is not the name of a branch" in load_error(NAME, revision="../../x")
    assert "is not the name of a repository" in load_error(str(tmp_path), revision="main")
    for path in ("none", "a/b/c", "../x", "./x/y", "a--b/c", "-a/b"):
        assert "there is no such folder; training writes" in load_error(path)
    hub.status = 403
    assert "does not allow this with your token (403)" in load_error(NAME)
    pushed.private = True
    hub.status = None
    use_hub(monkeypatch, hub.endpoint, tmp_path / "other", None)
    assert "(401); if it is private, log in with `hf auth login`" in load_error(NAME)


@pytest.mark.parametrize("why", ["offline", "unreachable", "error 503"])
def test_without_the_hub_the_cache_is_used(hub, pushed, monkeypatch, tmp_path, why, caplog):
    Tagger.load(NAME)
    if why == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif why == "unreachable":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    else:
        hub.status = 503
    new_sessions()
    Tagger.load(NAME)
    assert ("using the copy in the cache" in caplog.text) == (why != "offline")
    message = load_error("anna/other")
    assert "and there is no copy in the cache" in message
    expected = {"offline": "HF_HUB_OFFLINE=1", "unreachable": "cannot be reached"}
    assert expected.get(why, "answered with error 503: out of order") in message


def test_errors_of_pushing(hub, folder, tmp_path, monkeypatch, capsys):
    def error(*arguments, model=folder):
        capsys.readouterr()
        assert push(model, *arguments) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        return line

    assert "no such folder" in error(model=tmp_path / "none")
    assert "--license Apache 2: expected" in error("--license", "Apache 2")
    assert "--language English: expected" in error("--language", "English")
    assert "--revision ../x" in error("--revision", "../x")
    assert main(["push", "--model", str(folder), "--repo", "names"]) == 2
    assert "--repo names: expected OWNER/NAME" in capsys.readouterr().err
    config = (folder / "config.json").read_bytes()
    (folder / "config.json").write_text("{}")
    assert "not a format of seqtag" in error()
    (folder / "config.json").write_bytes(config)
    (folder / "README.md").write_text("---\n[\n---\n")
    assert "README.md: the metadata block is not valid" in error()
    assert hub.requests == []
    (folder / "README.md").unlink()
    hub.token = "another"
    assert "requires a valid token (401): log in" in error()
    hub.status = 403
    assert "does not allow this with your token (403)" in error()
    hub.status = 500
    assert "answered with error 500: out of order" in error()
    use_hub(monkeypatch, hub.endpoint, tmp_path / "cache", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE=1" in error()
    assert hub.repositories == {}


class _Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_only_files_of_a_model_folder_are_downloaded(hub, pushed):
    more = {
        "pytorch_model.bin": pickle.dumps(_Bomb()),
        "setup.py": b"raise SystemExit",
        "sub/config.json": b"{}",
        "../../../escaped": b"x",
        "config.json.py": b"",
        "MODEL.SAFETENSORS": b"",
    }
    pushed.commit("main", {**pushed.files(), **more})
    folder = resolve_model(NAME)
    assert {path.name for path in folder.rglob("*")} == {
        *("config.json", "tokenizer.json", "labels.json", "model.safetensors")
    }
    Tagger.load(NAME)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config.json": None}, "the repository has no config.json"),
        ({"model.safetensors": None}, "the repository has no model.safetensors"),
        ({"config.json": b'{"model_type": "bert"}'}, "'format' is None, not a format of seqtag"),
        ({"config.json": b"[1"}, "not JSON"),
        ({"labels.json": pickle.dumps(_Bomb())}, "labels.json"),
        ({"model.safetensors": pickle.dumps(_Bomb())}, "model.safetensors"),
        ({"tokenizer.json": b"[" * 100_000}, "not JSON"),
    ],
)
def test_hostile_repositories_are_refused(hub, pushed, tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    files = {**pushed.files(), **changes}
    pushed.commit("main", {name: content for name, content in files.items() if content is not None})
    assert message in load_error(NAME)
    assert not (tmp_path / "exploded").exists()
    if "config.json" in changes:
        assert set(hub.downloads()) <= {"config.json"}


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("size", [10**12, None])
def test_large_files_are_not_downloaded(hub, pushed, file, size):
    hub.sizes[file] = size
    message = "1,000,000,000,000 bytes large (at most" if size else "of unknown size (at most"
    assert message in load_error(NAME)
    assert hub.downloads() == []


def test_push_of_an_exported_folder(hub, folder, tmp_path, capsys):
    from seqtag.runtime.tagger import Tagger as ExportedTagger

    exported = tmp_path / "exported"
    assert main(["export", "--model", str(folder), "--output", str(exported)]) == 0
    assert push(folder) == 0
    assert push(exported) == 0
    files = hub.repositories[NAME].files()
    assert "model.onnx" in files
    assert "model.safetensors" not in files
    assert ExportedTagger.load(NAME).predict(WORDS) == Tagger.load(folder).predict(WORDS)
    (exported / "model.onnx").write_bytes(b"damaged")
    assert push(exported) == 2
    assert "model.onnx" in capsys.readouterr().err
