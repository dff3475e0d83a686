"""Latency of a tagger: one sentence at a time, in one thread.

    python scripts/bench_latency.py --path CONLL2000 [--peers PYTHON] [--words 20]

Measured are `seqtag.Tagger` and its exports in float32 and int8 (`seqtag.runtime`) and, with
`--peers`, spaCy and Flair (`bench_peers.py`) in the environment of that interpreter, which needs
no torch of seqtag's:

    python -m venv /tmp/peers && /tmp/peers/bin/pip install 'flair>=0.15,<0.16' 'spacy>=3.8,<3.9'

Each tagger runs in a process of its own with one thread. The processes take turns, a few sentences
each, because the speed of a machine drifts. Latency does not depend on the values of weights, so
seqtag's are random and the peers see a few batches; all vocabularies are those of the whole
training split. Sentences have exactly `--words` words of the test split, and none is measured
twice; before that each process tags some others.

The second table is of new processes: seconds and memory until the first sentence is tagged.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

HERE = Path(__file__).parent
OWN, PEERS = ("seqtag", "float32", "int8"), ("spaCy", "Flair")
TURN = 10  # sentences of a turn
WARM_UP = 100
# Batches of training: enough for spaCy's parser to have all of its parts.
BATCHES = 5


def sentences_of(path: Path) -> list[tuple[list[str], list[str]]]:
    """Return the words and labels of each sentence of a file in columns."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    rows = [[line.split() for line in block.splitlines()] for block in blocks if block.strip()]
    return [([row[0] for row in block], [row[-1] for row in block]) for block in rows]


def build(train: list[tuple[list[str], list[str]]], folder: Path) -> None:
    """Write a model folder of the default network, and its exports in float32 and int8."""
    from seqtag.data.encode.indexer import Indexer
    from seqtag.data.encode.labelset import LabelSet
    from seqtag.export.folder import write_exported
    from seqtag.export.network import export_network
    from seqtag.export.weights import Float32, Int8
    from seqtag.inputs.characters import CharacterConfig
    from seqtag.inputs.options import EncodeConfig
    from seqtag.inputs.words import WordConfig
    from seqtag.model.config import TaggerConfig
    from seqtag.model.network import TaggerNetwork
    from seqtag.tagging.tagger import Tagger

    indexer = Indexer.fit([{"tokens": words} for words, _ in train], EncodeConfig(), ())
    labels = LabelSet.fit([labels for _, labels in train], "bio", "bioes")
    config = TaggerConfig(words=WordConfig(), characters=CharacterConfig())
    network = TaggerNetwork(config, "lstm", indexer.inputs, len(labels), labels.transitions)
    model = folder / OWN[0]
    Tagger(network, indexer, labels, {"name": "lstm"}).save(model)
    for name, store in zip(OWN[1:], (Float32(), Int8()), strict=True):
        write_exported(str(folder / name), model, export_network(network.eval(), store))


# One tagger in a process


def tagging_function(name: str, folder: Path, train: Path):
    """Return the function that tags a sentence of words."""
    if name == "seqtag":
        import torch

        torch.set_num_threads(1)
        from seqtag import Tagger

        return _predict(Tagger.load(folder / name))
    if name in OWN:
        from seqtag.runtime import Tagger as Exported

        return _predict(Exported.load(folder / name))
    import torch

    torch.set_num_threads(1)
    from bench_peers import FlairPeer, SpacyPeer

    peer = SpacyPeer() if name == "spaCy" else FlairPeer()
    peer.prepare(sentences_of(train))
    for _ in zip(range(BATCHES), peer.train_epoch(1), strict=False):
        pass
    return lambda words: peer.tag([words])


def _predict(tagger):
    return lambda words: tagger.predict([words])


