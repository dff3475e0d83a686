"""A job in a process that is forked from one with the program's modules loaded already.

To load torch and what stands on it takes some seconds, of a job that may take no more than ten.
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
    """Run ``python -m MODULE ARGUMENTS``; return its exit code, and what went wrong.

    As `run_apart`, but the first call starts a process that this and later jobs are forked from,
    and that ends with this one. The module's ``main(arguments)`` is all that it runs.

    Args:
        module: the program.
        arguments: its arguments.
        terminal: the file that the job's output goes to.
        preload: modules that are imported once, before any fork. Importing them must start no
            threads, which a forked process would not have.
    """
    # A launcher has its own way to start processes, which the job's would inherit.
    multiprocessing.set_start_method(None, force=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    terminal.write_bytes(b"")
    given = (module, list(arguments), str(terminal), dict(os.environ))
    process = context.Process(target=_run_program, args=given)
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
    """Run the program as if this process had been started for it."""
    multiprocessing.set_start_method(None, force=True)
    output = os.open(terminal, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.clear()
    os.environ.update(environment)
    import torch

    if torch.accelerator.is_available():
        # What a device's runtime keeps of a process may not outlive a fork: begin anew.
        os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
    try:
        sys.exit(import_module(module).main(arguments))
    finally:
        atexit._run_exitfuncs()  # else left out, where a process was forked
