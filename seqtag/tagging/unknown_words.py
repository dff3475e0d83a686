"""Marks of words that did not occur in training."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from seqtag.data.text.split import Token
from seqtag.tagging.output import TaggedSentence


class UnknownWords(NamedTuple):
    """A mark, such as ``(?)``, and the function that decides which words have it."""

    mark: str
    is_unknown: Callable[[str], bool]

    def mark_of(self, word: str) -> str:
        """Return the mark of a word; empty for a word from training."""
        return self.mark if self.is_unknown(word) else ""


def with_marks(sentence: TaggedSentence, unknown: UnknownWords) -> TaggedSentence:
    """Return a sentence in whose text the mark follows each unknown word, with shifted offsets."""
    text, done, shift, tokens = "", 0, 0, []
    base = sentence.tokens[0].start or 0 if sentence.tokens else 0
    for token in sentence.tokens:
        mark = unknown.mark_of(token.text)
        start, end = token.start, token.end
        if sentence.text is not None and start is not None and end is not None:
            text += sentence.text[done : end - base] + mark
            done, start = end - base, start + shift
            shift += len(mark)
            end += shift
        tokens.append(Token(token.text + mark, start, end))
    text += "" if sentence.text is None else sentence.text[done:]
    marked = replace(
        sentence, tokens=tuple(tokens), text=None if sentence.text is None else text, spans=()
    )
    spans = tuple(
        replace(
            span,
            start=tokens[span.first_token].start,
            end=tokens[span.last_token].end,
            text=_covered(marked, base, span.first_token, span.last_token),
        )
        for span in sentence.spans
    )
    return replace(marked, spans=spans)


def _covered(sentence: TaggedSentence, base: int, first: int, last: int) -> str:
    tokens = sentence.tokens[first : last + 1]
    start, end = tokens[0].start, tokens[-1].end
    if sentence.text is None or start is None or end is None:
        return " ".join(token.text for token in tokens)
    return sentence.text[start - base : end - base]
