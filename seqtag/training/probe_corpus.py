"""Generate the corpus of a probe, with the columns of any other corpus."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import datasets

from seqtag.data.corpus.corpus import Corpus
from seqtag.errors import unknown
from seqtag.probes.base import ProbeItem
from seqtag.probes.baselines import WindowBaseline, fit_baselines
from seqtag.probes.config import ProbeCorpusConfig
from seqtag.probes.registry import make_probe

SPLITS = ("train", "dev", "test")


def generate_corpus(config: ProbeCorpusConfig, splits: Sequence[str] | None = None) -> Corpus:
    """Generate a corpus: all splits, or only the named ones.

    Raises:
        InputError: for an unknown split.
    """
    for split in splits or ():
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
    return _generate(config, tuple(splits or SPLITS))


@lru_cache(maxsize=1)
def _generate(config: ProbeCorpusConfig, splits: tuple[str, ...]) -> Corpus:
    """Generate the splits, and cache those of the last call: the runs of a study share them."""
    probe = make_probe(config.probe)
    factors = (probe.axis, *(name for name in probe.evaluation if name != probe.axis))
    generated = {
        split: to_dataset(
            probe.corpus(split, getattr(config, split), config.seed, config.lag), factors
        )
        for split in splits
    }
    return Corpus(splits=generated, scheme="plain", factors=factors)


@lru_cache(maxsize=1)
def baselines_of(config: ProbeCorpusConfig) -> dict[str, WindowBaseline]:
    """Return the baselines fitted to the training split of a corpus; the last result is cached."""
    items = make_probe(config.probe).corpus("train", config.train, config.seed, config.lag)
    return fit_baselines([item.tokens for item in items], [item.labels for item in items])


def to_dataset(items: Sequence[ProbeItem], factors: Sequence[str]) -> datasets.Dataset:
    """Return probe items as a data set: the columns of a corpus, and one column for each factor."""
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
