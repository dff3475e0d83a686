"""Weights of labels: softmax against torch, the CRF against all paths listed one by one."""

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from seqtag.labels import allowed_transitions
from seqtag.model.crf import LinearChainCRF

LABELS = ["O", "B-a", "I-a"]
WEIGHTS = torch.tensor([0.5, 3.0, 1.5], dtype=torch.float64)


def make(constrained, seed=0):
    transitions = allowed_transitions(LABELS, "bio") if constrained else None
    crf = LinearChainCRF(3, transitions).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_(generator=generator)
    emissions = torch.randn(3, 4, 3, generator=generator, dtype=torch.float64)
    labels = torch.tensor([[0, 1, 2, 0], [1, -100, 0, -100], [-100, -100, -100, -100]])
    return crf, emissions, labels, torch.tensor([4, 3, 2])


def by_enumeration(crf, emissions_TK, labels_T, weights_K):
    """Return the loss of a sentence by its definition."""
    transitions = allowed_transitions(LABELS, "bio") if crf.constrained else None
    costed, gold = [], []
    for path in itertools.product(range(3), repeat=len(labels_T)):
        steps = list(itertools.pairwise(path))
        if transitions is not None and not (
            transitions.start[path[0]]
            and transitions.end[path[-1]]
            and all(transitions.between[i][j] for i, j in steps)
        ):
            continue
        score = crf.start_K[path[0]] + crf.end_K[path[-1]]
        score = score + sum(emissions_TK[t, k] for t, k in enumerate(path))
        score = score + sum((crf.transitions_KK[pair] for pair in steps), torch.zeros(()))
        wrong = [g for g, k in zip(labels_T, path, strict=True) if g not in (-100, k)]
        costed.append(score + sum(math.log(weights_K[g]) for g in wrong))
        if not wrong:
            gold.append(score)
    return torch.stack(costed).logsumexp(0) - torch.stack(gold).logsumexp(0)


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_loss_is_that_of_all_paths(constrained, seed):
    crf, emissions, labels, lengths = make(constrained, seed)
    losses = crf.nll(emissions, labels, lengths, WEIGHTS)
    for b, n in enumerate(lengths.tolist()):
        expected = by_enumeration(crf, emissions[b, :n], labels[b, :n].tolist(), WEIGHTS.tolist())
        assert losses[b].item() == pytest.approx(expected.item(), abs=1e-9)


@pytest.mark.parametrize("constrained", [False, True])
def test_weights_of_one_change_no_bit(constrained):
    crf, emissions, labels, lengths = make(constrained)
    emissions.requires_grad_()
    results = []
    for weights in (None, torch.ones(3)):
        loss = crf.nll(emissions, labels, lengths, weights)
        results.append((loss, *torch.autograd.grad(loss.sum(), [emissions, *crf.parameters()])))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_gradients_of_the_weighted_loss():
    crf, emissions, labels, lengths = make(True)
    parameters = [*crf.parameters()]

    def loss(emissions, *_):
        return crf.nll(emissions, labels, lengths, WEIGHTS)

    assert torch.autograd.gradcheck(loss, (emissions.requires_grad_(), *parameters))


def test_a_known_label_in_a_forbidden_step_has_no_cost():
    crf, emissions, _, lengths = make(True)
    labels = torch.tensor([[0, 2, 0, 0]] * 3)  # O I-a is forbidden: both count as unknown
    unknown = torch.tensor([[-100, -100, 0, 0]] * 3)
    weighted = [crf.nll(emissions, gold, lengths, WEIGHTS) for gold in (labels, unknown)]
    assert torch.equal(*weighted)


@pytest.mark.parametrize("decoder", ["softmax", "crf"])
def test_the_network_weights_its_loss(build_tagger, decoder):
    tagger = build_tagger(decoder=decoder)
    network = tagger.network.eval()
    inputs = tagger.indexer.encode([["Alex", "Graves", "stays"]])
    labels = torch.tensor([[1, 3, 0]])
    before = network.loss(inputs, labels)
    network.label_weights_K = torch.ones(len(tagger.labels))
    assert torch.equal(network.loss(inputs, labels), before)
    network.label_weights_K = weights = torch.arange(1.0, 1.0 + len(tagger.labels))
    after = network.loss(inputs, labels)
    if decoder == "softmax":
        torch_loss = F.cross_entropy(network(inputs)[0], labels[0], weight=weights, reduction="sum")
        assert after.item() == pytest.approx(torch_loss.item())
    else:
        assert after > before
    assert "label_weights_K" not in network.state_dict()
