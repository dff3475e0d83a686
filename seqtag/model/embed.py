"""The embedding of words: the vectors of all inputs, concatenated.

Legend: B sentences, T words, U distinct words of the batch.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seqtag.errors import InputError
from seqtag.inputs import INPUTS, Input, PieceInput, WordInput
from seqtag.inputs.modules.columns import module_name
from seqtag.model.config import TaggerConfig


class Embedding(nn.Module):
    """Computes the vectors of words, those of all inputs concatenated: (B, T, output_size).

    Attributes:
        module_names: the name of each input's submodule: the input's own, or one like it.
    """

    def __init__(self, config: TaggerConfig, inputs: Mapping[str, Input]) -> None:
        super().__init__()
        self.output_size = 0
        self._kinds: dict[str, type[Input]] = {}
        self.module_names: dict[str, str] = {}
        for name, options in config.input_options.items():
            input_ = find_input(inputs, name)
            if isinstance(input_, PieceInput) or not input_.output_size(options):
                continue
            module = module_name(name) if not hasattr(self, name) else f"%{name}"
            self.add_module(module, input_.module(options))
            self._kinds[module] = type(input_)
            self.module_names[name] = module
            self.output_size += input_.output_size(options)

    @property
    def depends_on_words_alone(self) -> bool:
        """Whether a word's vector depends on the word alone, not on its sentence or columns."""
        kinds = self._kinds.values()
        return all(issubclass(kind, WordInput) and kind.context_free for kind in kinds)

    def vectors_by_spelling(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return the vectors of the batch's distinct words: (U, output_size).

        ``spelling_BT`` holds the index of each word. Requires `depends_on_words_alone`.
        """
        spelling_N, words_N = arrays["spelling_BT"].flatten(), arrays["words_BT"].flatten()
        inside_M = words_N.nonzero().squeeze(1)
        somewhere_U = words_N.new_zeros(int(spelling_N.max()) + 1)
        somewhere_U[spelling_N[inside_M]] = inside_M
        chosen = {
            name: array.flatten()[somewhere_U].unsqueeze(0)
            for name, array in arrays.items()
            if name.endswith("_BT")
        }
        return self({**arrays, **chosen})[0]

    def forward(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return the vectors of words (B, T, output_size) from the arrays of the indexer."""
        parts = [kind.vectors(getattr(self, name), arrays) for name, kind in self._kinds.items()]
        if not parts:  # subword pieces are the only input
            words_BT = arrays["words_BT"]
            return torch.zeros(*words_BT.shape, 0, device=words_BT.device)
        return torch.cat(parts, dim=2)


def find_input(inputs: Mapping[str, Input], name: str) -> Input:
    """Return the input of that name.

    Raises:
        InputError: if the corpus was indexed without this input.
    """
    if name not in inputs:
        cls = INPUTS[name].cls
        raise InputError(f"model.{cls.key} is set, but {cls.requires}")
    return inputs[name]
