"""Tag a stream of sentences in windows, so that only one window is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seqtag.tagging.lowest import Lowest
from seqtag.tagging.readers import PAUSE, Item

if TYPE_CHECKING:
    from seqtag.tagging.base import BaseTagger
    from seqtag.tagging.output import TaggedSentence

# Sentences tagged together: enough to fill batches of similar length, few enough to hold.
_WINDOW_SENTENCES, _WINDOW_TOKENS = 1024, 50_000


def tag_windows(
    tagger: BaseTagger, items: Iterator[Item | None], probabilities: bool, certainty: bool
) -> Iterator[list[tuple[Item, TaggedSentence]]]:
    """Yield the sentences of each window with their labels."""
    for window in _windows(items):
        sentences = [item.sentence for item in window]
        features = {name: [item.features[name] for item in window] for name in tagger.features}
        tagged = tagger.tag_sentences(sentences, features, probabilities, certainty)
        yield list(zip(window, tagged, strict=True))


def least_certain(
    windows: Iterable[list[tuple[Item, TaggedSentence]]], count: int
) -> list[tuple[Item, TaggedSentence]]:
    """Return the `count` sentences with the lowest certainty.

    Those without tokens are left out, as are repetitions of a sentence.
    """
    lowest: Lowest[tuple[Item, TaggedSentence]] = Lowest(count)
    for window in windows:
        for item, sentence in window:
            if sentence.certainty is not None and sentence.tokens:
                features = tuple(map(tuple, item.features.values()))
                key = (tuple(token.text for token in item.sentence.tokens), features)
                lowest.add(sentence.certainty, (item, sentence), key)
    return list(lowest)


def _windows(items: Iterable[Item | None]) -> Iterator[list[Item]]:
    """Yield lists of sentences: as many as fit a window, or those read before a pause."""
    window: list[Item] = []
    tokens = 0
    for item in items:
        if item is not PAUSE:
            window.append(item)
            tokens += len(item.sentence.tokens)
            if len(window) < _WINDOW_SENTENCES and tokens < _WINDOW_TOKENS:
                continue
        if window:
            yield window
        window, tokens = [], 0
    if window:
        yield window
