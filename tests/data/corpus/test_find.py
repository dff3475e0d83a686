"""Finding the files of a corpus: folders, globs, lists, URLs, and errors for missing files."""

import functools
import http.server
import threading

import pytest

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.corpus.find import find_splits
from seqtag.errors import InputError


def names(path, files=None, format="column"):
    splits = find_splits(CorpusConfig(format=format, path=str(path), files=files))
    return {split: [file.name for file in group] for split, group in splits.items()}


@pytest.mark.parametrize(
    ("files", "format", "splits"),
    [
        (
            ["train.txt", "valid.txt", "test.txt", "README.md", ".hidden-train"],
            "column",
            {"train": ["train.txt"], "dev": ["valid.txt"], "test": ["test.txt"]},
        ),
        (
            ["eng.train", "eng.testa", "eng.testb"],
            "column",
            {"train": ["eng.train"], "dev": ["eng.testa"], "test": ["eng.testb"]},
        ),
        (
            ["en_ewt-ud-train.conllu", "en_ewt-ud-dev.conllu", "train.txt"],
            "conllu",
            {"train": ["en_ewt-ud-train.conllu"], "dev": ["en_ewt-ud-dev.conllu"]},
        ),
        (
            ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"],
            "parquet",
            {"train": ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]},
        ),
        (["train.jsonl.gz", "stats.csv"], "json", {"train": ["train.jsonl.gz"]}),
        (
            ["trainset.txt", "validset.txt", "tst.txt", "eval.txt"],
            "column",
            {"train": ["trainset.txt"], "dev": ["validset.txt"], "test": ["tst.txt"]},
        ),
        (["whatever.txt"], "column", {"train": ["whatever.txt"]}),
        (["contest.txt"], "column", {"train": ["contest.txt"]}),
    ],
)
def test_file_names_say_the_split(write, tmp_path, files, format, splits):
    for name in files:
        write(name, "x")
    assert names(tmp_path, format=format) == splits


def test_data_files_are_the_only_files(write, tmp_path):
    for name in ("train.txt", "test.txt", "more/a.txt", "more/b.txt"):
        write(name, "x")
    assert names(tmp_path, {"train": "test.txt", "dev": None}) == {"train": ["test.txt"]}
    assert names(tmp_path, {"train": ["train.txt", "more/*.txt"]}) == {
        "train": ["train.txt", "more/a.txt", "more/b.txt"]
    }
    assert names(tmp_path, {"train": str(tmp_path / "more" / "a.txt")}) == {"train": ["a.txt"]}


def test_single_file_glob_and_file_url(write, tmp_path):
    path = write("dev.txt", "x")
    assert names(path) == {"train": ["dev.txt"]}
    assert names(f"file://{path}") == {"train": ["dev.txt"]}
    write("test.txt", "x")
    assert names(tmp_path / "*.txt") == {"dev": ["dev.txt"], "test": ["test.txt"]}
    for name in ("sub/1.tsv", "sub/2.tsv"):
        write(name, "x")
    assert names(tmp_path / "**" / "*.tsv") == {"train": ["1.tsv", "2.tsv"]}


@pytest.mark.parametrize(
    ("path", "files", "message"),
    [
        ("trian.txt", None, r"no such file or folder. In .* there is: b.txt, c.txt, train.txt"),
        ("trian.txt", None, r"did you mean 'train.txt'"),
        ("none/at/all.txt", None, r"no such file or folder. In .* there is: b.txt"),
        ("", {"train": "trian.txt"}, r"data.files.train=trian.txt: .*no such file.*did you mean"),
        ("", {"train": "."}, r"a folder, not a file"),
        ("*.csv", None, "no file matches"),
        ("train.txt", {"train": "train.txt"}, "is one file, but data.files names files too"),
    ],
)
def test_missing_files(write, tmp_path, path, files, message):
    for name in ("train.txt", "b.txt", "c.txt"):
        write(name, "x")
    with pytest.raises(InputError, match=message):
        names(tmp_path / path, files)


def test_names_that_do_not_say_the_split(write, tmp_path):
    write("a.txt", "x")
    write("b.txt", "x")
    with pytest.raises(InputError, match=r"do not say which .*: a.txt, b.txt. Set data.files"):
        names(tmp_path)
    with pytest.raises(InputError, match=r"no .conllu or .conllup file in this folder"):
        names(tmp_path, format="conllu")
    write("train.a", "x")
    write("train.b", "x")
    with pytest.raises(InputError, match=r"several files could be the train split: train.a, tr"):
        names(tmp_path)


@pytest.fixture
def server(tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            return None

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        # The argument is the poll interval for the shutdown, in seconds.
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def test_url(write, server, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)  # it also forbids other addresses
    write("train.txt", "a O\n\nb O\n")
    write("test.txt", "c B-X\n")
    corpus = load_corpus(CorpusConfig(format="column", path=f"{server}/train.txt", dev_fraction=0))
    assert corpus.splits["train"]["where"][:] == ["train.txt:1", "train.txt:3"]
    files = {"train": "train.txt", "test": "test.txt"}
    corpus = load_corpus(CorpusConfig(format="column", path=server + "/", files=files))
    assert corpus.splits["test"][0]["labels"] == ["B-X"]
    with pytest.raises(InputError, match=rf"^{server}/tset.txt: cannot be fetched"):
        load_corpus(CorpusConfig(format="column", path=f"{server}/tset.txt"))


def test_glob_of_another_protocol(write):
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/seqtag/x-train.txt", b"a O\n")
    memory.pipe("/seqtag/x-test.txt", b"a O\n")
    assert names("memory://seqtag/*.txt") == {"train": ["x-train.txt"], "test": ["x-test.txt"]}
    with pytest.raises(InputError, match="no file matches"):
        names("memory://seqtag/*.csv")
    with pytest.raises(InputError, match="nonsense://x/\\*: cannot be fetched"):
        names("nonsense://x/*")
