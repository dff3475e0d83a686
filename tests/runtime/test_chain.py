"""Inference in a chain with numpy gives the results of the CRF in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqtag.labels import allowed_transitions
from seqtag.model.crf import LinearChainCRF
from seqtag.runtime.chain import (
    Chain,
    best_path,
    best_paths,
    log_partition,
    marginals,
    path_score,
)

LABELS = ("O", *(f"{p}-{t}" for t in ("PER", "LOC") for p in "BIES"))
LENGTHS = torch.tensor([7, 1, 2, 5])


@pytest.fixture(params=[True, False], ids=["constrained", "free"])
def crf(request):
    steps = allowed_transitions(LABELS, "bioes") if request.param else None
    crf = LinearChainCRF(len(LABELS), steps)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
    return crf


@pytest.fixture
def scores():
    return 3 * torch.randn(4, 7, len(LABELS), generator=torch.Generator().manual_seed(1))


def chain_of(crf):
    parts = {"start": crf.start_K, "between": crf.transitions_KK, "end": crf.end_K}
    masks = {"start": "allowed_start_K", "between": "allowed_KK", "end": "allowed_end_K"}
    if crf.constrained:
        for name, mask in masks.items():
            parts[name] = parts[name].masked_fill(~getattr(crf, mask), -torch.inf)
    rows = (parts["between"], parts["start"][None], parts["end"][None])
    return Chain.from_table(torch.cat(rows).detach().numpy())


@torch.no_grad()
def test_results_are_those_of_the_crf(crf, scores):
    chain = chain_of(crf)
    best_BT, p_BTK = crf.decode(scores, LENGTHS), crf.marginals(scores, LENGTHS)
    nll_B = crf.nll(scores, best_BT, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        scores_TK = scores[row, :length].numpy()
        path = best_path(chain, scores_TK)
        assert path == best_BT[row, :length].tolist()
        np.testing.assert_allclose(marginals(chain, scores_TK), p_BTK[row, :length], atol=1e-6)
        log_p = path_score(chain, scores_TK, path) - log_partition(chain, scores_TK)
        assert log_p == pytest.approx(-float(nll_B[row]), abs=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("count", [1, 9, 300])
def test_the_best_sequences_are_those_of_the_crf(crf, scores, count):
    chain = chain_of(crf)
    ids_BNT, log_p_BN = crf.n_best(scores, LENGTHS, count)
    for row, length in enumerate(LENGTHS.tolist()):
        scores_TK = scores[row, :length].numpy()
        found = best_paths(chain, scores_TK, count)
        allowed = int((log_p_BN[row] > -torch.inf).sum())
        assert [ids for ids, _ in found] == ids_BNT[row, :allowed, :length].tolist()
        log_p = np.array([score for _, score in found]) - log_partition(chain, scores_TK)
        np.testing.assert_allclose(log_p, log_p_BN[row, :allowed], atol=1e-5)


def test_scores_are_not_changed(crf, scores):
    before = scores.clone()
    chain, scores_TK = chain_of(crf), scores[0].numpy()
    for compute in (best_path, marginals, log_partition):
        compute(chain, scores_TK)
    best_paths(chain, scores_TK, 3)
    assert torch.equal(scores, before)


def test_no_path_without_an_allowed_sequence():
    never = Chain.from_table(np.full((4, 2), -np.inf))
    assert best_path(never, np.zeros((3, 2))) == []
    assert best_paths(never, np.zeros((3, 2)), 5) == []
    assert log_partition(never, np.zeros((3, 2))) == -np.inf
