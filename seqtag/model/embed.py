"""Words as vectors: word, characters, letter case and further columns, side by side.

Legend: B sentences, T words, U different words of the batch, W characters of a word, C size of a
character's vector, F filters, D features of a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqtag.model.config import CharacterConfig, TaggerConfig
from seqtag.recurrent.layer import Recurrent

_UNKNOWN = 1


class WordEmbedding(nn.Embedding):
    """Vectors of words; in training a word seen once is at times read as unknown.

    Without that, the unknown word's vector would never be trained (every word of the training
    split is known), and the vectors of rare words would be trusted too much.
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
            words_BT = words_BT.masked_fill(rare_BT & chosen_BT, _UNKNOWN)
        return super().forward(words_BT)


class CharacterCNN(nn.Module):
    """Convolutions of several widths over a word's characters, each its maximum over the word.

    Zhang, Zhao & LeCun (2015) and Ma & Hovy (2016), with several widths as Kim et al. (2016).
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
        """Return (U, filters x widths)."""
        x_UCW = self.dropout(self.embedding(characters_UW)).transpose(1, 2)
        lengths_U = (characters_UW != 0).sum(dim=1).clamp(min=1)
        found = []
        for convolution in self.convolutions:
            y_UFW = convolution(x_UCW)
            # Windows that hold padding alone exist for short words only: without this, a word's
            # vector would depend on the longest word of its batch.
            last_U = lengths_U + convolution.padding[0]
            empty_UW = torch.arange(y_UFW.shape[2], device=last_U.device) >= last_U[:, None]
            found.append(y_UFW.masked_fill(empty_UW[:, None], -torch.inf).amax(dim=2))
        return torch.cat(found, dim=1)


class CharacterRNN(nn.Module):
    """A bidirectional recurrent layer over a word's characters: its two final states."""

    def __init__(self, num_characters: int, config: CharacterConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_characters, config.size, padding_idx=0)
        self.encoder = Recurrent(
            config.encoder, config.size, config.hidden_size, bidirectional=True
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output_size = 2 * config.hidden_size

    def forward(self, characters_UW: Tensor) -> Tensor:
        """Return (U, 2 x hidden)."""
        lengths_U = (characters_UW != 0).sum(dim=1)
        x_UWC = self.dropout(self.embedding(characters_UW))
        y_UWH, _ = self.encoder(x_UWC, lengths_U)
        hidden = y_UWH.shape[2] // 2
        rows = torch.arange(len(lengths_U), device=lengths_U.device)
        last_UH = y_UWH[rows, (lengths_U - 1).clamp(min=0), :hidden]
        return torch.cat([last_UH, y_UWH[:, 0, hidden:]], dim=1)


class Embedding(nn.Module):
    """The chosen inputs of a word, concatenated: (B, T, output_size)."""

    def __init__(self, config: TaggerConfig, sizes: Mapping[str, Any]) -> None:
        super().__init__()
        self.output_size = 0
        self.words = self.characters = self.case = None
        if config.words is not None:
            self.words = WordEmbedding(
                sizes["words"],
                sizes["frequent_words"],
                config.words.size,
                config.words.unknown_probability,
            )
            self.output_size += config.words.size
        if config.characters is not None:
            kind = CharacterCNN if config.characters.encoder == "cnn" else CharacterRNN
            self.characters = kind(sizes["characters"], config.characters)
            self.output_size += self.characters.output_size
        if config.case_size:
            self.case = nn.Embedding(sizes["cases"], config.case_size, padding_idx=0)
            self.output_size += config.case_size
        self.features = nn.ModuleDict()
        for name, size in sizes["features"].items():
            self.features[name] = nn.Embedding(size, config.feature_size, padding_idx=0)
            self.output_size += config.feature_size

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the words' vectors; `inputs` as the encoder makes them."""
        parts = []
        if self.words is not None:
            parts.append(self.words(inputs["words_BT"]))
        if self.characters is not None:
            spelled_UF = self.characters(inputs["characters_UW"])
            parts.append(F.embedding(inputs["spelling_BT"], spelled_UF))
        if self.case is not None:
            parts.append(self.case(inputs["case_BT"]))
        for name, embedding in self.features.items():
            parts.append(embedding(inputs[f"feature.{name}"]))
        return torch.cat(parts, dim=2)
