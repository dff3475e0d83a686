"""Embeddings of the values of feature columns."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class ColumnEmbeddings(nn.ModuleDict):
    """An nn.Embedding for each feature column, whose vectors are concatenated.

    Args:
        sizes: number of ids of each column.
        size: length of a vector.
    """

    def __init__(self, sizes: Mapping[str, int], size: int) -> None:
        super().__init__()
        self._columns = {name: module_name(name) for name in sizes}
        for name, number in sizes.items():
            self[self._columns[name]] = nn.Embedding(number, size, padding_idx=0)

    def forward(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return (B, T, columns x size)."""
        parts = [self[module](arrays[f"feature.{name}"]) for name, module in self._columns.items()]
        return torch.cat(parts, dim=2)


def module_name(name: str) -> str:
    """Return a column name escaped so that torch accepts it: no dots, no names of methods."""
    name = name.replace("%", "%25").replace(".", "%2E")
    return f"%{name}" if hasattr(nn.ModuleDict(), name) else name
