"""Output of `seqtag tag`: a tagged sentence as readable text, or in a data format."""

from collections.abc import Callable, Iterator
from typing import Any

from seqtag.data.formats.base import find_format
from seqtag.tagging.output import TaggedSentence

TEXT_HELP = "readable text: [PER Alex Graves] lives in [LOC Paris].   or   He/PRON lives/VERB"

# Writes a sentence, given its id and the input line that it shares with others (each may be None).
Writer = Callable[[TaggedSentence, Any, int | None], str]


def writer_of(format_: str, plain_labels: bool) -> Writer:
    """Return the function that writes tagged sentences as readable text or in a data format."""
    if format_ == "text":
        return lambda sentence, id_, line: text_line(sentence, plain_labels)
    write = find_format(format_).write

    def as_record(sentence: TaggedSentence, id_: Any, line: int | None) -> str:
        origin = {key: value for key, value in (("id", id_), ("line", line)) if value is not None}
        return write({**origin, **sentence.to_plain()})

    return as_record


def text_line(sentence: TaggedSentence, plain_labels: bool) -> str:
    """Return a line of readable text: ``[PER Alex Graves] goes to [LOC Paris].`` or ``He/PRON …``.

    Probabilities, if any, follow the type or the label. A sentence without tokens is an empty line.
    """
    if plain_labels or not sentence.tokens:
        # Line breaks within a token must not end the line.
        return " ".join(" ".join(_marked_tokens(sentence)).split()) + "\n"
    base = sentence.tokens[0].start or 0
    words = [token.text for token in sentence.tokens]
    text, done = "", 0  # position of the next character of the text, or of the next token
    for span in sentence.spans:
        probability = "" if span.probability is None else f" {span.probability:.2f}"
        if sentence.text is None:
            before = " ".join([*words[done : span.first_token], ""])
            done, gap = span.last_token + 1, " " if span.last_token + 1 < len(words) else ""
        else:
            before = sentence.text[done : span.start - base]
            done, gap = span.end - base, ""
        text += f"{before}[{span.type}{probability} {span.text}]{gap}"
    text += " ".join(words[done:]) if sentence.text is None else sentence.text[done:]
    return " ".join(text.split()) + "\n"


def _marked_tokens(sentence: TaggedSentence) -> Iterator[str]:
    for position, (token, label) in enumerate(zip(sentence.tokens, sentence.labels, strict=True)):
        marked = f"{token.text}/{label}"
        if sentence.probabilities is not None:
            marked += f"/{sentence.probabilities[position]:.2f}"
        yield marked
