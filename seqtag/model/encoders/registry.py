"""The registry of encoders."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from seqtag.checks import from_plain
from seqtag.errors import InputError, shown
from seqtag.model.encoders.base import Encoder
from seqtag.registry import Registry

ENCODERS: Registry[Encoder] = Registry("encoder", "seqtag.encoders", __package__)
register = ENCODERS.register


def encoder_name(encoder: str | Mapping[str, Any] | None) -> str:
    """Return the name of the encoder that the value of `model.encoder` describes.

    Raises:
        InputError: if the value has no name.
    """
    if encoder is None:
        return "recurrent"
    name = encoder.get("name") if isinstance(encoder, Mapping) else encoder
    if not isinstance(name, str):
        raise InputError(
            f"model.encoder must be a name or have the key 'name', not {shown(encoder)}"
        )
    return name


def build_encoder(encoder: str | Mapping[str, Any] | None) -> Encoder:
    """Return the encoder that the value of `model.encoder` describes (name, or name and options).

    Raises:
        InputError: for an unknown name or wrong options.
    """
    name = encoder_name(encoder)
    entry = ENCODERS[name]
    if not (is_dataclass(entry.cls) and issubclass(entry.cls, Encoder)):
        raise InputError(
            f"encoder {name!r}: {shown(entry.cls)} is not a dataclass that inherits Encoder"
        )
    options = encoder if isinstance(encoder, Mapping) else {}
    changed = {key: value for key, value in options.items() if key != "name"}
    return from_plain(entry.cls, {**entry.options, **changed}, "model.encoder")
