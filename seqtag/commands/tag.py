"""The verb `tag`: tag a stream of text; only a window of sentences is in memory."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from seqtag.commands.load_tagger import load_tagger
from seqtag.commands.tag_arguments import (
    add_arguments,
    check_arguments,
    column_options,
    format_of_file,
    formats_for,
    parse_bias,
    wanted_of,
)
from seqtag.data.formats.base import find_format
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.document import OutputOptions
from seqtag.data.formats.lines import Source, SourceFile, open_binary
from seqtag.errors import InputError
from seqtag.files import open_output, utf8_bytes
from seqtag.model_folder.config import CONFIG
from seqtag.tagging.document_output import write_documents
from seqtag.tagging.documents import own_document
from seqtag.tagging.layouts import layout_of
from seqtag.tagging.readers import PLAIN, Item, read_items
from seqtag.tagging.unknown_words import UnknownWords
from seqtag.tagging.windows import least_certain, tag_windows
from seqtag.tagging.writers import OUTPUTS, WriterOptions, writer_of

if TYPE_CHECKING:
    from seqtag.tagging.base import BaseTagger
    from seqtag.tagging.output import TaggedSentence

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Tag the input and write the output; return the exit code.

    Raises:
        InputError: for a mistake in arguments, input or model folder. An older output file then
            stays unchanged.
    """
    if args.input_format is None:
        args.input_format = format_of_file(args.input)
    check_arguments(args)
    bias = parse_bias(args.bias)
    try:
        folder = _input_folder(args)
        with _open_input(args.input, folder is not None) as raw:
            tagger = load_tagger(args.model, args.device).with_bias(bias, "--bias")
            if args.scheme is not None:
                tagger = tagger.with_scheme(args.scheme)
            if tagger.features and args.input_format in PLAIN:
                raise InputError(
                    f"{args.model}: this tagger reads further columns in addition to the words "
                    f"({', '.join(tagger.features)}), which --input-format {args.input_format} "
                    f"does not have: use {', '.join(formats_for('input'))}"
                )
            name = "standard input" if args.input == "-" else args.input
            layout = None
            if args.input_format not in PLAIN:
                where = str(Path(args.model) / CONFIG)
                trained = (tagger.data, tagger.features)
                layout = layout_of(args.input_format, *trained, column_options(args), where)
                if args.format == "column" and args.label_column == layout.token_column:
                    raise InputError(f"--label-column {args.label_column}: the column of tokens")
            source = Source(raw, Place(name, args.encoding, "--encoding"), folder=folder)
            tokenizer = args.tokenizer or tagger.tokenizer
            items = read_items(source, args.input_format, layout, args.wrapped, tokenizer)
            _write(tagger, items, args)
    except BrokenPipeError:
        # The reader of the output has ended. Else the interpreter reports an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # of the input: `open_output` converts those of the output
        raise InputError(
            f"{'standard input' if args.input == '-' else args.input}: cannot be read: "
            f"{error.strerror or error}"
        ) from error
    return 0


def _input_folder(args: argparse.Namespace) -> Path | None:
    """Return the input if it is a folder and the input format reads folders."""
    folder = Path(args.input)
    if args.input == "-" or not folder.is_dir():
        return None
    if args.input_format in PLAIN or not find_format(args.input_format).reads_folders:
        raise InputError(f"{folder}: is a folder; only --input-format brat reads folders")
    return folder


@contextmanager
def _open_input(name: str, is_folder: bool) -> Iterator[IO[bytes]]:
    if name == "-":
        if sys.stdin.isatty():
            print("seqtag: reading from the terminal; press Ctrl-D to end", file=sys.stderr)
        yield sys.stdin.buffer
        return
    if is_folder:
        yield io.BytesIO()
        return
    with open_binary(SourceFile(Path(name), name)) as raw:
        yield raw


def _write(tagger: BaseTagger, items: Iterator[Item | None], args: argparse.Namespace) -> None:
    unknown = None
    if args.unknown is not None:
        unknown = UnknownWords(args.unknown, tagger.indexer.is_unknown)
    if args.format not in OUTPUTS and find_format(args.format).writes != "sentences":
        _write_documents(tagger, items, args)
        return
    title = "Tagged text" if args.input == "-" else Path(args.input).name
    options = WriterOptions(args.probabilities, unknown, title, args.label_column, tagger.data)
    writer = writer_of(args.format, tagger.labels, options)
    with open_output(args.output) as output:
        output.write(utf8_bytes(writer.begin()))
        tagged = tag_windows(tagger, items, wanted_of(args))
        if args.lowest is not None:
            tagged = [least_certain(tagged, int(args.lowest))]
        for window in tagged:
            texts = (writer.sentence(sentence, item) for item, sentence in window)
            output.write(utf8_bytes("".join(texts)))
            output.flush()
        output.write(utf8_bytes(writer.end()))


def _write_documents(
    tagger: BaseTagger, items: Iterator[Item | None], args: argparse.Namespace
) -> None:
    if tagger.labels.scheme == "plain":
        raise InputError(
            f"{args.model}: this tagger has plain labels, no spans, which --format {args.format} "
            "would hold: use text, column, json, csv or html"
        )
    windows = tag_windows(tagger, items, wanted_of(args))
    tagged: Iterable[tuple[Item, TaggedSentence]] = chain.from_iterable(windows)
    if args.lowest is not None:
        tagged = map(own_document, least_certain(windows, int(args.lowest)))
    options = OutputOptions(args.from_name or "label", args.to_name or "text")
    write_documents(tagged, find_format(args.format), args.output, options)
