"""The data module: contents of batches, their division among ranks, and exact resuming."""

from types import SimpleNamespace

import datasets
import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from seqtag.data.batches.module import CorpusModule
from seqtag.data.batches.order import BatchConfig
from seqtag.data.corpus.corpus import Corpus, CorpusConfig, load_corpus
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.labels import NOT_SCORED

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*ended before the epoch ended"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec"),
]
WORDS = ["a", "bee", "sees", "no", "sea", "Anna", "1999"]


def rows(count, seed):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 9, count).tolist()
    tokens = [random.choice(WORDS, length).tolist() for length in lengths]
    labels = [["B-PER" if word == "Anna" else "O" for word in words] for words in tokens]
    labels[0] = [None] * lengths[0]
    return datasets.Dataset.from_dict(
        {
            "tokens": tokens,
            "labels": labels,
            "length": lengths,
            "doc": [0] * count,
            "where": [f"x:{number}" for number in range(count)],
        }
    )


@pytest.fixture(scope="module")
def corpus():
    return Corpus(splits={"train": rows(20, 0), "dev": rows(5, 1)}, scheme="bio")


def module(corpus, workers=0, seed=7):
    indexer = Indexer.fit(corpus.splits["train"], EncodeConfig(), ())
    labels = LabelSet.fit(corpus.splits["train"]["labels"], "bio", "bioes")
    return CorpusModule(corpus, indexer, labels, BatchConfig(3, 40, workers), seed)


class Learner(L.LightningModule):
    """A model that learns from every value of a batch and records the batches."""

    def __init__(self, data):
        super().__init__()
        self.words = torch.nn.Embedding(len(data.indexer.words), 4)
        self.output = torch.nn.Linear(4, len(data.labels))
        self.seen = []

    def training_step(self, batch, batch_idx):
        self.seen.append((self.current_epoch, batch_idx, batch["inputs"]["words_BT"].tolist()))
        scores_BTK = self.output(self.words(batch["inputs"]["words_BT"]))
        return torch.nn.functional.cross_entropy(
            scores_BTK.flatten(0, 1), batch["labels_BT"].flatten(), reduction="sum"
        )

    def validation_step(self, batch, batch_idx):
        assert batch["columns"].keys() >= {"tokens", "labels", "where"}

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), 0.1)


def fit(data, folder, ckpt_path=None, **options):
    torch.manual_seed(0)
    learner = Learner(data)
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        callbacks=[ModelCheckpoint(folder, "{step}", save_top_k=-1, **options)],
    )
    trainer.fit(learner, data, ckpt_path=ckpt_path, weights_only=True)
    return learner, trainer


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """Train without interruption, with a checkpoint after every step."""
    folder = tmp_path_factory.mktemp("whole")
    data = module(corpus)
    learner, trainer = fit(data, folder, every_n_train_steps=1)
    return SimpleNamespace(learner=learner, trainer=trainer, folder=folder, data=data)


def resumed(corpus, whole, checkpoint, folder, workers=0):
    learner, _ = fit(module(corpus, workers), folder, checkpoint, every_n_train_steps=10**6)
    done = len(whole.learner.seen) - len(learner.seen)
    assert learner.seen == whole.learner.seen[done:]
    for name, weight in whole.learner.state_dict().items():
        assert torch.equal(learner.state_dict()[name], weight)
    return done


def test_epochs_differ_and_hold_every_sentence(whole, corpus):
    count = whole.data.batches_per_epoch()
    assert len(whole.learner.seen) == 2 * count
    first, second = whole.learner.seen[:count], whole.learner.seen[count:]
    assert [epoch for epoch, _, _ in (*first, *second)] == [0] * count + [1] * count
    assert [words for *_, words in first] != [words for *_, words in second]

    def sentences(epoch):
        return sorted([w for w in row if w] for *_, words in epoch for row in words)

    assert sentences(first) == sentences(second)
    words = whole.data.indexer.words
    tokens = corpus.splits["train"]["tokens"]
    assert sentences(first) == sorted([words[w] for w in row] for row in tokens)


