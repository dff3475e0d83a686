"""The command line: ``seqtag VERB ...``.

Slow imports wait until a verb needs them, so that `--help` and `--version` print at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqtag import __version__
from seqtag.cache import redirect_library_caches
from seqtag.distributed.process import current_process, exit_with_leader
from seqtag.errors import InputError, RunStopped, os_error_text, shown, unknown
from seqtag.memory import keep_freed_memory
from seqtag.streams import standard_streams
from seqtag.terminal import single_line


def _train(settings: Any) -> None:
    from seqtag.commands.train import train

    train(settings)


def _evaluate(settings: Any) -> None:
    from seqtag.commands.evaluate import evaluate

    evaluate(settings)


def _check(settings: Any) -> int:
    from seqtag.commands.check import check

    return check(settings)


def _probe(settings: Any) -> None:
    from seqtag.commands.probe import probe

    probe(settings)


def _tag() -> Any:
    from seqtag.commands import tag

    return tag


def _trace() -> Any:
    from seqtag.commands import trace

    return trace


def _inspect() -> Any:
    from seqtag.commands import inspect

    return inspect


def _serve() -> Any:
    from seqtag.commands import serve

    return serve


def _push() -> Any:
    from seqtag.commands import push

    return push


def _report() -> Any:
    from seqtag.commands import report

    return report


def _export() -> Any:
    from seqtag.commands import export

    return export


# Verbs that Hydra configures: the function that runs the verb on its settings, one line of help.
_CONFIGURED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "train": (_train, "train a tagger, evaluate it, and write it to a folder"),
    "evaluate": (_evaluate, "evaluate a trained tagger on a corpus"),
    "check": (_check, "check a corpus for errors before training on it"),
    "probe": (_probe, "train a tagger on short distances and evaluate it on long ones"),
}
# Verbs that argparse configures: the function that imports the module, one line of help.
_OWN: dict[str, tuple[Callable[[], Any], str]] = {
    "tag": (_tag, "tag text with a trained tagger"),
    "export": (_export, "write a trained tagger as an ONNX graph"),
    "trace": (_trace, "show gates, states and memory inside a trained tagger"),
    "inspect": (_inspect, "show what the states of a trained tagger hold, and in which units"),
    "serve": (_serve, "serve taggers to programs and to the browser"),
    "push": (_push, "upload a trained tagger to the Hugging Face hub"),
    "report": (_report, "summarise finished runs of probes on a page"),
}

# How to pass text to a verb, for the error on words that it does not expect.
_WHERE_TEXT = {
    "tag": "text comes from --input FILE or standard input: echo TEXT | seqtag tag --model DIR",
    "trace": "put the sentence in quotes",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code.

    0: success. 1: a fault. 2: a mistake of the user. 75 (EX_TEMPFAIL of sysexits.h): stopped by a
    signal after a checkpoint was written. 128 + N: stopped by signal N without a checkpoint.

    Raises:
        SystemExit: by argparse, with the exit code.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    with standard_streams() as streams:
        try:
            code = _exit_code(arguments)
        except SystemExit as ended:
            # argparse ignores an error while it prints its help.
            if streams.output_error() is None:
                raise
            code = ended.code if isinstance(ended.code, int) else 1
        if code == 0 and (lost := streams.output_error()) is not None:
            _print_error(f"error: standard output: cannot be written: {os_error_text(lost)}")
            return 1
        return code


def _exit_code(arguments: list[str]) -> int:
    """Run the program and print its error, if any; return the exit code."""
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except InputError as error:
        _print_error(f"error: {error}")
        return 2
    except RunStopped as error:
        _print_error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        resume = "; ckpt_path=auto with this run's hydra.run.dir continues from its last checkpoint"
        _print_error("interrupted" + resume * (arguments[:1] in (["train"], ["probe"])))
        return 130
    except BrokenPipeError:
        # The reader of our output has ended (`seqtag train --help | head`). The rest of the output
        # is discarded, or the interpreter would report an error when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _print_error(f"error: {os_error_text(error)}")
        return 2


def _print_error(line: str) -> None:
    print(f"seqtag: {single_line(line)}", file=sys.stderr)


def _dispatch(arguments: list[str]) -> int:
    verbs = [*_CONFIGURED, *_OWN]
    verb = next((argument for argument in arguments if not argument.startswith("-")), None)
    if verb is None or arguments[0] != verb:
        return _top_level(arguments)
    if verb not in verbs:
        raise unknown("verb", verb, verbs)
    keep_freed_memory()
    redirect_library_caches()
    if verb in _OWN:
        load, text = _OWN[verb]
        module = load()
        parser = argparse.ArgumentParser(
            f"seqtag {verb}", description=f"{text[0].upper()}{text[1:]}."
        )
        module.add_arguments(parser)
        args, others = parser.parse_known_args(arguments[1:])
        if others:
            if verb in _WHERE_TEXT and not any(word.startswith("-") for word in others):
                words = [*getattr(args, "sentence", ()), *others]
                raise InputError(f"{shown(' '.join(words))}: {_WHERE_TEXT[verb]}")
            parser.error(f"unrecognized arguments: {' '.join(others)}")
        return module.run(args)
    if {"-h", "--help"} & set(arguments):
        from seqtag.commands.help import help_text

        print(help_text(verb))
        return 0
    from seqtag.commands.launch import launch

    finish = _write_report if verb == "probe" else None
    return _on_all_ranks(lambda: launch(verb, _CONFIGURED[verb][0], arguments[1:], finish))


def _write_report(folder: Path) -> None:
    """Write the report on the runs in a folder, and print its path."""
    print(_report().report([folder], folder / "report"))


def _on_all_ranks(run: Callable[[], int]) -> int:
    """Run the program on rank 0; on other ranks, follow the leader."""
    process = current_process()
    if process.world_size == 1:
        return run()
    if not process.is_leader:
        exit_with_leader()
        from seqtag.commands.train import follow

        return follow()
    from seqtag.distributed.leader import leading

    with leading():
        return run()


def _top_level(arguments: list[str]) -> int:
    verbs = {**_CONFIGURED, **_OWN}
    lines = [f"  {name:10} {text}" for name, (_, text) in verbs.items()]
    parser = argparse.ArgumentParser(
        "seqtag",
        usage="seqtag VERB [key=value ...]",
        description="Sequence labelling with recurrent networks.",
        epilog="verbs:\n" + "\n".join(lines) + "\n\n`seqtag VERB --help` describes each verb.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"seqtag {__version__}")
    parser.parse_args(arguments)
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
