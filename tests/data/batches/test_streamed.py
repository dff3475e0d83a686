"""Batches of a stream: shares of processes and workers, order, and resuming anywhere."""

import json
from itertools import chain

import datasets
import pytest

from seqtag.data.batches.order import BatchConfig
from seqtag.data.batches.streamed import BatchNumbers, StreamedBatches, StreamLoader
from seqtag.data.corpus import parts
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError

SHARDS, EACH = 4, 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of shards; the first token of each sentence is unique."""
    folder = tmp_path_factory.mktemp("stream")
    for shard in range(SHARDS):
        records = [
            {"tokens": [f"s{shard}-{i}", *["x"] * (i % 3)], "labels": ["B-A", *["O"] * (i % 3)]}
            for i in range(EACH)
        ]
        text = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"train-{shard}.jsonl").write_text(text + '{"tokens": [], "labels": []}\n')
    return folder


def corpus_of(folder, **settings):
    stream = {"buffer": 5, "batches_per_epoch": 6, **settings.pop("stream", {})}
    return load_corpus(
        CorpusConfig(format="json", path=str(folder), streaming=True, stream=stream, **settings)
    )


def batches_of(corpus, rank=0, world_size=1, workers=0, seed=1):
    train = corpus.splits["train"]
    indexer = Indexer.fit(train, EncodeConfig(fold_digits=False), ())
    labels = LabelSet.fit(train["labels"], corpus.scheme)
    config = BatchConfig(sentences=2, tokens=9, workers=workers)
    return StreamedBatches(corpus.stream, indexer, labels, config, seed, rank, world_size)


def first_words(batches, batch):
    """Return the first word of each sentence of a batch."""
    strings = batches._indexer.words.strings()
    return [strings[row[0]] for row in batch["inputs"]["words_BT"].tolist()]


def first_pass(batches):
    """Return the sentences that one process yields in its first pass through its share."""
    seen, number = [], 0
    while (batch := batches[number])["position"]["pass"] == 0:
        seen += first_words(batches, batch)
        number += 1
    return seen


EVERY_SENTENCE = sorted(f"s{shard}-{i}" for shard in range(SHARDS) for i in range(EACH))


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
def test_the_processes_together_have_each_sentence_once_per_pass(folder, world_size):
    corpus = corpus_of(folder)
    seen = [first_pass(batches_of(corpus, rank, world_size)) for rank in range(world_size)]
    assert sorted(word for of_rank in seen for word in of_rank) == EVERY_SENTENCE
    assert min(map(len, seen)) >= len(EVERY_SENTENCE) // world_size - 1


def test_batches_stay_within_the_budget_and_sentences_are_shuffled(folder):
    batches = batches_of(corpus_of(folder))
    seen = [batches[number] for number in range(40)]
    assert all(len(batch["labels_BT"]) <= 2 for batch in seen)
    first, second = (
        [first_words(batches, batch) for batch in seen if batch["position"]["pass"] == number]
        for number in (0, 1)
    )
    assert (
        sorted(chain.from_iterable(first)) == sorted(chain.from_iterable(second)) == EVERY_SENTENCE
    )
    assert first != second
    other = batches_of(corpus_of(folder), seed=2)
    assert [first_words(other, other[number]) for number in range(len(first))] != first


@pytest.mark.parametrize("world_size", [1, 3])
@pytest.mark.parametrize("done", [1, 2, 5, 9, 14, 30])
def test_resuming_from_a_position_yields_the_rest(folder, done, world_size):
    whole = batches_of(corpus_of(folder), 0, world_size)
    seen = [whole[number] for number in range(done + 20)]
    rest = batches_of(corpus_of(folder), 0, world_size)
    rest.first, rest.positions = done, {0: seen[done - 1]["position"]}
    assert rest[done - 1] is None
    for number in range(done, done + 20):
        batch = rest[number]
        assert first_words(rest, batch) == first_words(whole, seen[number])
        assert batch["position"] == seen[number]["position"]


def test_each_worker_has_its_lane_and_resumes_in_it(folder):
    def loader(first=0, positions=()):
        batches = batches_of(corpus_of(folder), workers=2)
        batches.first, batches.positions = first, dict(positions)
        order = BatchNumbers(6, batches.lanes)
        order.epoch, order.start = divmod(first, 6)
        loader = StreamLoader(
            batches, sampler=order, batch_size=None, num_workers=2, persistent_workers=True
        )
        for epoch in range(order.epoch, 3):
            order.set_epoch(epoch)
            for batch in loader:
                yield first_words(batches, batch), batch["position"]

    whole = list(loader())
    assert len(whole) == 18
    assert [position["lane"] for _, position in whole] == [0, 1] * 9
    shards = [
        {word[:2] for of_batch, p in whole if p["pass"] == p["lane"] == 0 for word in of_batch}
    ]
    assert all(len(of_lane) == 2 for of_lane in shards)
    done = 9
    positions = {position["lane"]: position for _, position in whole[:done]}
    assert list(loader(done, positions)) == whole[done:]


def test_more_workers_than_shards_are_refused(folder, caplog):
    corpus = corpus_of(folder)
    assert corpus.stream.rows.num_shards == SHARDS
    batches_of(corpus, world_size=2, workers=2)
    with pytest.raises(InputError, match=r"workers=3, but of the stream's 4 shards .* reads 2"):
        batches_of(corpus, world_size=2, workers=3)
    assert not caplog.records
    batches_of(corpus, world_size=3, workers=4)
    assert "4 shards cannot be divided evenly among 3 processes" in caplog.text


def test_a_large_file_is_several_shards(folder, tmp_path, monkeypatch):
    text = "".join(path.read_text() for path in sorted(folder.iterdir()))
    (tmp_path / "train.jsonl").write_text(text)
    monkeypatch.setattr(parts.cut_files, "__defaults__", (len(text) // 3,))
    corpus = corpus_of(tmp_path / "train.jsonl")
    assert corpus.stream.rows.num_shards >= 3
    assert sorted(first_pass(batches_of(corpus))) == EVERY_SENTENCE


def test_a_label_missing_in_the_first_sentences_is_refused(folder, tmp_path):
    lines = ['{"tokens": ["a"], "labels": ["B-A"]}\n'] * 3 + [
        '{"tokens": ["b"], "labels": ["B-B"]}\n'
    ]
    (tmp_path / "train.jsonl").write_text("".join(lines))
    corpus = corpus_of(tmp_path, stream={"fit_sentences": 2})
    assert corpus.splits["train"].num_rows == 2
    batches = batches_of(corpus)
    message = (
        r"train.jsonl:4: the label 'B-B' is not among the 3 .* raise data.stream.fit_sentences"
    )
    with pytest.raises(InputError, match=message):
        [batches[number] for number in range(9)]
    loader = StreamLoader(batches, sampler=range(9), batch_size=None, num_workers=1)
    with pytest.raises(InputError, match=r"^train.jsonl:4: the label .* data.label_names$"):
        list(loader)


def test_a_process_without_a_sentence_is_an_error(tmp_path):
    for shard, text in enumerate(['{"tokens": ["a"], "labels": ["O"]}\n'] * 2):
        (tmp_path / f"train-{shard}.jsonl").write_text(text)
    corpus = corpus_of(tmp_path)
    (tmp_path / "train-1.jsonl").write_text('{"tokens": [], "labels": []}\n')
    ranks = [batches_of(corpus, rank, 2) for rank in range(2)]
    with pytest.raises(InputError, match=r"a process found no sentence .* fewer processes"):
        [batches[0] for batches in ranks]


def test_notes_and_splits_of_a_streamed_corpus(folder, tmp_path):
    corpus = corpus_of(folder)
    assert set(corpus.splits) == {"train"}
    assert corpus.notes[-2:] == (
        "the training split is a stream in 4 shards; its first 28 sentences define the "
        "vocabulary and the labels",
        "no development split (none is held out of a stream)",
    )
    for path in folder.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "dev.jsonl").write_text('{"tokens": ["a"], "labels": ["O"]}\n')
    assert corpus_of(tmp_path).splits["dev"].num_rows == 1


def hub_features():
    strings = datasets.List(datasets.Value("string"))
    tags = datasets.List(datasets.ClassLabel(names=["O", "B-A", "B-B"]))
    return datasets.Features(tokens=strings, ner_tags=tags)


@pytest.mark.slow
def test_a_data_set_of_the_hub(tmp_path, monkeypatch):
    """Parquet shards, as on the hub, streamed by the `datasets` library."""
    from seqtag.data.corpus import hub

    for shard in range(3):
        rows = {"tokens": [[f"s{shard}-{i}", "x"] for i in range(5)], "ner_tags": [[1, 0]] * 5}
        shard_rows = datasets.Dataset.from_dict(rows, features=hub_features())
        shard_rows.to_parquet(tmp_path / f"train-{shard}.parquet", batch_size=2)
    shard_rows.select([0]).to_parquet(tmp_path / "dev.parquet")
    load = datasets.load_dataset

    def local(name, configuration, revision, streaming):
        assert (name, configuration, revision, streaming) == ("owner/name", None, None, True)
        files = {"train": f"{tmp_path}/train-*.parquet", "validation": f"{tmp_path}/dev.parquet"}
        return load("parquet", data_files=files, streaming=True, cache_dir=str(tmp_path / "hf"))

    monkeypatch.setattr(datasets, "load_dataset", local)
    monkeypatch.setattr(hub, "commit_hash", lambda config: "0123")
    config = CorpusConfig(
        format="hub", path="owner/name", streaming=True, stream={"fit_sentences": 4, "buffer": 4}
    )
    corpus = load_corpus(config)
    assert {split: rows.num_rows for split, rows in corpus.splits.items()} == {"train": 4, "dev": 1}
    assert corpus.splits["train"]["where"][3] == "owner/name[train]:4"
    assert corpus.stream.labels == ("O", "B-A", "B-B")
    read = [row["tokens"][0] for row in corpus.stream.read(corpus.stream.rows)]
    assert sorted(read) == sorted(f"s{shard}-{i}" for shard in range(3) for i in range(5))
    batches = batches_of(corpus)
    seen = [batches[number] for number in range(20)]
    assert max(batch["position"]["pass"] for batch in seen) == 2
    rest = batches_of(load_corpus(config))
    rest.positions = {0: seen[6]["position"]}
    for number in range(7, 20):
        batch = rest[number]
        assert batch["position"] == seen[number]["position"]
        assert batch["labels_BT"].tolist() == seen[number]["labels_BT"].tolist()
