"""What an encoder is: its options, and the module that they make.

Legend: B sentences, S steps (words, or pieces of words), D features in, H features out.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, match_args=False)
class NetworkOptions(Protocol):
    """The fields of a network's configuration that recurrent layers read, as read-only values."""

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
    """An encoder: a dataclass of its options, importable without torch.

    Registered with `@register("mine")`, it is chosen by ``model.encoder=mine``, or with options
    by ``model.encoder={name: mine, width: 3}``.

    The module reads x (B, S, D), right-padded, and the steps of each sentence (B), and returns
    (B, S, H). What stands behind the end of a sentence may not change what stands before it. Its
    attribute `output_size` is H.
    """

    # Whether the first half of the features has read what comes before, the second what comes
    # after: the second loss of a language model needs both.
    two_ways: ClassVar[bool] = False
    # Whether the module also reads `Entries`, rows of a table, instead of x.
    reads_entries: ClassVar[bool] = False

    @abstractmethod
    def module(self, input_size: int, model: NetworkOptions, cell: Any) -> Any:
        """Return the nn.Module.

        Args:
            input_size: D.
            model: the configuration of the network.
            cell: the recurrent cell, for an encoder that has one.
        """

    @staticmethod
    def run(module: Any, x: Any, lengths_B: Any) -> Any:
        """Return the output of the module, (B, S, H)."""
        return module(x, lengths_B)

    def reads_ahead(self, model: NetworkOptions) -> bool:
        """Return whether the output at a word depends on words after it."""
        return True

    def parts(self, model: NetworkOptions) -> dict[str, int]:
        """Return how many modules a key asks for, where that number is not bounded."""
        return {}
