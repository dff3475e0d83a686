"""Max-pooled convolutions over the characters of words, by a compiled kernel or by torch.

Legend: U distinct words, W characters of the longest one, X the same with padding on both sides,
P windows of a word, V distinct characters, F filters, k characters of a window, R = k x V rows of a
table.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from seqtag.recurrent.compiler.cpp_functions import CppSource, call_function, load_functions

WINDOWS = CppSource(__package__, "windows", ("seqtag_search", "seqtag_spread"))


def strongest_responses(table_kVF: Tensor, characters_UW: Tensor, lengths_U: Tensor) -> Tensor:
    """Return each word's highest score under each filter: (U, F), once differentiable.

    Args:
        table_kVF: what a character at a position in a window adds to the score of each filter.
        characters_UW: the words, right-padded with 0. Words are padded with 0 on both sides.
        lengths_U: number of characters of each word, at least 1. Windows of only padding are
            ignored; otherwise a word's score would depend on the longest word of its batch.
    """
    width = len(table_kVF)
    around_UX = F.pad(characters_UW, (width - 1, width - 1))
    windows_U = lengths_U + width - 1
    if load_functions(WINDOWS, table_kVF) is not None:
        return _Strongest.apply(table_kVF, around_UX, windows_U)
    return _by_torch(table_kVF, around_UX, windows_U)


class _Strongest(torch.autograd.Function):
    """The compiled kernel; its gradient flows to the window with the highest score."""

    @staticmethod
    def forward(ctx: Any, table_kVF: Tensor, around_UX: Tensor, windows_U: Tensor) -> Tensor:
        table_kVF = table_kVF.contiguous()
        width, num_characters, filters = table_kVF.shape
        sizes = (*around_UX.shape, num_characters, filters, width)
        best_UF = table_kVF.new_empty(len(around_UX), filters)
        window_UF = torch.empty(best_UF.shape, dtype=torch.int32)
        search = load_functions(WINDOWS, table_kVF).seqtag_search
        call_function(search, sizes, around_UX, windows_U, table_kVF, best_UF, window_UF)
        ctx.sizes = sizes
        ctx.save_for_backward(table_kVF, around_UX, window_UF)
        return best_UF

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_UF: Tensor) -> tuple[Tensor, None, None]:
        table_kVF, around_UX, window_UF = ctx.saved_tensors
        grad_kVF = torch.zeros_like(table_kVF)
        spread = load_functions(WINDOWS, table_kVF).seqtag_spread
        call_function(spread, ctx.sizes, around_UX, window_UF, grad_UF.contiguous(), grad_kVF)
        return grad_kVF, None, None


def _by_torch(table_kVF: Tensor, around_UX: Tensor, windows_U: Tensor) -> Tensor:
    """Return the result of the compiled kernel, by torch operations.

    The search runs without autograd; then only the best windows are scored again with it.
    """
    width, num_characters, filters = table_kVF.shape
    table_RF = table_kVF.flatten(0, 1)
    positions_k = torch.arange(width, device=around_UX.device)
    rows_UPk = around_UX.unfold(1, width, 1) + positions_k * num_characters
    best_UF = _search(rows_UPk, table_RF.detach(), windows_U)
    rows_UFk = rows_UPk.gather(1, best_UF[:, :, None].expand(-1, -1, width))
    cells_UFk = rows_UFk * filters + torch.arange(filters, device=rows_UFk.device)[:, None]
    return table_RF.flatten().gather(0, cells_UFk.flatten()).view_as(cells_UFk).sum(dim=2)


@torch.no_grad()
def _search(rows_UPk: Tensor, table_RF: Tensor, windows_U: Tensor) -> Tensor:
    """Return the window with the highest score for each word and filter: (U, F)."""
    num_words, num_windows, width = rows_UPk.shape
    scores_NF = F.embedding_bag(rows_UPk.reshape(-1, width), table_RF, mode="sum")
    windows_P = torch.arange(num_windows, device=rows_UPk.device)
    empty_N = (windows_P >= windows_U[:, None]).flatten().nonzero().squeeze(1)
    # On a CPU, filling whole rows by index is far faster than a mask broadcast over the filters.
    scores_UPF = scores_NF.index_fill_(0, empty_N, -torch.inf).view(num_words, num_windows, -1)
    # Pooling in channels-last order finds positions 10 times faster than argmax over this axis.
    scores_UFP1 = scores_UPF[:, :, None].permute(0, 3, 1, 2)
    _, best_UF11 = F.max_pool2d(scores_UFP1, (num_windows, 1), return_indices=True)
    return best_UF11.flatten(1)
