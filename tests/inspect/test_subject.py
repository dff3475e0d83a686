"""Units that code the form of the subject; persons; the texts about them."""

import numpy as np
import pytest

from seqtag.cells import build_cell
from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.inspect import subject
from seqtag.inspect.guide import guide
from seqtag.inspect.subject import (
    Person,
    answers_pronouns,
    code_line,
    persons,
    subject_codes,
)
from seqtag.inspect.trace import Trace
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.probes.english.lexicon import GENDER_OF
from seqtag.probes.english.parsing import analyse
from seqtag.recurrent.engines.registry import set_engine
from seqtag.tagging.tagger import Tagger

TEXT = "The queen near the king smiled , but the boy passed the goat , and PRON slept ."
SENTENCE = TEXT.split(" ")


@pytest.fixture
def pronoun_tagger():
    indexer = Indexer.fit([{"tokens": SENTENCE}] * 5, EncodeConfig(), ())
    labels = LabelSet(["F", "M", "PL"], "plain", "plain")
    config = TaggerConfig(words={"size": 6}, characters=None, hidden_size=5, bidirectional=False)
    network = TaggerNetwork(config, "lstm", indexer.inputs, len(labels), labels.transitions)
    set_engine(network, "reference")
    return Tagger(network, indexer, labels, "lstm")


def values_for(tokens, follows):
    """Return made-up memory: unit 3 follows the subject's form, unit 1 the last person's."""
    words = list(tokens)
    found = analyse(words)
    held, last = 0.0, 0.0
    side = {"M": 1.0, "F": -1.0, "PL": 0.0}
    rng = np.random.default_rng(len(words))
    c_TH = rng.normal(scale=0.1, size=(len(words), 5))
    for place in range(len(words)):
        if place in found.subjects:
            held = side[GENDER_OF[words[place]]]
        if place in (*found.subjects, *found.others):
            last = side[GENDER_OF[words[place]]]
        c_TH[place, 3] += -2 * held
        c_TH[place, 1] += last if follows else 0
    f_TH = np.full((len(words), 5), 0.9)
    return {"c": c_TH, "f": f_TH, "h": c_TH}


@pytest.fixture
def codes(pronoun_tagger, monkeypatch):
    def traces(tagger, sentences):
        for tokens in sentences:
            yield Trace(tuple(tokens), ("M",) * len(tokens), {"l0.fwd": values_for(tokens, True)})

    monkeypatch.setattr(subject, "traces", traces)
    return subject_codes(pronoun_tagger)


def test_the_unit_that_follows_the_subject_is_found(codes):
    code = codes[0]
    assert (code.layer, code.value, code.positive, code.negative) == ("l0.fwd", "c", ("M",), ("F",))
    assert code.units[0] == 3
    assert code.r_H[3] < -0.95
    assert code.units[1:] in ((), (1,))
    assert code.half_H[3] == pytest.approx(2, abs=0.1)


def test_the_line_has_the_means_of_both_sides_at_one(codes):
    code = codes[0]._replace(units=(3,))
    line_T = code_line(code, values_for(SENTENCE, True))
    assert line_T[2:8].mean() == pytest.approx(-1, abs=0.15)
    assert line_T[-4:].mean() == pytest.approx(1, abs=0.15)


def test_a_tagger_whose_units_follow_nothing_has_no_code(pronoun_tagger):
    assert answers_pronouns(pronoun_tagger)
    assert subject_codes(pronoun_tagger) == ()


def test_another_tagger_has_no_code(tagger):
    assert not answers_pronouns(tagger)
    assert subject_codes(tagger) == ()


def test_persons_have_roles_if_the_sentence_can_be_parsed():
    assert persons(SENTENCE) == [
        Person(1, "F", "subject"),
        Person(4, "M", "other person"),
        Person(9, "M", "new subject"),
    ]
    assert persons(["a", "queen", "?"]) == [Person(1, "F", "person")]
    assert persons(["no", "one"]) == []


def test_the_guide_says_what_the_values_do(codes):
    code = codes[0]._replace(units=(3,))
    values = values_for(SENTENCE, True)
    values["f"][9:12] = 0.25
    labels = ("PL", *"FFFFFFFFF", *"MMMMMMMM")
    cell = build_cell("lstm")
    told = guide(code, Trace(tuple(SENTENCE), labels, {"l0.fwd": values}), persons(SENTENCE), cell)
    assert [part["position"] for part in told] == [1, 4, 9]
    assert [part["text"] for part in told] == [
        "“queen” (F) is the subject: the units move to the side of F, and the label becomes F.",
        "“king” (M) is another person, not the subject: the units stay on the side of F, and the "
        "label stays F. They keep at least 90% of their memory.",
        "“boy” (M) is a new subject: the units move from the side of F to the side of M, and the "
        "label becomes M. At “boy”, they keep only 25% of their memory.",
    ]


def test_a_person_before_the_subject_is_not_called_the_subject(codes):
    tokens = ("Anna", "'s", "king", "slept", ",", "and", "PRON", "smiled")
    values = {"c": np.full((len(tokens), 5), codes[0].centre_H), "h": None}
    traced = Trace(tokens, ("F",) * len(tokens), {"l0.fwd": values})
    told = guide(codes[0], traced, persons(tokens), build_cell("rnn"))
    assert [part["text"] for part in told] == [
        "“Anna” (F) is another person, not the subject: the units stay on neither side, and the "
        "label is F.",
        "“king” (M) is the subject: the units are on neither side yet, and the label becomes F.",
    ]


def test_the_guide_does_not_claim_what_does_not_happen(codes):
    code = codes[0]._replace(units=(3,))
    values = {"c": np.full((len(SENTENCE), 5), code.centre_H), "f": None, "h": None}
    cell = build_cell("rnn")
    labels = ("F",) * len(SENTENCE)
    told = guide(code, Trace(tuple(SENTENCE), labels, {"l0.fwd": values}), persons(SENTENCE), cell)
    texts = [part["text"] for part in told]
    assert "the units are on neither side yet" in texts[0]
    assert "is a new subject, but 2 words later the units stay on neither side" in texts[2]
    assert not any("memory" in text for text in texts)
