"""A linear-chain conditional random field over a sentence's labels.

Shapes: B batch, T time, K labels, N paths.

The score of a path y is

    start[y_1] + sum_t emission[t, y_t] + sum_t transition[y_{t-1}, y_t] + end[y_T]

and its probability is exp(score) / Z, with Z summed over all allowed paths (Lafferty, McCallum &
Pereira 2001). Steps that the label scheme forbids have probability 0: no path contains them. Sums
and maxima are computed in float64 (float32 on devices without it), whatever the dtype of the
emissions, also under autocast.
"""

import numpy as np
import torch
from torch import Tensor, nn

from seqtag.labels import NOT_SCORED, Transitions
from seqtag.model.chain import NEVER, Potentials, automaton, inside, log_partition, sums
from seqtag.model.viterbi import best_path, best_paths


class LinearChainCRF(nn.Module):
    """Scores label sequences jointly: loss, best paths, marginals.

    Parameters start at zero, where the model equals a softmax of the emissions if all steps are
    allowed.

    All methods take `emissions_BTK` (any floating dtype, right-padded) and `lengths_B` (int64,
    0 to T). Values after the end of a sentence, even NaN, change no output and no gradient.
    Sentences and batches can be empty. Results have the dtype of the emissions, at least float32.

    Args:
        num_labels: K.
        transitions: the allowed steps, see `seqtag.labels.allowed_transitions`; None allows all.
            They are not in the state dict: compute them again from the label scheme.

    Raises:
        ValueError: if the transitions are for another number of labels.

    Example:
        >>> crf = LinearChainCRF(3)
        >>> emissions, lengths = torch.zeros(1, 2, 3), torch.tensor([2])
        >>> crf.nll(emissions, torch.tensor([[0, 1]]), lengths)  # log 9
        tensor([2.1972], grad_fn=<ToCopyBackward0>)
    """

    def __init__(self, num_labels: int, transitions: Transitions | None = None) -> None:
        super().__init__()
        K = self.num_labels = num_labels
        self.start_K = nn.Parameter(torch.zeros(K))
        self.transitions_KK = nn.Parameter(torch.zeros(K, K))
        self.end_K = nn.Parameter(torch.zeros(K))
        self.constrained = transitions is not None
        self.mixing_steps: int | None = 1
        if transitions is None:
            self.register_buffer("read_K", None, persistent=False)
            return
        allowed = [torch.as_tensor(np.asarray(part, bool)) for part in transitions]
        if [tuple(part.shape) for part in allowed] != [(K,), (K, K), (K,)]:
            raise ValueError(f"transitions must be for {K} labels")
        steps = automaton(*allowed)
        self.mixing_steps = steps.mixing_steps
        self.register_buffer("allowed_start_K", steps.start_K, persistent=False)
        self.register_buffer("allowed_KK", steps.between_KK, persistent=False)
        self.register_buffer("allowed_end_K", steps.end_K, persistent=False)
        self.register_buffer("useful_K", steps.useful_K, persistent=False)
        # Emissions of labels that are on no path must not affect the scaling of the others.
        some = int(steps.useful_K.int().argmax())
        read_K = torch.where(steps.useful_K, torch.arange(K), some)
        trimmed = not bool(steps.useful_K.all())
        self.register_buffer("read_K", read_K if trimmed else None, persistent=False)

    def nll(
        self,
        emissions_BTK: Tensor,
        labels_BT: Tensor,
        lengths_B: Tensor,
        weights_K: Tensor | None = None,
    ) -> Tensor:
        """Return -log P(labels | emissions) for each sentence: (B,), once differentiable.

        A label of -100 is unknown: P is then the probability of all paths that agree with the
        known labels. A sentence without any known label has loss 0.

        Real corpora contain steps that the label scheme forbids. Both labels of such a step count
        as unknown; the other labels still count. If no allowed path agrees even then, the loss
        and the gradient of the sentence are 0.

        With `weights_K` (positive), a path counts in Z as often as the product of the weights of
        the known labels that it gets wrong: exp(score) is multiplied by the weight of the known
        label at each token where the path has another one. This is the softmax-margin loss of
        Gimpel & Smith 2010, "Softmax-margin CRFs", whose cost of a wrong label is here the
        logarithm of that weight. For one token it is log(1 + w x odds of an error), about w times
        the loss if errors are improbable. Weights of 1 change nothing. Then the result is not the
        logarithm of a probability.

        Raises:
            ValueError: for a label that is neither -100 nor from 0 to K - 1, and for wrong shapes
                or lengths.
        """
        potentials = self._potentials(emissions_BTK, lengths_B)
        inside_BT = inside(lengths_B, labels_BT.shape[1])
        if labels_BT.shape != emissions_BTK.shape[:2]:
            raise ValueError(
                f"labels are {tuple(labels_BT.shape)}, emissions {tuple(emissions_BTK.shape)}"
            )
        labels_BT = torch.where(inside_BT, labels_BT, 0)
        labelled_BT = labels_BT != NOT_SCORED
        known_BT = torch.where(labelled_BT, labels_BT, 0)
        if ((known_BT < 0) | (known_BT >= self.num_labels)).any():
            raise ValueError(f"labels must be {NOT_SCORED} or in 0..{self.num_labels - 1}")
        if self.constrained:
            labelled_BT = labelled_BT & ~self._forbidden(
                known_BT, labelled_BT, inside_BT, lengths_B
            )
        if labelled_BT.all():
            gold_B = _path_score(potentials, known_BT, inside_BT)
        else:
            label_K = torch.arange(self.num_labels, device=labels_BT.device)
            free_BT = ~(labelled_BT & inside_BT)
            clamp_BTK = (known_BT[:, :, None] == label_K) | free_BT[:, :, None]
            gold_B = log_partition(potentials._replace(clamp_BTK=clamp_BTK))
        if weights_K is not None:
            # The cost is 0 where any label is right, so it does not change the score of the gold.
            cost_BT = weights_K.to(potentials.emissions_BTK.dtype).log()[known_BT]
            cost_BT1 = torch.where(labelled_BT & inside_BT, cost_BT, 0.0)[:, :, None]
            label_K = torch.arange(self.num_labels, device=labels_BT.device)
            cost_BTK = cost_BT1 * (known_BT[:, :, None] != label_K)
            costed = potentials.emissions_BTK + cost_BTK
            potentials = potentials._replace(emissions_BTK=costed)
        loss_B = log_partition(potentials) - gold_B
        return torch.where(gold_B == NEVER, 0.0, loss_B).to(_result_dtype(emissions_BTK))

    def log_partition(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return log Z for each sentence: (B,), once differentiable.

        It is 0 for an empty sentence, and -inf with gradient 0 if no path is allowed.
        """
        potentials = self._potentials(emissions_BTK, lengths_B)
        return log_partition(potentials).to(_result_dtype(emissions_BTK))

    @torch.no_grad()
    def decode(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the best path of each sentence: int64 (B, T), -100 after the end.

        If no path of that length is allowed, all labels are -100.
        """
        return best_path(self._potentials(emissions_BTK, lengths_B))

    @torch.no_grad()
    def marginals(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return P(y_t = k | emissions): (B, T, K), 0 after the end, not differentiable.

        If no path of that length is allowed, all are 0.
        """
        result = sums(self._potentials(emissions_BTK, lengths_B), gradients=True)
        return result.marginals_BTK.to(_result_dtype(emissions_BTK))

    @torch.no_grad()
    def n_best(self, emissions_BTK: Tensor, lengths_B: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Return the n best paths, best first: labels int64 (B, N, T), log-probabilities (B, N).

        Paths are distinct. If fewer than n are allowed, the missing ones have log-probability -inf
        and labels -100. An empty sentence has one path, with log-probability 0.

        Raises:
            ValueError: for n below 1, and for wrong shapes or lengths.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1, not {n}")
        potentials = self._potentials(emissions_BTK, lengths_B)
        labels_BNT, scores_BN = best_paths(potentials, n)
        log_z_B = log_partition(potentials)
        scores_BN = torch.where(scores_BN == NEVER, NEVER, scores_BN - log_z_B[:, None])
        # Rounding must not give a probability above 1.
        return labels_BNT, scores_BN.clamp_max(0.0).to(_result_dtype(emissions_BTK))

    def extra_repr(self) -> str:
        """Return the arguments for `repr`."""
        return f"num_labels={self.num_labels}, constrained={self.constrained}"

    def _potentials(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Potentials:
        """Return the path scores in float64, after checking shapes and applying masks."""
        if emissions_BTK.dim() != 3 or emissions_BTK.shape[2] != self.num_labels:
            shape = tuple(emissions_BTK.shape)
            raise ValueError(f"emissions must be (B, T, {self.num_labels}), not {shape}")
        B, T, _ = emissions_BTK.shape
        if lengths_B.shape != (B,) or ((lengths_B < 0) | (lengths_B > T)).any():
            raise ValueError(f"lengths must be {B} numbers from 0 to {T}")
        # MPS has no float64.
        dtype = torch.float32 if emissions_BTK.device.type == "mps" else torch.float64
        outside_BT1 = ~inside(lengths_B, T)[:, :, None]
        emissions_BTK = emissions_BTK.to(dtype).masked_fill(outside_BT1, 0.0)
        if self.read_K is not None:
            emissions_BTK = emissions_BTK.index_select(-1, self.read_K)
        scores = self.step_scores(dtype)
        return Potentials(emissions_BTK, *scores, lengths_B, None, self.mixing_steps)

    def step_scores(self, dtype: torch.dtype) -> list[Tensor]:
        """Return the scores of starts, transitions and ends; -inf for a step that is forbidden."""
        scores = [p.to(dtype) for p in (self.start_K, self.transitions_KK, self.end_K)]
        if not self.constrained:
            return scores
        masks = (self.allowed_start_K, self.allowed_KK, self.allowed_end_K)
        return [torch.where(mask, score, NEVER) for mask, score in zip(masks, scores, strict=True)]

    def _forbidden(
        self, known_BT: Tensor, labelled_BT: Tensor, inside_BT: Tensor, lengths_B: Tensor
    ) -> Tensor:
        """Return a mask (B, T) of known labels that are part of a forbidden step, at ends too."""
        bad_BT = ~self.useful_K[known_BT]
        if known_BT.shape[1]:
            bad_BT[:, 0] |= ~self.allowed_start_K[known_BT[:, 0]]
            last_BT = ~inside(lengths_B - 1, known_BT.shape[1])
            bad_BT |= last_BT & ~self.allowed_end_K[known_BT]
        pair_BT = ~self.allowed_KK[known_BT[:, :-1], known_BT[:, 1:]]
        pair_BT &= labelled_BT[:, :-1] & labelled_BT[:, 1:] & inside_BT[:, 1:]
        bad_BT[:, :-1] |= pair_BT
        bad_BT[:, 1:] |= pair_BT
        return bad_BT & labelled_BT & inside_BT


def _path_score(potentials: Potentials, labels_BT: Tensor, inside_BT: Tensor) -> Tensor:
    """Return the score (B,) of one path; labels after the end must be from 0 to K - 1."""
    emissions_BTK, start_K, transitions_KK, end_K, lengths_B, *_ = potentials
    B, T, K = emissions_BTK.shape
    if not B * T:
        return emissions_BTK.sum((1, 2))
    # Emissions after the end are 0. index_select, because the backward of indexing is slow.
    score_B = emissions_BTK.gather(2, labels_BT[:, :, None]).sum((1, 2))
    step_BT = (labels_BT[:, :-1] * K + labels_BT[:, 1:]).flatten()
    step_BT = transitions_KK.reshape(-1).index_select(0, step_BT).view(B, T - 1)
    last_B = labels_BT.gather(1, (lengths_B - 1).clamp_min(0)[:, None])[:, 0]
    ends_B = start_K.index_select(0, labels_BT[:, 0]) + end_K.index_select(0, last_B)
    score_B = score_B + torch.where(inside_BT[:, 1:], step_BT, 0.0).sum(1)
    return score_B + torch.where(lengths_B > 0, ends_B, 0.0)


def _result_dtype(emissions_BTK: Tensor) -> torch.dtype:
    return torch.promote_types(emissions_BTK.dtype, torch.float32)
