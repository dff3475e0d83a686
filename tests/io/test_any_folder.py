"""Model folders with anything in them: refused with the file's name, or they tag."""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.io.artifact import FILES
from seqtag.io.tagger import Tagger

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
# Seconds of this process; a fifth of one is usual for an import, a hundredth for a folder.
LIMIT_S = 2


@pytest.fixture(scope="session")
def whole(tmp_path_factory, build_any):
    """Return the files of a folder of each kind."""
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
    """Return whether the folder loads; it must tag then, or its weights be at fault."""
    folder = Path(tempfile.mkdtemp())
    started = time.process_time()
    try:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        tag(folder)
        return True
    except InputError as error:
        named = [name for name in READ if str(folder / name) in str(error)]
        assert named or "not finite" in str(error), error
        assert str(error).isprintable(), error
        return False
    finally:
        shutil.rmtree(folder)
        assert time.process_time() - started < LIMIT_S


odd_numbers = st.sampled_from([0, 1, -1, 2, 7, 10**3, 10**6, 10**9, 2**31, 2**63, 10**30, 10**400])
scalars = (
    st.none()
    | st.booleans()
    | odd_numbers
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["O", "B-X", "crf", "softmax", "lstm", "gru", "bio", "<unk>", "/etc/passwd"])
)
values = st.recursive(
    scalars,
    lambda part: (
        st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=4), part, max_size=3)
    ),
    max_leaves=8,
)


def places(value, path=()):
    """Yield the paths of all parts of a JSON value; of long lists and objects the first ones."""
    yield path
    if isinstance(value, dict):
        for key in list(value)[:40]:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for number in range(min(len(value), 12)):
            yield from places(value[number], (*path, number))


def changed(draw, value):
    """Return a JSON value with a part replaced, removed, renamed, repeated or added."""
    path = draw(st.sampled_from(list(places(value))[1:] or [()]))
    if not path:
        return draw(values)
    *above, last = path
    place = value
    for key in above:
        place = place[key]
    how = draw(st.sampled_from(["value", "other", "remove", "rename", "add", "scale", "repeat"]))
    old = place[last]
    if how == "remove":
        del place[last]
    elif how == "rename" and isinstance(place, dict):
        place[draw(st.text(max_size=5) | st.sampled_from(list(place)))] = place.pop(last)
    elif how == "add" and isinstance(old, dict):
        old[draw(st.text(max_size=5))] = draw(values)
    elif how in ("add", "repeat") and isinstance(old, list):
        place[last] = old * draw(st.integers(0, 300)) if how == "repeat" else [*old, draw(values)]
    elif how == "repeat" and isinstance(old, str):
        place[last] = old * draw(st.integers(0, 3000))
    elif how == "scale" and isinstance(old, int | float) and not isinstance(old, bool):
        place[last] = old * draw(st.sampled_from([-1, 0, 2, 1000, 10**9]))
    elif how == "other":
        parts = list(places(value))
        chosen = draw(st.sampled_from(parts))
        other = value
        for key in chosen:
            other = other[key]
        place[last] = json.loads(json.dumps(other))
    else:
        place[last] = draw(values)
    return value


@st.composite
def json_changes(draw, kinds):
    """Return a folder's files with changes of its JSON, that inside of a string too."""
    kind = draw(st.sampled_from(list(KINDS)))
    files = dict(kinds[kind])
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from([name for name in READ if name.endswith(".json")]))
        plain = json.loads(files[name])
        inner = [path for path in places(plain) if name.startswith("tokenizer") and path]
        inner = [path for path in inner if path[-1] in ("tokenizer", "subwords")]
        inner = [path for path in inner if isinstance(at(plain, path), str)]
        if inner and draw(st.booleans()):
            path = draw(st.sampled_from(inner))
            try:
                text = json.dumps(changed(draw, json.loads(at(plain, path))))
            except ValueError:
                text = at(plain, path)[:-1]
            at(plain, path[:-1])[path[-1]] = text
        else:
            plain = changed(draw, plain)
        files[name] = json.dumps(plain).encode()
    return files


def at(value, path):
    for key in path:
        value = value[key]
    return value


@st.composite
def byte_changes(draw, kinds):
    """Return a folder's files with bytes flipped, cut, repeated or inserted, or files swapped."""
    kind = draw(st.sampled_from(list(KINDS)))
    files = dict(kinds[kind])
    name = draw(st.sampled_from(READ))
    content = files[name]
    for _ in range(draw(st.integers(1, 3))):
        # Half of the changes in the beginning, where the headers are.
        end = len(content) if draw(st.booleans()) else min(len(content), 400)
        i, j = sorted((draw(st.integers(0, end)), draw(st.integers(0, end))))
        how = draw(st.sampled_from(["flip", "cut", "insert", "repeat", "swap"]))
        if how == "flip" and content:
            i = min(i, len(content) - 1)
            flipped = bytes([content[i] ^ draw(st.integers(1, 255))])
            content = content[:i] + flipped + content[i + 1 :]
        elif how == "cut":
            content = content[:i] + content[j:]
        elif how == "insert":
            content = content[:i] + draw(st.binary(max_size=8)) + content[i:]
        elif how == "repeat":
            content = content[:i] + content[i:j] * draw(st.integers(0, 4)) + content[j:]
        else:
            other = draw(st.sampled_from(list(KINDS)))
            content = kinds[other][draw(st.sampled_from([name, name, *READ]))]
    return files | {name: content}


@st.composite
def tensor_changes(draw, kinds):
    """Return a folder's files with other weights, or another header of the weights."""
    kind = draw(st.sampled_from(list(KINDS)))
    content = kinds[kind]["model.safetensors"]
    size = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(header.keys() - {"__metadata__"})))
        begin, end = header[name].get("data_offsets", (0, 0))
        odd = [float("nan"), float("inf"), -float("inf"), 3e38, -3e38, 1e-45, 1e19, 0.0]
        how = draw(st.sampled_from(["number", "all", "header", "dtype", "shape", "offsets"]))
        if how in ("number", "all") and end > begin:
            number = struct.pack("<f", draw(st.sampled_from(odd)))
            count = (end - begin) // 4 if how == "all" else 1
            data[begin : begin + 4 * count] = number * count
        elif how == "dtype":
            header[name]["dtype"] = draw(st.sampled_from(["F64", "F16", "F8_E4M3", "BOOL", "I64"]))
        elif how == "shape":
            header[name]["shape"] = draw(st.lists(odd_numbers, max_size=3))
        elif how == "offsets":
            header[name]["data_offsets"] = draw(st.lists(odd_numbers, min_size=2, max_size=2))
        else:
            header = changed(draw, header)
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
@given(data=st.data())
def test_any_json(whole, data):
    refuses_or_tags(data.draw(json_changes(whole)))


@pytest.mark.fuzz("folder")
@given(data=st.data())
def test_any_bytes(whole, data):
    refuses_or_tags(data.draw(byte_changes(whole)))


@pytest.mark.fuzz("folder")
@given(data=st.data())
def test_any_weights(whole, data):
    refuses_or_tags(data.draw(tensor_changes(whole)))
