"""The taggers that are served, and what is shown of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtag.errors import InputError, unknown
from seqtag.labels.descriptions import describe_label

if TYPE_CHECKING:
    from seqtag.tagging.base import BaseTagger

# Variants of a tagger, each with its own scheme and bias, that are kept.
_VARIANTS = 32
# Folders that training calls so are named after the folder above.
_NAMELESS = ("model", "")


class Served:
    """A tagger under the name that requests use.

    Attributes:
        name: its name.
        tagger: the tagger.
    """

    def __init__(self, name: str, tagger: BaseTagger) -> None:
        self.name, self.tagger = name, tagger
        self.variant = lru_cache(_VARIANTS)(self._variant)

    def _variant(self, scheme: str | None, bias: tuple[tuple[str, float], ...]) -> BaseTagger:
        """Return the tagger with another scheme and bias.

        Raises:
            InputError: for one that it cannot have.
        """
        tagger = self.tagger.with_bias(dict(bias))
        return tagger if scheme is None else tagger.with_scheme(scheme)

    def describe(self) -> dict[str, Any]:
        """Return the name, the labels with their meaning and counts, and the columns it reads."""
        labels = self.tagger.labels
        plain = labels.scheme == "plain"
        split, counts = self._scores()
        return {
            "name": self.name,
            "scheme": labels.corpus_scheme,
            "spans": not plain,
            "labels": [
                {
                    "name": name,
                    "description": describe_label(name),
                    **{key: counts.get(name, {}).get(key) for key in ("count", "f1")},
                }
                for name in (labels.labels if plain else labels.types)
            ],
            "counted_in": split,
            "features": list(self.tagger.features),
            "tokenizer": self.tagger.tokenizer,
        }

    def _scores(self) -> tuple[str | None, Mapping[str, Mapping[str, Any]]]:
        """Return the last evaluated split, and count and F1 of each label there.

        They come from the model folder, which may hold anything.
        """
        splits = (self.tagger.figures or {}).get("splits")
        if not isinstance(splits, Mapping) or not splits:
            return None, {}
        split, scores = list(splits.items())[-1]
        by_label = scores.get("per_label") if isinstance(scores, Mapping) else None
        if not isinstance(by_label, Mapping):
            return None, {}
        return str(split), {
            str(name): {"count": _number(row.get("support")), "f1": _number(row.get("f1"))}
            for name, row in by_label.items()
            if isinstance(row, Mapping)
        }


class Models:
    """The taggers by name; the first one is the default."""

    def __init__(self, taggers: Mapping[str, BaseTagger]) -> None:
        self.by_name = {name: Served(name, tagger) for name, tagger in taggers.items()}

    @property
    def names(self) -> list[str]:
        """The names, the default one first."""
        return list(self.by_name)

    def find(self, name: str | None) -> Served:
        """Return a tagger by name; None: the default one.

        Raises:
            InputError: if there is none of that name.
        """
        if name is None:
            return next(iter(self.by_name.values()))
        if name not in self.by_name:
            raise unknown("model", name, self.by_name)
        return self.by_name[name]


def names_of(folders: Iterable[str]) -> dict[str, str]:
    """Return the folders by name: that of the folder, or the folder above if it is ``model``.

    Raises:
        InputError: if a folder is given twice.
    """
    named: dict[str, str] = {}
    for folder in folders:
        if folder in named.values():
            raise InputError(f"--model {folder}: given twice")
        path = Path(folder).resolve()
        own = path.parent.name if path.name in _NAMELESS else path.name
        name = own = own or "model"
        number = 1
        while name in named:
            number += 1
            name = f"{own}-{number}"
        named[name] = folder
    return named


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and value == value and abs(value) < 1e15 else None
