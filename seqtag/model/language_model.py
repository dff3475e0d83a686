"""A language model as a second loss: each direction predicts the word that it reads next.

Legend: B sentences, T words, H units of one direction, V predicted words, N predictions.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqtag.inputs.vocabulary import Vocabulary


class LanguageModel(nn.Module):
    """The second loss of Rei (2017), "Semi-supervised multitask learning for sequence labeling".

    The forward state at a word predicts the next word, the backward state the previous one,
    each through its own layer. Tagging does not use it: in training it makes the encoder learn
    more about each sentence than the labels require.

    Args:
        hidden_size: H.
        num_words: V, the number of most frequent words; all others count as unknown.
        size: units of the layer between state and words.
    """

    def __init__(self, hidden_size: int, num_words: int, size: int = 50) -> None:
        super().__init__()
        self.hidden_size, self.num_words = hidden_size, num_words
        self.forward_layer = nn.Linear(hidden_size, size)
        self.backward_layer = nn.Linear(hidden_size, size)
        self.forward_words = nn.Linear(size, num_words)
        self.backward_words = nn.Linear(size, num_words)

    def forward(self, y_BTH: Tensor, words_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the summed loss of both directions; `y_BTH` has forward features first."""
        steps_T = torch.arange(words_BT.shape[1], device=lengths_B.device)
        pair_BT = (steps_T < lengths_B[:, None] - 1)[:, :-1]  # a word and the next one
        target_BT = words_BT.masked_fill(words_BT >= self.num_words, Vocabulary.UNKNOWN)
        ahead_BTH, back_BTH = y_BTH.split(self.hidden_size, dim=2)
        ahead_NH, back_NH = ahead_BTH[:, :-1][pair_BT], back_BTH[:, 1:][pair_BT]
        next_N, previous_N = target_BT[:, 1:][pair_BT], target_BT[:, :-1][pair_BT]
        ahead_NV = self.forward_words(self.forward_layer(ahead_NH).tanh())
        back_NV = self.backward_words(self.backward_layer(back_NH).tanh())
        return F.cross_entropy(ahead_NV, next_N, reduction="sum") + F.cross_entropy(
            back_NV, previous_N, reduction="sum"
        )
