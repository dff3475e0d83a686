"""The arguments of the verb `tag`: their help, and the checks before anything is loaded."""

from __future__ import annotations

import argparse
import codecs
import textwrap
from collections.abc import Mapping

from seqtag.data.formats.base import FORMATS, find_format
from seqtag.data.formats.decoding import COMPRESSIONS
from seqtag.data.text.tokenizers import check_tokenizer
from seqtag.errors import InputError
from seqtag.labels import AS_IN_CORPUS, SCHEMES
from seqtag.tagging.document_output import check_document_output
from seqtag.tagging.layouts import Options
from seqtag.tagging.readers import PLAIN
from seqtag.tagging.results import MOST_LISTED, Wanted
from seqtag.tagging.writers import MARKING, OUTPUTS

_INPUTS = "input formats (--input-format); files named .gz, .bz2 or .xz are decompressed:"
_OUTPUTS = (
    "output formats (--format); each input sentence, even an empty one, is written, in input order:"
)
# Other names of data formats.
_ALIASES = {"conll": "column", "jsonl": "json"}
# The input formats of an option that is not for column alone.
_FORMATS_OF = {"--separator": ("column", "csv"), "--sentence-column": ("csv",)}


def formats_for(kind: str) -> dict[str, str]:
    """Return the descriptions of the formats that can be read or written, by name.

    All formats of installed packages are included: whether they support input or output is known
    only after their import, which their use triggers.
    """
    attribute = "tag_input" if kind == "input" else "tag_output"
    descriptions = {}
    for name in FORMATS.names():
        package = FORMATS.distribution(name)
        text = f"from the package {package}" if package else getattr(find_format(name), attribute)
        if text is not None:
            descriptions[name] = text
    return descriptions


def _help(title: str, formats: Mapping[str, str]) -> str:
    """Return a section of the help: a title, then the name and description of each format."""
    names = {name: f"{name}, {alias}" for alias, name in _ALIASES.items()}
    entries = {names.get(name, name): text for name, text in formats.items()}
    width = max(map(len, entries)) + 4
    wrapper = textwrap.TextWrapper(98, subsequent_indent=" " * width, break_on_hyphens=False)
    lines = []
    for name, text in entries.items():
        wrapper.initial_indent = f"  {name:{width - 2}}"
        lines.append(wrapper.fill(text))
    return "\n".join([title, *lines])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `seqtag tag` to a parser; imports no slow library."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    inputs = {**PLAIN, **formats_for("input")}
    outputs = {**formats_for("output"), **OUTPUTS}
    parser.epilog = f"{_help(_INPUTS, inputs)}\n\n{_help(_OUTPUTS, outputs)}"
    add = parser.add_argument
    add("--model", metavar="DIR", required=True, help="the model folder")
    add("--input", metavar="FILE", default="-", help="input file; - (default): standard input")
    output = "output file (brat: folder); - (default): standard output"
    add("--output", metavar="FILE", default="-", help=output)
    name = {"type": lambda word: _ALIASES.get(word, word)}
    add("--format", **name, default="text", choices=outputs, help="output format (default: text)")
    default = "input format (default: by the ending of --input, else text)"
    add("--input-format", **name, choices=inputs, help=default)
    schemes = (AS_IN_CORPUS, *SCHEMES)
    scheme = f"scheme of the written labels: {', '.join(schemes)} (corpus: as the training files "
    scheme += "wrote them; default: bio or bioes, whichever is closer to them)"
    add("--scheme", metavar="NAME", choices=schemes, help=scheme)
    add("--probabilities", action="store_true", help="also write the probability of each label")
    paths = "also write the N most probable sequences of labels of each sentence; for json"
    add("--alternatives", metavar="N", help=paths)
    top = "also write the N most probable labels of each token; for json"
    add("--top-labels", metavar="N", help=top)
    tokenizer = "raw text: default, whitespace, finest, characters or a regular expression "
    add("--tokenizer", metavar="NAME", help=tokenizer + "(default: as the training corpus)")
    lowest = "write only the N sentences of which the tagger is least sure, the least sure first"
    add("--lowest", metavar="N", help=lowest)
    bias = "multiply the odds of a type or label, for more recall (above 1) or more precision"
    add("--bias", metavar="TYPE=FACTOR", action="append", default=[], help=bias)
    unknown = "mark words that did not occur in training (default mark: (?)); for text, csv, html"
    column = "the column of the labels: upos, misc.NER, ... in conllu output, "
    column += "a column of the input in column output"
    add("--label-column", metavar="NAME", help=column)
    add("--unknown", metavar="MARK", nargs="?", const="(?)", help=unknown)
    add("--wrapped", action="store_true", help="raw text: sentences may continue on the next line")
    add("--encoding", default="utf-8", help="encoding of the input (default: utf-8)")
    add("--device", default="cpu", help="cpu (default), cuda, cuda:1, ...")
    add = parser.add_argument_group("options of --format label_studio").add_argument
    add("--from-name", metavar="NAME", help="name of the Labels tag (default: label)")
    add("--to-name", metavar="NAME", help="name of the Text tag (default: text)")
    add = parser.add_argument_group("options of --input-format column (and csv)").add_argument
    names = "names of the columns, e.g. _,tokens,pos,* (_ skips one, a final * the rest)"
    add("--columns", metavar="NAMES", help=names)
    between = "text between columns: null (spaces and tabs), tab, space, comma, ..."
    add("--separator", metavar="TEXT", help=between)
    add("--comment", metavar="TEXT", help="skip lines that begin with TEXT; '': none")
    marker = "lines that begin with TEXT end a sentence and are skipped; '': none"
    add("--document-marker", metavar="TEXT", help=marker)
    column = "csv: the column that names or numbers the sentences; a row has one token"
    add("--sentence-column", metavar="NAME", help=column)


