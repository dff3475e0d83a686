"""Counts of errors: compared with seqeval and scikit-learn, and small cases by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from sklearn.metrics import confusion_matrix
from sklearn.metrics import f1_score as label_f1

from seqtag.metrics.analysis import NONE, WRONG, Analysis
from seqtag.metrics.examples import Sentence
from seqtag.metrics.spans import SpanScore
from seqtag.metrics.tokens import TokenScore

LABELS = ["O", "B-A", "I-A", "B-B", "I-B"]
ROWS = st.lists(
    st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=9),
    min_size=1,
    max_size=5,
)


def sentence(gold, predicted, unknown=None, probability=0.5) -> Sentence:
    tokens = [f"w{number}" for number in range(len(gold))]
    unknown = unknown or [False] * len(gold)
    return Sentence(tokens, gold, predicted, unknown, [probability] * len(gold), "test.txt:1")


def analysed(pairs, scheme, trained=LABELS, examples=3) -> Analysis:
    analysis = Analysis(trained, scheme, examples)
    for gold, predicted in pairs:
        analysis.add(sentence(gold, predicted))
    return analysis


def sides(rows):
    return [tuple([pair[side] for pair in row] for side in (0, 1)) for row in rows]


@given(ROWS)
def test_span_figures_agree_with_seqeval(rows):
    pairs = sides(rows)
    gold, predicted = ([pair[side] for pair in pairs] for side in (0, 1))
    score = SpanScore(LABELS, "bio")
    score.update(predicted, gold)
    figures = score.compute()
    if any(label != "O" for row in (*gold, *predicted) for label in row):
        macro = f1_score(gold, predicted, average="macro", zero_division=0)
        assert figures["macro_f1"] == pytest.approx(macro)
    analysis = analysed(pairs, "bio")
    for parts in (analysis.lengths, analysis.words):
        right, guessed, support = (sum(t.spans[n] for t in parts.values()) for n in range(3))
        assert support == sum(row["support"] for row in figures["per_label"].values())
        assert (2 * right / (guessed + support) if guessed + support else 0.0) == pytest.approx(
            figures["f1"]
        )
    by_pair = analysis.confusion
    for type_ in "AB":
        in_row = sum(n for (g, _, _), n in by_pair.items() if g == type_)
        assert in_row == figures["per_label"].get(type_, {"support": 0})["support"]
    assert sum(analysis.kinds().values()) == analysis.words["known"].errors
    assert analysis.without_unseen()["f1"] == pytest.approx(figures["f1"])


@given(ROWS)
def test_label_figures_agree_with_scikit_learn(rows):
    gold, predicted = ([pair[side] for row in rows for pair in row] for side in (0, 1))
    score = TokenScore(LABELS)
    score.update([predicted], [gold])
    macro = label_f1(gold, predicted, average="macro", zero_division=0)
    assert score.compute()["macro_f1"] == pytest.approx(macro)
    analysis = analysed(sides(rows), "plain")
    matrix = confusion_matrix(gold, predicted, labels=LABELS)
    for g, row in zip(LABELS, matrix.tolist(), strict=True):
        assert [analysis.confusion[g, p] for p in LABELS] == row


def test_labels_unseen_in_training_are_counted_and_can_be_left_out():
    analysis = analysed([(["B-NEW", "I-NEW", "O", "B-A"], ["B-A", "O", "O", "B-A"])], "bio")
    figures = analysis.figures()
    assert figures["unseen_labels"] == {"NEW": 1}
    assert figures["without_unseen_labels"]["f1"] == 1.0
    assert figures["without_unseen_labels"]["tokens"] == 2
    assert figures["errors"]["type and boundary"] == 1
    plain = analysed([(["X", "Y", None], ["X", "X", "X"])], "plain", ["X"]).figures()
    assert plain["unseen_labels"] == {"Y": 1}
    assert plain["without_unseen_labels"] == {"tokens": 1, "accuracy": 1.0}
    assert "unseen_labels" not in analysed([(["O"], ["O"])], "bio").figures()


def test_lengths_and_unknown_words():
    analysis = Analysis(LABELS, "bio")
    analysis.add(sentence(["B-A", "I-A"], ["B-A", "O"], [False, True]))
    analysis.add(sentence(["O"] * 60, ["O"] * 60))
    analysis.add(sentence([], []))
    figures = analysis.figures()
    assert list(figures["by_length"]) == ["1-5", "51+"]
    assert figures["by_length"]["1-5"]["errors"] == 1
    assert figures["by_words"]["unknown"]["errors"] == 1
    assert figures["by_words"]["known"]["tokens"] == 61
    assert analysis.confusion["A", "A", "boundary"] == 1


def test_the_most_confident_errors_of_each_group_are_kept():
    analysis = Analysis(["X", "Y"], "plain", 2)
    for probability in (0.2, 0.9, 0.5):
        analysis.add(sentence(["X"], ["Y"], probability=probability))
    kept = analysis.examples.best(WRONG, "X → Y")
    assert [example.probability for example in kept] == [0.9, 0.5]
    assert analysis.examples.counts[WRONG, "X → Y"] == 3
    assert analysis.examples.chosen(WRONG) == {"X → Y": kept}


def test_each_group_has_a_share_of_the_sentences():
    analysis = Analysis(LABELS, "bio", 4)
    for _ in range(5):
        analysis.add(sentence(["B-A"], ["O"]))
    analysis.add(sentence(["B-B"], ["O"]))
    assert {g: len(rows) for g, rows in analysis.examples.chosen("missed").items()} == {
        "A": 3,
        "B": 1,
    }
    assert analysis.confusion["A", NONE, "missed"] == 5