def serve(name: str, folder: Path, train: Path) -> None:
    """Read a list of sentences per line; write the seconds of wall and CPU time of each."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print
    tag = tagging_function(name, folder, train)
    for line in sys.stdin:
        times = []
        for words in json.loads(line):
            wall, cpu = time.perf_counter(), time.process_time()
            tag(words)
            times.append((time.perf_counter() - wall, time.process_time() - cpu))
        print(json.dumps(times), file=output, flush=True)


class Server:
    """A process that runs `serve`."""

    def __init__(self, python: str, name: str, folder: Path, train: Path) -> None:
        command = [python, str(Path(__file__).resolve()), "--serve", name]
        command += ["--folder", str(folder), "--path", str(train.parent)]
        path = os.pathsep.join([str(HERE.resolve()), str(HERE.resolve().parent)])
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, text=True, env=environment, **pipes)

    def times(self, sentences: list[list[str]]) -> list[tuple[float, float]]:
        """Return the wall and CPU time of each sentence."""
        self._process.stdin.write(json.dumps(sentences) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args}: ended with {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def cold_start(name: str, folder: Path, words: list[str]) -> tuple[float, float, float]:
    """Return wall and CPU seconds and MiB of a new process until it has tagged a sentence."""
    module = "seqtag" if name == "seqtag" else "seqtag.runtime"
    code = (
        "import re, sys, time\n"
        f"from {module} import Tagger\n"
        "Tagger.load(sys.argv[1]).predict([sys.argv[2:]])\n"
        "status = open('/proc/self/status').read()\n"
        "print(time.process_time(), int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) / 1024)"
    )
    command = [sys.executable, "-c", code, str(folder / name), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.resolve().parent)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has bytecode
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return (time.perf_counter() - start, *map(float, done.stdout.split()))


# Tables


def slices(words: list[str], size: int) -> Iterator[list[str]]:
    """Yield pieces of exactly `size` words."""
    for start in range(0, len(words) - size + 1, size):
        yield words[start : start + size]


def latencies(args: argparse.Namespace, folder: Path) -> None:
    """Print the latency of each tagger."""
    train = args.path / "train.txt"
    names = [*OWN, *(PEERS if args.peers else ())]
    test = [word for words, _ in sentences_of(args.path / "test.txt") for word in words]
    pieces = list(slices(test, args.words))[: args.sentences + WARM_UP]
    warm_up, pieces = pieces[:WARM_UP], pieces[WARM_UP:]
    servers = {
        name: Server(args.peers if name in PEERS else sys.executable, name, folder, train)
        for name in names
    }
    for server in servers.values():
        server.times(warm_up)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for start in range(0, len(pieces), TURN):
        for name, server in servers.items():
            times[name] += server.times(pieces[start : start + TURN])
    for server in servers.values():
        server.close()
    print(f"{len(pieces)} sentences of {args.words} words, ms")
    print(f"| {'tagger':8} | p50 | p99 | lowest | CPU p50 |\n|---|---|---|---|---|")
    for name in names:
        wall, cpu = 1000 * np.array(times[name]).T
        figures = [*np.percentile(wall, [50, 99]), wall.min(), np.median(cpu)]
        print(f"| {name:8} | {' | '.join(f'{value:.2f}' for value in figures)} |")


def cold_starts(args: argparse.Namespace, folder: Path) -> None:
    """Print time and memory of new processes."""
    words = next(slices([w for s, _ in sentences_of(args.path / "test.txt") for w in s], 20))
    runs = {name: [] for name in OWN}
    for _ in range(args.starts):
        for name in OWN:
            runs[name].append(cold_start(name, folder, words))
    print(f"\nnew process to the first sentence, of {args.starts} runs")
    print("| tagger | s, p50 | s, lowest | CPU s, p50 | MiB |\n|---|---|---|---|---|")
    for name, values in runs.items():
        wall, cpu, memory = np.array(values).T
        figures = f"{np.median(wall):.2f} | {wall.min():.2f} | {np.median(cpu):.2f}"
        print(f"| {name:8} | {figures} | {memory.max():.0f} |")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--path", type=Path, required=True, help="folder of train.txt, test.txt")
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter with flair and spacy")
    parser.add_argument("--words", type=int, default=20, help="words of a sentence")
    parser.add_argument("--sentences", type=int, default=500, help="number of sentences")
    parser.add_argument("--starts", type=int, default=7, help="number of new processes")
    parser.add_argument("--serve", metavar="NAME", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve, args.folder, args.path / "train.txt")
        return
    with TemporaryDirectory() as folder:
        build(sentences_of(args.path / "train.txt"), Path(folder))
        latencies(args, Path(folder))
        cold_starts(args, Path(folder))


if __name__ == "__main__":
    main()
