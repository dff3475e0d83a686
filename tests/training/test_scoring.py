"""Scores of predictions: small cases computed by hand, spans compared with seqeval."""

import datasets
import pytest
import torch
from seqeval.metrics import f1_score

from seqtag.data.corpus.corpus import Corpus
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.inputs.vocabulary import Vocabulary
from seqtag.metrics import Score
from seqtag.metrics.registry import SCORES
from seqtag.registry import Entry
from seqtag.training.scoring import TaggingScore

UNKNOWN = Vocabulary.UNKNOWN
KNOWN = UNKNOWN + 1


def corpus_of(labels, scheme, **factors) -> Corpus:
    columns = {"labels": labels, "length": [len(row) for row in labels], **factors}
    split = datasets.Dataset.from_dict(columns)
    return Corpus(splits={"test": split}, scheme=scheme, factors=tuple(factors))


def padded(rows, value) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows])


def test_plain_labels_with_ignored_tokens_unknown_words_and_factors():
    labels = LabelSet.fit([["M", "F"]], "plain", "auto")
    ids = {label: labels.encode([label])[0] for label in ("M", "F")}
    gold = [[None, "M"], ["F", "M", None]]
    score = TaggingScore.of_split(corpus_of(gold, "plain", distance=[5, 10]), "test", labels)
    predicted = [[ids["F"], ids["M"]], [ids["F"], ids["F"], ids["F"]]]
    words = [[KNOWN, KNOWN], [KNOWN, UNKNOWN, UNKNOWN]]
    columns = {"labels": gold, "distance": [5, 10]}
    score.update(padded(predicted, -100), padded(words, 0), columns)
    scores = score.compute()
    assert scores["tokens"] == 3
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert (scores["unknown_tokens"], scores["unknown_accuracy"]) == (1, 0.0)
    assert scores["per_label"]["M"]["recall"] == 0.5
    assert scores["factors"] == {
        "distance": {"5": {"n": 1, "accuracy": 1.0}, "10": {"n": 2, "accuracy": 0.5}}
    }
    assert not {"precision", "recall", "f1"} & scores.keys()

    score.reset()
    assert score.compute()["tokens"] == 0


@pytest.mark.parametrize("scheme", ["bio", "bioes"])
def test_span_scores_equal_those_of_seqeval_in_any_tagger_scheme(scheme):
    trained = [["B-A", "I-A", "O"], ["B-B", "O", "B-A"]]
    labels = LabelSet.fit(trained, "bio", scheme)
    gold = [["B-A", "I-A", "O", "B-B"], ["O", "B-A"], ["B-A", "I-A"]]
    predicted = [["B-A", "I-A", "O", "O"], ["O", "B-A"], ["B-A", "O"]]
    score = TaggingScore.of_split(corpus_of(gold, "bio"), "test", labels)
    rows = [labels.encode(row) for row in map(list, predicted)]
    words = padded([[KNOWN] * len(row) for row in gold], 0)
    score.update(padded(rows[:2], -100), words[:2], {"labels": gold[:2]})
    score.update(padded(rows[2:], -100), words[2:, :2], {"labels": gold[2:]})
    score.update(torch.zeros(0, 3, dtype=torch.int64), words[:0], {"labels": []})
    scores = score.compute()
    assert scores["f1"] == pytest.approx(f1_score(gold, predicted))
    assert scores["accuracy"] == pytest.approx(6 / 8)
    assert set(scores["per_label"]) == {"A", "B"}


def test_labels_unseen_in_training_count_as_errors():
    labels = LabelSet.fit([["B-A", "O"]], "bio", "auto")
    gold = [["B-NEW", "O"]]
    score = TaggingScore.of_split(corpus_of(gold, "bio"), "test", labels)
    ids = torch.tensor([labels.encode(["B-A", "O"])])
    score.update(ids, torch.full((1, 2), KNOWN), {"labels": gold})
    scores = score.compute()
    assert scores["accuracy"] == 0.5
    assert scores["per_label"]["NEW"]["support"] == 1
    assert scores["recall"] == 0.0


def score_of(gold, scheme, metric):
    labels = LabelSet.fit(gold, scheme, "auto")
    score = TaggingScore.of_split(corpus_of(gold, scheme), "test", labels, metric)
    ids = padded([labels.encode(row) for row in gold], 0)
    score.update(ids, torch.full(ids.shape, KNOWN), {"labels": gold})
    return score


@pytest.mark.parametrize(
    ("scheme", "gold", "metric", "main"),
    [
        ("bio", [["B-A", "O"]], None, "f1"),
        ("bio", [["B-A", "O"]], "accuracy", "accuracy"),
        ("plain", [["A", "O"]], None, "accuracy"),
    ],
)
def test_the_name_of_the_main_score(scheme, gold, metric, main):
    scores = score_of(gold, scheme, metric).compute()
    assert scores["metric"] == main
    assert ("f1" in scores) is (scheme == "bio")  # whichever score is the main one


def test_a_registered_metric_is_scored_in_addition(monkeypatch):
    monkeypatch.setitem(SCORES._entries, "sentences", Entry(SentenceAccuracy, {}))
    scores = score_of([["B-A", "O"], ["B-B"]], "bio", "sentences").compute()
    assert (scores["metric"], scores["sentences_right"], scores["f1"]) == (
        "sentences_right",
        1.0,
        1.0,
    )
    monkeypatch.setattr(SentenceAccuracy, "main", "share")
    with pytest.raises(
        InputError, match="metric=sentences: its scores lack its main score 'share'"
    ):
        score_of([["B-A"]], "bio", "sentences").compute()


def test_a_metric_that_does_not_fit_the_labels_is_refused():
    with pytest.raises(InputError, match="metric=f1: no spans under scheme 'plain'"):
        score_of([["A", "O"]], "plain", "f1")
    with pytest.raises(InputError, match=r"unknown metric 'acuracy'.*did you mean 'accuracy'"):
        score_of([["A", "O"]], "plain", "acuracy")


class SentenceAccuracy(Score):
    """Share of the sentences in which all labels are right."""

    main = "sentences_right"

    def __init__(self, labels, scheme):
        super().__init__(labels, scheme)
        self.add_state("counts", torch.zeros(2, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predicted, gold):
        for row, gold_row in zip(predicted, gold, strict=True):
            self.counts += torch.tensor([row == gold_row, 1])

    def compute(self):
        right, sentences = self.counts.tolist()
        return {"sentences_right": right / max(1, sentences)}
