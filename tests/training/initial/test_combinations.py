"""Continuing from a model folder together with other settings: streams, gazetteers, vectors."""

import random
import subprocess
import sys

import pytest
import torch
from shared.runs import NAMES, PLACES

from seqtag import Tagger
from seqtag.commands.train import train
from seqtag.errors import InputError

ONE_EPOCH = "trainer.max_epochs=1"
WORDS = "model.characters=null"


@pytest.fixture
def first(configure, tmp_path):
    """Return a function that trains a first tagger and returns its model folder."""

    def trained(*overrides):
        train(configure(WORDS, ONE_EPOCH, *overrides, output="first"))
        return tmp_path / "first" / "model"

    return trained


@pytest.fixture
def gazetteers(write):
    write("cities.txt", "\n".join(PLACES))
    return write("names.txt", "\n".join(NAMES)).parent


def test_a_stream(configure, first, tmp_path):
    folder = first()
    more = ("data.streaming=true", "data.stream.batches_per_epoch=8", "data.batch.workers=1")
    more += (f"init={folder}", "freeze=[words]")
    train(configure(WORDS, ONE_EPOCH, *more, output="second"))
    before, after = (Tagger.load(tmp_path / run / "model") for run in ("first", "second"))
    assert after.labels.labels == before.labels.labels
    assert after.indexer.to_plain() == before.indexer.to_plain()
    weights = [tagger.network.state_dict() for tagger in (before, after)]
    changed = {name for name in weights[0] if not torch.equal(*(w[name] for w in weights))}
    assert "embedding.words.weight" not in changed
    assert "projection.weight" in changed


def test_the_gazetteers_of_the_folder_are_kept_or_replaced(configure, first, gazetteers, tmp_path):
    folder = first(f"data.gazetteers=[{gazetteers}/cities.txt,{gazetteers}/names.txt]")
    own = (WORDS, ONE_EPOCH, f"init={folder}")
    train(configure(*own, output="kept"))
    (gazetteers / "cities.txt").write_text("Atlantis\n", encoding="utf-8")
    files = f"data.gazetteers=[{gazetteers}/names.txt,{gazetteers}/cities.txt]"
    train(configure(*own, files, "trainer.limit_train_batches=1", output="replaced"))
    lists = {
        run: Tagger.load(tmp_path / run / "model").indexer.inputs["gazetteers"].to_plain()["lists"]
        for run in ("first", "kept", "replaced")
    }
    assert lists["kept"] == lists["first"]
    assert [*lists["replaced"]] == ["cities", "names"]  # in the order of the folder
    assert lists["replaced"]["cities"] == ["Atlantis"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ((), ("cities",), "reads no gazetteers, and none can be added"),
        (("cities",), ("names",), r"init: data.gazetteers has names, but .* reads cities: "),
        (
            ("cities",),
            ("cities", "names"),
            r"init: data.gazetteers has cities, names, but .* reads cit",
        ),
    ],
)
def test_other_gazetteers_are_refused(configure, first, gazetteers, before, after, message):
    def files(names):
        return f"data.gazetteers=[{','.join(f'{gazetteers}/{name}.txt' for name in names)}]"

    folder = first(files(before)) if before else first()
    with pytest.raises(InputError, match=message):
        train(configure(WORDS, ONE_EPOCH, f"init={folder}", files(after), output="second"))


def test_case_in_gazetteers_stays(configure, first, gazetteers):
    files = f"data.gazetteers=[{gazetteers}/cities.txt]"
    folder = first(files)
    other = (files, "data.gazetteer_ignore_case=true")
    with pytest.raises(InputError, match=r"init: data.gazetteer_ignore_case is True, but False"):
        train(configure(WORDS, ONE_EPOCH, f"init={folder}", *other, output="second"))


def vectors(write, name, words):
    number = random.Random(name).gauss
    rows = (" ".join([word, *(f"{number(0, 1):.4f}" for _ in range(16))]) for word in words)
    return write(name, "\n".join(rows))


def test_vectors_for_all_words(configure, first, write, tmp_path):
    all_words = "model.words.vectors_for=all"
    path = vectors(write, "v1.txt", (*NAMES, "Zurich"))
    folder = first(f"model.words.vectors={path}", all_words)
    own = (WORDS, ONE_EPOCH, f"init={folder}")
    with pytest.raises(InputError, match=r"model\.words: vectors_for=all requires a file"):
        configure(*own, output="second")
    path = vectors(write, "v2.txt", (*NAMES, "Zurich", "Vaduz"))
    train(configure(*own, f"model.words.vectors={path}", output="second"))
    second = Tagger.load(tmp_path / "second" / "model")
    words, known = second.network.embedding.words, second.indexer.words
    given = {row.split()[0]: row.split()[1:] for row in path.read_text().splitlines()}
    for word in ("Ada", "Zurich", "Vaduz"):
        assert words.fixed[known[word]].tolist() == pytest.approx([*map(float, given[word])])
    assert known.num_trained == words.weight.shape[0] < len(known)


def test_vectors_for_all_words_cannot_be_added(configure, first, write):
    folder = first()
    path = vectors(write, "v.txt", NAMES)
    with pytest.raises(InputError, match=r"init: model\.words\.vectors_for is 'all'"):
        configure(
            *(WORDS, ONE_EPOCH, f"init={folder}", f"model.words.vectors={path}"),
            "model.words.vectors_for=all",
            output="second",
        )


def test_a_second_round_keeps_what_the_first_one_added(configure, first, tmp_path, write):
    folder = first()
    rows = "Ada N B-PER\nflew V O\nto P O\nVaduz N B-TOWN\n\n" * 8
    more = write("more/train.txt", rows).parent
    for run in ("second", "third"):
        train(configure(WORDS, ONE_EPOCH, f"init={folder}", f"data.path={more}", output=run))
        folder = tmp_path / run / "model"
    runs = ("first", "second", "third")
    first, second, third = (Tagger.load(tmp_path / run / "model") for run in runs)
    assert second.labels.labels == third.labels.labels
    assert second.indexer.to_plain() == third.indexer.to_plain()
    assert {"B-TOWN"} < {*third.labels.labels} > {*first.labels.labels}
    assert not torch.equal(*(t.network.projection.weight for t in (second, third)))


@pytest.mark.slow
def test_a_sweep(first, small, tmp_path):
    folder = first()
    own = [word for word in small if not word.startswith("model.")]
    words = [*own, f"init={folder}", "trainer.max_steps=2", f"hydra.sweep.dir={tmp_path}/sweep"]
    program = [sys.executable, "-m", "seqtag.cli", "train", "-m", *words]

    def run(*more):
        return subprocess.run(
            [*program, *more], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    done = run("model.characters=null", "optimizer.lr=0.001,0.01")
    assert done.returncode == 0, done.stderr
    models = [Tagger.load(path) for path in sorted(tmp_path.glob("sweep/*/model"))]
    assert [model.network.config.hidden_size for model in models] == [16, 16]
    assert not torch.equal(*(model.network.projection.weight for model in models))
    refused = run("model.hidden_size=200,17")
    assert refused.returncode == 2
    assert "init: model.hidden_size is 200, but 16" in refused.stderr
