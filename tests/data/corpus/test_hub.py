"""Hub data sets, with `load_dataset` replaced, so that no test uses the network."""

import datasets
import pytest

from seqtag.data.corpus import hub
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.errors import InputError

FEATURES = datasets.Features(
    id=datasets.Value("string"),
    tokens=datasets.List(datasets.Value("string")),
    ner_tags=datasets.List(datasets.ClassLabel(names=["O", "B-X", "I-X"])),
)


def split(*words):
    rows = {
        "id": [str(i) for i in range(len(words))],
        "tokens": [[word, "x"] for word in words],
        "ner_tags": [[1, 2]] * len(words),
    }
    return datasets.Dataset.from_dict(rows, features=FEATURES)


@pytest.fixture
def loader(monkeypatch):
    """Replace datasets.load_dataset; tests set the answers and check the calls."""

    class Loader:
        answers: list = []  # noqa: RUF012
        calls: list = []  # noqa: RUF012

        def __call__(self, *args, **kwargs):
            self.calls.append((args, kwargs))
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    loader = Loader()
    loader.answers, loader.calls = [], []
    monkeypatch.setattr(datasets, "load_dataset", loader)
    return loader


def config(path, **settings):
    return CorpusConfig(format="hub", path=path, **settings)


def test_splits_classes_and_names(loader):
    loader.answers = [datasets.DatasetDict(train=split("a", "b"), validation=split("c"))]
    corpus = load_corpus(config("owner/name", name="en", revision="v1"))
    assert loader.calls == [(("owner/name", "en"), {"revision": "v1"})]
    assert list(corpus.splits) == ["train", "dev"]
    row = corpus.splits["train"][1]
    assert (row["tokens"], row["labels"]) == (["b", "x"], ["B-X", "I-X"])
    assert row["where"] == "owner/name[train]:2"
    assert corpus.scheme == "bio"


def test_hf_path_with_revision_and_own_split_names(loader):
    loader.answers = [datasets.DatasetDict(gold=split("a"), train=split("b"))]
    corpus = load_corpus(config("hf://datasets/owner/name@v2", files={"test": "gold"}))
    assert loader.calls == [(("owner/name", None), {"revision": "v2"})]
    assert list(corpus.splits) == ["test"]


def test_loading_script_is_read_from_its_parquet_conversion(loader, monkeypatch):
    script = RuntimeError("Dataset scripts are no longer supported, but found conll2003.py")
    loader.answers = [script, datasets.DatasetDict(train=split("a"), test=split("b"))]
    paths = ["conll2003/test/0000.parquet", "conll2003/train/0001.parquet",
             "conll2003/train/0000.parquet"]  # fmt: skip
    monkeypatch.setattr(hub, "_list_converted", lambda name: paths)
    corpus = load_corpus(config("conll2003", dev_fraction=0))
    root = "hf://datasets/conll2003@refs/convert/parquet/conll2003"
    assert loader.calls[1] == (
        ("parquet",),
        {
            "data_files": {
                "test": [f"{root}/test/0000.parquet"],
                "train": [f"{root}/train/0000.parquet", f"{root}/train/0001.parquet"],
            }
        },
    )
    assert list(corpus.splits) == ["train", "test"]


def test_conversion_with_several_configurations():
    paths = ["en/train/0.parquet", "de/partial-train/0.parquet"]
    with pytest.raises(InputError, match=r"set data.name to one of .*: de, en"):
        hub.converted_files("a/b", None, paths)
    assert list(hub.converted_files("a/b", "de", paths)) == ["train"]
    with pytest.raises(InputError, match=r"configurations of this data set: none"):
        hub.converted_files("a/b", None, [])


@pytest.mark.parametrize(
    ("answer", "settings", "message"),
    [
        (ConnectionError("Couldn't reach"), {}, "cannot be loaded from the hub: Couldn't reach"),
        (RuntimeError("other"), {}, "cannot be loaded from the hub: other"),
        (datasets.DatasetDict(gold=split("a")), {}, "data.files.train to one of its splits: gold"),
        (
            datasets.DatasetDict(train=split("a")),
            {"files": {"train": "trian"}},
            "data.files.train=trian: no such split; there are: train",
        ),
        (
            datasets.DatasetDict(train=split("a")),
            {"label_column": "tags"},
            r"no column 'tags' .*there are: id, tokens, ner_tags",
        ),
    ],
)
def test_errors(loader, answer, settings, message):
    loader.answers = [answer]
    with pytest.raises(InputError, match=message):
        load_corpus(config("owner/name", **settings))


def test_a_file_on_the_hub_is_read_by_its_ending(tmp_path):
    with pytest.raises(InputError, match="whose ending says its format"):
        load_corpus(config("hf://datasets/owner/name/train.txt"))
    split("a", "b").to_parquet(tmp_path / "train.parquet")
    corpus = load_corpus(config(f"file://{tmp_path}/train.parquet"))
    assert corpus.splits["train"]["labels"][0] == ["B-X", "I-X"]


def test_documents_by_a_column(loader):
    loader.answers = [datasets.DatasetDict(train=split("a", "b"))]
    corpus = load_corpus(config("owner/name", document_column="id", dev_fraction=0))
    assert corpus.splits["train"]["doc"][:] == [0, 1]


@pytest.mark.parametrize("streaming", [False, True])
def test_errors_name_the_row(loader, monkeypatch, streaming):
    rows = datasets.Dataset.from_dict({"tokens": [["a"], ["b"]], "ner_tags": [["O"], [""]]})
    monkeypatch.setattr(hub, "commit_hash", lambda config: "1")
    whole = {"train": rows.to_iterable_dataset() if streaming else rows}
    loader.answers = [(datasets.IterableDatasetDict if streaming else datasets.DatasetDict)(whole)]
    with pytest.raises(
        InputError, match=r"owner/name\[train\]:2: ner_tags contains an empty label"
    ):
        load_corpus(config("owner/name", streaming=streaming, dev_fraction=0))


def test_a_network_failure_in_the_first_sentences(loader, monkeypatch):
    def rows():
        yield {"tokens": ["a"], "ner_tags": ["O"]}
        raise ConnectionError("gone")

    monkeypatch.setattr(hub, "commit_hash", lambda config: "2")
    stream = datasets.IterableDataset.from_generator(rows)
    loader.answers = [datasets.IterableDatasetDict(train=stream)]
    with pytest.raises(
        InputError, match=r"owner/name\[train\]: cannot be loaded from the hub: gone"
    ):
        load_corpus(config("owner/name", streaming=True))


def test_a_network_failure_during_training(loader, monkeypatch):
    reads = []

    def rows():
        reads.append(1)
        yield {"tokens": ["a"], "ner_tags": ["O"]}
        if len(reads) > 1:
            raise ConnectionError("gone")

    monkeypatch.setattr(hub, "commit_hash", lambda config: "3")
    stream = datasets.IterableDataset.from_generator(rows)
    loader.answers = [datasets.IterableDatasetDict(train=stream)]
    corpus = load_corpus(config("owner/name", streaming=True))
    reads[:] = [1]
    with pytest.raises(
        InputError, match=r"owner/name\[train\]: cannot be loaded from the hub: gone"
    ):
        list(corpus.stream.read(corpus.stream.rows))
