"""The scores that the labels of a tagger begin with, when it continues from another one.

Legend: K labels of the new tagger, J labels of the one that it continues from.

Each new score is the mean of some old ones. A label that both taggers have keeps its score. If the
label schemes differ, a label takes the mean of the old labels with its type and its position: S-X
of bioes begins as B-X of bio; B-X of bio as the mean of B-X and S-X of bioes.

A label of a new type begins with the scores of O, lowered by `MARGIN`. No path with such a label is
then the best one, because the same path with O in its place is better: the tagger first predicts
what it predicted before. With plain labels the mean of all old labels takes the place of O.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from seqtag.data.encode.labelset import LabelSet
from seqtag.labels import OUTSIDE
from seqtag.model.crf import LinearChainCRF
from seqtag.model.network import TaggerNetwork

# How much less than O a new label scores: it has 0.7% of the probability of O at first.
MARGIN = 5.0
# Letters of the label schemes for tokens that begin a span; others continue one.
_BEGINNING = "BSU"


class LabelSources(NamedTuple):
    """The old labels that each new label begins with.

    Attributes:
        sources_KJ: 1.0 for the old labels whose mean a new label begins with.
        new_K: True for labels whose type is new.
    """

    sources_KJ: Tensor
    new_K: Tensor


def label_sources(old: LabelSet, new: LabelSet) -> LabelSources:
    """Return the old labels that each label of `new` begins with."""
    ids = {label: number for number, label in enumerate(old.labels)}
    by_type: dict[str, list[str]] = {}
    for label in old.labels:
        if label != OUTSIDE and old.scheme != "plain":
            by_type.setdefault(label.partition("-")[2], []).append(label)
    sources_KJ = torch.zeros(len(new), len(old), dtype=torch.float64)
    new_K = torch.zeros(len(new), dtype=torch.bool)
    unseen = [OUTSIDE] if OUTSIDE in ids and old.scheme != "plain" else list(old.labels)
    for number, label in enumerate(new.labels):
        same = by_type.get(label.partition("-")[2], []) if label != OUTSIDE else []
        if label in ids and (old.scheme == new.scheme or label == OUTSIDE):
            found = [label]
        else:
            begins = label[0] in _BEGINNING
            found = [other for other in same if (other[0] in _BEGINNING) == begins] or same
        new_K[number] = not found
        sources_KJ[number, [ids[source] for source in found or unseen]] = 1.0
    return LabelSources(sources_KJ, new_K)


@torch.no_grad()
def copy_label_scores(new: TaggerNetwork, old: TaggerNetwork, sources: LabelSources) -> None:
    """Set the weights of the projection and the CRF of `new` from those of `old`."""
    share_KJ = sources.sources_KJ / sources.sources_KJ.sum(1, keepdim=True)
    new.projection.weight.copy_(share_KJ @ old.projection.weight.double())
    bias_K = share_KJ @ old.projection.bias.double()
    new.projection.bias.copy_(bias_K - MARGIN * sources.new_K)
    if new.crf is not None and old.crf is not None:
        _copy_transitions(new.crf, old.crf, sources.sources_KJ)


def _copy_transitions(new: LinearChainCRF, old: LinearChainCRF, sources_KJ: Tensor) -> None:
    """Set each score to the mean of its sources that the old scheme allows; 0 without any."""
    scores = (old.start_K, old.transitions_KK, old.end_K)
    allowed = [torch.ones_like(score, dtype=torch.float64) for score in scores]
    if old.constrained:
        allowed = [m.double() for m in (old.allowed_start_K, old.allowed_KK, old.allowed_end_K)]
    targets = (new.start_K, new.transitions_KK, new.end_K)
    for target, score, mask in zip(targets, scores, allowed, strict=True):
        total, count = (
            sources_KJ @ values if values.dim() == 1 else sources_KJ @ values @ sources_KJ.T
            for values in (score.double() * mask, mask)
        )
        target.copy_(total / count.clamp_min(1.0))
