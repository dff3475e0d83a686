"""The verb `tag`: text in, labels out, with no more in memory than a window of sentences."""

from __future__ import annotations

import argparse
import codecs
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from seqtag.data.formats.lines import SourceFile, open_binary
from seqtag.errors import InputError
from seqtag.files import open_output, to_bytes
from seqtag.tagging.layouts import Options, layout_of
from seqtag.tagging.readers import INPUT_FORMATS, PAUSE, Item, Source, read_items
from seqtag.tagging.writers import OUTPUT_FORMATS

if TYPE_CHECKING:
    from seqtag.tagging.output import TaggedSentence
    from seqtag.tagging.tagger import Tagger

# What is tagged together: enough to sort by length and fill batches, little enough to hold.
_WINDOW_SENTENCES, _WINDOW_TOKENS = 1024, 50_000
_WITH_COLUMNS = ("conll", "conllu", "jsonl")

_INPUTS = """\
input formats (--input-format); .gz, .bz2 and .xz files are unpacked by their name:
  text    raw text, split into sentences and tokens; the end of a line ends a sentence, unless
          --wrapped. Places in the output count characters from the start of the input.
  tokens  a sentence a line, tokens between spaces; an empty line is a sentence without tokens
  conll   a token a line, an empty line after each sentence. Columns, separator, comments and
          document marker are those of the corpus that the tagger was trained on, if that was in
          columns; rows may lack the label, or have only the columns that the tagger reads: the
          first row tells which. Else the token comes first, then the columns that the tagger
          reads, then any others. --columns and the options after it say otherwise.
  conllu  CoNLL-U; the columns are those that the tagger was trained on, if that was CoNLL-U, else
          form and the columns that the tagger reads
  jsonl   a JSON object a line: {"tokens": ["A", "sentence"]} or {"text": "Raw text."}; further
          columns as lists beside "tokens"; an "id" is handed on

output formats (--format); each sentence, empty or not, has its place, in the order of the input:
  text    a line for reading: [PER Alex Graves] lives in [LOC Paris].   or   He/PRON lives/VERB
  conll   token, tab, label; an empty line after each sentence (one without tokens: that line)
  jsonl   a JSON object a line: text and offsets (raw text only), tokens, labels, spans; sentences
          of {"text": ...} have the "line" of the input that they are from
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` needs to a parser; imports nothing heavy."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _INPUTS
    add = parser.add_argument
    add("--model", metavar="DIR", required=True, help="the model folder")
    add("--input", metavar="FILE", default="-", help="what to tag; - (default): standard input")
    add("--output", metavar="FILE", default="-", help="where to; - (default): standard output")
    add("--format", choices=OUTPUT_FORMATS, default="text", help="output format (default: text)")
    add("--input-format", choices=INPUT_FORMATS, default="text", help="default: text")
    add("--probabilities", action="store_true", help="also write how probable each label is")
    add("--wrapped", action="store_true", help="raw text: only an empty line ends a paragraph")
    add(
        "--columns",
        metavar="NAMES",
        help="conll: the file's columns, as in _,tokens,pos,* (_: skipped; a final *: any others)",
    )
    add(
        "--separator",
        metavar="TEXT",
        help="conll: what stands between cells: null (spaces and tabs), tab, space, comma, ...",
    )
    add("--comment", metavar="TEXT", help="conll: lines that begin with it are skipped; '': none")
    add(
        "--document-marker",
        metavar="TEXT",
        help="conll: lines that begin with it end a sentence and are skipped; '': none",
    )
    add("--encoding", default="utf-8", help="of the input (default: utf-8)")
    add("--device", default="cpu", help="cpu (default), cuda, cuda:1, ...")


def run(args: argparse.Namespace) -> int:
    """Tag as the arguments say; return the exit code.

    Raises:
        InputError: for a mistake in arguments, input or model folder. A file for output is then
            left as it was.
    """
    _check(args)
    try:
        with _open_input(args.input) as raw:
            from seqtag.model_folder.folder import CONFIG  # torch
            from seqtag.tagging.tagger import Tagger

            tagger = Tagger.load(args.model, args.device)
            if tagger.features and args.input_format not in _WITH_COLUMNS:
                raise InputError(
                    f"{args.model}: this tagger reads further columns beside the words "
                    f"({', '.join(tagger.features)}), which --input-format {args.input_format} "
                    f"does not have: use {', '.join(_WITH_COLUMNS)}"
                )
            name = "standard input" if args.input == "-" else args.input
            where = str(Path(args.model) / CONFIG)
            layout = layout_of(
                args.input_format, tagger.data, tagger.features, _options(args), where
            )
            source = Source(raw, name, args.encoding, layout, args.wrapped)
            _write(tagger, read_items(source, args.input_format), args)
    except BrokenPipeError:
        # Whoever read the output has seen enough. The interpreter would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # those of the output are named already
        raise InputError(
            f"{'standard input' if args.input == '-' else args.input}: cannot be read: "
            f"{error.strerror or error}"
        ) from error
    return 0


def _check(args: argparse.Namespace) -> None:
    try:
        codecs.getincrementaldecoder(args.encoding)().decode(b"", final=True).count("\n")
    except (LookupError, TypeError):
        raise InputError(f"--encoding {args.encoding}: no text encoding of that name") from None
    for option in _options(args).given():
        if args.input_format != "conll":
            raise InputError(f"{option} is for --input-format conll only")
    if args.wrapped and args.input_format != "text":
        raise InputError("--wrapped is for --input-format text only")


@contextmanager
def _open_input(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        if sys.stdin.isatty():
            print("seqtag: reading from the terminal; end with Ctrl-D", file=sys.stderr)
        yield sys.stdin.buffer
        return
    with open_binary(SourceFile(Path(name), name)) as raw:
        yield raw


def _options(args: argparse.Namespace) -> Options:
    return Options(args.columns, args.separator, args.comment, args.document_marker)


def _write(tagger: Tagger, items: Iterator[Item | None], args: argparse.Namespace) -> None:
    to_text = OUTPUT_FORMATS[args.format]
    plain_labels = tagger.labels.corpus_scheme == "plain"
    with open_output(args.output) as output:
        for window in _windows(items):
            found = _tag(tagger, window, args.probabilities)
            texts = (
                to_text(sentence, plain_labels, item.id, item.line if item.shares_line else None)
                for item, sentence in zip(window, found, strict=True)
            )
            output.write(to_bytes("".join(texts)))
            output.flush()


def _windows(items: Iterable[Item | None]) -> Iterator[list[Item]]:
    """Gather sentences until there are many, or no more are at hand for now."""
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


def _tag(tagger: Tagger, window: list[Item], probabilities: bool) -> list[TaggedSentence]:
    sentences = [item.sentence for item in window]
    features = {name: [item.features[name] for item in window] for name in tagger.features}
    return tagger.tag_sentences(sentences, features, probabilities)
