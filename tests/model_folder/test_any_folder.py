"""Property tests: randomly damaged model folders are refused with the file's name, or can tag."""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.model_folder.folder import FILES
from seqtag.tagging.tagger import Tagger

READ = FILES[:-1]
WORDS = [["Alex", "ist", "1999"], [], ["\u2603" * 50], ["naïve", "T" * 300, "日本", "a b", "İ"]]
KINDS = {
    "characters": {},
    "softmax": {"decoder": "softmax", "case_size": 2, "words": None},
    "bpe": {"encode": {"subwords": {"vocab_size": 40}}, "subword_size": 3, "characters": None},
    "wordpiece": {
        "encode": {"subwords": {"vocab_size": 40, "kind": "wordpiece"}, "lowercase": True},
        **{"subword_size": 3, "features": ["pos"], "scheme": "bio", "num_layers": 2},
        **{"layer_norm": True, "characters": {"encoder": "gru", "hidden_size": 3}},
    },
}
# Limit in CPU seconds; an import usually takes 0.2, a folder 0.01.
LIMIT_S = 2
numbers = st.integers(0, 2**64)


@pytest.fixture(scope="session")
def whole(tmp_path_factory, build_any):
    """Return the files of an undamaged folder of each kind."""
    made = {}
    for kind, options in KINDS.items():
        folder = tmp_path_factory.mktemp("any") / kind
        tagger = build_any(**options)
        tagger.save(folder, {"splits": {"test": {"f1": 0.5, "per_label": {"PER": {"f1": 0.1}}}}})
        made[kind] = {name: (folder / name).read_bytes() for name in READ}
        tag(folder)
    return made


def tag(folder: Path) -> None:
    """Load and tag; check that each word has a label that the tagger has."""
    tagger = Tagger.load(folder)
    features = dict.fromkeys(tagger.features, WORDS)
    known = {*tagger.labels.corpus_labels, *tagger.labels.labels, "O"}
    for words, labels in zip(WORDS, tagger.predict(WORDS, features), strict=True):
        assert len(labels) == len(words)
        assert set(labels) <= known
    for sentence in tagger.tag(WORDS, features, probabilities=True):
        assert all(0 <= p <= 1 for p in sentence.probabilities)


def refuses_or_tags(files: dict[str, bytes]) -> bool:
    """Return whether the folder can tag; if not, check that the error names the file."""
    folder = Path(tempfile.mkdtemp())
    started, refusal = time.process_time(), None
    try:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        tag(folder)
    except InputError as error:
        refusal = str(error)
    finally:
        shutil.rmtree(folder)
    assert time.process_time() - started < LIMIT_S
    if refusal is None:
        return True
    # Weights that overflow are detected only when the tagger uses them.
    assert "not finite" in refusal or any(str(folder / name) in refusal for name in READ), refusal
    assert refusal.isprintable(), refusal
    return False


ODD_NUMBERS = [0, 1, -1, 2, 7, 10**3, 10**6, 10**9, 2**31, 2**63, 10**30, 10**400, 0.5, -1e300]
WORDS_OF_FILES = ["", "O", "B-X", "crf", "softmax", "lstm", "gru", "cnn", "bio", "<unk>", "/etc/x"]


class Chance(Random):
    """Random choices of one example, all from one seed."""

    def value(self, depth=0):
        """Return a random JSON value."""
        kind = self.randrange(8 if depth < 3 else 6)
        if kind < 3:
            return self.choice([None, True, False, *ODD_NUMBERS])
        if kind < 6:
            return self.choice([*WORDS_OF_FILES, self.text()])
        parts = [self.value(depth + 1) for _ in range(self.randrange(4))]
        return parts if kind == 6 else {self.text(): part for part in parts}

    def text(self):
        """Return a random short string."""
        return "".join(
            self.choice("aB-\x1b\n\0é日\u2028\U0001f600") for _ in range(self.randrange(6))
        )


def places(value, path=()):
    """Yield the paths of the parts of a JSON value; of long lists and objects only the first."""
    yield path
    if isinstance(value, dict):
        for key in list(value)[:40]:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for number in range(min(len(value), 12)):
            yield from places(value[number], (*path, number))


def changed(chance, value):
    """Return a JSON value with a part replaced, removed, renamed, repeated or added."""
    path = chance.choice(list(places(value))[1:] or [()])
    if not path:
        return chance.value()
    *above, last = path
    place = value
    for key in above:
        place = place[key]
    how = chance.choice(["value", "other", "remove", "rename", "add", "scale", "repeat"])
    old = place[last]
    if how == "remove":
        del place[last]
    elif how == "rename" and isinstance(place, dict):
        place[chance.choice([chance.text(), *place])] = place.pop(last)
    elif how == "add" and isinstance(old, dict):
        old[chance.text()] = chance.value()
    elif how in ("add", "repeat") and isinstance(old, list):
        place[last] = old * chance.randint(0, 300) if how == "repeat" else [*old, chance.value()]
    elif how == "repeat" and isinstance(old, str):
        place[last] = old * chance.randint(0, 3000)
    elif how == "scale" and isinstance(old, int | float) and not isinstance(old, bool):
        place[last] = old * chance.choice([-1, 0, 2, 1000, 10**9])
    elif how == "other":
        parts = list(places(value))
        chosen = chance.choice(parts)
        other = value
        for key in chosen:
            other = other[key]
        place[last] = json.loads(json.dumps(other))
    else:
        place[last] = chance.value()
    return value