def format_of_file(path: str) -> str:
    """Return the input format that the ending of a file name belongs to; text if there is none."""
    name = path.lower()
    for ending in COMPRESSIONS:
        name = name.removesuffix(ending)
    formats = (format for format in formats_for("input") if find_format(format).endings)
    return next((f for f in formats if name.endswith(find_format(f).endings)), "text")


def check_arguments(args: argparse.Namespace) -> None:
    """Raise an InputError for arguments that are wrong or do not fit together."""
    try:
        codecs.getincrementaldecoder(args.encoding)().decode(b"", final=True).count("\n")
    except (LookupError, TypeError):
        raise InputError(f"--encoding {args.encoding}: unknown text encoding") from None
    plain = args.input_format in PLAIN
    if not plain and find_format(args.input_format).tag_input is None:
        raise InputError(f"--input-format {args.input_format}: this format cannot be tagged")
    if args.format not in OUTPUTS and find_format(args.format).tag_output is None:
        raise InputError(f"--format {args.format}: tagged text cannot be written in this format")
    for option in column_options(args).names():
        allowed = _FORMATS_OF.get(option, ("column",))
        columns = not plain and "column" in allowed and find_format(args.input_format).positional
        if not columns and args.input_format not in allowed:
            names = " or ".join(allowed)
            raise InputError(f"{option} can only be used with --input-format {names}")
    if args.wrapped and args.input_format != "text":
        raise InputError("--wrapped can only be used with --input-format text")
    if args.lowest is not None and not (args.lowest.isdecimal() and int(args.lowest) > 0):
        raise InputError(f"--lowest {args.lowest}: must be a whole number of at least 1")
    for option in ("alternatives", "top_labels"):
        _check_listed(args, option)
    if args.unknown is not None and args.format not in MARKING:
        raise InputError(f"--unknown can only be used with --format {', '.join(MARKING)}")
    _check_label_column(args)
    _check_document_options(args)
    if args.tokenizer is not None:
        check_tokenizer(args.tokenizer, "--tokenizer")
        if args.input_format == "tokens" or (
            not plain and not find_format(args.input_format).has_text
        ):
            raise InputError(
                f"--tokenizer is for raw text; sentences of --input-format {args.input_format} "
                "are already split into tokens"
            )


def _check_listed(args: argparse.Namespace, option: str) -> None:
    value, name = getattr(args, option), f"--{option.replace('_', '-')}"
    if value is None:
        return
    if not (value.isdecimal() and 1 <= int(value) <= MOST_LISTED):
        raise InputError(f"{name} {value}: must be a whole number from 1 to {MOST_LISTED}")
    if args.format != "json":
        raise InputError(f"{name} can only be used with --format json")


def wanted_of(args: argparse.Namespace) -> Wanted:
    """Return what to compute in addition to labels."""
    numbers = (int(value or 0) for value in (args.alternatives, args.top_labels))
    return Wanted(args.probabilities, args.lowest is not None, *numbers)


def _check_label_column(args: argparse.Namespace) -> None:
    if args.label_column is None or args.format == "conllu":
        return
    if args.format != "column" or args.input_format != "column":
        raise InputError(
            "--label-column can only be used with --format conllu, or with both "
            "--input-format column and --format column"
        )


def _check_document_options(args: argparse.Namespace) -> None:
    for option in ("from_name", "to_name"):
        if getattr(args, option) is not None and args.format != "label_studio":
            name = f"--{option.replace('_', '-')}"
            raise InputError(f"{name} can only be used with --format label_studio")
    if args.format in OUTPUTS or find_format(args.format).writes == "sentences":
        return
    check_document_output(find_format(args.format), args.output)


def parse_bias(options: list[str]) -> dict[str, float]:
    """Return the factors of ``--bias TYPE=FACTOR``, by type."""
    factors: dict[str, float] = {}
    for option in options:
        name, _, factor = option.rpartition("=")
        try:
            number = float(factor)
        except ValueError:
            number = None
        if not name or number is None:
            raise InputError(f"--bias {option}: expected TYPE=FACTOR, such as --bias PER=1.5")
        if name in factors:
            raise InputError(f"--bias names {name} twice")
        factors[name] = number
    return factors


def column_options(args: argparse.Namespace) -> Options:
    """Return the options that describe the columns of the input."""
    return Options(
        args.columns, args.separator, args.comment, args.document_marker, args.sentence_column
    )
