"""Flair and spaCy with a common interface, to be measured on the same sentences as seqtag.

Both have the same three methods, so that a benchmark can train them in turns, a few batches at a
time: the speed of a machine drifts, so only interleaved runs are comparable.

    peer.prepare(train)                       # objects, vocabulary, network; not timed
    for tokens, seconds in peer.train_epoch():  # a few batches per turn
        ...
    labels, seconds = peer.tag(sentences)

These choices favour the other library:

- Its sentence objects for training are created in advance, outside the measured time.
- Flair trains in a plain loop over its own `forward_loss`, without ModelTrainer's logging,
  plug-ins, loaders and evaluations. Its word vectors are not projected again before the LSTM. Its
  batches are random, as in ModelTrainer; with `by_length` they hold sentences of similar length,
  which Flair does not offer.
- spaCy keeps its own network, optimizer and dropout (`blank("en")`, component ner: four
  convolutional layers of 96 on hashed words, prefixes, suffixes and shapes; no vectors). Its
  batches have the same number of sentences as those of the others; its own schedule starts at 100
  words per batch, which is slower.

Needs the extra `bench`.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from seqtag.labels import Span, spans, spans_to_labels

if TYPE_CHECKING:
    from flair.data import Dictionary
    from flair.data import Sentence as FlairSentence
    from flair.models import SequenceTagger
    from spacy.tokens import Doc
    from spacy.training import Example

# A sentence: tokens and their labels (BIO).
Sentence = tuple[Sequence[str], Sequence[str]]

_LABEL_TYPE = "span"


class FlairPeer:
    """Flair's SequenceTagger: words and characters, one BiLSTM layer, a CRF; nothing pretrained.

    Sizes are those of seqtag's default network. Characters go through a BiLSTM, the only trainable
    character encoder of Flair. `tag_format` is the scheme of its CRF (BIO or BIOES). A word with
    fewer than `min_count` occurrences in training is unknown. Without `by_length`, batches are
    random, as in ModelTrainer.
    """

    def __init__(
        self,
        *,
        batch_size: int = 32,
        word_size: int = 100,
        char_size: int = 30,
        char_hidden_size: int = 25,
        hidden_size: int = 200,
        dropout: float = 0.5,
        min_count: int = 2,
        tag_format: str = "BIOES",
        learning_rate: float = 3e-3,
        by_length: bool = False,
        seed: int = 1,
    ) -> None:
        import flair
        import torch

        logging.getLogger("flair").setLevel(logging.WARNING)
        flair.device = torch.device("cpu")
        flair.set_seed(seed)
        self.name = f"Flair {flair.__version__}"
        self.batch_size = batch_size
        self._word_size, self._hidden_size, self._dropout = word_size, hidden_size, dropout
        self._char_size, self._char_hidden_size = char_size, char_hidden_size
        self._min_count, self._tag_format = min_count, tag_format
        self._learning_rate, self._by_length = learning_rate, by_length
        self._random = random.Random(seed)
        self._train: list[FlairSentence] = []

    def prepare(self, train: Iterable[Sentence]) -> None:
        """Create the training sentences, the vocabularies and the network (on the CPU)."""
        import torch

        self._train = []
        for tokens, labels in train:
            sentence = _flair_sentence(tokens)
            for span in spans(labels, "bio"):
                sentence[span.start : span.end].add_label(_LABEL_TYPE, span.type)
            self._train.append(sentence)
        self.tagger = self._network()
        self._optimizer = torch.optim.AdamW(self.tagger.parameters(), lr=self._learning_rate)

    def train_epoch(self, batches_per_turn: int = 10) -> Iterator[tuple[int, float]]:
        """Train one epoch; yield the tokens and seconds of each turn."""
        length = len if self._by_length else None
        batches = _batches(self._train, self.batch_size, self._random, length)

        def step(batch: list[FlairSentence]) -> int:
            self._step(batch)
            return sum(map(len, batch))

        return _turns(batches, batches_per_turn, step)

    def tag(self, sentences: Sequence[Sequence[str]]) -> tuple[list[list[str]], float]:
        """Return the labels (BIO) of tokenised sentences, and the seconds this took."""
        start = time.perf_counter()
        objects = [_flair_sentence(tokens) for tokens in sentences]
        self.tagger.eval()
        self.tagger.predict(objects, mini_batch_size=self.batch_size)
        labels = [
            spans_to_labels(
                (
                    Span(span.tag, span.tokens[0].idx - 1, span.tokens[-1].idx)
                    for span in sentence.get_spans(_LABEL_TYPE)
                ),
                len(sentence),
                "bio",
            )
            for sentence in objects
        ]
        return labels, time.perf_counter() - start

    def _network(self) -> SequenceTagger:
        from flair.embeddings import CharacterEmbeddings, OneHotEmbeddings, StackedEmbeddings
        from flair.models import SequenceTagger

        words = Counter(token.text for sentence in self._train for token in sentence)
        frequent = (word for word, count in words.items() if count >= self._min_count)
        characters = sorted({character for word in words for character in word})
        types = {label.value for sentence in self._train for label in sentence.get_labels()}
        tags = _dictionary(sorted(types), unknown=False)
        tags.span_labels = True
        return SequenceTagger(
            StackedEmbeddings(
                [
                    OneHotEmbeddings(_dictionary(frequent), embedding_length=self._word_size),
                    CharacterEmbeddings(
                        _dictionary(characters), self._char_size, self._char_hidden_size
                    ),
                ]
            ),
            tags,
            _LABEL_TYPE,
            tag_format=self._tag_format,
            hidden_size=self._hidden_size,
            reproject_embeddings=False,
            dropout=self._dropout,
            word_dropout=0.0,
            locked_dropout=0.0,
        )

    def _step(self, batch: list[FlairSentence]) -> None:
        """Run one step as ModelTrainer does: a summed loss, gradients clipped to norm 5."""
        import torch
        from flair.training_utils import store_embeddings

        self.tagger.train()
        self._optimizer.zero_grad()
        loss, _ = self.tagger.forward_loss(batch)
        loss.backward()
        # Otherwise each token keeps its vectors, and with them the autograd graph of the batch.
        store_embeddings(batch, "none")
        torch.nn.utils.clip_grad_norm_(self.tagger.parameters(), 5.0)
        self._optimizer.step()


class SpacyPeer:
    """spaCy's entity recogniser in a blank English pipeline, with spaCy's own settings.

    `processes` is the number of tagging processes; spaCy trains in one process.
    """

    def __init__(self, *, batch_size: int = 32, processes: int = 1, seed: int = 1) -> None:
        import spacy

        spacy.util.fix_random_seed(seed)
        self.name = f"spaCy {spacy.__version__}"
        self.batch_size, self.processes = batch_size, processes
        self._random = random.Random(seed)
        self._train: list[Example] = []
        self.nlp = spacy.blank("en")
        self._drop: float = self.nlp.config["training"]["dropout"]

    def prepare(self, train: Iterable[Sentence]) -> None:
        """Create the training examples and the network."""
        from spacy.training import Example

        self._train = []
        for tokens, labels in train:
            reference = self._doc(tokens)
            reference.set_ents(
                [_spacy_span(reference, span) for span in spans(labels, "bio")], default="outside"
            )
            self._train.append(Example(self._doc(tokens), reference))
        self.nlp.add_pipe("ner")
        self._optimizer = self.nlp.initialize(lambda: self._train)

    def train_epoch(self, batches_per_turn: int = 10) -> Iterator[tuple[int, float]]:
        """Train one epoch; yield the tokens and seconds of each turn."""
        batches = _batches(self._train, self.batch_size, self._random)

        def step(batch: list[Example]) -> int:
            self.nlp.update(batch, sgd=self._optimizer, drop=self._drop)
            return sum(map(len, batch))

        return _turns(batches, batches_per_turn, step)

    def tag(self, sentences: Sequence[Sequence[str]]) -> tuple[list[list[str]], float]:
        """Return the labels (BIO) of tokenised sentences, and the seconds this took."""
        start = time.perf_counter()
        docs = (self._doc(tokens) for tokens in sentences)
        labels = [
            spans_to_labels(
                (Span(entity.label_, entity.start, entity.end) for entity in doc.ents),
                len(doc),
                "bio",
            )
            for doc in self.nlp.pipe(docs, n_process=self.processes)
        ]
        return labels, time.perf_counter() - start

    def _doc(self, tokens: Sequence[str]) -> Doc:
        from spacy.tokens import Doc

        return Doc(self.nlp.vocab, words=list(tokens))


def _batches(
    items: Sequence[Any],
    size: int,
    order: random.Random,
    length: Callable[[Any], int] | None = None,
) -> list[list[Any]]:
    """Split shuffled items into batches; with `length`, batches of items of similar length."""
    shuffled = order.sample(items, len(items))
    if length:
        shuffled.sort(key=length)
    batches = [shuffled[start : start + size] for start in range(0, len(items), size)]
    order.shuffle(batches)
    return batches


def _turns(
    batches: Sequence[list[Any]], batches_per_turn: int, step: Callable[[list[Any]], int]
) -> Iterator[tuple[int, float]]:
    """Run all steps; yield the tokens and seconds of each turn, without the time between turns."""
    for first in range(0, len(batches), batches_per_turn):
        start = time.perf_counter()
        tokens = sum(step(batch) for batch in batches[first : first + batches_per_turn])
        yield tokens, time.perf_counter() - start


def _flair_sentence(tokens: Sequence[str]) -> FlairSentence:
    from flair.data import Sentence

    return Sentence(list(tokens))


def _spacy_span(doc: Doc, span: Span) -> Any:
    from spacy.tokens import Span as SpacySpan

    return SpacySpan(doc, span.start, span.end, label=span.type)


def _dictionary(items: Iterable[str], unknown: bool = True) -> Dictionary:
    from flair.data import Dictionary

    dictionary = Dictionary(add_unk=unknown)
    for item in items:
        dictionary.add_item(item)
    return dictionary
