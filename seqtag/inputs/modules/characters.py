"""Encode words from their characters, by convolutions or a recurrent layer.

Legend: U distinct words, W characters of the longest one, V distinct characters, C size of a
character's vector, F filters, k characters of a window, B sentences, T words of a sentence.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqtag.inputs.modules.windows import strongest_responses
from seqtag.recurrent.layer import Recurrent


class CharacterEncoder(nn.Module):
    """Module from the characters of each distinct word (U, W) to its vector (U, output_size).

    Args:
        num_characters: V, the size of the vocabulary of characters.
        config: the options, a `CharacterConfig`.
    """

    output_size: int

    @staticmethod
    def at_words(spelled_UF: Tensor, spelling_BT: Tensor) -> Tensor:
        """Return the vector of each word of each sentence: (B, T, F)."""
        return F.embedding(spelling_BT, spelled_UF)


class CharacterCNN(CharacterEncoder):
    """Convolutions of several widths over a word's characters, with max-pooling over the word.

    Ma & Hovy (2016), with several widths as in Kim et al. (2016).

        CharacterCNN(100, CharacterConfig(widths=(2, 3)))(torch.tensor([[5, 7, 0]]))  # (1, 100)

    A word is padded on both sides. The vector of the padding starts at 0 and is trained like any
    other, so it marks the borders of a word.

    Since the inputs are discrete, a convolution is a sum of look-ups in a table of (position in
    the window, character), without products over windows. The gradient of a maximum flows only to
    the window with the highest score.
    """

    def __init__(self, num_characters: int, config: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_characters, config.size, padding_idx=0)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(config.size, config.filters, width, padding=width - 1)
            for width in config.widths
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output_size = config.filters * len(config.widths)

    def forward(self, characters_UW: Tensor) -> Tensor:
        """Return (U, filters x widths); characters of 0 are padding."""
        if not len(characters_UW):
            return self.embedding.weight.new_zeros(0, self.output_size)
        lengths_U = (characters_UW != 0).sum(dim=1).clamp(min=1)
        characters_VC = self.dropout(self.embedding.weight)
        pooled = [
            strongest_responses(
                torch.einsum("vc,fck->kvf", characters_VC, convolution.weight),
                characters_UW,
                lengths_U,
            )
            + convolution.bias
            for convolution in self.convolutions
        ]
        return torch.cat(pooled, dim=1)


class CharacterRNN(CharacterEncoder):
    """The final states of both directions of a recurrent layer over a word's characters.

    Lample et al. (2016), with any cell.

        CharacterRNN(100, CharacterConfig("gru", hidden_size=50))(torch.tensor([[5, 7, 0]]))
    """

    def __init__(self, num_characters: int, config: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_characters, config.size, padding_idx=0)
        self.encoder = Recurrent(
            config.encoder, config.size, config.hidden_size, bidirectional=True
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output_size = 2 * config.hidden_size

    def forward(self, characters_UW: Tensor) -> Tensor:
        """Return (U, 2 x hidden size); characters of 0 are padding."""
        lengths_U = (characters_UW != 0).sum(dim=1)
        x_UWC = self.dropout(self.embedding(characters_UW))
        _, state = self.encoder(x_UWC, lengths_U)
        hidden_2UH = state[0] if isinstance(state, tuple) else state
        return torch.cat(hidden_2UH.unbind(), dim=1)
