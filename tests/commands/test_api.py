"""`seqtag.train`: the weights of the command, corpora in memory, errors, and no traces."""

import logging
import os
import random
import threading

import datasets
import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.version import VersionBase
from omegaconf.basecontainer import BaseContainer

import seqtag
from seqtag.commands.train import train as command
from seqtag.errors import InputError

SMALL = {
    "model": {"words": {"size": 16}, "characters": {"filters": 4, "size": 8}},
    "hidden_size": 16,
    "data.batch": {"sentences": 8},
    "lr": 0.02,
    "max_epochs": 2,
}
SENTENCES = [
    (["Ada", "lives", "in", "Rome"], ["B-PER", "O", "O", "B-LOC"]),
    (["Dr", "Bob", "left", "Oslo"], ["O", "B-PER", "O", "B-LOC"]),
] * 15


def weights(tagger):
    return {name: tensor.numpy().tobytes() for name, tensor in tagger.network.state_dict().items()}


def in_memory(corpus):
    """Return the sentences of the files of a corpus by split."""
    splits = {}
    for path in corpus.iterdir():
        rows = [part.split("\n") for part in path.read_text().split("\n\n")]
        pairs = [[line.split() for line in lines if line] for lines in rows]
        splits[path.stem] = [([c[0] for c in s], [c[2] for c in s]) for s in pairs if s]
    return splits


def test_the_weights_are_those_of_the_command(configure, corpus, tmp_path):
    figures = command(configure())
    expected = seqtag.Tagger.load(tmp_path / "run" / "model")
    by_path = seqtag.train(corpus, **SMALL)
    assert weights(by_path) == weights(expected)
    for split in ("dev", "test"):
        assert by_path.figures["splits"][split]["f1"] == figures["splits"][split]["f1"]
    splits = in_memory(corpus)
    assert weights(seqtag.train(splits, **SMALL)) == weights(expected)
    tables = {
        {"dev": "validation"}.get(split, split): datasets.Dataset.from_dict(
            {"words": [t for t, _ in pairs], "ner_tags": [labels for _, labels in pairs]}
        )
        for split, pairs in splits.items()
    }
    columns = {"token_column": "words", "label_column": "ner_tags"}
    given = seqtag.train(datasets.DatasetDict(tables), data=columns, **SMALL)
    assert weights(given) == weights(expected)
    assert given.predict([["Ada", "lives", "in", "Rome"]])


def test_integer_labels_of_a_data_set(tmp_path):
    names = datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER", "B-LOC"]))
    features = datasets.Features(
        {"tokens": datasets.Sequence(datasets.Value("string")), "labels": names}
    )
    rows = {"tokens": [t for t, _ in SENTENCES], "labels": [[0, 1, 0, 2]] * len(SENTENCES)}
    tagger = seqtag.train(datasets.Dataset.from_dict(rows, features), **SMALL)
    assert set(tagger.labels.types) == {"PER", "LOC"}


def test_nothing_else_changes(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("lightning.pytorch")

    def state():
        return (
            *(random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()),
            *(torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), os.getcwd()),
            *(dict(os.environ), list(logging.root.handlers), logging.root.level, logger.propagate),
            *(
                GlobalHydra.instance().hydra,
                HydraConfig.instance().cfg,
                set(BaseContainer._resolvers),
            ),
            *(VersionBase.instance().version_base, Singleton._instances[GlobalHydra]),
            threading.active_count(),
        )

    before = state()
    tagger = seqtag.train({"train": SENTENCES}, **SMALL, deterministic=True, seed=7)
    assert state() == before
    assert not list(tmp_path.iterdir())
    assert tagger.data["path"] is tagger.data["cache_dir"] is None
    assert capfd.readouterr().out == ""


def test_in_a_thread_and_repeatedly():
    taggers = []

    def train():
        taggers.append(seqtag.train({"train": SENTENCES}, **SMALL))

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert weights(taggers[0]) == weights(taggers[1])


def test_a_folder_gets_the_files_of_a_run(tmp_path):
    folder = tmp_path / "run"
    tagger = seqtag.train({"train": SENTENCES}, folder=folder, cell="gru", **SMALL)
    written = {path.name for path in folder.iterdir()}
    assert written == {
        *("checkpoints", "confusion.csv", "errors.html", "metrics.csv", "metrics.json", "model"),
        *("predictions.conll", "run.json"),
    }
    assert weights(seqtag.Tagger.load(folder / "model")) == weights(tagger)
    again = seqtag.train({"train": SENTENCES}, folder=folder, cell="gru", **SMALL)
    assert weights(again) == weights(tagger)


