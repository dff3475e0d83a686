"""Words to numbers: the one way in, for training and for tagging alike.

Legend: B sentences, T words of the longest sentence, U different words of the batch, W characters
of the longest word, S subword pieces of the longest sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqtag.checks import from_plain
from seqtag.data.encode.counting import Sentences, count_strings, lists_of
from seqtag.data.encode.labelset import NOT_SCORED, LabelSet
from seqtag.data.encode.vocabulary import (
    Vocabulary,
    build_vocabulary,
    load_subwords,
    train_subwords,
)
from seqtag.data.encode.wordforms import CASES, WordForms
from seqtag.data.options import EncodeConfig
from seqtag.errors import InputError

# Raise it when the same sentences give another indexer: those made before are kept with a corpus.
INDEXER_VERSION = 1


class Indexer:
    """Turns sentences into padded tensors; built from a training split, saved in model folders.

    Each different word is looked up, spelled out and split into pieces once and remembered, so
    that a word costs one dictionary access from then on. Threads may share an indexer. Its copies
    and pickles hold what it is made of and none of the remembered words.
    """

    def __init__(
        self,
        config: EncodeConfig,
        words: Vocabulary,
        characters: Vocabulary,
        features: Mapping[str, Vocabulary] | None = None,
        subwords: Any = None,
    ) -> None:
        self.config = config
        self.words = words
        self.characters = characters
        self.features = dict(features or {})
        self.subwords = subwords
        self._forms = WordForms(words, characters, subwords, config.max_characters)

    @classmethod
    def fit(cls, sentences: Sentences, config: EncodeConfig, features: Sequence[str]) -> Indexer:
        """Build the vocabularies from training sentences.

        `sentences` are mappings with ``tokens`` and one list of strings per feature, or a data
        set of such columns; they may be read more than once. Memory grows with the number of
        different words alone.
        """
        counts = count_strings(sentences, "tokens")
        words = build_vocabulary(
            counts,
            min_count=config.min_count,
            fold_digits=config.fold_digits,
            lowercase=config.lowercase,
        )
        characters: Counter[str] = Counter()
        for word, count in counts.items():
            for character in word:
                characters[character] += count
        columns = {name: build_vocabulary(count_strings(sentences, name)) for name in features}
        subwords = None
        if config.subwords is not None:
            if config.subwords.path is not None:
                subwords = load_subwords(config.subwords.path)
            else:
                subwords = train_subwords(lists_of(sentences, "tokens"), config.subwords)
        return cls(config, words, build_vocabulary(characters), columns, subwords)

    @property
    def sizes(self) -> dict[str, Any]:
        """Numbers of ids a network must have vectors for, by input."""
        return {
            "words": len(self.words),
            "frequent_words": self.words.num_frequent,
            "characters": len(self.characters),
            "cases": len(CASES),
            "pieces": 0 if self.subwords is None else self.subwords.get_vocab_size() + 1,
            "features": {name: len(column) for name, column in self.features.items()},
        }

    def encode(
        self,
        sentences: Sequence[Sequence[str]],
        features: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> dict[str, Tensor]:
        """Encode a batch of sentences.

        Args:
            sentences: B lists of words.
            features: for each feature of the indexer, B lists of as many values.

        Returns:
            ``lengths_B``; ``words_BT``, ``case_BT`` and, per feature, ``feature.NAME`` (B, T);
            ``characters_UW`` and ``spelling_BT``, the row of each word in it; with subwords
            also ``pieces_BS``, ``piece_lengths_B``, ``piece_word_BS`` (the word a piece belongs
            to) and ``first_piece_BT``. Ids of 0 are padding.

        Raises:
            InputError: if a feature that the indexer was built with is not given, or does not
                have a value for each word.
        """
        lengths = np.fromiter((len(s) for s in sentences), np.int64, len(sentences))
        forms, known = self._forms.lookup([word for sentence in sentences for word in sentence])
        mask_BT = np.arange(lengths.max(initial=0)) < lengths[:, None]
        batch = {
            "lengths_B": torch.from_numpy(lengths),
            "words_BT": _scatter(known.word_ids[forms], mask_BT),
            "case_BT": _scatter(known.case_ids[forms], mask_BT),
        }
        distinct, rows = _distinct(forms)
        batch["characters_UW"] = torch.from_numpy(known.spellings(distinct))
        batch["spelling_BT"] = _scatter(rows, mask_BT)
        for name, column in self.features.items():
            if features is None or name not in features:
                raise InputError(
                    f"this tagger also reads the column {name!r}, which the input does not have"
                )
            if [len(values) for values in features[name]] != lengths.tolist():
                raise InputError(f"the column {name!r} does not have a value for each word")
            ids = [column[value] for sentence in features[name] for value in sentence]
            batch[f"feature.{name}"] = _scatter(np.array(ids, np.int64), mask_BT)
        if self.subwords is not None:
            batch |= _pieces(*known.pieces(forms), lengths, mask_BT)
        return batch

    def to_plain(self) -> dict[str, Any]:
        """Return everything the indexer is made of as JSON values."""
        config = asdict(self.config)
        return {
            "config": config,
            "words": self.words.to_plain(),
            "characters": self.characters.to_plain(),
            "features": {name: column.to_plain() for name, column in self.features.items()},
            "subwords": None if self.subwords is None else self.subwords.to_str(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], where: str = "tokenizer.json") -> Indexer:
        """Rebuild an indexer from :meth:`to_plain`.

        Raises:
            InputError: if `plain` is not what :meth:`to_plain` makes.
        """
        try:
            config = from_plain(EncodeConfig, plain["config"], where)
            subwords = plain["subwords"]
            return cls(
                config,
                Vocabulary.from_plain(plain["words"], "words"),
                Vocabulary.from_plain(plain["characters"], "characters"),
                {
                    name: Vocabulary.from_plain(part, f"the feature {name!r}")
                    for name, part in plain["features"].items()
                },
                None if subwords is None else load_subwords(text=subwords),
            )
        except InputError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"{where}: not an indexer of seqtag: {error!r}") from None


def _pieces(
    counts: np.ndarray, pieces: np.ndarray, lengths: np.ndarray, mask_BT: np.ndarray
) -> dict[str, Tensor]:
    """Return the tensors of subwords, of the number of pieces of each word and of all pieces."""
    sentence_of_word = np.repeat(np.arange(len(lengths)), lengths)
    piece_lengths = np.bincount(sentence_of_word, counts, len(lengths)).astype(np.int64)
    word_in_sentence = np.nonzero(mask_BT)[1]
    starts = np.cumsum(counts) - counts
    sentence_start = np.cumsum(piece_lengths) - piece_lengths
    mask_BS = np.arange(piece_lengths.max(initial=0)) < piece_lengths[:, None]
    return {
        "pieces_BS": _scatter(pieces, mask_BS),
        "piece_lengths_B": torch.from_numpy(piece_lengths),
        "piece_word_BS": _scatter(np.repeat(word_in_sentence, counts), mask_BS),
        "first_piece_BT": _scatter(starts - sentence_start[sentence_of_word], mask_BT),
    }


def _distinct(forms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different words in the order they come in, and where among these each one is.

    Not in the order of their numbers, which depends on what was read before: a batch is to be the
    same in every process, and sums over its words to be rounded alike.
    """
    numbers, firsts, rows = np.unique(forms, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return numbers[order], places[rows]


def _scatter(values: np.ndarray, mask: np.ndarray) -> Tensor:
    """Lay flat values into the true places of `mask`, row after row; 0 elsewhere."""
    padded = np.zeros(mask.shape, np.int64)
    padded[mask] = values
    return torch.from_numpy(padded)


def labelled_batch(
    columns: Mapping[str, Sequence[Any]], indexer: Indexer, labels: LabelSet
) -> dict[str, Any]:
    """Return ``inputs`` and ``labels_BT`` of some sentences, given as the columns of a corpus."""
    inputs = indexer.encode(columns["tokens"], columns)
    labels_BT = np.full(tuple(inputs["words_BT"].shape), NOT_SCORED, np.int64)
    for row, of_sentence in zip(labels_BT, columns["labels"], strict=True):
        row[: len(of_sentence)] = labels.encode(of_sentence)
    return {"inputs": inputs, "labels_BT": torch.from_numpy(labels_BT)}
