"""Hydra at the door: composes a verb's configuration and hands it on as plain values."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from seqtag.errors import InputError, did_you_mean

Job = Callable[[dict[str, Any]], Any]


def config_dir() -> Path:
    """Return the folder of the configurations: inside a wheel, or beside the package."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def launch(verb: str, job: Job) -> int:
    """Run `job` on the configuration ``conf/VERB.yaml`` with the overrides in ``sys.argv``.

    Returns:
        The exit code of the job, where it returns one, else 0.

    Raises:
        InputError: for a wrong override, an unknown key or option, a value that is missing.
    """
    # Errors are to reach the caller as they are, not as Hydra's summary of them.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    codes: list[int] = []

    def task(config: DictConfig) -> Any:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        assert isinstance(plain, dict)
        result = job(plain)  # type: ignore[arg-type]
        if isinstance(result, int) and not isinstance(result, bool):
            codes.append(result)
        return result

    main = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=verb)
    try:
        main(task)()
    except MissingMandatoryValue as error:
        raise InputError(_missing(error)) from error
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_explain(error, verb)) from error
    return max(codes, default=0)


def _missing(error: MissingMandatoryValue) -> str:
    key = error.full_key or str(error)
    return f"{key} is not set; give it as {key}=VALUE"


def _explain(error: Exception, verb: str) -> str:
    """Say in one line what is wrong with an override, and what was perhaps meant."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        options = sorted(option for option in error.options if not option.startswith("_"))
        return (
            f"{group}={name}: there is no such option{did_you_mean(name, options)}; "
            f"known: {', '.join(options)}"
        )
    text = str(error.__cause__ or error) if isinstance(error, OmegaConfBaseException) else str(error)
    if key := re.search(r"Could not override '([^']+)'", str(error)):
        known = _known_keys(verb)
        return f"unknown key {key[1]!r}{did_you_mean(key[1], known)}"
    return " ".join(text.split())


def _known_keys(verb: str) -> list[str]:
    """Return all keys of the verb's configuration as it is without overrides."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return list(_paths(compose(verb)))


def _paths(config: DictConfig, above: str = "") -> Iterator[str]:
    for key in config:
        path = f"{above}{key}"
        yield path
        if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(
            value := config._get_node(key)
        ):
            yield from _paths(value, f"{path}.") if not value._is_none() else ()


__all__ = ["ConfigCompositionException", "config_dir", "launch"]
