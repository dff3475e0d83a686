"""Check a network's scores and labels, and compute how certain its labels are.

Legend: B sentences, T words, K labels, N sequences of labels.
"""

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor

from seqtag.errors import InputError
from seqtag.labels import NOT_SCORED
from seqtag.model.crf import LinearChainCRF
from seqtag.model.network import TaggerNetwork
from seqtag.tagging.results import LabelPath


def check_scores(network: TaggerNetwork, emissions_BTK: Tensor) -> None:
    """Raise an error for scores that are not finite, whose best label would be arbitrary.

    Raises:
        InputError: naming weights of the network that are not finite.
    """
    finite = emissions_BTK.isfinite().all()
    if network.crf is not None:
        # Minus infinity is allowed: it forbids a transition. NaN compares as false.
        for weight in network.crf.parameters():
            finite = finite & (weight < torch.inf).all()
    if finite:
        return
    wrong = (name for name, p in network.named_parameters() if not p.isfinite().all())
    names = ", ".join(islice(wrong, 3))
    reason = f"weights that are not finite: {names}" if names else "finite weights that overflow"
    raise InputError(
        f"this tagger computes scores of labels that are not finite numbers ({reason}). Its "
        "training diverged, or its weights were damaged later: train it again, with a lower "
        "learning rate if the loss became nan, or load another model"
    )


def check_labels(ids_BT: Tensor, lengths: Sequence[int]) -> None:
    """Check that every word has a label (an id of 0 or more).

    Raises:
        InputError: if a word has none, because the CRF allows no sequence of labels.
    """
    if int((ids_BT >= 0).sum()) != sum(lengths):
        raise InputError(
            "this tagger's transition weights allow no sequence of labels for a sentence of this "
            "length: its model folder is damaged; train it again"
        )


def log_certainties(
    network: TaggerNetwork, emissions_BTK: Tensor, ids_BT: Tensor, lengths_B: Tensor
) -> Tensor:
    """Return the log-probability of each sequence of labels, divided by its length: (B,).

    This is the criterion MNLP of active learning (maximum normalized log-probability; Shen et al.
    2018, Deep Active Learning for Named Entity Recognition). Without the division, the sentences
    with the lowest probability would be the longest ones.
    """
    if network.crf is not None:
        log_p_B = -network.crf.nll(emissions_BTK, ids_BT, lengths_B)
    else:
        log_p_BTK = emissions_BTK.float().log_softmax(dim=2)
        chosen_BT1 = ids_BT.clamp_min(0)[:, :, None]
        log_p_BT = log_p_BTK.gather(2, chosen_BT1)[:, :, 0].masked_fill(ids_BT < 0, 0.0)
        log_p_B = log_p_BT.sum(dim=1)
    return (log_p_B / lengths_B.clamp_min(1)).clamp_max(0.0)


def best_paths(
    network: TaggerNetwork, emissions_BTK: Tensor, lengths_B: Tensor, count: int
) -> list[list[LabelPath]]:
    """Return the most probable sequences of labels of each sentence, best first."""
    # With weights of zero, as initially, a CRF is a softmax at each word.
    crf = network.crf or LinearChainCRF(emissions_BTK.shape[2]).to(emissions_BTK.device)
    ids_BNT, log_p_BN = crf.n_best(emissions_BTK, lengths_B, count)
    rows = zip(ids_BNT.tolist(), log_p_BN.exp().tolist(), lengths_B.tolist(), strict=True)
    return [
        [
            LabelPath(ids_T[:length], p)
            for ids_T, p in zip(ids_NT, p_N, strict=True)
            if NOT_SCORED not in ids_T[:length]
        ]
        for ids_NT, p_N, length in rows
    ]
