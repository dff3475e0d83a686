"""Words as vectors: word, characters, letter case and further columns, side by side.

Legend: B sentences, T words, U different words of the batch, F features of a spelling, D features
of a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqtag.model.characters import CharacterCNN, CharacterRNN
from seqtag.model.config import TaggerConfig

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
        self._columns = {name: _module_name(name) for name in sizes["features"]}
        for name, size in sizes["features"].items():
            column = nn.Embedding(size, config.feature_size, padding_idx=0)
            self.features[self._columns[name]] = column
            self.output_size += config.feature_size

    def by_spelling(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the vectors of the batch's different words: (U, output_size).

        ``spelling_BT`` says which of them stands where. Only where no further column is read:
        a word's vector then follows from its spelling.
        """
        spelling_N, words_N = inputs["spelling_BT"].flatten(), inputs["words_BT"].flatten()
        inside_M = words_N.nonzero().squeeze(1)
        somewhere_U = words_N.new_zeros(len(inputs["characters_UW"]))
        somewhere_U[spelling_N[inside_M]] = inside_M
        chosen = {name: inputs[name].flatten()[somewhere_U] for name in ("words_BT", "case_BT")}
        chosen["spelling_BT"] = torch.arange(len(somewhere_U), device=words_N.device)
        chosen = {name: ids.unsqueeze(0) for name, ids in chosen.items()}
        return self({**inputs, **chosen})[0]

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the words' vectors.

        `inputs` are as the encoder makes them. Where ``spelled_UF`` is among them too, it is what
        the characters' encoder would make of ``characters_UW``.
        """
        parts = []
        if self.words is not None:
            parts.append(self.words(inputs["words_BT"]))
        if self.characters is not None:
            spelled_UF = inputs.get("spelled_UF")
            if spelled_UF is None:
                spelled_UF = self.characters(inputs["characters_UW"])
            parts.append(F.embedding(inputs["spelling_BT"], spelled_UF))
        if self.case is not None:
            parts.append(self.case(inputs["case_BT"]))
        for name, module in self._columns.items():
            parts.append(self.features[module](inputs[f"feature.{name}"]))
        if not parts:  # subword pieces are the only input
            return torch.zeros(*inputs["words_BT"].shape, 0, device=inputs["words_BT"].device)
        return torch.cat(parts, dim=2)


def _module_name(column: str) -> str:
    """Return what torch lets a module be called: no dot (``feats.Case``), no name of its own."""
    name = column.replace("%", "%25").replace(".", "%2E")
    return f"%{name}" if hasattr(nn.ModuleDict(), name) else name
