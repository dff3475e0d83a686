"""The interface of an encoder: its options, and a factory for its module.

Legend: B sentences, S steps (words, or pieces of words), D features in, H features out.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, match_args=False)
class NetworkOptions(Protocol):
    """The read-only fields of a network's configuration that recurrent layers read."""

    hidden_size: int
    num_layers: int
    bidirectional: bool
    layer_dropout: float
    locked_dropout: float
    recurrent_dropout: float
    weight_drop: float
    zoneout: float
    residual: bool
    layer_norm: bool


class Encoder(ABC):
    """Base class of encoders: a dataclass of the encoder's options, importable without torch.

        @register("mean")
        @dataclass(frozen=True)
        class Mean(Encoder):
            size: int = 100

            def module(self, input_size, model, cell):
                return MeanModule(input_size, self.size)

    This encoder is selected with ``model.encoder=mean``, or with options
    ``model.encoder={name: mean, size: 50}``.

    The module takes x (B, S, D), right-padded, and the number of steps of each sentence (B), and
    returns (B, S, H). Values after the end of a sentence must not change the output before it. The
    module's attribute `output_size` is H.
    """

    # Whether the first half of the output features depends on the words up to a position, the
    # second half on the words from it on: the language model's loss needs this.
    has_both_directions: ClassVar[bool] = False
    # Whether the module also takes `Entries` (rows of a table) as x.
    reads_entries: ClassVar[bool] = False
    # Whether the number of parameters grows with `model.hidden_size`.
    sized_by_hidden: ClassVar[bool] = False

    @abstractmethod
    def module(self, input_size: int, model: NetworkOptions, cell: Any) -> Any:
        """Return the nn.Module of the encoder.

        Args:
            input_size: D.
            model: the configuration of the network.
            cell: the recurrent cell, for encoders that use one.
        """

    def check(self, model: NetworkOptions) -> None:  # noqa: B027  few encoders need it
        """Raise an InputError for a configuration of the network that the encoder cannot have."""

    def check_cell(self, model: NetworkOptions, cell: Any) -> None:  # noqa: B027
        """Raise an InputError for a recurrent cell that does not fit the network."""

    def multiple(self, cell: Any) -> int:
        """Return the number that `model.hidden_size` must be a multiple of.

        Args:
            cell: the recurrent cell, for encoders that use one.
        """
        return 1

    @staticmethod
    def run(module: Any, x: Any, lengths_B: Any) -> Any:
        """Return the output of the module, (B, S, H)."""
        return module(x, lengths_B)

    def reads_ahead(self, model: NetworkOptions) -> bool:
        """Return whether the output at a word depends on words after it."""
        return True

    def parts(self, model: NetworkOptions) -> dict[str, int]:
        """Return the number of submodules by setting, for settings without an upper bound."""
        return {}
