"""Measure what a tagger learns and forgets when it continues from a trained one (``init=``).

    python scripts/going_on.py path/to/conll2000 --output going_on

The label type PP is new. For each seed these taggers are trained, all with the same settings:

    old        on the first sentences of CoNLL-2000, with PP written as O
    scratch    on the same sentences with PP, from random weights
    continued  on the same sentences with PP, from `old`, in a third of the epochs

and six that continue from `old` on fewer examples, in which only PP was annotated. Their other
tokens are

    unlabelled  not labelled (``data.unlabelled``): neither right nor wrong
    outside     O
    predicted   labelled by `old`

each without and with ``freeze=[words,characters,encoder]``. All are scored on the whole test file.
Prints a line for each seed, and the means; a run that is finished in ``--output`` is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

Sentence = list[tuple[str, str]]  # words and labels

NEW = "PP"
UNLABELLED = "?"
FREEZE = "freeze=[words,characters,encoder]"
SETTINGS = (
    *("data=column", "data.columns=[tokens,labels]", f'data.unlabelled="{UNLABELLED}"'),
    *("data.dev_fraction=0", "data.batch.sentences=16", "optimizer.lr=0.004"),
)
NETWORK = (
    *("model.words.size=50", "model.characters.size=20", "model.characters.filters=20"),
    *("model.hidden_size=60", "data.tag_scheme=bioes"),
)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="folder with train.txt and test.txt")
    parser.add_argument("--output", type=Path, default=Path("going_on"), help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--epochs", type=int, default=9, help="epochs from scratch")
    parser.add_argument("--sentences", type=int, default=3000, help="training sentences")
    parser.add_argument("--examples", type=int, default=1000, help="sentences with PP alone")
    options = parser.parse_args()
    corpora = _Corpora(options.corpus, options.output, options.sentences, options.examples)
    rows = [measure(seed, options, corpora) for seed in range(1, options.seeds + 1)]
    print_table(rows)


class _Corpora:
    """The variants of the corpus, each a folder with train.txt and test.txt."""

    def __init__(self, source: Path, output: Path, sentences: int, examples: int) -> None:
        self.folder = output / "corpora"
        self._train = read(source / "train.txt")[:sentences]
        self._test = read(source / "test.txt")
        with_new = (s for s in self._train if any(is_new(label) for _, label in s))
        self.examples = list(with_new)[:examples]
        self.write("full", self._train)
        self.write("old", relabelled(self._train, lambda label: "O" if is_new(label) else label))
        for name, other in (("unlabelled", UNLABELLED), ("outside", "O")):
            new_alone = relabelled(
                self.examples, lambda label, other=other: label if is_new(label) else other
            )
            self.write(name, new_alone)

    def write(self, name: str, train: Sequence[Sentence]) -> Path:
        """Write a training file, beside the whole test file."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, part in (("train.txt", train), ("test.txt", self._test)):
            lines = "\n\n".join("\n".join(" ".join(pair) for pair in s) for s in part)
            (folder / file).write_text(lines + "\n", encoding="utf-8")
        return folder

    def predicted(self, seed: int, model: Path) -> Path:
        """Write the examples with the labels that a tagger gives to all tokens outside of PP."""
        from seqtag import Tagger

        labels = Tagger.load(model).predict([[word for word, _ in s] for s in self.examples])
        train = [
            merge(sentence, guesses)
            for sentence, guesses in zip(self.examples, labels, strict=True)
        ]
        return self.write(f"predicted{seed}", train)


def measure(
    seed: int, options: argparse.Namespace, corpora: _Corpora
) -> dict[str, tuple[float, float]]:
    """Train all taggers of one seed; return the F1 of PP and of the other types for each."""
    scores = {}

    def run(name: str, corpus: Path, epochs: int, *more: str) -> Path:
        folder = options.output / f"{name}{seed}"
        places = (f"data.path={corpus}", f"hydra.run.dir={folder}")
        settings = (*SETTINGS, f"trainer.max_epochs={epochs}", f"seed={seed}", *places, *more)
        command = [sys.executable, "-m", "seqtag.cli", "train", *settings]
        ended = subprocess.run(
            command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
        )
        if ended.returncode:
            sys.exit(f"{' '.join(command)}\n{ended.stdout}{ended.stderr}")
        figures = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        scores[name] = two_scores(figures["splits"]["test"]["per_label"])
        new, others = scores[name]
        print(f"seed {seed} {name:19} PP {new:6.2%} others {others:6.2%}", flush=True)
        return folder / "model"

    fewer = max(1, options.epochs // 3)
    old = run("old", corpora.folder / "old", options.epochs, *NETWORK)
    run("scratch", corpora.folder / "full", options.epochs, *NETWORK)
    run("continued", corpora.folder / "full", fewer, f"init={old}")
    run("scratch_third", corpora.folder / "full", fewer, *NETWORK)
    for name in ("unlabelled", "outside", "predicted"):
        folder = corpora.folder / name
        if name == "predicted":
            folder = corpora.predicted(seed, old)
        run(name, folder, fewer, f"init={old}")
        run(f"{name}_frozen", folder, fewer, f"init={old}", FREEZE)
    return scores


def two_scores(per_label: dict[str, dict[str, float]]) -> tuple[float, float]:
    """Return the F1 of PP, and that of all other types together."""
    right = predicted = gold = 0.0
    for label, row in per_label.items():
        if label != NEW:
            found = row["recall"] * row["support"]
            right, gold = right + found, gold + row["support"]
            predicted += found / row["precision"] if row["precision"] else 0.0
    return per_label.get(NEW, {"f1": 0.0})["f1"], 2 * right / (predicted + gold)


def print_table(rows: Sequence[dict[str, tuple[float, float]]]) -> None:
    """Print the mean over seeds, as a table in Markdown."""
    print("\n| tagger | F1 of PP, mean | F1 of the other types, mean | PP / others of each seed |")
    print("|---|---|---|---|")
    for name in rows[0]:
        new, others = (mean(row[name][part] for row in rows) for part in (0, 1))
        each = ", ".join(f"{row[name][0]:.2%} / {row[name][1]:.2%}" for row in rows)
        print(f"| {name} | {new:.2%} | {others:.2%} | {each} |")


def read(path: Path) -> list[Sentence]:
    """Return the sentences of a file of CoNLL-2000: word, part of speech, label."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    rows = ([line.split() for line in block.splitlines() if line.strip()] for block in blocks)
    return [[(row[0], row[-1]) for row in block] for block in rows if block]


def is_new(label: str) -> bool:
    """Return whether a label is one of the new type."""
    return label.endswith(f"-{NEW}")


def relabelled(sentences: Sequence[Sentence], change: Callable[[str], str]) -> list[Sentence]:
    """Return sentences with changed labels."""
    return [[(word, change(label)) for word, label in sentence] for sentence in sentences]


def merge(sentence: Sentence, guesses: Sequence[str]) -> Sentence:
    """Return a sentence with its labels of PP, and elsewhere the guessed labels."""
    merged: Sentence = []
    for (word, label), guess in zip(sentence, guesses, strict=True):
        kept = label if is_new(label) else guess
        before = merged[-1][1] if merged else "O"
        if kept.startswith("I-") and before[1:] != kept[1:]:
            kept = f"B{kept[1:]}"  # the span that it continued is now PP
        merged.append((word, kept))
    return merged


if __name__ == "__main__":
    main()
