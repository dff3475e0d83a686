"""Training and tagging speed of the chosen taggers of a study, in turns.

    python scripts/bench_taggers.py logs/train/claim_conll2000 --study claim
    python scripts/bench_taggers.py logs/train/claim_conll2000 --study claim --cpu-time --write

The folder has the finished runs of one corpus, and the study is one of scripts/results.py: of each
model the configuration with the best development score is measured. In turns, each tagger trains a
few batches; then each tags the same sentences of the test split. So other load on the machine
affects all of them. Speeds are medians over turns. With --write they go into the file of speeds,
from which scripts/results.py makes a table. One thread; about two minutes for five models.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from bench_pipeline import SeqtagPeer, tag_by_turns, train_by_turns
from rich.console import Console
from rich.table import Table

from seqtag.data.batches.module import CorpusModule
from seqtag.data.corpus.corpus import Corpus
from seqtag.errors import InputError
from seqtag.memory import keep_freed_memory
from seqtag.study.read import find_runs, read_config
from seqtag.study.tagger_results import FINAL, FOLDER, TAGGERS, describe_run
from seqtag.study.tagger_speed import speed_rows, write_speeds
from seqtag.tagging.tagger import Tagger
from seqtag.training import build
from seqtag.training.schedules import WarmupDecay
from seqtag.training.settings import DataSettings

_ABOUT = ("study", "corpus", "model", "cell", "parameters")


class TrainedPeer(SeqtagPeer):
    """The tagger of a run folder, which trains further and tags."""

    def __init__(self, folder: Path, name: str, corpus: Corpus, data: DataSettings) -> None:
        self.name, self.device = name, "cpu"
        self.tagger = Tagger.load(folder / "model")
        network = self.tagger.network
        self.loader = CorpusModule(
            corpus, self.tagger.indexer, self.tagger.labels, data.batch, 1
        ).train_dataloader()
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
        self._schedule = WarmupDecay(self._optimizer, 10 * len(self.loader))


def chosen_runs(folders: Sequence[Path], study: str) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Return a folder of the chosen configuration of each model, and its description.

    Raises:
        InputError: if the folders have runs of several corpora, or none of a chosen configuration.
    """
    table = TAGGERS.read(FOLDER / f"{study}.csv")
    final = set(table[table["role"] == FINAL]["config"])
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for folder in find_runs(folders, "train")[0]:
        about = describe_run(folder, study)
        if about["config"] in final:
            found.setdefault(about["model"], (folder, about))
    if not found:
        raise InputError(f"{study}: none of its chosen configurations is in these folders")
    if len({about["corpus"] for _, about in found.values()}) > 1:
        raise InputError("the folders have runs of several corpora: name those of one")
    return found


def show(rows: Sequence[dict[str, Any]], title: str) -> None:
    """Print the speeds of one phase."""
    table = Table(title=title, title_justify="left")
    for column in ("model", "tokens/s (median)", "quartiles", f"/ {rows[0]['reference']}"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for row in rows:
        ends = f"{row['low']:,.0f} - {row['high']:,.0f}"
        middle = f"{row['tokens_per_second']:,.0f}"
        table.add_row(row["model"], middle, ends, f"{row['relative']:.2f}")
    Console(width=100).print(table)


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="folder of runs")
    parser.add_argument("--study", required=True, help="the name of the study and of its file")
    parser.add_argument("--minus", metavar="MODEL", default="lstm", help="the model compared with")
    parser.add_argument("--turns", type=int, default=11, help="turns of 5 batches, 500 sentences")
    parser.add_argument("--cpu-time", action="store_true", help="CPU time, on a busy machine")
    parser.add_argument("--write", action="store_true", help="write the file of speeds")
    options = parser.parse_args()
    keep_freed_memory()  # as `seqtag` does
    torch.set_num_threads(1)
    if options.cpu_time:
        SeqtagPeer.clock = staticmethod(time.process_time)
    try:
        runs = chosen_runs(options.folders, options.study)
        if options.minus not in runs:
            raise InputError(f"--minus {options.minus}: the models are {', '.join(runs)}")
        data = DataSettings.from_plain(read_config(next(iter(runs.values()))[0])["data"])
        corpus = build.corpus(data.corpus, ("train", "test"))
        words = list(corpus.splits["test"]["tokens"])
        peers = [TrainedPeer(folder, name, corpus, data) for name, (folder, _) in runs.items()]
        about = {name: {key: row[key] for key in _ABOUT} for name, (_, row) in runs.items()}
        clock = {"batch": data.batch.sentences, "clock": "cpu" if options.cpu_time else "wall"}
        rows = []
        for phase, measure in (
            ("training", lambda: train_by_turns(peers, options.turns)),
            (
                "tagging",
                lambda: tag_by_turns(peers, words, options.turns),
            ),
        ):
            own = speed_rows(measure(), about, {"phase": phase, **clock}, options.minus)
            show(own, f"{phase}, one thread, {clock['clock']} time")
            rows += own
        if options.write:
            print(write_speeds(rows, options.study))
    except InputError as error:
        print(f"bench_taggers.py: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
