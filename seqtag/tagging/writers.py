"""Output of `seqtag tag`: a tagged sentence as a line to read, or in a data format."""

from collections.abc import Callable, Iterator
from typing import Any

from seqtag.data.formats.base import find_format
from seqtag.tagging.output import TaggedSentence

TEXT_HELP = "a line for reading: [PER Alex Graves] lives in [LOC Paris].   or   He/PRON lives/VERB"

# A function of a sentence, its id and the line that it shares with others, if any.
Writer = Callable[[TaggedSentence, Any, int | None], str]


def writer_of(format_: str, plain_labels: bool) -> Writer:
    """Return the function that writes tagged sentences as text to read, or in a data format."""
    if format_ == "text":
        return lambda sentence, id_, line: text_line(sentence, plain_labels)
    write = find_format(format_).write

    def as_record(sentence: TaggedSentence, id_: Any, line: int | None) -> str:
        given = {key: value for key, value in (("id", id_), ("line", line)) if value is not None}
        return write({**given, **sentence.to_plain()})

    return as_record


def text_line(sentence: TaggedSentence, plain_labels: bool) -> str:
    """Return a line for a person: ``[PER Alex Graves] goes to [LOC Paris].``, or ``He/PRON …``.

    Probabilities, where there are any, stand after the type or the label. A sentence without
    tokens is an empty line.
    """
    if plain_labels or not sentence.tokens:
        # No white space within a token may end the line.
        return " ".join(" ".join(_marked_tokens(sentence)).split()) + "\n"
    base = sentence.tokens[0].start or 0
    words = [token.text for token in sentence.tokens]
    text, done = "", 0  # up to which character of the text, or token
    for span in sentence.spans:
        certain = "" if span.probability is None else f" {span.probability:.2f}"
        if sentence.text is None:
            before = " ".join([*words[done : span.first_token], ""])
            done, gap = span.last_token + 1, " " if span.last_token + 1 < len(words) else ""
        else:
            before = sentence.text[done : span.start - base]
            done, gap = span.end - base, ""
        text += f"{before}[{span.type}{certain} {span.text}]{gap}"
    text += " ".join(words[done:]) if sentence.text is None else sentence.text[done:]
    return " ".join(text.split()) + "\n"


def _marked_tokens(sentence: TaggedSentence) -> Iterator[str]:
    for position, (token, label) in enumerate(zip(sentence.tokens, sentence.labels, strict=True)):
        certain = sentence.probabilities
        yield f"{token.text}/{label}" + ("" if certain is None else f"/{certain[position]:.2f}")