@pytest.mark.parametrize("where", ["first", "middle", "end of epoch", "second epoch", "last"])
def test_resuming_is_exact(whole, corpus, tmp_path, where):
    count = whole.data.batches_per_epoch()
    steps = {
        "first": 1,
        "middle": count // 2,
        "end of epoch": count,
        "second epoch": count + 2,
        "last": 2 * count - 1,
    }
    step = steps[where]
    checkpoint = whole.folder / f"step={step}.ckpt"
    state = torch.load(checkpoint, weights_only=True)["CorpusModule"]
    assert state == {"epoch": step // count, "batch": step % count}
    assert resumed(corpus, whole, checkpoint, tmp_path) == step


def test_workers_change_nothing(whole, corpus, tmp_path):
    assert resumed(corpus, whole, None, tmp_path / "all", workers=2) == 0
    checkpoint = whole.folder / "step=4.ckpt"
    assert resumed(corpus, whole, checkpoint, tmp_path / "rest", workers=2) == 4


@pytest.mark.parametrize("at_train_end", [True, False])
def test_resuming_at_the_end_of_an_epoch(whole, corpus, tmp_path, at_train_end):
    data = module(corpus)
    fit(data, tmp_path, every_n_epochs=1, save_on_train_epoch_end=at_train_end)
    count = data.batches_per_epoch()
    checkpoint = tmp_path / f"step={count}.ckpt"
    state = torch.load(checkpoint, weights_only=True)["CorpusModule"]
    assert state == {"epoch": 1, "batch": 0}
    assert resumed(corpus, whole, checkpoint, tmp_path / "rest") == count


def test_the_position_at_the_end_of_training(whole):
    assert whole.data.state_dict() == {"epoch": 2, "batch": 0}


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """Return a corpus whose training split is a stream of three files, seven batches per epoch."""
    folder = tmp_path_factory.mktemp("streamed")
    for name, rows_of in {"train-0": rows(9, 0), "train-1": rows(8, 1), "dev": rows(3, 2)}.items():
        rows_of.select_columns(["tokens", "labels"]).to_json(folder / f"{name}.jsonl")
    stream = {"buffer": 5, "batches_per_epoch": 7}
    return load_corpus(
        CorpusConfig(format="json", path=str(folder), scheme="bio", streaming=True, stream=stream)
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_resuming_a_stream_is_exact(streamed, tmp_path, workers):
    data = module(streamed, workers)
    learner, _ = fit(data, tmp_path / "whole", every_n_train_steps=1)
    count = data.batches_per_epoch()
    assert count == (8 if workers else 7)  # the same number for each worker
    assert [seen[:2] for seen in learner.seen] == [(e, b) for e in range(2) for b in range(count)]
    whole = SimpleNamespace(learner=learner)
    for step in (1, count, count + 4) if not workers else (1,):
        checkpoint = tmp_path / "whole" / f"step={step}.ckpt"
        assert resumed(streamed, whole, checkpoint, tmp_path / str(step), workers) == step
    sentences = sum(len(words) for *_, words in learner.seen)
    assert data.sequences_after(2 * count) == sentences


def test_a_stream_needs_the_same_number_of_workers(streamed, tmp_path):
    data = module(streamed)
    fit(data, tmp_path, every_n_train_steps=1)
    with pytest.raises(
        InputError, match=r"1 processes with 0 workers each, but this run has 1 with 2"
    ):
        fit(module(streamed, workers=2), tmp_path / "rest", tmp_path / "step=3.ckpt")


def test_labels_of_a_batch_are_in_the_networks_scheme(corpus):
    data = module(corpus)
    for batch in data.val_dataloader():
        inputs, labels_BT = batch["inputs"], batch["labels_BT"]
        assert labels_BT.shape == inputs["words_BT"].shape
        columns = batch["columns"]
        for row, length in enumerate(inputs["lengths_B"].tolist()):
            gold = columns["labels"][row]
            assert len(gold) == len(columns["tokens"][row]) == length
            assert labels_BT[row, :length].tolist() == data.labels.encode(gold)
            assert (labels_BT[row, length:] == NOT_SCORED).all()
    assert "columns" not in next(iter(data.train_dataloader()))


def test_without_a_development_split(corpus):
    alone = Corpus(splits={"train": corpus.splits["train"]}, scheme="bio")
    assert module(alone).val_dataloader() == []


def test_processes_divide_the_development_split(corpus):
    data, seen, counts = module(corpus), [], set()
    for rank in range(4):
        data.trainer = SimpleNamespace(global_rank=rank, world_size=4)
        batches = list(data.val_dataloader())
        counts.add(len(batches))
        seen += [where for batch in batches for where in batch["columns"]["where"]]
    assert len(counts) == 1
    assert sorted(seen) == sorted(corpus.splits["dev"]["where"])


class Unsearched(list):
    """A list that fails if it is searched."""

    def __iter__(self):
        raise AssertionError("searched for tensors")


def test_text_is_passed_on_without_a_search_for_tensors(corpus):
    data = module(corpus)
    loader = data.val_dataloader()
    words_BT = next(iter(loader))["inputs"]["words_BT"]
    text = {"tokens": Unsearched(["a"])}
    batch = loader.collate_fn({"inputs": {"words_BT": words_BT}, "columns": text})
    moved = data.transfer_batch_to_device(batch, torch.device("meta"), 0)
    assert moved["columns"] is text
    assert moved["inputs"]["words_BT"].is_meta
    assert moved["inputs"]["words_BT"].shape == words_BT.shape
