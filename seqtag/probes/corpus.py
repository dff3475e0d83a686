"""Generated sentences as a corpus: what a probe makes, in the shape the data module reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets

from seqtag.data.sources import Corpus
from seqtag.errors import InputError, did_you_mean, from_plain
from seqtag.probes.base import ProbeItem
from seqtag.probes.pronoun import corpus as pronoun_items

SPLITS = ("train", "dev", "test")
FACTORS = ("distance", "attractors", "switches")


@dataclass(frozen=True)
class PronounConfig:
    """How many sentences of the pronoun probe are generated.

    Attributes:
        train: sentences of the training split.
        dev: sentences of the development split.
        test: sentences of the test split, whose distances go beyond those of training.
        seed: chooses the sentences; the same seed gives the same ones everywhere.
    """

    train: int = 8000
    dev: int = 1000
    test: int = 1200
    seed: int = 0

    def __post_init__(self) -> None:
        for split in SPLITS:
            if getattr(self, split) < 1:
                raise InputError(f"{split} must be at least 1, not {getattr(self, split)}")


def generate_corpus(plain: Mapping[str, Any], splits: Sequence[str] | None = None) -> Corpus:
    """Generate the pronoun corpus that the plain values of a :class:`PronounConfig` describe.

    Raises:
        InputError: for an unknown key or split, and sizes below 1.
    """
    config = from_plain(PronounConfig, plain, "data")
    for split in splits or ():
        if split not in SPLITS:
            raise InputError(
                f"the corpus has no split {split!r}{did_you_mean(split, SPLITS)}; "
                f"it has {', '.join(SPLITS)}"
            )
    made = {
        split: as_dataset(pronoun_items(split, getattr(config, split), config.seed), FACTORS)
        for split in splits or SPLITS
    }
    return Corpus(splits=made, scheme="plain", factors=FACTORS)


def as_dataset(items: Sequence[ProbeItem], factors: Sequence[str]) -> datasets.Dataset:
    """Return probe items as a data set with the columns of a corpus and one per factor."""
    columns: dict[str, list] = {
        "tokens": [list(item.tokens) for item in items],
        "labels": [list(item.labels) for item in items],
        "length": [len(item.tokens) for item in items],
        "doc": list(range(len(items))),
        "where": [""] * len(items),
    }
    for factor in factors:
        columns[factor] = [item.factors[factor] for item in items]
    strings = datasets.List(datasets.Value("string"))
    numbers = dict.fromkeys(("length", "doc", *factors), datasets.Value("int32"))
    features = {"tokens": strings, "labels": strings, "where": datasets.Value("string"), **numbers}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))
