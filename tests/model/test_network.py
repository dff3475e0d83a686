"""The tagger network: padding, losses, and unusual batches."""

from itertools import product

import pytest
import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.inputs.features import Features
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork

SENTENCES = [
    {"tokens": ["Anna", "stays", "in", "1999", "."], "pos": ["NNP", "VBZ", "IN", "CD", "."]},
    {"tokens": ["Staying"], "pos": ["VBG"]},
    {"tokens": [], "pos": []},
    {"tokens": ["", "👩‍🚀", "x" * 60], "pos": ["FW", "FW", "?"]},
]
LABELS = LabelSet.fit([["B-PER", "B-LOC"]], "bio", "bioes")
SMALL = {
    "words": {"size": 5},
    "characters": {"size": 3, "filters": 2, "widths": [2, 4], "hidden_size": 3},
    "case_size": 2,
    "feature_size": 3,
    "hidden_size": 4,
}


def indexer(subwords=True):
    pieces = {"vocab_size": 40} if subwords else None
    return Indexer.fit(SENTENCES[:2], EncodeConfig(subwords=pieces), ["pos"])


ENCODER = indexer()
NO_COLUMNS = {**ENCODER.inputs, "features": Features({})}


def network(inputs=None, labels=LABELS, cell="lstm", **config):
    torch.manual_seed(4)
    config = TaggerConfig(**{**SMALL, "subword_size": 3, **config})
    built = TaggerNetwork(config, cell, inputs or ENCODER.inputs, len(labels), labels.transitions)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.uniform_(-1, 1)  # also vectors of padding and scores of the CRF
    return built.double().eval()


def encode(sentences):
    tokens = [sentence["tokens"] for sentence in sentences]
    return ENCODER.encode(tokens, {"pos": [sentence["pos"] for sentence in sentences]})


@pytest.mark.parametrize(
    ("characters", "subword_size", "decoder", "num_layers"),
    [
        *product(("cnn", "gru"), (0, 3), ("crf", "softmax"), (1,)),
        ("lstm", 3, "crf", 2),
    ],
)
def test_a_sentence_is_tagged_the_same_alone_and_in_a_batch(
    characters, subword_size, decoder, num_layers
):
    net = network(
        characters={**SMALL["characters"], "encoder": characters},
        subword_size=subword_size,
        decoder=decoder,
        num_layers=num_layers,
    )
    batch = encode(SENTENCES)
    scores_BTK, labels_BT, p_BTK = net(batch), net.decode(batch), net.probabilities(batch)
    gold_BT = labels_BT.clone()
    losses = 0.0
    for row, sentence in enumerate(SENTENCES):
        alone, length = encode([sentence]), len(sentence["tokens"])
        close = {"rtol": 0, "atol": 1e-6}
        torch.testing.assert_close(scores_BTK[row, :length], net(alone)[0], **close)
        torch.testing.assert_close(p_BTK[row, :length], net.probabilities(alone)[0], **close)
        assert labels_BT[row, :length].equal(net.decode(alone)[0])
        assert (labels_BT[row, length:] == -100).all()
        assert not p_BTK[row, length:].any()
        losses += net.loss(alone, gold_BT[row : row + 1, :length])
    torch.testing.assert_close(net.loss(batch, gold_BT) * len(SENTENCES), losses)
    inside = labels_BT >= 0
    torch.testing.assert_close(p_BTK.sum(2), inside.to(p_BTK.dtype), rtol=0, atol=1e-5)


@pytest.mark.parametrize("decoder", ["crf", "softmax"])
@pytest.mark.parametrize("subword_size", [0, 3])
@pytest.mark.parametrize("sentences", [[], SENTENCES[2:3]], ids=["no sentence", "no word"])
def test_empty_batches_and_sentences(decoder, subword_size, sentences):
    net = network(decoder=decoder, subword_size=subword_size, language_model=0.1)
    batch = encode(sentences)
    assert net.decode(batch).shape == (len(sentences), 0)
    assert net.probabilities(batch).shape == (len(sentences), 0, len(LABELS))
    assert net.loss(batch, torch.zeros(len(sentences), 0, dtype=torch.int64)) == 0


