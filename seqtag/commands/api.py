"""`seqtag.train`: train a tagger from Python, with the settings of the command line."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seqtag.commands import train as command
from seqtag.commands.given_corpus import keywords_of_corpus
from seqtag.commands.keywords import compose_keywords
from seqtag.commands.settings import TrainSettings
from seqtag.sweeps.locks import FolderLock
from seqtag.tagging.tagger import Tagger
from seqtag.training.global_state import global_state_restored

# Trainings share the random generators of the process.
_lock = threading.Lock()


def train(
    corpus: Any = None, *, data: Any = None, folder: str | Path | None = None, **settings: Any
) -> Tagger:
    """Train a tagger and return it, with the weights of the best epoch.

        import seqtag

        tagger = seqtag.train("my/corpus", cell="gru", hidden_size=100, max_epochs=10)
        print(tagger.figures["splits"]["dev"], tagger.tag("Alex left Munich."))
        tagger.save("my/model")

        sentences = [(["Alex", "left"], ["B-PER", "O"]), ...]
        seqtag.train({"train": sentences}, **{"optimizer.lr": 0.002})

    Settings, defaults and weights are those of ``seqtag train``. Progress is logged by the logger
    "seqtag" (``logging.basicConfig(level="INFO")`` shows it). Trainings in several threads run one
    after another.

    Args:
        corpus: a path (file, folder, glob or URL); lists of (tokens, labels) by split: train, and
            optionally dev (or validation) and test; a data set of the library `datasets`, or
            several by split. None: the built-in corpus.
        data: the format of a path, as ``data=`` of the command line. By default that of the ending
            of its files, else columns: tokens first, labels last. For a corpus in memory, a mapping
            of keys such as ``{"label_column": "ner_tags"}``.
        folder: folder of the run, in which the command's files are written (``model/``,
            ``metrics.json``, checkpoints). None: no files are left.
        settings: a group with one of its options (``cell="gru"``) or a mapping of its keys
            (``optimizer={"lr": 0.002}``); a key with its group (``"optimizer.lr"``), or without it
            if only one group has it (``lr=0.002``).

    Raises:
        InputError: for an unknown keyword or a wrong value, or a corpus that cannot be read.
        RunStopped: if training diverged or was stopped by a signal.
    """
    with _lock, ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="seqtag-")))
        output = scratch / "run" if folder is None else Path(folder).expanduser().absolute()
        keywords = {} if data is None else {"data": data}
        if corpus is not None:
            keywords = keywords_of_corpus(corpus, data, scratch)
        composed = compose_keywords("train", keywords | settings, output)
        parsed = TrainSettings.from_plain(composed.plain, composed.given)
        if folder is not None:
            stack.enter_context(FolderLock(output))
        stack.enter_context(global_state_restored())
        command.train(_without_folder(parsed, scratch), False)
        return Tagger.load(output / "model")


def _without_folder(settings: TrainSettings, folder: Path) -> TrainSettings:
    """Return the settings without paths in a temporary folder in what is saved with the tagger."""
    data = settings.training.data
    description = {
        key: None if isinstance(value, str) and Path(value).is_relative_to(folder) else value
        for key, value in data.description.items()
    }
    training = replace(settings.training, data=replace(data, description=description))
    return replace(settings, training=training)
