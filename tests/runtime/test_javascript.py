"""The example in JavaScript gives the labels of the tagger."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import seqtag.runtime

EXAMPLE = Path(seqtag.runtime.__file__).parent / "tag.mjs"
SENTENCES = [
    ["Alex", "Graves", "is", "going", "to", "Paris", "in", "1999", "."],
    ["Anna"],
    ["<pad>", "💃", "É", "ﬁn", "٣٤", "x" * 60, "__proto__"],
]
CODE = """
import { Tagger } from "./tag.mjs";

const [folder, sentences] = process.argv.slice(2);
const tagger = await Tagger.load(folder);
console.log(JSON.stringify(await tagger.predict(JSON.parse(sentences))));
"""


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """Return a folder with the example and the library that it needs."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("javascript")
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "onnxruntime-node"]
    if subprocess.run(command, cwd=folder, capture_output=True).returncode:
        pytest.skip("no network: npm cannot install onnxruntime-node")
    shutil.copy(EXAMPLE, folder)
    (folder / "predict.mjs").write_text(CODE)
    return folder


def node(folder, *arguments):
    command = ["node", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["crf", "softmax", "recurrent characters", "normalized"])
def test_labels_are_those_of_the_tagger(example, export_of, name):
    tagger, folder = export_of(name)
    done = node(example, "predict.mjs", folder, json.dumps(SENTENCES))
    assert not done.stderr
    network = tagger.labels
    found = [[network.labels.index(label) for label in row] for row in json.loads(done.stdout)]
    assert [network.decode(ids) for ids in found] == tagger.predict(SENTENCES)


@pytest.mark.slow
def test_the_program(example, export_of):
    folder = export_of("crf")[1]
    done = node(example, "tag.mjs", folder, "Alex Graves left .", "Anna")
    assert [len(line.split()) for line in done.stdout.splitlines()] == [4, 1]
    done = node(example, "tag.mjs", export_of("columns")[1], "Anna")
    assert "the input feature.pos is not supported" in done.stderr
