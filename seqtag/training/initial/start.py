"""Give a new tagger the vocabularies, labels and weights of a model folder.

Words and other strings of the folder keep their vectors, also those that the new corpus lacks. The
vector of a new string begins as a copy of the unknown one, which the string has had so far, so that
the tagger first predicts what it predicted before; see `initial.labels` for new labels.
"""

from __future__ import annotations

import logging
from dataclasses import fields, replace

import torch

from seqtag.data.corpus.corpus import Corpus
from seqtag.data.encode.indexer import Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError, listed
from seqtag.inputs.gazetteers import Gazetteers
from seqtag.inputs.options import EncodeConfig
from seqtag.inputs.vocabulary import Vocabulary
from seqtag.model.network import TaggerNetwork
from seqtag.model_folder.folder import load_folder
from seqtag.model_folder.hub import resolve_model
from seqtag.training.initial.labels import copy_label_scores, label_sources

log = logging.getLogger("seqtag")

# Options of `data.encode` that only concern the new corpus.
OWN_ENCODE = ("min_count",)


class Start:
    """The model folder that a training begins with.

        start = Start("logs/train/first/model")
        indexer = start.indexer(Indexer.fit(sentences, start.fit_config(config), ()))
        labels = start.labels(corpus, new_labels)
        start.copy_weights(network, indexer, labels)

    Args:
        folder: a model folder, or the name of a repository of the hub.

    Raises:
        InputError: if it is not a model folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._parts = load_folder(resolve_model(folder))

    def fit_config(self, config: EncodeConfig) -> EncodeConfig:
        """Return the options with which the vocabularies of the new corpus are built.

        Raises:
            InputError: if `config` differs from the folder's options.
        """
        own = self._parts.indexer.config
        for field in fields(EncodeConfig):
            given, stored = getattr(config, field.name), getattr(own, field.name)
            if field.name not in OWN_ENCODE and given != stored:
                raise InputError(
                    f"init: data.encode.{field.name} is {given}, but {stored} in {self.folder}"
                )
        # The subword tokenizer is kept.
        return replace(config, subwords=None)

    def indexer(self, new: Indexer) -> Indexer:
        """Return the folder's indexer with the vocabularies of `new` added."""
        try:
            return self._parts.indexer.extended(new)
        except InputError as error:
            raise InputError(f"init: {self.folder}: {error}") from None

    def gazetteers(self, new: Gazetteers) -> Gazetteers:
        """Return gazetteers that replace those of the folder, in its order.

        Raises:
            InputError: if they have other names or treat case differently, since the weights are
                those of the folder's gazetteers.
        """
        own = self._parts.indexer.inputs.get("gazetteers", Gazetteers({}))
        assert isinstance(own, Gazetteers)
        if not own.names:
            raise InputError(
                f"init: the network of {self.folder} reads no gazetteers, and none can be added to "
                "it: leave out data.gazetteers"
            )
        if {*new.names} != {*own.names}:
            raise InputError(
                f"init: data.gazetteers has {', '.join(new.names)}, but the network of "
                f"{self.folder} reads {', '.join(own.names)}: use gazetteers of these names, whose "
                "files may differ, or leave out data.gazetteers"
            )
        if new.ignore_case != own.ignore_case:
            raise InputError(
                f"init: data.gazetteer_ignore_case is {new.ignore_case}, but {own.ignore_case} in "
                f"{self.folder}, whose network this run continues with"
            )
        return new.ordered(own.names)

    def scheme(self, scheme: str, corpus: Corpus) -> str:
        """Return the label scheme of the tagger: for ``auto`` that of the folder.

        Raises:
            InputError: if the folder has plain labels and the corpus spans, or vice versa.
        """
        own = self._parts.labels.scheme
        if (own == "plain") != (corpus.scheme == "plain"):
            raise InputError(
                f"init: the labels of {self.folder} are {own}, those of the corpus "
                f"{corpus.scheme}; is data.label_column correct?"
            )
        return own if scheme == "auto" else scheme

    def labels(self, new: LabelSet) -> LabelSet:
        """Return the folder's labels with those of `new` added, in the schemes of `new`."""
        return self._parts.labels.extended(new)

    def new_labels(self, labels: LabelSet) -> list[str]:
        """Return the labels that the folder lacks."""
        return [label for label in labels.labels if label not in self._parts.labels.labels]

    def copy_weights(self, network: TaggerNetwork, indexer: Indexer, labels: LabelSet) -> None:
        """Set the weights of `network`, and log what is kept and what is new.

        Raises:
            InputError: if the networks differ in more than vocabularies and labels.
        """
        old = self._parts
        sources = self._row_sources(network, indexer)
        weights = old.network.state_dict()
        with torch.no_grad():
            for name, tensor in network.state_dict().items():
                # The heads of the language model are not in a model folder.
                if name.startswith(("projection.", "crf.", "language_model.")):
                    continue
                stored = weights.get(name)
                if stored is not None and name in sources:
                    stored = stored[sources[name]]
                if stored is None or stored.shape != tensor.shape:
                    raise InputError(
                        f"init: {name} is {_shape(tensor)}, but {_shape(stored)} in {self.folder}; "
                        "use the model and cell settings of that folder"
                    )
                tensor.copy_(stored)
        copy_label_scores(network, old.network, label_sources(old.labels, labels))
        self._log(indexer, labels)

    def new_words(self, indexer: Indexer) -> torch.Tensor:
        """Return the ids of the words that the folder lacks."""
        known = {*self._parts.indexer.words.strings()}
        words = enumerate(indexer.words.strings())
        return torch.tensor([row for row, word in words if word not in known], dtype=torch.int64)

    def _row_sources(self, network: TaggerNetwork, indexer: Indexer) -> dict[str, torch.Tensor]:
        """Return, for each table of vectors, the row of the folder that each row begins with."""
        sources = {}
        for name, prefix in network.input_prefixes().items():
            before = self._parts.indexer.inputs[name].row_names()
            for table, strings in indexer.inputs[name].row_names().items():
                special = Vocabulary.UNKNOWN + 1
                rows = {string: row for row, string in enumerate(before[table]) if row >= special}
                known = [rows.get(string, Vocabulary.UNKNOWN) for string in strings[special:]]
                sources[prefix + table] = torch.tensor([*range(special), *known])
        return sources

    def _log(self, indexer: Indexer, labels: LabelSet) -> None:
        """Log how many words, values and labels are kept, and how many are new."""
        kept, new = [], []
        special = Vocabulary.UNKNOWN + 1
        for name, input_ in indexer.inputs.items():
            before = self._parts.indexer.inputs[name].row_names()
            for table, strings in input_.row_names().items():
                if table == "fixed":  # contains the words of the trained vectors again
                    continue
                what = name if name != "features" else f"values of {table.removesuffix('.weight')}"
                kept.append(f"{len(before[table]) - special:,} {what}")
                if added := len(strings) - len(before[table]):
                    new.append(f"{added:,} {what}")
        old = self._parts.labels
        added_labels = self.new_labels(labels)
        kept.append(f"{len(labels) - len(added_labels)} labels")
        if added_labels:
            new.append(f"{len(added_labels)} labels ({listed(added_labels)})")
        if labels.scheme != old.scheme:
            kept.append(f"converted from {old.scheme} to {labels.scheme}")
        log.info("init: %s", self.folder)
        log.info("init: kept %s; new: %s", ", ".join(kept), ", ".join(new) or "nothing")


def _shape(tensor: torch.Tensor | None) -> str:
    return "missing" if tensor is None else "x".join(map(str, tensor.shape))
