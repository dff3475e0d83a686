"""Training with word vectors: of the words of training, or of all words of the file."""

import logging
import random
import re

import pytest
from shared.runs import NAMES, PLACES

from seqtag import Tagger
from seqtag.commands.train import train
from seqtag.errors import InputError
from seqtag.training import build

OTHERS = [f"{letter}xyz" for letter in "ABCDEFGHIJKLMNOP"]
FOUND = r"there is a vector for 9 of \d+ words \(.*%\), .*% of tokens of the training split"


@pytest.fixture
def vectors(write):
    """A file in which the vectors of persons and of places are alike, also of unseen names."""
    number = random.Random(0).gauss
    lines = []
    for base, names in ((1, (*NAMES, *OTHERS[:8])), (-1, (*PLACES, *OTHERS[8:])), (0, ["left"])):
        for name in names:
            values = " ".join(f"{base + number(0, 0.05):.4f}" for _ in range(16))
            lines.append(f"{name} {values}")
    return f"model.words.vectors={write('vectors.txt', chr(10).join(lines))}"


def test_all_vectors_are_used_for_words_that_training_lacks(configure, vectors, tmp_path, caplog):
    more = (vectors, "model.words.vectors_for=all", "model.characters=null", "trainer.max_epochs=6")
    with caplog.at_level(logging.INFO):
        train(configure(*more))
    assert any(re.search(FOUND, message) for message in caplog.messages)
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]
    numbers = [float(x) for x in (tmp_path / "vectors.txt").read_text().split("\n")[0].split()[1:]]
    (tmp_path / "vectors.txt").unlink()  # use needs no file
    tagger = Tagger.load(tmp_path / "run" / "model")
    words = tagger.network.embedding.words
    known = tagger.indexer.words
    assert words.weight.shape[0] == known.num_trained == len(known) - len(OTHERS)
    assert tagger.unknown_words(["Ada", *OTHERS[:2], "nowhere"]) == [*OTHERS[:2], "nowhere"]
    for person, place in zip(OTHERS[:8], OTHERS[8:], strict=True):
        (labels,) = tagger.predict([["Dr", person, "Smith", "left", place, "."]])
        assert labels == ["O", "B-PER", "I-PER", "O", "B-LOC", "O"]
        assert tagger.predict([[person, "lives", "in", place, "."]]) == [
            ["B-PER", "O", "O", "B-LOC", "O"]
        ]
    # They are not trained.
    assert words.fixed[known["Ada"]].tolist() == pytest.approx(numbers)


def test_unseen_words_get_the_vector_of_their_lower_case(configure, write):
    path = write("v.txt", "left " + "1 " * 16 + "\nwent " + "2 " * 16)
    settings = configure(f"model.words.vectors={path}", "model.words.vectors_for=all").training
    corpus = build.training_corpus(settings)
    indexer = build.indexer(settings.data, settings.model, corpus)
    ids_BT = indexer.encode([["went", "WENT", "left", "LEFT", "Went2"]])["words_BT"]
    went, left = len(indexer.words) - 1, indexer.words["left"]
    assert ids_BT.tolist() == [[went, went, left, left, 1]]


def test_vectors_of_training_words_change_nothing_else(configure, vectors, tmp_path):
    train(configure(vectors, "trainer.max_epochs=1"))
    tagger = Tagger.load(tmp_path / "run" / "model")
    assert tagger.network.embedding.words.fixed is None
    assert tagger.indexer.words.num_trained == len(tagger.indexer.words)


def test_a_resumed_run_has_the_same_weights(configure, vectors, tmp_path):
    more = (vectors, "model.words.vectors_for=all", "scheduler=constant", "scheduler.warmup=0")
    train(configure(*more, output="whole"))
    train(configure(*more, "trainer.max_epochs=1", output="part"))
    train(configure(*more, "ckpt_path=last", output="part"))
    whole, part = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "part"))
    assert whole.read_bytes() == part.read_bytes()


@pytest.mark.parametrize("kind", ["train", "all"])
def test_files_that_do_not_fit(kind, configure, write, caplog):
    more = (f"model.words.vectors_for={kind}", "trainer.max_epochs=1")
    path = write("v.txt", "\n".join(f"{word} {'1 ' * 16}" for word in ("le", "la")))
    with pytest.raises(InputError, match=r"v.txt: none of the \d+ words of the .* has a vector"):
        train(configure(*more, f"model.words.vectors={path}"))
    path = write("v.txt", "\n".join(f"{word} {'1 ' * 16}" for word in ("le", "Rome")))
    with caplog.at_level(logging.INFO):
        train(configure(*more, f"model.words.vectors={path}"))
    assert "v.txt: few words have a vector" in caplog.text
    assert "v.txt: there is a vector for 1 of " in caplog.text


def test_all_vectors_require_a_file(configure):
    with pytest.raises(InputError, match=r"model.words.*vectors_for=all requires a file"):
        configure("model.words.vectors_for=all")
