"""The tagger network: embed, encode, decode.

Legend: B sentences, T words, S subword pieces, D features of a word, H features of the encoder's
output, K labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqtag.errors import InputError
from seqtag.labels import Transitions
from seqtag.model.config import TaggerConfig
from seqtag.model.crf import LinearChainCRF
from seqtag.model.embed import Embedding
from seqtag.model.language import LanguageModel
from seqtag.recurrent.dropout import Dropout
from seqtag.recurrent.entries import Entries
from seqtag.recurrent.layer import Recurrent


class TaggerNetwork(nn.Module):
    """Labels for the words of encoded sentences.

    Args:
        config: what the network is made of.
        cell: the recurrent cell: its ``name`` and the fields of its spec.
        sizes: numbers of ids of each input (``Indexer.sizes``).
        num_labels: K.
        transitions: which label may follow which, for a CRF; None where everything may.
    """

    def __init__(
        self,
        config: TaggerConfig,
        cell: Mapping[str, Any] | str,
        sizes: Mapping[str, Any],
        num_labels: int,
        transitions: Transitions | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config, sizes)
        self.pieces = None
        if config.subword_size:
            if not sizes["pieces"]:
                raise InputError("model.subword_size is set, but data.encode.subwords is not")
            self.pieces = nn.Embedding(sizes["pieces"], config.subword_size, padding_idx=0)
        input_size = self.embedding.output_size + config.subword_size
        if not input_size:
            raise InputError("the model has no input: no words, characters, case or subwords")
        self.encoder = Recurrent(
            cell,
            input_size,
            config.hidden_size,
            config.num_layers,
            config.bidirectional,
            dropout=config.layer_dropout if config.num_layers > 1 else 0.0,
            locked_dropout=config.locked_dropout,
            recurrent_dropout=config.recurrent_dropout,
            weight_drop=config.weight_drop,
            zoneout=config.zoneout,
            residual=config.residual,
            layer_norm=config.layer_norm,
        )
        output_size = config.hidden_size * (2 if config.bidirectional else 1)
        self.input_dropout = Dropout(config.input_dropout)
        self.output_dropout = Dropout(config.output_dropout)
        self.projection = nn.Linear(output_size, num_labels)
        self.crf = LinearChainCRF(num_labels, transitions) if config.decoder == "crf" else None
        self.language_model = None
        if config.language_model:
            num_words = min(config.language_model_words, sizes["words"])
            self.language_model = LanguageModel(config.hidden_size, num_words)

    def encode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the encoder's output at each word: (B, T, H)."""
        if self._words_stand_for_themselves() and len(inputs["characters_UW"]):
            x = Entries(self.embedding.by_spelling(inputs), inputs["spelling_BT"])
            return self.encoder(x, inputs["lengths_B"])[0]
        x_BTD = self.input_dropout(self.embedding(inputs))
        if self.training and self.config.word_dropout:
            kept_BT1 = torch.rand(*x_BTD.shape[:2], 1, device=x_BTD.device)
            x_BTD = x_BTD * (kept_BT1 >= self.config.word_dropout)
        if self.pieces is None:
            return self.encoder(x_BTD, inputs["lengths_B"])[0]
        piece_BSD = self.input_dropout(self.pieces(inputs["pieces_BS"]))
        # Without any input but pieces, x has no features, and whatever dtype is torch's default.
        x_BSD = _gather(x_BTD, inputs["piece_word_BS"]).to(piece_BSD.dtype)
        x_BSD = torch.cat([x_BSD, piece_BSD], dim=2)
        y_BSH = self.encoder(x_BSD, inputs["piece_lengths_B"])[0]
        return _gather(y_BSH, inputs["first_piece_BT"])

    def _words_stand_for_themselves(self) -> bool:
        """Whether a word's vector follows from its spelling, and no gradient is asked for."""
        read = self.pieces is not None or self.embedding.features
        return not (self.training or torch.is_grad_enabled() or read)

    def emissions(self, y_BTH: Tensor) -> Tensor:
        """Return the labels' scores at each word, before the decoder: (B, T, K)."""
        return self.projection(self.output_dropout(y_BTH))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the labels' scores at each word, before the decoder: (B, T, K)."""
        return self.emissions(self.encode(inputs))

    def loss(self, inputs: Mapping[str, Tensor], labels_BT: Tensor) -> Tensor:
        """Return the mean loss of a sentence; labels of -100 do not count."""
        y_BTH = self.encode(inputs)
        emissions_BTK = self.emissions(y_BTH)
        lengths_B = inputs["lengths_B"]
        if self.crf is not None:
            total = self.crf.nll(emissions_BTK, labels_BT, lengths_B).sum()
        else:
            total = F.cross_entropy(
                emissions_BTK.flatten(0, 1), labels_BT.flatten(), reduction="sum"
            )
        if self.language_model is not None:
            extra = self.language_model(y_BTH, inputs["words_BT"], lengths_B)
            total = total + self.config.language_model * extra
        return total / max(1, len(lengths_B))

    @torch.no_grad()
    def decode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the best label of each word, -100 behind the end: (B, T)."""
        return self.best_labels(self(inputs), inputs["lengths_B"])

    @torch.no_grad()
    def best_labels(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return what `decode` does, from scores that are there already."""
        if self.crf is not None:
            return self.crf.decode(emissions_BTK, lengths_B)
        return emissions_BTK.argmax(dim=2).masked_fill(_outside(emissions_BTK, lengths_B), -100)

    @torch.no_grad()
    def probabilities(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the labels' probabilities at each word, 0 behind the end: (B, T, K)."""
        return self.label_probabilities(self(inputs), inputs["lengths_B"])

    @torch.no_grad()
    def label_probabilities(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return what `probabilities` does, from scores that are there already."""
        if self.crf is not None:
            return self.crf.marginals(emissions_BTK, lengths_B)
        outside_BT1 = _outside(emissions_BTK, lengths_B)[:, :, None]
        return emissions_BTK.float().softmax(dim=2).masked_fill(outside_BT1, 0.0)


def _outside(x_BTK: Tensor, lengths_B: Tensor) -> Tensor:
    """Return where the padding is: (B, T)."""
    return torch.arange(x_BTK.shape[1], device=lengths_B.device) >= lengths_B[:, None]


def _gather(x_BTD: Tensor, index_BS: Tensor) -> Tensor:
    """Return x at the steps that `index_BS` names: (B, S, D)."""
    return x_BTD.gather(1, index_BS[:, :, None].expand(-1, -1, x_BTD.shape[2]))