def json_changes(chance, kinds):
    """Return a folder's files with changes in their JSON, also in JSON inside of strings."""
    kind = chance.choice(list(KINDS))
    files = dict(kinds[kind])
    for _ in range(chance.randint(1, 2)):
        name = chance.choice([name for name in READ if name.endswith(".json")])
        plain = json.loads(files[name])
        inner = [path for path in places(plain) if name.startswith("tokenizer") and path]
        inner = [path for path in inner if path[-1] in ("tokenizer", "subwords")]
        inner = [path for path in inner if isinstance(at(plain, path), str)]
        if inner and chance.random() < 0.5:
            path = chance.choice(inner)
            try:
                text = json.dumps(changed(chance, json.loads(at(plain, path))))
            except ValueError:
                text = at(plain, path)[:-1]
            at(plain, path[:-1])[path[-1]] = text
        else:
            plain = changed(chance, plain)
        files[name] = json.dumps(plain).encode()
    return files


def at(value, path):
    for key in path:
        value = value[key]
    return value


def byte_changes(chance, kinds):
    """Return a folder's files with bytes flipped, cut, repeated or inserted, or files swapped."""
    kind = chance.choice(list(KINDS))
    files = dict(kinds[kind])
    name = chance.choice(READ)
    content = files[name]
    for _ in range(chance.randint(1, 3)):
        # Half of the changes are at the beginning, where the headers are.
        end = len(content) if chance.random() < 0.5 else min(len(content), 400)
        i, j = sorted((chance.randint(0, end), chance.randint(0, end)))
        how = chance.choice(["flip", "cut", "insert", "repeat", "swap"])
        if how == "flip" and content:
            i = min(i, len(content) - 1)
            flipped = bytes([content[i] ^ chance.randint(1, 255)])
            content = content[:i] + flipped + content[i + 1 :]
        elif how == "cut":
            content = content[:i] + content[j:]
        elif how == "insert":
            content = content[:i] + chance.randbytes(chance.randrange(8)) + content[i:]
        elif how == "repeat":
            content = content[:i] + content[i:j] * chance.randint(0, 4) + content[j:]
        else:
            other = chance.choice(list(KINDS))
            content = kinds[other][chance.choice([name, name, *READ])]
    return files | {name: content}


def offsets_of(tensor, size):
    """Return the offsets of a tensor's bytes from its header, if they are valid."""
    match tensor.get("data_offsets"):
        case [int(begin), int(end)] if 0 <= begin <= end <= size:
            return begin, end
    return 0, 0


def tensor_changes(chance, kinds):
    """Return a folder's files with changed weights or a changed header of the weights."""
    kind = chance.choice(list(KINDS))
    content = kinds[kind]["model.safetensors"]
    size = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    for _ in range(chance.randint(1, 2)):
        name = chance.choice(sorted(header.keys() - {"__metadata__"}))
        begin, end = offsets_of(header[name], len(data))
        odd = [float("nan"), float("inf"), -float("inf"), 3e38, -3e38, 1e-45, 1e19, 0.0]
        how = chance.choice(["number", "all", "header", "dtype", "shape", "offsets"])
        if how in ("number", "all") and end > begin:
            number = struct.pack("<f", chance.choice(odd))
            count = (end - begin) // 4 if how == "all" else 1
            data[begin : begin + 4 * count] = number * count
        elif how == "dtype":
            header[name]["dtype"] = chance.choice(["F64", "F16", "F8_E4M3", "BOOL", "I64"])
        elif how == "shape":
            header[name]["shape"] = chance.choices(ODD_NUMBERS, k=chance.randrange(4))
        elif how == "offsets":
            header[name]["data_offsets"] = chance.choices(ODD_NUMBERS, k=2)
        else:
            header = changed(chance, header)
            if not isinstance(header, dict) or not header:
                break
            header = {k: v for k, v in header.items() if isinstance(v, dict)} or {"x": {}}
        if not header.keys() - {"__metadata__"}:
            break
    text = json.dumps(header).encode()
    return dict(kinds[kind]) | {
        "model.safetensors": struct.pack("<Q", len(text)) + text + bytes(data)
    }


@pytest.mark.fuzz("folder")
@given(number=numbers)
def test_any_json(whole, number):
    refuses_or_tags(json_changes(Chance(number), whole))


@pytest.mark.fuzz("folder")
@given(number=numbers)
def test_any_bytes(whole, number):
    refuses_or_tags(byte_changes(Chance(number), whole))


@pytest.mark.fuzz("folder")
@given(number=numbers)
def test_any_weights(whole, number):
    refuses_or_tags(tensor_changes(Chance(number), whole))
