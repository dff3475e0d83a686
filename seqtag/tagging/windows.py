"""Tag a stream of sentences in windows, so that only a few windows are in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from seqtag.tagging.lowest import Lowest
from seqtag.tagging.readers import PAUSE, Item
from seqtag.tagging.results import Wanted
from seqtag.tagging.synchronous import SynchronousExecutor

if TYPE_CHECKING:
    from seqtag.tagging.base import BaseTagger
    from seqtag.tagging.output import TaggedSentence

# Sentences tagged together: enough to fill batches of similar length, few enough to hold.
_WINDOW_SENTENCES, _WINDOW_TOKENS = 1024, 50_000

TaggedWindow = list[tuple[Item, "TaggedSentence"]]


def tag_windows(
    tagger: BaseTagger, items: Iterator[Item | None], wanted: Wanted
) -> Iterator[TaggedWindow]:
    """Yield the sentences of each window with their labels and what else is `wanted`.

    While a window is tagged, the caller handles the one before it, and the next one is read; not
    at a pause of the input, since the caller then waits for the window.
    """

    def tag(window: list[Item]) -> TaggedWindow:
        sentences = [item.sentence for item in window]
        features = {name: [item.features[name] for item in window] for name in tagger.features}
        tagged = tagger.tag_sentences(sentences, features, **wanted._asdict())
        return list(zip(window, tagged, strict=True))

    pool = _executor()
    waiting: Future[TaggedWindow] | None = None
    try:
        for window, at_pause in _windows(items):
            started = pool.submit(tag, window) if window else None
            if waiting is not None:
                yield waiting.result()
            waiting = started
            if at_pause and waiting is not None:
                yield waiting.result()
                waiting = None
    except Exception:
        # After a mistake in the input, what comes before it is complete.
        if waiting is not None:
            yield waiting.result()
        raise
    else:
        if waiting is not None:
            yield waiting.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _executor() -> Executor:
    """Return an executor of one thread; without threads if the user allows only one."""
    if os.environ.get("OMP_NUM_THREADS") == "1":
        return SynchronousExecutor()
    return ThreadPoolExecutor(1, thread_name_prefix="seqtag-window")


def least_certain(windows: Iterable[TaggedWindow], count: int) -> TaggedWindow:
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


def _windows(items: Iterable[Item | None]) -> Iterator[tuple[list[Item], bool]]:
    """Yield lists of sentences: as many as fit a window, or those (also none) read before a pause.

    With each list comes whether a pause follows.
    """
    window: list[Item] = []
    tokens = 0
    for item in items:
        if item is not PAUSE:
            window.append(item)
            tokens += len(item.sentence.tokens)
            if len(window) < _WINDOW_SENTENCES and tokens < _WINDOW_TOKENS:
                continue
        yield window, item is PAUSE
        window, tokens = [], 0
    if window:
        yield window, False
