"""Exclude parts of a network from training (``freeze=[words,encoder]``)."""

from __future__ import annotations

from collections.abc import Sequence

from seqtag.errors import InputError, listed, unknown
from seqtag.model.network import TaggerNetwork


def freeze(network: TaggerNetwork, names: Sequence[str]) -> None:
    """Exclude the named parts of a network from training: they get no gradient.

    Neither the optimizer nor the moving average of the weights changes them. The rows of new words
    in a frozen table keep their initial values, too.

    Raises:
        InputError: for an unknown name, or if nothing is left to train.
    """
    prefixes = network.part_prefixes()
    for name in names:
        if name not in prefixes:
            raise unknown("part of the network in freeze", name, prefixes)
    frozen = tuple(prefixes[name] for name in names)
    for name, parameter in network.named_parameters():
        if name.startswith(frozen):
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InputError(f"freeze=[{','.join(names)}] leaves nothing to train: {listed(prefixes)}")
