"""Word embeddings that train the unknown word's vector.

Legend: B sentences, T words.
"""

import torch
from torch import Tensor, nn

from seqtag.inputs.vocabulary import Vocabulary


class WordEmbedding(nn.Embedding):
    """Word embeddings; in training, words seen only once are sometimes replaced by unknown.

    Otherwise the unknown word's vector would never be trained, as every word of the training
    split is known, and the network would rely too much on the vectors of rare words.

    Args:
        num_words: number of ids.
        frequent_words: ids from this one on were seen once in training.
        size: length of a vector.
        unknown: probability of the replacement.
    """

    def __init__(self, num_words: int, frequent_words: int, size: int, unknown: float) -> None:
        super().__init__(num_words, size, padding_idx=0)
        nn.init.uniform_(self.weight, -((3 / size) ** 0.5), (3 / size) ** 0.5)
        with torch.no_grad():
            self.weight[0] = 0.0
        self.frequent_words, self.unknown = frequent_words, unknown

    def forward(self, words_BT: Tensor) -> Tensor:
        """Return (B, T, size)."""
        if self.training and self.unknown:
            rare_BT = words_BT >= self.frequent_words
            chosen_BT = torch.rand(words_BT.shape, device=words_BT.device) < self.unknown
            words_BT = words_BT.masked_fill(rare_BT & chosen_BT, Vocabulary.UNKNOWN)
        return super().forward(words_BT)
