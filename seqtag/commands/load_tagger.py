"""Load the tagger of a model folder by torch, and that of an exported folder without torch."""

from __future__ import annotations

import os

from seqtag.errors import InputError
from seqtag.model_folder.config import WEIGHTS
from seqtag.model_folder.hub import ONNX, resolve_model
from seqtag.tagging.base import BaseTagger


def load_tagger(model: str, device: str = "cpu") -> BaseTagger:
    """Return the tagger of a folder, or of OWNER/NAME on the Hugging Face hub.

    Args:
        model: a model folder, or a folder that `seqtag export` has written.
        device: the device of the network; for an exported one only ``cpu``.

    Raises:
        InputError: if the folder is damaged, or a library that it needs is not installed.
    """
    folder = resolve_model(model)
    if not (folder / ONNX).is_file() or (folder / WEIGHTS).is_file():
        try:
            from seqtag.tagging.tagger import Tagger
        except ModuleNotFoundError as error:
            raise _missing(model, error, "only an exported folder (seqtag export)") from None
        return Tagger.load(folder, device)
    if device != "cpu":
        raise InputError(f"--device {device}: an exported tagger runs on the CPU only")
    try:
        from seqtag.runtime import Tagger as Exported
    except ModuleNotFoundError as error:
        raise _missing(model, error, "pip install onnxruntime: only a model folder") from None
    return Exported.load(folder, threads=_threads())


def _missing(model: str, error: ModuleNotFoundError, other: str) -> InputError:
    return InputError(
        f"{model}: the library {error.name} is not installed; {other} can be used without it"
    )


def _threads() -> int:
    """Return the number of threads as torch chooses it: OMP_NUM_THREADS, else one for each core."""
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(chosen) if chosen.isdecimal() else os.cpu_count() or 1)