@pytest.mark.parametrize(
    ("name", "content", "keywords"),
    [
        ("train.jsonl", '{"tokens": ["a", "b"], "labels": ["X", "Y"]}\n' * 9, {}),
        ("train.csv", "tokens,labels\n" + "a b,X Y\n" * 9, {}),
        ("train.txt", "a x X\nb y Y\n\n" * 9, {}),
        ("train.txt", "a X\nb Y\n\n" * 9, {}),
        ("train.txt", "X a\nY b\n\n" * 9, {"columns": ["labels", "tokens"]}),
        ("corpus", "a\tX\nb\tY\n\n" * 9, {"data": "column"}),
    ],
)
def test_the_format_of_a_path(name, content, keywords, write, tmp_path):
    path = write(f"corpus/{name}", content)
    more = {**SMALL, "max_epochs": 1, **keywords}
    for corpus in (path, path.parent):
        assert set(seqtag.train(corpus, **more).labels.labels) == {"X", "Y"}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"hiden_size": 3}, r"unknown keyword 'hiden_size' .did you mean 'hidden_size'"),
        ({"optimizer.lrr": 3}, r"unknown keyword 'optimizer.lrr' .did you mean 'optimizer.lr'"),
        ({"optimizer": {"lrr": 3}}, r"unknown keyword 'optimizer.lrr' .did you mean"),
        ({"cell": "gruu"}, r"cell=gruu: unknown option .did you mean 'gru'"),
        ({"encoder": "transformer", "cell": "lstm"}, r"^cell: encoder=transformer has no cell"),
        ({"encoder": "transformer", "cell": {"heads": 2}}, r"^cell: encoder=transformer has no"),
        ({"encoder": "transformer", "cell.heads": 2}, r"^cell.heads: encoder=transformer has no"),
        ({"preset": "pronuon"}, r"unknown preset 'pronuon' .did you mean 'pronoun'"),
        ({"_target_": "x"}, r"_target_: several groups have this key: give optimizer._target_ or"),
        ({"hidden_size": "x"}, r"model.hidden_size must be a whole number .* not 'x'"),
        ({"lr": object()}, r"lr: <object.* is not a number, text, list or mapping"),
        ({"lr": float("nan")}, r"optimizer.lr must be a"),
        ({"paths": {"log_dir": "x"}}, r"unknown keyword 'paths'"),
        ({"paths.log_dir": "x"}, r"unknown keyword 'paths.log_dir'"),
        ({"data": "json"}, r"data= names the format of files"),
    ],
)
def test_wrong_keywords(keywords, message):
    with pytest.raises(InputError, match=message):
        seqtag.train({"train": SENTENCES}, **keywords)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ({}, "corpus has no split 'train', and no other split"),
        ({"dev": []}, "corpus has no split 'train', only dev"),
        ({"train": [{"tokens": ["a"], "labels": ["X"]}]}, "must be a pair .tokens, labels. of two"),
        ({"train": [("a b", ["X", "Y", "Z"])]}, "must be a pair .tokens, labels. of two lists"),
        ({"train": [(["a", "b"], "XY")]}, "must be a pair .tokens, labels. of two lists"),
        ({"trian": []}, "unknown split 'trian' .did you mean 'train'"),
        ({"train": [], "dev": [], "validation": []}, "'dev' and 'validation', which mean the same"),
        (
            {"train": [("a",)]},
            r"corpus\['train'\]\[0\] must be a pair .tokens, labels. of two lists, not",
        ),
        ({"train": [(["a"], ["X"]), (["a"], [])]}, r"\['train'\]\[1\]: 1 tokens but 0 labels"),
        ({"train": [(["a"], [1])]}, r"\['train'\]\[0\]: the label 1 is not text"),
        ({"train": [([1], ["X"])]}, r"\['train'\]\[0\]: the token 1 is not text"),
        (3, "corpus must be a path, a data set, or a mapping of splits"),
        ("no/where", "no/where: there is no such file or folder; data='hub'"),
    ],
)
def test_wrong_corpora(corpus, message):
    with pytest.raises(InputError, match=message):
        seqtag.train(corpus, **SMALL)


def test_files_of_several_formats_are_refused(write, tmp_path):
    write("corpus/a.jsonl", "")
    write("corpus/b.csv", "")
    with pytest.raises(InputError, match=r"several formats .a.jsonl, b.csv.: choose one, as data="):
        seqtag.train(tmp_path / "corpus")


def test_a_default_that_is_given_with_init_is_not_replaced_in_silence(tmp_path):
    seqtag.train({"train": SENTENCES}, **SMALL, folder=tmp_path / "first")
    first = tmp_path / "first" / "model"
    more = {"init": str(first), "max_epochs": 1, "lr": 0.02, "data.batch": {"sentences": 8}}
    assert seqtag.train({"train": SENTENCES}, **more).network.config.hidden_size == 16
    for given, key in (
        ({"hidden_size": 200}, "model.hidden_size is 200, but 16"),
        ({"model": {"words": {"size": 100}}}, "model.words.size is 100, but 16"),
        ({"model.characters": {"filters": 50}}, "model.characters.filters is 50, but 4"),
        ({"cell": "gru"}, "cell is"),
    ):
        with pytest.raises(InputError, match=f"init: {key}"):
            seqtag.train({"train": SENTENCES}, **more, **given)
