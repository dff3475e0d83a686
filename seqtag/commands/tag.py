"""The verb `tag`: text in, labels out, with no more in memory than a window of sentences."""

from __future__ import annotations

import argparse
import codecs
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from seqtag.data.formats.base import FORMATS, find_format
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.lines import Source, SourceFile, open_binary
from seqtag.errors import InputError
from seqtag.files import open_output, utf8_bytes
from seqtag.tagging.layouts import Options, layout_of
from seqtag.tagging.readers import PAUSE, PLAIN, Item, read_items
from seqtag.tagging.writers import TEXT_HELP, writer_of

if TYPE_CHECKING:
    from seqtag.tagging.output import TaggedSentence
    from seqtag.tagging.tagger import Tagger

# What is tagged together: enough to sort by length and fill batches, little enough to hold.
_WINDOW_SENTENCES, _WINDOW_TOKENS = 1024, 50_000
_INPUTS = "input formats (--input-format); .gz, .bz2 and .xz files are unpacked by their name:"
_OUTPUTS = (
    "output formats (--format); each sentence, empty or not, has its place, in the order of the "
    "input:"
)
# Other names of data formats.
_ALIASES = {"conll": "column", "jsonl": "json"}


def _formats(kind: str) -> dict[str, str]:
    """Return what is to be said of each format that is read or written, by its name.

    Those of installed packages are all listed: whether they can be used is known when they are
    imported, which only their use does.
    """
    attribute = "tag_input" if kind == "input" else "tag_output"
    found = {}
    for name in FORMATS.names():
        package = FORMATS.distribution(name)
        about = f"of the package {package}" if package else getattr(find_format(name), attribute)
        if about is not None:
            found[name] = about
    return found


def _help(title: str, formats: Mapping[str, str]) -> str:
    """Return a paragraph of the help: each format, and what is to be said of it."""
    others = {name: f"{name}, {other}" for other, name in _ALIASES.items()}
    named = {others.get(name, name): about for name, about in formats.items()}
    width = max(map(len, named)) + 4
    wrapper = textwrap.TextWrapper(98, subsequent_indent=" " * width, break_on_hyphens=False)
    lines = []
    for name, about in named.items():
        wrapper.initial_indent = f"  {name:{width - 2}}"
        lines.append(wrapper.fill(about))
    return "\n".join([title, *lines])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` needs to a parser; imports nothing heavy."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    inputs = {**PLAIN, **_formats("input")}
    outputs = {"text": TEXT_HELP, **_formats("output")}
    parser.epilog = f"{_help(_INPUTS, inputs)}\n\n{_help(_OUTPUTS, outputs)}"
    add = parser.add_argument
    add("--model", metavar="DIR", required=True, help="the model folder")
    add("--input", metavar="FILE", default="-", help="what to tag; - (default): standard input")
    add("--output", metavar="FILE", default="-", help="where to; - (default): standard output")
    name = {"type": lambda given: _ALIASES.get(given, given), "default": "text"}
    add("--format", **name, choices=outputs, help="output format (default: text)")
    add("--input-format", **name, choices=inputs, help="default: text")
    add("--probabilities", action="store_true", help="also write how probable each label is")
    add("--wrapped", action="store_true", help="raw text: only an empty line ends a paragraph")
    add(
        "--columns",
        metavar="NAMES",
        help="column: the file's columns, as in _,tokens,pos,* (_: skipped; a final *: any others)",
    )
    add(
        "--separator",
        metavar="TEXT",
        help="column: what stands between cells: null (spaces and tabs), tab, space, comma, ...",
    )
    add("--comment", metavar="TEXT", help="column: lines that begin with it are skipped; '': none")
    add(
        "--document-marker",
        metavar="TEXT",
        help="column: lines that begin with it end a sentence and are skipped; '': none",
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
            if tagger.features and args.input_format in PLAIN:
                raise InputError(
                    f"{args.model}: this tagger reads further columns beside the words "
                    f"({', '.join(tagger.features)}), which --input-format {args.input_format} "
                    f"does not have: use {', '.join(_formats('input'))}"
                )
            name = "standard input" if args.input == "-" else args.input
            layout = None
            if args.input_format not in PLAIN:
                where = str(Path(args.model) / CONFIG)
                given = (args.input_format, tagger.data, tagger.features)
                layout = layout_of(*given, _options(args), where)
            source = Source(raw, Place(name, args.encoding, "--encoding"))
            items = read_items(source, args.input_format, layout, args.wrapped)
            _write(tagger, items, args)
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
    plain = args.input_format in PLAIN
    if not plain and find_format(args.input_format).tag_input is None:
        raise InputError(f"--input-format {args.input_format}: this format cannot be tagged")
    if args.format != "text" and find_format(args.format).tag_output is None:
        raise InputError(f"--format {args.format}: tagged text cannot be written in this format")
    for option in _options(args).given():
        if plain or not find_format(args.input_format).positional:
            raise InputError(f"{option} is for --input-format column only")
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
    write = writer_of(args.format, tagger.labels.corpus_scheme == "plain")
    with open_output(args.output) as output:
        for window in _windows(items):
            found = _tag(tagger, window, args.probabilities)
            texts = (
                write(sentence, item.id, item.line if item.shares_line else None)
                for item, sentence in zip(window, found, strict=True)
            )
            output.write(utf8_bytes("".join(texts)))
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
