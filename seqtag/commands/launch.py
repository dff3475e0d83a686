"""Launch a verb: Hydra composes its configuration, for one run or for the jobs of a sweep."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seqtag.commands.comments import with_comments
from seqtag.commands.extensions import register_installed_options
from seqtag.commands.help import config_dir
from seqtag.commands.overrides import explain, explain_misread, quote_values, raised_in_hydra
from seqtag.commands.task import Job, StopAll, Task, os_error_at, remove_if_unused
from seqtag.errors import InputError
from seqtag.sweeps.naming import run_name

_MANY = ("-m", "--multirun")


def launch(
    verb: str, job: Job, arguments: Sequence[str], finish: Callable[[Path], None] | None = None
) -> int:
    """Run `job` on the configuration ``conf/VERB.yaml`` with the overrides in `arguments`.

    When all is done `finish` is called with the folder of the run, or of the sweep; not if nothing
    was done, and not for each run of a sweep.

    Returns:
        The exit code of the job, where it returns one, else 0; of a sweep the highest, but 1 if a
        job failed.

    Raises:
        InputError: for a wrong override, an unknown key or option, a value that is missing, and
            what the job itself raises, if it is the only one. Its folder is then gone, if nothing
            came to be in it.
        RunStopped: if a job had to stop; after a signal it is the last one of a sweep.
    """
    if _shows_job(arguments):
        return _show_job(verb, job, arguments)
    arguments = quote_values(arguments)
    register_installed_options(arguments)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    main = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=verb)
    task = Task(verb, job, [word for word in _flags(arguments) if word not in _MANY])
    try:
        with _as_program(verb, arguments), task.locks():
            try:
                main(task)()
            except StopAll as stop:
                raise stop.args[0] from None
            fine = any(outcome.error is None for outcome in task.outcomes)
            if finish and fine and not task.in_sweep:
                finish(task.folder)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(explain(error, verb, arguments)) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if isinstance(error, InputError) or not raised_in_hydra(error):
            raise
        raise InputError(explain_misread(error, arguments)) from error
    except BrokenPipeError:
        raise
    except OSError as error:  # Hydra's: the folder of the run, and its notes there
        if task.folder != Path():
            remove_if_unused(task.folder)
        raise InputError(
            f"{os_error_at(error, task.folder)}; a run writes into its folder (hydra.run.dir)"
        ) from error
    if task.mistake is not None:
        raise task.mistake
    if any(outcome.error is not None for outcome in task.outcomes):
        return 1
    return max((outcome.code for outcome in task.outcomes), default=0)


@contextmanager
def _as_program(verb: str, arguments: Sequence[str]) -> Iterator[None]:
    """Have Hydra read `arguments`, and leave the process afterwards as it was before."""
    argv, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    GlobalHydra.instance().clear()
    # Flags first: Hydra's parser does not find overrides on both sides of one.
    flags = _flags(arguments)
    overrides = [word for word in arguments if word not in flags]
    sys.argv = [f"seqtag {verb}", *flags, *overrides]
    # Errors are to reach the caller as they are, not as Hydra's summary of them.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        GlobalHydra.instance().clear()
        sys.argv = argv
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)


def _shows_job(arguments: Sequence[str]) -> bool:
    """Return whether ``--cfg job`` asks for the whole configuration of one run."""
    flags = _flags(arguments)
    at = next((i for i, word in enumerate(flags) if word in ("--cfg", "-c")), None)
    others = ("--package", "-p", *_MANY)
    return at is not None and flags[at + 1 : at + 2] == ["job"] and not {*others} & {*flags}


def _show_job(verb: str, job: Job, arguments: Sequence[str]) -> int:
    """Print the configuration of a run, each key with the comment of its YAML file."""
    arguments = ["all" if word == "job" else word for word in arguments]
    with redirect_stdout(io.StringIO()) as shown:
        code = launch(verb, job, arguments)
    print(with_comments(shown.getvalue(), config_dir() / f"{verb}.yaml"), end="")
    return code


def _flags(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that are not overrides."""
    return [word for word in arguments if "=" not in word or word.startswith("-")]
