"""The verb `serve`: taggers as a local web server with a page and a REST interface."""

from __future__ import annotations

import argparse
import os
import sys

from seqtag.commands.load_tagger import load_tagger
from seqtag.errors import InputError
from seqtag.serve.limits import Limits
from seqtag.terminal import single_line

_MOST_WORKERS = 4
_MEBIBYTE = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to a parser; imports no slow library."""
    add = parser.add_argument
    model = (
        "a model or exported folder, or OWNER/NAME of the Hugging Face hub; further ones can be "
    )
    model += "compared on the page, and named in requests"
    add("--model", metavar="DIR", action="append", required=True, help=model)
    host = "address to listen on (default: 127.0.0.1, this machine alone; 0.0.0.0: all)"
    add("--host", default="127.0.0.1", help=host)
    add("--port", metavar="N", default="8000", help="port (default: 8000; 0: any free one)")
    workers = f"threads that tag (default: one for each core, at most {_MOST_WORKERS})"
    add("--workers", metavar="N", help=workers)
    body = "largest body of a request in MiB (default: 1)"
    add("--max-body", metavar="MIB", default="1", help=body)
    add("--device", default="cpu", help="cpu (default), cuda, cuda:1, ...")


def run(args: argparse.Namespace) -> int:
    """Serve until a signal stops it; return the exit code.

    Raises:
        InputError: for a mistake in arguments or model folder, or an address that is in use.
    """
    port = _whole("--port", args.port, 0, 65_535)
    cores = min(_MOST_WORKERS, os.cpu_count() or 1)
    workers = cores if args.workers is None else _whole("--workers", args.workers, 1, 256)
    limits = Limits(body=_whole("--max-body", args.max_body, 1, 1_024) * _MEBIBYTE)
    try:
        from seqtag.serve.app import application
        from seqtag.serve.server import listen, server_of, url_of
    except ImportError as error:
        raise InputError(
            f"the server needs further packages ({error}): pip install 'seqtag[serve]'"
        ) from None
    from seqtag.serve.models import Models, names_of

    folders = names_of(args.model)
    with listen(args.host, port) as listener:
        # Requests run in parallel; more threads inside each would only wait for each other.
        os.environ["OMP_NUM_THREADS"] = "1"
        taggers = {}
        for name, folder in folders.items():
            _report(f"loading {folder}")
            taggers[name] = load_tagger(folder, args.device)
            if not taggers[name].features:
                taggers[name].tag("Kernels are compiled before the first request.")
        app = application(Models(taggers), limits, workers)
        _report(f"serving {', '.join(folders)} on {url_of(listener)} (Ctrl-C stops)")
        server_of(app, limits).run([listener])
    _report("stopped")
    return 0


def _whole(option: str, value: str, least: int, most: int) -> int:
    """Return the whole number that an option gives."""
    if not (value.isascii() and value.isdecimal() and least <= int(value[:9]) <= most):
        raise InputError(f"{option} {value}: must be a whole number from {least:,} to {most:,}")
    return int(value)


def _report(line: str) -> None:
    """Print a line on standard error."""
    print(f"seqtag: {single_line(line)}", file=sys.stderr, flush=True)
