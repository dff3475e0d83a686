"""Word embeddings that train the unknown word's vector.

Legend: B sentences, T words.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
        num_fixed: number of ids, more than `num_words`, in a table of vectors that are not trained;
            a word has its vector in it unless that is zero. 0: there is no such table.
    """

    def __init__(
        self,
        num_words: int,
        frequent_words: int,
        size: int,
        unknown: float,
        num_fixed: int = 0,
    ) -> None:
        super().__init__(num_words, size, padding_idx=0)
        nn.init.uniform_(self.weight, -((3 / size) ** 0.5), (3 / size) ** 0.5)
        with torch.no_grad():
            self.weight[0] = 0.0
        self.frequent_words, self.unknown = frequent_words, unknown
        fixed = torch.zeros(num_fixed, size) if num_fixed else None
        self.register_buffer("fixed", fixed)

    def forward(self, words_BT: Tensor) -> Tensor:
        """Return (B, T, size)."""
        if self.training and self.unknown:
            rare_BT = words_BT >= self.frequent_words
            chosen_BT = torch.rand(words_BT.shape, device=words_BT.device) < self.unknown
            words_BT = words_BT.masked_fill(rare_BT & chosen_BT, Vocabulary.UNKNOWN)
        if self.fixed is None:
            return super().forward(words_BT)
        fixed_BTD = F.embedding(words_BT, self.fixed)
        known_BT = words_BT.masked_fill(words_BT >= self.num_embeddings, Vocabulary.UNKNOWN)
        return torch.where(fixed_BTD.any(2, keepdim=True), fixed_BTD, super().forward(known_BT))
