"""`seqtag tag` and training read the same of the same bytes, whole, in parts or through a pipe.

And whatever the bytes are, each gives sentences or an InputError that names file and line.
"""

from __future__ import annotations

import io
import json
import re
from itertools import cycle
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.parts import cut_files
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.lines import Source, SourceFile
from seqtag.errors import InputError
from seqtag.tagging.layouts import Options, layout_of
from seqtag.tagging.readers import PAUSE, read_items

# Characters that other programs treat as spaces, line ends, marks or ignore.
ODD = "\xa0\u2028\u2029\x85\u3000\x1c\x1f\x0b\x0c\u200b\ufeff\xad#_|=\"'\\.-,;1é漢👩\u200d\x7f\x1b"
SIGNS = st.sampled_from(ODD) | st.characters(
    exclude_categories=["Cs"], exclude_characters="\t\n\r\0 "
)
WORD = st.text(SIGNS, min_size=1, max_size=5) | st.sampled_from(
    ["-DOCSTART-", "#", "_", "New York"]
)
ENDS = st.sampled_from(["\n", "\r\n"])
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=5)


class Pipe(io.RawIOBase):
    """Returns bytes in pieces of the given sizes, in a cycle."""

    def __init__(self, content, sizes):
        self.raw, self.sizes = io.BytesIO(content), cycle(sizes)

    def read1(self, size):
        return self.raw.read(min(size, next(self.sizes)))


SEEDS = st.integers(0, 2**64)
PIECES = [
    *(
        b"\r",
        b"\r\n",
        b"\n",
        b"\n\n",
        b"\t",
        b"\t\t",
        b"\0",
        b" ",
        b"\xff",
        b"\xc3",
        b"\xe2\x80\xa8",
    ),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"9" * 5000, b"[" * 99, b"1", b"#", b'"', b",", b"}"),
    *(b"# newdoc\n", b"# global.columns = ID FORM\n", b"-DOCSTART-"),
]


class Chance(Random):
    """Random choices of one example, all from one seed, which is fast."""

    def word(self):
        """Return a word of unusual characters."""
        odd = [*ODD, "a", "b", "Eva", "-DOCSTART-", "New York"]
        return "".join(self.choice(odd) for _ in range(self.randint(1, 3)))

    def damaged(self, content):
        """Return bytes with a few of them flipped, cut out, repeated or put in, and lines moved."""
        for _ in range(self.randint(0, 4)):
            at = self.randint(0, len(content))
            to = min(len(content), at + self.randint(0, 9))
            kind = self.choice(["flip", "cut", "repeat", "insert", "end", "exchange"])
            if kind == "flip":
                flipped = bytes(byte ^ (1 << self.randrange(8)) for byte in content[at : at + 1])
                content = content[:at] + flipped + content[at + 1 :]
            elif kind == "exchange":
                lines = content.split(b"\n")
                i, j = self.randrange(len(lines)), self.randrange(len(lines))
                lines[i], lines[j] = lines[j], lines[i]
                content = b"\n".join(lines)
            else:
                put = {"repeat": content[at:to] * self.randint(2, 4), "insert": self.choice(PIECES)}
                rest = b"" if kind == "end" else content[to if kind in ("cut", "repeat") else at :]
                content = content[:at] + put.get(kind, b"") + rest
        return content

    def sizes(self):
        """Return sizes of the pieces of a pipe."""
        return [self.randint(1, 40) for _ in range(self.randint(1, 4))]


