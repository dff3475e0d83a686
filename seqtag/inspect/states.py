"""States of a tagger's encoder at each word, by layer and name, for recurrent and other encoders.

Legend: B sentences, T words, D features of a state.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from seqtag.errors import InputError, unknown
from seqtag.inspect.trace import display_order, layer_names, traces
from seqtag.model.encoders.modules.transformer import Transformer
from seqtag.model.encoders.registry import encoder_name
from seqtag.recurrent.engines.registry import set_engine
from seqtag.recurrent.layer import Recurrent
from seqtag.tagging.tagger import Tagger

# Sentences per batch of an encoder without traces.
_BATCH = 32
# The name of what a layer without gates and states returns.
OUTPUT = "y"

States = Mapping[str, Mapping[str, np.ndarray]]  # by layer and name, each (T, D)


def encoder_states(tagger: Tagger, sentences: Sequence[Sequence[str]]) -> Iterator[States]:
    """Yield the states of each sentence at its words: by layer, then by name, (T, D).

    A recurrent encoder has every gate and state of each layer and direction (`l0.fwd`, ...), a
    Transformer the output `y` of each layer (`l0`, ...). With subword pieces, a word's values are
    those at its first piece.

    Raises:
        InputError: for a sentence without words, or an encoder of another kind.
    """
    encoder = tagger.network.encoder
    if isinstance(encoder, Recurrent):
        for seen in traces(tagger, sentences):
            yield {layer: display_order(encoder.cell, v) for layer, v in seen.values.items()}
    elif isinstance(encoder, Transformer):
        yield from _layer_outputs(tagger, encoder, sentences)
    else:
        name = encoder_name(tagger.network.config.encoder)
        raise InputError(f"the encoder {name!r} has neither layers nor states that can be read")


def state_layers(tagger: Tagger) -> list[str]:
    """Return the names of the layers that `encoder_states` returns."""
    encoder = tagger.network.encoder
    if isinstance(encoder, Recurrent):
        return layer_names(encoder)
    return [f"l{index}" for index in range(getattr(encoder, "num_layers", 0))]


def check_state(tagger: Tagger, layer: str | None, names: Sequence[str] | None) -> None:
    """Raise InputError for a layer, or for names of states, that a tagger's encoder does not have.

    Args:
        tagger: the tagger.
        layer: the name of a layer and direction; None: any.
        names: the names of gates and states; None: any.
    """
    if layer is not None and layer not in state_layers(tagger):
        raise unknown("layer", layer, state_layers(tagger))
    if names is None:
        return
    plain = copy.copy(tagger)  # without kernels, which would be compiled for a single word
    plain.network = copy.deepcopy(tagger.network)
    set_engine(plain.network, "reference")
    known = {name for v in next(encoder_states(plain, [["."]])).values() for name in v}
    for name in names:
        if name not in known:
            raise unknown("gate or state", name, sorted(known))


@torch.inference_mode()
def _layer_outputs(
    tagger: Tagger, encoder: Transformer, sentences: Sequence[Sequence[str]]
) -> Iterator[States]:
    """Yield the output of each layer, by a hook on it."""
    seen: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, output: seen.append(output))
        for layer in encoder.layers
    ]
    try:
        for first in range(0, len(sentences), _BATCH):
            batch = sentences[first : first + _BATCH]
            inputs = tagger.read(batch)
            seen.clear()
            tagger.network.encode(inputs)
            for row, tokens in enumerate(batch):
                at_T = torch.arange(len(tokens), device=tagger.device)
                if tagger.network.pieces is not None:
                    at_T = inputs["first_piece_BT"][row, : len(tokens)]
                yield {
                    f"l{index}": {OUTPUT: output_BTD[row, at_T].cpu().numpy()}
                    for index, output_BTD in enumerate(seen)
                }
    finally:
        for hook in hooks:
            hook.remove()
