"""The recurrent encoder: layers of any cell, in one direction or both."""

from dataclasses import dataclass
from typing import Any

from seqtag.cells import build_cell
from seqtag.errors import InputError
from seqtag.model.encoders.base import Encoder, NetworkOptions
from seqtag.model.encoders.registry import register


@register("recurrent")
@dataclass(frozen=True)
class RecurrentEncoder(Encoder):
    """The encoder `Recurrent`. Its options are keys of the config group `model` itself."""

    has_both_directions = True
    reads_entries = True
    sized_by_hidden = True

    def module(self, input_size: int, model: NetworkOptions, cell: Any) -> Any:
        """Return a `Recurrent`."""
        from seqtag.recurrent.layer import Recurrent

        return Recurrent(
            cell,
            input_size,
            model.hidden_size,
            model.num_layers,
            model.bidirectional,
            dropout=model.layer_dropout if model.num_layers > 1 else 0.0,
            locked_dropout=model.locked_dropout,
            recurrent_dropout=model.recurrent_dropout,
            weight_drop=model.weight_drop,
            zoneout=model.zoneout,
            residual=model.residual,
            layer_norm=model.layer_norm,
        )

    def check_cell(self, model: NetworkOptions, cell: Any) -> None:
        """Refuse heads that do not divide the hidden size."""
        built, multiple = build_cell(cell), self.multiple(cell)
        if model.hidden_size % multiple:
            raise InputError(
                f"model.hidden_size={model.hidden_size} cannot be divided among the heads of the "
                f"cell {built}: it must be a multiple of {multiple}"
            )

    def multiple(self, cell: Any) -> int:
        """Return the number of heads of the cell."""
        return build_cell(cell).size_multiple

    @staticmethod
    def run(module: Any, x: Any, lengths_B: Any) -> Any:
        """Return the output of the layers, without their final states."""
        return module(x, lengths_B)[0]

    def reads_ahead(self, model: NetworkOptions) -> bool:
        """Return whether the layers are bidirectional."""
        return model.bidirectional

    def parts(self, model: NetworkOptions) -> dict[str, int]:
        """Return the number of layers, counting each direction."""
        return {"model.num_layers": model.num_layers * (2 if model.bidirectional else 1)}