def test_the_softmax_loss_counts_labelled_words_only():
    net, batch = network(decoder="softmax"), encode(SENTENCES[:2])
    gold_BT = torch.tensor([[3, -100, 0, -100, 1], [-100] * 5])
    log_BTK = net(batch).log_softmax(2)
    expected = -(log_BTK[0, 0, 3] + log_BTK[0, 2, 0] + log_BTK[0, 4, 1]) / 2
    torch.testing.assert_close(net.loss(batch, gold_BT), expected)
    assert net.loss(batch, torch.full((2, 5), -100)) == 0


def test_the_crf_loss_is_the_loss_of_the_path():
    net, batch = network(), encode(SENTENCES[:1])
    best_BT = net.decode(batch)
    scores_BTK, lengths_B = net(batch), batch["lengths_B"]
    expected = net.crf.nll(scores_BTK, best_BT, lengths_B)[0]
    torch.testing.assert_close(net.loss(batch, best_BT), expected)
    steps = LABELS.transitions
    path = best_BT[0].tolist()
    assert steps.start[path[0]]
    assert steps.end[path[-1]]


def test_the_language_model_is_a_second_loss():
    batch = encode(SENTENCES)
    gold_BT = torch.zeros_like(batch["words_BT"])
    net = network(language_model=0.25, language_model_words=4)
    both = net.loss(batch, gold_BT)
    extra = net.language_model(net.encode(batch), batch["words_BT"], batch["lengths_B"])
    net.language_model = None
    torch.testing.assert_close(both, net.loss(batch, gold_BT) + 0.25 * extra / len(SENTENCES))


def test_pieces_can_be_the_only_input():
    net = network(NO_COLUMNS, words=None, characters=None, case_size=0)
    assert net.decode(encode(SENTENCES)).shape == (4, 5)


def test_one_direction_does_not_look_ahead():
    net = network(bidirectional=False, subword_size=0)
    longer = {"tokens": ["Anna", "stays", "out"], "pos": ["NNP", "VBZ", "CD"]}
    batch = encode([longer, SENTENCES[0]])
    scores_BTK = net(batch)
    torch.testing.assert_close(scores_BTK[0, :2], scores_BTK[1, :2])
    assert not torch.allclose(scores_BTK[0, 2], scores_BTK[1, 2])


def test_word_dropout_drops_whole_words_in_training():
    net = network(word_dropout=0.5, input_dropout=0.0, output_dropout=0.0, subword_size=0)
    seen = []
    net.encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    batch = encode(SENTENCES[:1] * 200)
    net(batch)
    net.train()
    net.embedding.eval()
    net(batch)
    whole_BTD, dropped_BTD = seen
    dropped_BT = (dropped_BTD == 0).all(2)
    assert 0.45 < dropped_BT.float().mean() < 0.55
    assert dropped_BTD[~dropped_BT].equal(whole_BTD[~dropped_BT])


def test_every_weight_gets_a_gradient():
    net = network(language_model=0.1).train()
    batch = encode(SENTENCES[:2])
    net.loss(batch, torch.zeros_like(batch["words_BT"])).backward()
    idle = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@pytest.mark.parametrize(
    ("inputs", "config", "message"),
    [
        (indexer(subwords=False).inputs, {}, "subword_size is set, but data.encode.subwords is"),
        (
            NO_COLUMNS,
            {"words": None, "characters": None, "case_size": 0, "subword_size": 0},
            "no input",
        ),
        (None, {"cell": "lsdm"}, "lsdm"),
        (None, {"characters": {"encoder": "crn"}}, "crn"),
    ],
)
def test_networks_that_cannot_be_built(inputs, config, message):
    with pytest.raises(InputError, match=message):
        network(inputs, **config)


def test_sharing_vectors_of_equal_words_changes_nothing():
    """Without gradients equal words share their vectors; scores are bitwise equal."""
    sentences = [["The", "cat", "saw", "the", "cat"], ["cat"], []]
    indexer = Indexer.fit([{"tokens": s} for s in sentences], EncodeConfig(), ())
    for cell in ("lstm", "lstm_layernorm"):
        network = TaggerNetwork(TaggerConfig(hidden_size=6), cell, indexer.inputs, 3).eval()
        inputs = indexer.encode(sentences)
        expected = network(inputs)
        with torch.no_grad():
            actual = network(inputs)
        assert expected.requires_grad
        assert torch.equal(actual, expected)
    with torch.no_grad():
        assert network(indexer.encode([[]])).shape == (1, 0, 3)
