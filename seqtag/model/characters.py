"""Words as vectors from their characters: convolutions, or a recurrent layer.

Legend: U different words, W characters of the longest one, P windows of a word, V different
characters, C size of a character's vector, F filters, k characters of a window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqtag.model.config import CharacterConfig
from seqtag.recurrent.layer import Recurrent


class CharacterCNN(nn.Module):
    """Convolutions of several widths over a word's characters, each its maximum over the word.

    Ma & Hovy (2016), with several widths as Kim et al. (2016).

    Before and behind a word stands the padding. Its vector starts at 0 and is learned as any
    other: the mark of a word's border.

    The inputs are discrete, so a convolution is a sum of look-ups in a table of (place in the
    window, character): no products over windows. And the gradient of a maximum flows to the
    window that won, so the search for it runs without autograd, and the winners alone are
    scored again with it. On a CPU this takes a third of the time of ``nn.Conv1d``.
    """

    def __init__(self, num_characters: int, config: CharacterConfig) -> None:
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
        found = [
            _strongest(convolution, characters_VC, characters_UW, lengths_U)
            for convolution in self.convolutions
        ]
        return torch.cat(found, dim=1)


def _strongest(
    convolution: nn.Conv1d, characters_VC: Tensor, characters_UW: Tensor, lengths_U: Tensor
) -> Tensor:
    """Return the maximum of a convolution over each word: (U, F)."""
    filters, _, width = convolution.weight.shape
    places_k = torch.arange(width, device=characters_UW.device)
    table_kVF = torch.einsum("vc,fck->kvf", characters_VC, convolution.weight)
    table_RF = table_kVF.flatten(0, 1)  # R: rows, one for each character at each place
    windows_UPk = F.pad(characters_UW, (width - 1, width - 1)).unfold(1, width, 1)
    rows_UPk = windows_UPk + places_k * len(characters_VC)
    best_UF = _search(rows_UPk, table_RF.detach(), lengths_U + width - 1)
    rows_UFk = rows_UPk.gather(1, best_UF[:, :, None].expand(-1, -1, width))
    cells_UFk = rows_UFk * filters + torch.arange(filters, device=rows_UFk.device)[:, None]
    scores_UFk = table_RF.flatten().gather(0, cells_UFk.flatten()).view_as(cells_UFk)
    return scores_UFk.sum(dim=2) + convolution.bias


@torch.no_grad()
def _search(rows_UPk: Tensor, table_RF: Tensor, windows_U: Tensor) -> Tensor:
    """Return for each word and filter the window that scores highest: (U, F).

    Windows from `windows_U` on hold padding alone. They exist for short words only: with them a
    word's vector would depend on the longest word of its batch.
    """
    num_words, num_windows, width = rows_UPk.shape
    scores_NF = F.embedding_bag(rows_UPk.reshape(-1, width), table_RF, mode="sum")
    windows_P = torch.arange(num_windows, device=rows_UPk.device)
    empty_N = (windows_P >= windows_U[:, None]).flatten().nonzero().squeeze(1)
    # Filling whole rows by number is far faster on a CPU than a mask spread over the filters.
    scores_UPF = scores_NF.index_fill_(0, empty_N, -torch.inf).view(num_words, num_windows, -1)
    # Pooling in channels-last order finds positions 10 times faster than argmax over this axis.
    scores_UFP1 = scores_UPF[:, :, None].permute(0, 3, 1, 2)
    _, best_UF11 = F.max_pool2d(scores_UFP1, (num_windows, 1), return_indices=True)
    return best_UF11.flatten(1)


class CharacterRNN(nn.Module):
    """A bidirectional recurrent layer over a word's characters: its two final states.

    Lample et al. (2016), with any cell.
    """

    def __init__(self, num_characters: int, config: CharacterConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_characters, config.size, padding_idx=0)
        self.encoder = Recurrent(
            config.encoder, config.size, config.hidden_size, bidirectional=True
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output_size = 2 * config.hidden_size

    def forward(self, characters_UW: Tensor) -> Tensor:
        """Return (U, 2 x hidden); characters of 0 are padding."""
        lengths_U = (characters_UW != 0).sum(dim=1)
        x_UWC = self.dropout(self.embedding(characters_UW))
        _, state = self.encoder(x_UWC, lengths_U)
        hidden_2UH = state[0] if isinstance(state, tuple) else state
        return torch.cat(hidden_2UH.unbind(), dim=1)
