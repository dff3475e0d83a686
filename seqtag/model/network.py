"""The tagger network: embed, encode, decode.

Legend: B sentences, T words, S subword pieces, D features of a word, H features of the encoder's
output, K labels.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqtag.cells import CellDescription
from seqtag.errors import InputError
from seqtag.inputs import Input, PieceInput
from seqtag.labels import NOT_SCORED, Transitions
from seqtag.model.chain import inside
from seqtag.model.config import TaggerConfig
from seqtag.model.crf import LinearChainCRF
from seqtag.model.embed import Embedding, find_input
from seqtag.model.encoders.registry import encoder_name
from seqtag.model.language_model import LanguageModel
from seqtag.recurrent.dropout import Dropout
from seqtag.recurrent.entries import Entries
from seqtag.recurrent.layer import Recurrent


class TaggerNetwork(nn.Module):
    """A network that labels the words of indexed sentences.

    Args:
        config: the configuration of the network.
        cell: the recurrent cell: its name, or a mapping with its ``name`` and options.
        inputs: the inputs of a word by name (``Indexer.inputs``).
        num_labels: K.
        transitions: the allowed steps between labels, for a CRF; None allows all.

    Attributes:
        input_size: number of features of a word that the encoder reads.

    Raises:
        InputError: for a network without inputs, or with inputs that are not in `inputs`.
    """

    def __init__(
        self,
        config: TaggerConfig,
        cell: CellDescription,
        inputs: Mapping[str, Input],
        num_labels: int,
        transitions: Transitions | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config, inputs)
        self.pieces, piece_size = None, 0
        self.piece_input: type[PieceInput] | None = None
        for name, options in config.input_options.items():
            input_ = find_input(inputs, name)
            if isinstance(input_, PieceInput):
                if self.pieces is not None:
                    raise InputError("two inputs of the model split words into pieces: choose one")
                self.pieces, self.piece_input = input_.module(options), type(input_)
                piece_size = input_.output_size(options)
        self.input_size = self.embedding.output_size + piece_size
        if not self.input_size:
            raise InputError("the model has no input: no words, characters, case or subwords")
        self.encoder = config.built_encoder.module(self.input_size, config, cell)
        output_size = self.encoder.output_size
        self.input_dropout = Dropout(config.input_dropout)
        self.output_dropout = Dropout(config.output_dropout)
        self.projection = nn.Linear(output_size, num_labels)
        # The weight of the loss at each label, in training only; None: all are 1.
        self.register_buffer("label_weights_K", None, persistent=False)
        self.crf = LinearChainCRF(num_labels, transitions) if config.decoder == "crf" else None
        self.language_model = None
        if config.language_model:
            num_words = min(config.language_model_words, len(inputs["words"].vocabulary))
            self.language_model = LanguageModel(config.hidden_size, num_words)

    def input_prefixes(self) -> dict[str, str]:
        """Return what the names of each input's parameters begin with, by the input's name."""
        names = self.embedding.module_names
        prefixes = {name: f"embedding.{module}." for name, module in names.items()}
        if self.piece_input is not None:
            prefixes[self.piece_input.name] = "pieces."
        return prefixes

    def part_prefixes(self) -> dict[str, str]:
        """Return what the names of a part's parameters begin with, by the part's public name."""
        modules = ("encoder", "projection", "crf", "language_model")
        parts = {name: f"{name}." for name in modules if getattr(self, name) is not None}
        return self.input_prefixes() | parts

    @property
    def recurrent(self) -> Recurrent:
        """The encoder, which must be recurrent.

        Raises:
            InputError: if it is another one, without cell, layers and gates.
        """
        if not isinstance(self.encoder, Recurrent):
            name = encoder_name(self.config.encoder)
            raise InputError(
                f"the encoder {name!r} is not recurrent: it has no cell, layers or gates; use a "
                "tagger with model.encoder=recurrent"
            )
        return self.encoder

    def encode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the encoder's output at each word: (B, T, H)."""
        if self._can_share_vectors() and inputs["spelling_BT"].numel():
            x = Entries(self.embedding.vectors_by_spelling(inputs), inputs["spelling_BT"])
            return self._run_encoder(x, inputs["lengths_B"])
        x_BTD = self.input_dropout(self.embedding(inputs))
        if self.training and self.config.word_dropout:
            kept_BT1 = torch.rand(*x_BTD.shape[:2], 1, device=x_BTD.device)
            x_BTD = x_BTD * (kept_BT1 >= self.config.word_dropout)
        if self.piece_input is None:
            return self._run_encoder(x_BTD, inputs["lengths_B"])
        piece_BSD = self.input_dropout(self.piece_input.vectors(self.pieces, inputs))
        # If pieces are the only input, x has no features and has torch's default dtype.
        x_BSD = _gather(x_BTD, inputs["piece_word_BS"]).to(piece_BSD.dtype)
        x_BSD = torch.cat([x_BSD, piece_BSD], dim=2)
        y_BSH = self._run_encoder(x_BSD, inputs["piece_lengths_B"])
        return _gather(y_BSH, inputs["first_piece_BT"])

    def _run_encoder(self, x: Tensor | Entries, lengths_B: Tensor) -> Tensor:
        """Return the encoder's output."""
        encoder = self.config.built_encoder
        if isinstance(x, Entries) and not encoder.reads_entries:
            x = x.gather()
        return encoder.run(self.encoder, x, lengths_B)

    def _can_share_vectors(self) -> bool:
        """Return whether equal words have equal vectors, and no gradient is needed."""
        if self.training or torch.is_grad_enabled() or self.pieces is not None:
            return False
        return self.embedding.depends_on_words_alone

    def emissions(self, y_BTH: Tensor) -> Tensor:
        """Return the scores of labels at each word, before the decoder: (B, T, K)."""
        return self.projection(self.output_dropout(y_BTH))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the scores of labels at each word, before the decoder: (B, T, K)."""
        return self.emissions(self.encode(inputs))

    def loss(self, inputs: Mapping[str, Tensor], labels_BT: Tensor) -> Tensor:
        """Return the mean loss per sentence; labels of -100 are ignored."""
        y_BTH = self.encode(inputs)
        emissions_BTK = self.emissions(y_BTH)
        lengths_B = inputs["lengths_B"]
        total = self._total_loss(emissions_BTK, labels_BT, lengths_B)
        if self.language_model is not None:
            extra = self.language_model(y_BTH, inputs["words_BT"], lengths_B)
            total = total + self.config.language_model * extra
        return total / max(1, len(lengths_B))

    def label_loss(self, emissions_BTK: Tensor, labels_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the mean loss of the labels per sentence, from given scores."""
        total = self._total_loss(emissions_BTK, labels_BT, lengths_B)
        return total / max(1, len(lengths_B))

    def _total_loss(self, emissions_BTK: Tensor, labels_BT: Tensor, lengths_B: Tensor) -> Tensor:
        if self.crf is not None:
            return self.crf.nll(emissions_BTK, labels_BT, lengths_B, self.label_weights_K).sum()
        return F.cross_entropy(
            emissions_BTK.flatten(0, 1),
            labels_BT.flatten(),
            weight=self.label_weights_K,
            reduction="sum",
        )

    @torch.no_grad()
    def decode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the best label of each word, -100 after the end: (B, T)."""
        return self.best_labels(self(inputs), inputs["lengths_B"])

    @torch.no_grad()
    def best_labels(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the best labels as `decode` does, from given scores."""
        if self.crf is not None:
            return self.crf.decode(emissions_BTK, lengths_B)
        outside_BT = ~inside(lengths_B, emissions_BTK.shape[1])
        return emissions_BTK.argmax(dim=2).masked_fill(outside_BT, NOT_SCORED)

    @torch.no_grad()
    def probabilities(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the probabilities of labels at each word, 0 after the end: (B, T, K)."""
        return self.label_probabilities(self(inputs), inputs["lengths_B"])

    @torch.no_grad()
    def label_probabilities(self, emissions_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the probabilities as `probabilities` does, from given scores."""
        if self.crf is not None:
            return self.crf.marginals(emissions_BTK, lengths_B)
        outside_BT1 = ~inside(lengths_B, emissions_BTK.shape[1])[:, :, None]
        return emissions_BTK.float().softmax(dim=2).masked_fill(outside_BT1, 0.0)


def _gather(x_BTD: Tensor, index_BS: Tensor) -> Tensor:
    """Return x at the steps `index_BS`: (B, S, D)."""
    return x_BTD.gather(1, index_BS[:, :, None].expand(-1, -1, x_BTD.shape[2]))
