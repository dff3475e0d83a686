"""Run a job in a process forked from a server that has already imported the program's modules.

Importing torch and the modules that use it takes seconds, a large part of a job of ten seconds.
"""

import atexit
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from seqtag.sweeps.isolated import PATIENCE, describe_end


def run_forked(
    module: str, arguments: Sequence[str], terminal: Path, preload: Sequence[str]
) -> tuple[int, str | None]:
    """Run ``python -m MODULE ARGUMENTS``; return its exit code, and why it failed (None if not).

    Like `run_isolated`, but the first call starts a server process, from which this and later jobs
    are forked and which ends with this process. Of the module, only ``main(arguments)`` is run.

    Args:
        module: the program.
        arguments: its arguments.
        terminal: the file that receives the job's output.
        preload: modules that the server imports before any fork. Importing them must not start
            threads, because a forked process does not have them.
    """
    # A launcher may have set another start method, which the job would inherit.
    multiprocessing.set_start_method(None, force=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    terminal.write_bytes(b"")
    program = (module, list(arguments), str(terminal), dict(os.environ))
    process = context.Process(target=_run_program, args=program)
    process.start()
    try:
        process.join()
    except BaseException:
        process.terminate()
        process.join(PATIENCE)
        process.kill()
        process.join()
        raise
    assert process.exitcode is not None
    return process.exitcode, describe_end(process.exitcode, terminal)


def _run_program(
    module: str, arguments: list[str], terminal: str, environment: Mapping[str, str]
) -> None:
    """Run the program in this process, with the given environment and output file."""
    multiprocessing.set_start_method(None, force=True)
    output = os.open(terminal, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.clear()
    os.environ.update(environment)
    import torch

    if torch.accelerator.is_available():
        # The state of a device's runtime does not survive a fork: start a new program.
        os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
    try:
        sys.exit(import_module(module).main(arguments))
    finally:
        atexit._run_exitfuncs()  # multiprocessing does not call them in forked processes