def outcome(sentences):
    """Return the sentences before an error, and the error, which must name file and line."""
    found = []
    try:
        found.extend(sentences)
    except InputError as error:
        message = str(error)
        assert re.match(r"a\.txt:\d+: ", message), message
        return found, message
    return found, None


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return the path of a file that all examples share, since creating folders is slow."""
    return tmp_path_factory.mktemp("agree") / "a.txt"


def trained(path, content, config, share=None):
    """Return what training reads from a file, in parts of `share` bytes."""
    path.write_bytes(content)
    files = [SourceFile(path, "a.txt")]
    if share is not None:
        files = cut_files(files, config, share)
    return outcome(s for file in files for s in config.read(file))


def tagged(content, format_, layout, sizes=(1 << 20,)):
    """Return what `seqtag tag` reads from a pipe: (words, features by name, line)."""
    source = Source(Pipe(content, sizes), Place("a.txt", "utf-8"))
    return outcome(
        ([token.text for token in item.sentence.tokens], dict(item.features), item.line)
        for item in read_items(source, format_, layout)
        if item is not PAUSE
    )


def as_tagged(sentences, layout):
    """Return sentences of training in the form of `tagged`."""
    return [
        (s.tokens, dict(zip(layout.features, s.features, strict=True)), s.line) for s in sentences
    ]


def same_in_every_way(path, content, config, format_, share, sizes):
    """Check that a file is read in the same way by training and tagging; return the outcome."""
    layout = config.layout()
    whole, error = trained(path, content, config)
    parts, refused = trained(path, content, config, share)
    assert refused == error
    # Document numbers of a part are adjusted only when the parts are joined.
    assert [s._replace(doc=0) for s in parts] == [s._replace(doc=0) for s in whole]
    # With labels, as in training, the sentences and the error message are the same.
    assert tagged(content, format_, layout, sizes) == (as_tagged(whole, layout), error)
    return whole, error


# Columns

LAYOUTS = [
    {},
    {"columns": ["_", "tokens", "pos", "labels"], "features": ["pos"]},
    {"columns": ["labels", "pos", "tokens"], "features": ["pos"], "absent": "-"},
    {"columns": ["tokens", "labels", "*"]},
]


@st.composite
def column_files(draw):
    """Draw a layout, its sentences (tokens, features), and the bytes of a file."""
    settings = dict(draw(st.sampled_from(LAYOUTS)))
    separator = draw(st.sampled_from([None, "tab", "comma", " ||| "]))
    between = {None: draw(st.sampled_from(["\t", " ", "  ", "\t \t"])), "tab": "\t", "comma": ","}
    between = between.get(separator, separator)
    settings |= {"separator": separator, "comment": draw(st.sampled_from([None, "# "]))}
    settings["document_marker"] = draw(st.sampled_from([None, "-DOCSTART-"]))
    config = CorpusConfig(format="column", path="x", **settings)
    names = [name for name in config.columns if name != "*"]
    width = len(names) + (config.columns[-1] == "*") * draw(st.integers(0, 2))
    forbidden = {None: " ", "tab": "\t", "comma": ",", " ||| ": "|"}[separator]
    cell = WORD.filter(lambda word: forbidden not in word and word != "-DOCSTART-")
    may_lack = {"pos"} if separator else set()
    row = st.tuples(
        *(
            cell | st.just("") if i < len(names) and names[i] in may_lack else cell
            for i in range(width)
        )
    )
    sentences = draw(st.lists(st.lists(row, min_size=1, max_size=4), max_size=4))
    end = draw(ENDS)
    text = draw(st.sampled_from(["", "\ufeff", end]))
    for rows in sentences:
        for row in rows:
            line = between.join(row)
            assume(not line.startswith(("-DOCSTART-", "# ")) and line.strip(" \t"))
            assume(text or not line.startswith("\ufeff"))
            text += draw(st.sampled_from(["", "# a comment" + end])) * bool(config.comment)
            text += line + end
        text += draw(st.sampled_from([end, " " + end, end + end]))
        if config.document_marker and draw(st.booleans()):
            text += "-DOCSTART- X O" + end
    cut = draw(st.sampled_from([0, 1, 2]))
    content = text.encode()
    if sentences and cut and text.endswith(end + end):
        # Only an earlier line shows that a final carriage return is half of a line end.
        half = cut == 2 and end == "\r\n" and end in text[: -2 * len(end)]
        content = content[: -len(end) * 2 + half] or content
    return config, sentences, content


@pytest.mark.fuzz("conll")
@given(column_files(), st.integers(1, 60), SIZES)
def test_columns_are_read_as_written(path, drawn, share, sizes):
    config, sentences, content = drawn
    whole, error = same_in_every_way(path, content, config, "column", share, sizes)
    assert error is None
    columns = config.columns
    token = columns.index("tokens")
    assert [s.tokens for s in whole] == [[row[token] for row in rows] for rows in sentences]
    for i, feature in enumerate(config.features):
        at = columns.index(feature)
        expected = [[row[at] or config.absent for row in rows] for rows in sentences]
        assert [s.features[i] for s in whole] == expected
    # The layout of the tagger's training corpus reads the file too, without labels.
    data = {**config.reader_settings(), "path": "/etc/passwd", "cache_dir": "/"}
    layout = layout_of("column", data, config.features, Options(), "config.json")
    assert tagged(content, "column", layout) == (as_tagged(whole, layout), None)


@pytest.mark.fuzz("conll")
@given(SEEDS)
def test_damaged_columns(path, seed):
    chance = Chance(seed)
    settings = dict(chance.choice(LAYOUTS))
    settings["separator"] = chance.choice([None, "tab", "comma", " ||| "])
    settings["comment"] = chance.choice([None, "# "])
    settings["document_marker"] = chance.choice([None, "-DOCSTART-"])
    config = CorpusConfig(format="column", path="x", **settings)
    between = chance.choice(" \t") if config.separator is None else config.separator
    width, end = len(config.columns) - ("*" in config.columns), chance.choice(["\n", "\r\n"])
    text = ""
    for _ in range(chance.randint(0, 9)):
        row = between.join(chance.word() for _ in range(width))
        text += chance.choice([row, row, row, "", " ", "-DOCSTART- O", "# x"]) + end
    content = chance.damaged(text.encode())
    share, sizes = chance.randint(1, 60), chance.sizes()
    whole, error = same_in_every_way(path, content, config, "column", share, sizes)
    layout = layout_of("column", config.reader_settings(), config.features, Options(), "x")
    found, refused = tagged(content, "column", layout)
    if error is None:
        assert (found, refused) == (as_tagged(whole, layout), None)
    else:
        assert refused is not None or "label" in error or "column" in error


# CoNLL-U

FORM = st.text(SIGNS, min_size=1, max_size=4).filter(lambda form: not form.startswith("\ufeff"))
CELLS = {
    "upos": st.sampled_from(["NOUN", "_", "X"]),
    "feats": st.sampled_from(["_", "Number=Sing|Case=Nom", "Number=Plur"]),
    "misc": st.sampled_from(["_", "SpaceAfter=No", "X=a=b|Y"]),
}
NEEDED = {
    "columns": {"label_column": "upos"},
    "keys": {"label_column": "upos", "features": ("feats.Number", "misc.X", "head")},
    "lemmas": {"token_column": "lemma", "label_column": "misc", "features": ("form",)},
}


@st.composite
def conllu_files(draw):
    """Draw settings, the rows of words (as dictionaries) of sentences, and the bytes of a file."""
    config = CorpusConfig(
        format="conllu", path="x", **NEEDED[draw(st.sampled_from(sorted(NEEDED)))]
    )
    plus = draw(st.booleans())
    fields = ["id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc"]
    end = draw(ENDS)
    text = ""
    if plus:
        fields = draw(st.permutations([f for f in fields if f not in ("xpos", "deprel")]))
        text = f"# global.columns = {' '.join(fields).upper()}{end}"
    sentences = []
    for _ in range(draw(st.integers(0, 4))):
        words = []
        text += draw(st.sampled_from(["", "# newdoc" + end, "# text = a  b" + end]))
        for number in range(1, draw(st.integers(1, 3)) + 1):
            kind = draw(st.sampled_from(["word", "word", "word", "range", "empty"]))
            row = {"id": str(number), "form": draw(FORM), "lemma": draw(FORM), "head": "0"}
            row |= {name: draw(cells) for name, cells in CELLS.items()}
            if kind != "word":
                other = f"{number}-{number + 1}" if kind == "range" else f"{number}.1"
                text += "\t".join({**row, "id": other}.get(f, "_") for f in fields) + end
            text += "\t".join(row.get(f, "_") for f in fields) + end
            words.append(row)
        sentences.append(words)
        text += draw(st.sampled_from([end, end + " \t" + end]))
    assume(not any(line.startswith("# ") is False and line[:1] == "#" for line in text.split("\n")))
    return config, sentences, text.encode()


@pytest.mark.fuzz("conllu")
@given(conllu_files(), st.integers(40, 200), SIZES)
def test_conllu_is_read_as_written(path, drawn, share, sizes):
    config, sentences, content = drawn
    whole, error = same_in_every_way(path, content, config, "conllu", share, sizes)
    assert error is None
    expected = [[word[config.token_column] for word in words] for words in sentences]
    assert [s.tokens for s in whole] == expected
    if "feats.Number" in config.features:
        numbers = [[word["feats"][7:11] or "_" for word in words] for words in sentences]
        assert [s.features[0] for s in whole] == numbers
        assert all(value in ("a=b", "_") for s in whole for value in s.features[1])
    layout = layout_of("conllu", config.reader_settings(), config.features, Options(), "x")
    assert tagged(content, "conllu", layout) == (as_tagged(whole, layout), None)


@pytest.mark.fuzz("conllu")
@given(SEEDS)
def test_damaged_conllu(path, seed):
    chance = Chance(seed)
    config = CorpusConfig(
        format="conllu", path="x", **NEEDED[chance.choice(["columns", "keys", "lemmas"])]
    )
    end = chance.choice(["\n", "\r\n"])
    text = ""
    for _ in range(chance.randint(0, 4)):
        text += chance.choice(["", "# newdoc" + end, "# text = a" + end])
        for number in range(1, chance.randint(1, 4) + 1):
            ids = chance.choice([[f"{number}-{number + 1}"], [f"{number}.1"], [], [], []])
            for id_ in (*ids, str(number)):
                cells = [id_, chance.word(), chance.word(), chance.choice("X_"), "_"]
                cells += [chance.choice(["_", "Number=Sing|Case=Nom"]), chance.choice(["0", "_"])]
                text += "\t".join([*cells, "root", "_", chance.choice(["_", "X=a=b|Y"])]) + end
        text += end
    content = chance.damaged(text.encode())
    same_in_every_way(path, content, config, "conllu", chance.randint(40, 200), chance.sizes())


# One sentence per line


@pytest.mark.fuzz("tokens")
@given(st.lists(st.lists(WORD.filter(lambda w: " " not in w), max_size=4)), ENDS, SIZES)
def test_every_line_is_a_sentence_of_tokens(sentences, end, sizes):
    text = "".join(" ".join(words) + end for words in sentences)
    assume(not text.startswith("\ufeff"))
    expected = [(words, {}, line) for line, words in enumerate(sentences, start=1)]
    assert tagged(text.encode(), "tokens", None, sizes) == (expected, None)


@pytest.mark.fuzz("tokens")
@given(SEEDS)
def test_damaged_tokens(seed):
    chance = Chance(seed)
    lines = [
        [chance.word() for _ in range(chance.randint(0, 4))] for _ in range(chance.randint(0, 6))
    ]
    content = chance.damaged(chance.choice(["\n", "\r\n"]).join(map(" ".join, lines)).encode())
    found, error = tagged(content, "tokens", None)
    assert tagged(content, "tokens", None, chance.sizes()) == (found, error)
    if error is None:
        assert len(found) == len(content.removesuffix(b"\n").split(b"\n")) * bool(
            content.removeprefix(b"\xef\xbb\xbf")
        )


# JSON lines

RECORD = st.lists(st.tuples(st.text(max_size=4), st.sampled_from(["NN", "", None])), max_size=4)


def json_lines(records, end="\n"):
    lines = [
        {
            "tokens": [t for t, _ in r],
            "pos": [p for _, p in r],
            "labels": ["O"] * len(r),
            "id": [{}],
        }
        for r in records
    ]
    return "".join(json.dumps(line) + end for line in lines).encode()


@pytest.mark.fuzz("jsonl-tag")
@given(st.lists(RECORD), ENDS, SIZES)
def test_every_record_is_a_sentence(path, records, end, sizes):
    layout = layout_of("json", None, ("pos",), Options(), "x")
    content = json_lines(records, end)
    found, error = tagged(content, "json", layout, sizes)
    assert error is None
    assert [words for words, _, _ in found] == [[token for token, _ in r] for r in records]
    assert [f["pos"] for _, f, _ in found] == [[pos or "_" for _, pos in r] for r in records]
    config = CorpusConfig(format="json", path="x", features=("pos",))
    whole, error = trained(path, content, config)
    if error is None:
        assert found == as_tagged(whole, layout)


@pytest.mark.fuzz("jsonl-tag")
@given(SEEDS)
def test_damaged_records(path, seed):
    chance = Chance(seed)
    records = [
        [(chance.word(), chance.choice(["NN", "", None])) for _ in range(chance.randint(0, 4))]
        for _ in range(chance.randint(1, 4))
    ]
    content = chance.damaged(json_lines(records, chance.choice(["\n", "\r\n"])))
    layout = layout_of("json", None, ("pos",), Options(), "x")
    found, error = tagged(content, "json", layout)
    assert tagged(content, "json", layout, chance.sizes()) == (found, error)
    config = CorpusConfig(format="json", path="x", features=("pos",))
    whole, refused = trained(path, content, config)
    if refused is None:
        assert (found, error) == (as_tagged(whole, layout), None)
