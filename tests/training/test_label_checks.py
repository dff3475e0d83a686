"""Labels that a training can learn nothing of, or that its development split lacks."""

import logging
import re

import pytest

from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.training.label_checks import check_labels

COMMON = "Ann B-PER\nleft O\n\n" * 200
RARE = "Rome B-LOC\n\n"


def check(folder, train, dev, new=()):
    for name, text in {"train": train, "dev": dev}.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    corpus = load_corpus(CorpusConfig(format="column", path=str(folder)))
    labels = set(corpus.splits["train"].to_pandas()["labels"].explode())
    check_labels(corpus, LabelSet.fit([sorted(labels)], corpus.scheme, corpus.scheme), new)


@pytest.mark.parametrize(
    ("train", "dev", "new", "missing"),
    [
        (COMMON + RARE, COMMON, (), None),
        (COMMON + RARE, COMMON, ("B-LOC", "I-LOC"), "LOC, so that .* without regard to it"),
        (COMMON + RARE * 3, COMMON, (), "LOC, so that"),
        (COMMON + RARE * 3, COMMON + RARE, ("B-LOC", "I-LOC"), None),
        ("a X\nb Y\nc Z\n\n", "a X\n\n", (), "Y and Z, so that .* regard to them|Y, Z, so that"),
    ],
)
def test_types_that_the_development_split_lacks(train, dev, new, missing, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "seqtag"):
        check(tmp_path, train, dev, new)
    if missing is None:
        assert not caplog.messages
    else:
        (message,) = caplog.messages
        assert re.search(missing, message)


def test_a_single_label_is_refused(tmp_path):
    with pytest.raises(InputError, match="every label of the training split is 'O'"):
        check(tmp_path, "a O\n\n", "a O\n\n")
