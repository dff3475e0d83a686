"""Output of `seqtag tag`: a writer for each output format."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from seqtag.data.encode.labelset import LabelSet
from seqtag.data.formats.base import find_format
from seqtag.tagging.column_output import ColumnOutput
from seqtag.tagging.conllu_output import ConlluOutput, label_place
from seqtag.tagging.html_page import HtmlPage
from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.readers import Item
from seqtag.tagging.spreadsheet import Spreadsheet
from seqtag.tagging.unknown_words import UnknownWords, with_marks
from seqtag.tagging.writer import Writer

# Output formats that are not data formats, and their descriptions.
OUTPUTS: Mapping[str, str] = {
    "text": "readable text: [PER Alex Graves] lives in [LOC Paris].   or   He/PRON lives/VERB",
    "conllu": (
        "CoNLL-U, with the labels in the column of the training corpus if that was CoNLL-U, "
        "otherwise in misc (see --label-column); from CoNLL-U input all lines are kept"
    ),
    "csv": (
        "a table with a row per token: number of the sentence, token, label, start, end, and with "
        "--probabilities the probability"
    ),
    "html": "a page to read in a browser: spans or tokens highlighted in a colour for each type",
}
# Those that can mark unknown words.
MARKING = ("text", "csv", "html")


class WriterOptions(NamedTuple):
    """What is written in addition to the labels.

    Attributes:
        probabilities: whether the sentences have probabilities.
        unknown: how unknown words are marked; None if they are not.
        title: the title of a page.
        label_column: (conllu, column) the column of the labels; None: that of the training corpus.
        data: how the training corpus was read, from the model folder.
    """

    probabilities: bool = False
    unknown: UnknownWords | None = None
    title: str = "Tagged text"
    label_column: str | None = None
    data: Mapping[str, Any] | None = None


_NOTHING_ELSE = WriterOptions()


def writer_of(format_: str, labels: LabelSet, options: WriterOptions = _NOTHING_ELSE) -> Writer:
    """Return a writer of one of `OUTPUTS` or of a data format.

    Args:
        format_: the output format.
        labels: the labels of the tagger.
        options: what else is written.
    """
    plain = labels.scheme == "plain"
    if format_ == "text":
        return _Text(plain, options.unknown)
    if format_ == "conllu":
        absent = (options.data or {}).get("absent")
        return ConlluOutput(
            options.label_column or label_place(options.data),
            absent if isinstance(absent, str) else "_",
        )
    if format_ == "column":
        trained = (options.data or {}).get("label_column")
        column = trained if isinstance(trained, str) else "labels"
        return ColumnOutput(options.label_column or column, options.label_column is not None)
    if format_ == "csv":
        return Spreadsheet(options.probabilities, options.unknown)
    if format_ == "html":
        types = labels.labels if plain else labels.types
        return HtmlPage(options.title, types, plain, options.unknown)
    return _Records(format_)


class _Text(Writer):
    """A line of readable text for each sentence."""

    def __init__(self, plain_labels: bool, unknown: UnknownWords | None) -> None:
        self._plain, self._unknown = plain_labels, unknown

    def sentence(self, sentence: TaggedSentence, item: Item) -> str:
        if self._unknown is not None:
            sentence = with_marks(sentence, self._unknown)
        return text_line(sentence, self._plain)


class _Records(Writer):
    """Sentences in a data format."""

    def __init__(self, format_: str) -> None:
        self._write: Callable[[Mapping], str] = find_format(format_).write

    def sentence(self, sentence: TaggedSentence, item: Item) -> str:
        line = item.line if item.shares_line else None
        pairs = (("id", item.id), ("line", line))
        origin = {key: value for key, value in pairs if value is not None}
        return self._write({**origin, **sentence.to_plain()})


def text_line(sentence: TaggedSentence, plain_labels: bool) -> str:
    """Return a line of readable text: ``[PER Alex Graves] goes to [LOC Paris].`` or ``He/PRON …``.

    Probabilities, if any, follow the type or the label. A sentence without tokens is an empty line.
    """
    if plain_labels or not sentence.tokens:
        # Line breaks within a token must not end the line.
        return " ".join(" ".join(_marked_tokens(sentence)).split()) + "\n"
    base = sentence.tokens[0].start or 0
    words: Sequence[str] = [token.text for token in sentence.tokens]
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
