"""Training with gazetteers: what they tell, model folders without the files, streams, resuming."""

import json
import logging
import random

import pytest

from seqtag import Tagger
from seqtag.commands.evaluate import evaluate
from seqtag.commands.train import train
from seqtag.errors import InputError

# Words say nothing here: each name occurs once, and only the gazetteer tells cities from persons.
QUIET = ("model.words=null", "model.characters.filters=2", "data.columns=[tokens,labels]")


def name(choose):
    return "".join(choose("abcdefgh") for _ in range(6)).title()


@pytest.fixture
def corpus(tmp_path):
    """A corpus of names, half of them in cities.txt; replaces the fixture of `shared.runs`."""
    choose = random.Random(0).choice
    folder = tmp_path / "corpus"
    folder.mkdir()
    cities = []
    for split, count in {"train": 120, "dev": 30, "test": 60}.items():
        lines = []
        for _ in range(count):
            lines.append("in O")
            tokens = [name(choose) for _ in range(choose((1, 2)))]
            label = choose(("LOC", "PER"))
            if label == "LOC":
                cities.append(" ".join(tokens))
            lines += [f"{t} {'I' if n else 'B'}-{label}" for n, t in enumerate(tokens)]
            lines += [". O", ""]
        (folder / f"{split}.txt").write_text("\n".join(lines))
    (tmp_path / "cities.txt").write_text("\n".join(cities))
    return folder


@pytest.fixture
def gazetteer(tmp_path):
    return f"data.gazetteers=[{tmp_path}/cities.txt]"


def f1(metrics):
    return metrics["splits"]["test"]["f1"]


def test_a_gazetteer_tells_what_words_do_not(configure, gazetteer, tmp_path, caplog):
    more = (*QUIET, "trainer.max_epochs=5")
    without = f1(train(configure(*more, output="without")))
    with caplog.at_level(logging.INFO):
        with_one = f1(train(configure(*more, gazetteer, output="with")))
    assert without < 0.7
    assert with_one > 0.95
    assert any("gazetteer cities: " in record.message for record in caplog.records)

    cities = (tmp_path / "cities.txt").read_text().splitlines()
    (tmp_path / "cities.txt").unlink()  # use needs no file
    model = tmp_path / "with" / "model"
    evaluated = (f"model_dir={model}", "data.path=CORPUS")
    assert evaluate(configure(*evaluated, verb="evaluate", output="again"))["f1"] == with_one
    tagger = Tagger.load(model)
    assert tagger.tag(f"in {cities[-1]} .")[0].spans[0].type == "LOC"
    assert "the gazetteer cities" in (model / "README.md").read_text()
    assert json.loads((model / "tokenizer.json").read_text())["gazetteers"]["lists"].keys() == {
        "cities"
    }


def test_a_stream_and_workers_give_the_same_matches(configure, gazetteer, tmp_path):
    more = (*QUIET, gazetteer, "data.streaming=true", "data.stream.batches_per_epoch=60")
    scores = train(configure(*more, "data.batch.workers=1", "trainer.max_epochs=2"))
    assert f1(scores) > 0.95


def test_a_resumed_run_has_the_same_weights(configure, gazetteer, tmp_path):
    more = (*QUIET, gazetteer, "scheduler=constant", "scheduler.warmup=0")
    train(configure(*more, output="whole"))
    train(configure(*more, "trainer.max_epochs=1", output="part"))
    train(configure(*more, "ckpt_path=last", output="part"))
    whole, part = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "part"))
    assert whole.read_bytes() == part.read_bytes()


def test_a_missing_file_is_refused_before_the_corpus_is_read(configure, tmp_path):
    settings = configure(f"data.gazetteers=[{tmp_path}/nowhere.txt]", "data.path=NOWHERE")
    with pytest.raises(InputError, match=r"nowhere.txt: there is no such file"):
        train(settings)
