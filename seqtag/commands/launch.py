"""Run a verb with a configuration that Hydra composes, once or for each job of a sweep."""

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
from seqtag.commands.explain import (
    check_words,
    explain,
    explain_misread,
    flags_first,
    flags_of,
    raised_in_hydra,
)
from seqtag.commands.extensions import register_installed_options
from seqtag.commands.help import config_dir
from seqtag.commands.overrides import quote_values
from seqtag.commands.task import Job, StopAll, Task, os_error_at, remove_if_unused
from seqtag.errors import InputError
from seqtag.sweeps.naming import run_name

_MANY = ("-m", "--multirun")


def launch(
    verb: str, job: Job, arguments: Sequence[str], finish: Callable[[Path], None] | None = None
) -> int:
    """Run `job` on the configuration ``conf/VERB.yaml`` with the overrides in `arguments`.

    At the end `finish` is called with the folder of the run or of the whole sweep, unless no job
    succeeded.

    Returns:
        The exit code of the job (0 if it returns none); for a sweep the highest one, but 1 if a
        job failed.

    Raises:
        InputError: for a wrong override, an unknown key or option, a missing value, or from the
            job itself outside a sweep. The run folder is then removed, if it is still unused.
        RunStopped: if a job had to stop; a signal stops the whole sweep.
    """
    check_words(verb, arguments)
    _refuse_cfg_of_many(arguments)
    if _shows_job(arguments):
        return _show_job(verb, job, arguments)
    arguments = quote_values(arguments)
    register_installed_options(arguments)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    main = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=verb)
    task = Task(verb, job, [word for word in flags_of(arguments) if word not in _MANY])
    try:
        with _as_program(verb, arguments), task.locks():
            try:
                main(task)()
            except StopAll as stop:
                raise stop.args[0] from None
            succeeded = any(outcome.error is None for outcome in task.outcomes)
            if finish and succeeded and not task.in_sweep:
                finish(task.folder)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(explain(error, verb, arguments)) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if isinstance(error, InputError) or not raised_in_hydra(error):
            raise
        raise InputError(explain_misread(error, arguments)) from error
    except BrokenPipeError:
        raise
    except OSError as error:  # Hydra cannot create the run folder or write its files there
        if task.folder != Path():
            remove_if_unused(task.folder)
        raise InputError(
            f"{os_error_at(error, task.folder)}; a run writes to its folder (hydra.run.dir)"
        ) from error
    if task.mistake is not None:
        raise task.mistake
    if any(outcome.error is not None for outcome in task.outcomes):
        return 1
    return max((outcome.code for outcome in task.outcomes), default=0)


@contextmanager
def _as_program(verb: str, arguments: Sequence[str]) -> Iterator[None]:
    """Set the process up so that Hydra reads `arguments`; restore its state at the end."""
    argv, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    GlobalHydra.instance().clear()
    sys.argv = [f"seqtag {verb}", *flags_first(arguments)]
    # Hydra must raise errors unchanged instead of printing its summary of them.
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


def _refuse_cfg_of_many(arguments: Sequence[str]) -> None:
    """Refuse to print the configurations of a sweep: there is one for each of its runs."""
    if {"--cfg", "-c"} & {*arguments} and {*_MANY} & {*arguments}:
        raise InputError(
            "--cfg prints the configuration of one run; leave out -m, and give one value per key"
        )


def _shows_job(arguments: Sequence[str]) -> bool:
    """Return whether ``--cfg job`` requests the whole configuration of one run."""
    flags = flags_of(arguments)
    at = next((i for i, word in enumerate(flags) if word in ("--cfg", "-c")), None)
    others = ("--package", "-p", *_MANY)
    return at is not None and flags[at + 1 : at + 2] == ["job"] and not {*others} & {*flags}


def _show_job(verb: str, job: Job, arguments: Sequence[str]) -> int:
    """Print the configuration of a run, each key with its comment from the YAML file."""
    arguments = ["all" if word == "job" else word for word in arguments]
    with redirect_stdout(io.StringIO()) as shown:
        code = launch(verb, job, arguments)
    print(with_comments(shown.getvalue(), config_dir() / f"{verb}.yaml"), end="")
    return code
