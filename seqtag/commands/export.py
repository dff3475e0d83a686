"""The verb `export`: write a trained tagger as an ONNX graph that runs without torch."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from seqtag.errors import InputError, unknown
from seqtag.files import require_new_folder

if TYPE_CHECKING:
    from seqtag.export.folder import Measured
    from seqtag.export.network import Exported
    from seqtag.tagging.tagger import Tagger

FORMATS, QUANTISED = ("onnx",), ("int8",)
# The largest loss of quantisation, in points, that is accepted without --force.
MOST_LOSS = 0.5
_WRITTEN = """\
files written to the output folder:
  model.onnx      the whole tagger: from ids of words and characters to labels and probabilities
  export.json     inputs and outputs of the graph, quantisation, what was measured
  config.json, tokenizer.json, labels.json, README.md
                  those of the model folder; README.md with a section on the export

examples:
  seqtag export --model MODEL --output EXPORTED
  seqtag export --model MODEL --quantize int8 --evaluate dev.txt --output EXPORTED
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to a parser; imports no slow library."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _WRITTEN
    add = parser.add_argument
    add("--model", metavar="DIR", required=True, help="the model folder")
    add("--output", metavar="DIR", required=True, help="the folder to write; must not exist yet")
    add("--format", metavar="NAME", default="onnx", help="onnx (default)")
    quantize = "int8: store weights in 8 bits, a quarter of the size; needs --evaluate"
    add("--quantize", metavar="TYPE", help=quantize)
    file = "labelled sentences, read as by `seqtag evaluate`: print the score before and after"
    add("--evaluate", metavar="FILE", help=file)
    force = f"write a quantised tagger even if it loses more than {MOST_LOSS} points"
    add("--force", action="store_true", help=force)


def run(args: argparse.Namespace) -> int:
    """Export a tagger; return the exit code.

    Raises:
        InputError: for a mistake in the arguments or the model folder, a part that cannot be
            exported, or a loss of more than `MOST_LOSS` points. Nothing is written then.
    """
    _check(args)
    require_new_folder(args.output)
    folder = Path(args.model)
    tagger = _load(folder)
    from seqtag.export.folder import GRAPH, write_exported
    from seqtag.export.network import export_network
    from seqtag.export.weights import Float32, Int8

    exported = export_network(tagger.network, Int8() if args.quantize else Float32())
    measured = None
    if args.evaluate is not None:
        measured = _measure(tagger, folder, args.evaluate, exported)
        print(
            f"{measured.score}: {measured.before:.2%} before, {measured.after:.2%} after "
            f"({measured.sentences:,} sentences of {measured.file})"
        )
        if measured.loss > MOST_LOSS and not args.force:
            raise InputError(
                f"{args.evaluate}: the exported tagger loses {measured.loss:.2f} points, more than "
                f"{MOST_LOSS}; nothing was written. --force writes it"
            )
    write_exported(args.output, folder, exported, args.quantize, measured)
    print(Path(args.output) / GRAPH)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.format not in FORMATS:
        raise unknown("format", args.format, FORMATS)
    if args.quantize is not None and args.quantize not in QUANTISED:
        raise unknown("type of --quantize", args.quantize, QUANTISED)
    if args.quantize and args.evaluate is None:
        raise InputError(
            "--quantize can cost accuracy: measure it with --evaluate FILE, a file of labelled "
            "sentences"
        )
    if args.force and not args.quantize:
        raise InputError("--force accepts a loss by --quantize, which is not set")
    if args.evaluate is not None and not Path(args.evaluate).exists():
        raise InputError(f"--evaluate: {args.evaluate}: there is no such file")


def _load(folder: Path) -> Tagger:
    """Return the tagger, after checking that the libraries of the extra are installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"seqtag export needs {error.name}: pip install 'seqtag[export]'"
        ) from None
    from seqtag.tagging.tagger import Tagger

    return Tagger.load(folder)


def _measure(tagger: Tagger, folder: Path, file: str, exported: Exported) -> Measured:
    """Return the main score of a tagger and of its export on a file."""
    from seqtag.commands.evaluate import corpus_to_evaluate
    from seqtag.export.folder import Measured
    from seqtag.export.session import with_graph
    from seqtag.metrics.main import main_score
    from seqtag.training.evaluation import evaluate_split

    corpus, batches = corpus_to_evaluate(tagger, folder, {"path": file}, "test")
    before, after = (
        evaluate_split(either, corpus, "test", batches)
        for either in (tagger, with_graph(tagger, exported))
    )
    name, score = main_score(before)
    return Measured(Path(file).name, before["sentences"], name, score, main_score(after)[1])
