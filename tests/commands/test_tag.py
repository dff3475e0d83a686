from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading

import pytest

from seqtag.commands import tag as verb
from seqtag.errors import InputError
from seqtag.tagging.layouts import Options, layout_of

TEXT = "Alex Graves is going  to Paris. Anna 💃 stays.\r\n\n\nThe énd"


@pytest.fixture
def tag(folder, tmp_path, monkeypatch, capfdbinary):
    """Return a function that runs the verb on text or bytes and returns its output."""

    def run(content="", *options, model=folder, output=None, name="input.txt"):
        raw = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(raw)
        parser = argparse.ArgumentParser()
        verb.add_arguments(parser)
        arguments = ["--model", str(model), "--input", str(path), *options]
        args = parser.parse_args(arguments + (["--output", str(output)] if output else []))
        assert verb.run(args) == 0
        written = output.read_bytes() if output else capfdbinary.readouterr().out
        return written.decode()

    return run


def records(text):
    return [json.loads(line) for line in text.splitlines()]


# Through the verb


def test_jsonl_offsets_count_from_the_start_of_the_input(tag, tagger):
    output = records(tag(TEXT, "--format", "jsonl", "--probabilities"))
    tagged = [s.to_plain() for s in tagger.tag(TEXT, probabilities=True)]
    assert len(output) == len(tagged) == 3
    for record, expected in zip(output, tagged, strict=True):
        assert record["offsets"] == expected["offsets"]
        assert record["labels"] == expected["labels"]
        assert record["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    assert TEXT[slice(*output[2]["offsets"][1])] == "énd"


def test_the_ending_of_the_input_file_chooses_the_format(tag):
    content = '{"tokens": ["Anna", "left"], "id": 7}\n'
    (record,) = records(tag(content, "--format", "jsonl", name="input.jsonl"))
    assert (record["tokens"], record["id"]) == (["Anna", "left"], 7)
    (record, *_) = records(tag(content, "--format", "jsonl", name="input.txt"))
    assert record["text"].startswith("{")
    as_text = ("--format", "jsonl", "--input-format", "text")
    assert records(tag(content, *as_text, name="input.jsonl"))[0]["text"].startswith("{")


def test_a_byte_order_mark_is_not_text(tag):
    (record,) = records(tag(b"\xef\xbb\xbfAnna", "--format", "jsonl"))
    assert record["offsets"] == [[0, 4]]


@pytest.mark.parametrize("format_", ["text", "conll", "jsonl"])
@pytest.mark.parametrize("content", ["", "\n", " \n\t\n\r\n", "\ufeff"])
@pytest.mark.parametrize("input_format", ["text", "tokens", "conll", "conllu", "jsonl"])
def test_empty_input_gives_empty_output(tag, format_, content, input_format):
    lines = content.count("\n") if input_format == "tokens" else 0
    empty = {"text": "\n", "conll": "\n", "jsonl": '{"tokens": [], "labels": [], "spans": []}\n'}
    expected = lines * empty[format_]
    assert tag(content, "--format", format_, "--input-format", input_format) == expected


def test_all_input_formats_give_the_same_labels(tag, tagger):
    words = [["Alex", "goes", "."], ["Anna", "stays"]]
    expected = "".join(
        "".join(f"{w}\t{label}\n" for w, label in zip(s, labels, strict=True)) + "\n"
        for s, labels in zip(words, tagger.predict(words), strict=True)
    )
    ways = {
        "text": "Alex goes.\nAnna stays",
        "tokens": "Alex goes .\nAnna  stays \n",
        "conll": "Alex\ngoes\n.\n\nAnna\nstays\n\n",
        "conllu": "# global.columns = ID FORM\n# text = x\n1\tAlex\n2-3\tgoes.\n2\tgoes\n3\t.\n"
        "3.1\tx\n\n1\tAnna\n2\tstays\n\n",
        "jsonl": '{"tokens": ["Alex", "goes", "."]}\n\n{"text": "Anna stays"}\n',
    }
    for way, content in ways.items():
        assert tag(content, "--input-format", way, "--format", "conll") == expected, way


@pytest.mark.parametrize(
    ("input_format", "content", "sentences"),
    [
        ("tokens", "Alex goes\n\nAnna\n \n", [["Alex", "goes"], [], ["Anna"], []]),
        ("conllu", "# global.columns = ID FORM\n1.1\tx\n\n1\tAlex\n", [[], ["Alex"]]),
        (
            "jsonl",
            '{"tokens": []}\n\n{"text": ""}\n{"text": " "}\n{"text": "Alex"}\n',
            [[], [], [], ["Alex"]],
        ),
    ],
)
def test_each_input_sentence_gives_one_output_sentence(
    tag, plain_tagger, tmp_path, input_format, content, sentences
):
    out = ("--input-format", input_format, "--format")
    output = records(tag(content, *out, "jsonl"))
    assert [record["tokens"] for record in output] == sentences
    assert all(len(record["labels"]) == len(record["tokens"]) for record in output)
    conll = tag(content, *out, "conll", "--probabilities")
    lines = "\n".join(line.split("\t")[0] for line in conll.splitlines())
    assert lines == "\n".join("\n".join([*words, ""]) for words in sentences)
    plain_tagger.save(tmp_path / "plain")
    for model in (tmp_path / "model", tmp_path / "plain"):
        shown = tag(content, *out, "text", model=model)
        assert [bool(line) for line in shown.split("\n")[:-1]] == list(map(bool, sentences))


def test_sentences_of_a_text_record_have_its_line_number(tag):
    content = '\n{"text": "Alex. Anna."}\n{"tokens": ["x"]}\n{"text": ""}\n'
    output = records(tag(content, "--input-format", "jsonl", "--format", "jsonl"))
    assert [record.get("line") for record in output] == [2, 2, None, 4]


def test_line_breaks_in_tokens_do_not_break_output_lines(tag):
    content = '{"tokens": ["a\\nb", "\\u2028", "\\u0085"]}\n'
    out = ("--input-format", "jsonl", "--format")
    assert records(tag(content, *out, "jsonl"))[0]["tokens"] == ["a\nb", "\u2028", "\x85"]
    assert len(tag(content, *out, "text").splitlines()) == 1


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_compressed_input_is_recognised_by_name(tag, tmp_path, ending):
    import bz2
    import gzip
    import lzma

    packed = {"gz": gzip, "bz2": bz2, "xz": lzma}[ending].compress(b"Anna stays.\n" * 9)
    path = tmp_path / f"packed.{ending}"
    path.write_bytes(packed)
    assert tag("", "--input", str(path)) == tag("Anna stays.\n" * 9)
    path.write_bytes(packed[:-9])
    with pytest.raises(InputError, match=rf"packed\.{ending}: cut short"):
        tag("", "--input", str(path))
    with pytest.raises(InputError, match=r"input\.txt:1: this is not text but .* data: unpack it"):
        tag(packed)


@pytest.mark.parametrize("input_format", ["text", "tokens", "conll", "conllu", "jsonl"])
def test_binary_input_is_refused_in_each_format(tag, input_format):
    for content in (b"PK\x03\x04x", "Anna\n".encode("utf-16"), "Anna\n".encode("utf-16-le")):
        with pytest.raises(InputError, match=r"input\.txt:1: .*(--encoding|unpack it)"):
            tag(content, "--input-format", input_format)


@pytest.mark.parametrize("input_format", ["tokens", "conll", "conllu"])
def test_old_mac_line_ends_are_refused(tag, input_format):
    with pytest.raises(InputError, match=r"input\.txt:1: a carriage return .*old Mac"):
        tag("Anna\rstays\r", "--input-format", input_format)


def test_an_integer_of_5000_digits_in_json(tag):
    with pytest.raises(InputError, match=r"input\.txt:2: not JSON: a number has too many digits"):
        tag('{"text": ""}\n{"id": %s, "text": ""}' % ("9" * 5000), "--input-format", "jsonl")


def test_wrapped_lines(tag):
    wrapped = records(tag("Alex\nGraves\n\nAnna", "--wrapped", "--format", "jsonl"))
    assert [r["tokens"] for r in wrapped] == [["Alex", "Graves"], ["Anna"]]
    assert wrapped[1]["offsets"] == [[13, 17]]


def test_another_tokenizer(tag):
    text, json_lines = "Anna-4 left", ("--input-format", "jsonl")
    finest = ("--format", "jsonl", "--tokenizer", "finest")
    (record,) = records(tag(text, *finest))
    assert record["tokens"] == ["Anna", "-", "4", "left"]
    assert record["offsets"][1] == [4, 5]
    (record,) = records(tag('{"text": "Anna-4 left"}', *finest, *json_lines))
    assert record["tokens"] == ["Anna", "-", "4", "left"]
    (record,) = records(tag(text, "--format", "jsonl", "--tokenizer", r"[\w-]+|[a-z]"))
    assert record["tokens"] == ["Anna-4", "left"]


def test_labels_in_another_scheme(tag, tagger):
    (record,) = records(tag("Alex Graves left", "--format", "jsonl", "--scheme", "bmewo"))
    (expected,) = tagger.with_scheme("bmewo").predict([["Alex", "Graves", "left"]])
    assert record["labels"] == expected
    with pytest.raises(InputError, match="scheme plain: the labels of this tagger are bio"):
        tag("Alex", "--scheme", "plain")


def test_only_the_sentences_of_which_the_tagger_is_least_sure(tag, tagger):
    content = "".join(f"Alex x{n % 7} {'Paris ' * (n % 5)}\n\n" for n in range(40))
    words = [line.split() for line in content.split("\n")[:-1]]
    tokens = ("--input-format", "tokens", "--format", "jsonl")
    scores = [s.certainty if s.tokens else 2.0 for s in tagger.tag(words, certainty=True)]
    first = {tuple(one): n for n, one in reversed([*enumerate(words)])}
    order = sorted(first.values(), key=lambda n: (scores[n], n))
    found = records(tag(content, *tokens, "--lowest", "6"))
    assert [record["tokens"] for record in found] == [words[n] for n in order[:6]]
    assert [record["certainty"] for record in found] == [round(scores[n], 6) for n in order[:6]]
    every = records(tag(content, *tokens, "--lowest", "1000"))
    assert len(every) == 35  # each one once, and not the sentences without tokens
    for format_ in ("text", "csv", "html", "conllu", "conll"):
        assert words[order[0]][1] in tag(content, *tokens[:3], format_, "--lowest", "1")


def test_alternatives_and_top_labels(tag, tagger):
    options = ("--format", "jsonl", "--alternatives", "3", "--top-labels", "2")
    (record,) = records(tag("Alex goes to Paris.", *options))
    (expected,) = tagger.tag("Alex goes to Paris.", alternatives=3, top_labels=2)
    assert record == expected.to_plain()
    assert len(record["alternatives"]) == 3
    assert [len(token) for token in record["top_labels"]] == [2] * 5


def test_the_odds_of_a_type_can_be_raised(tag, tagger):
    output = records(tag("Alex goes to Paris.", "--format", "jsonl", "--bias", "LOC=1e6"))
    assert {label[2:] for label in output[0]["labels"]} == {"LOC"}
    both = tag("Alex goes.", "--format", "jsonl", "--bias", "LOC=2", "--bias", "O=0.5")
    biased = tagger.with_bias({"LOC": 2, "O": 0.5}).tag("Alex goes.")
    assert records(both)[0]["labels"] == list(biased[0].labels)
    assert tag(TEXT, "--bias", "PER=1") == tag(TEXT)


def test_unknown_words_are_marked(tag):
    text = "Alex  zzz."
    assert tag(text, "--unknown").replace("[", "").count("zzz(?)") == 1
    assert "Alex(?)" not in tag(text, "--unknown")
    rows = tag(text, "--unknown", "new", "--format", "csv").splitlines()
    assert rows[0] == "sentence,token,label,start,end,unknown"
    assert [row.rpartition(",")[2] for row in rows[1:]] == ["", "new", ""]
    assert '<u title="not in training">zzz</u>(?)' in tag(text, "--unknown", "--format", "html")


def test_conllu_output_keeps_the_input(tag):
    content = "# newdoc\n1-2\tAlexgoes" + "\t_" * 8 + "\n1\tAlex" + "\t_" * 8 + "\n2\tgoes"
    content += "\t_" * 8 + "\n\n"
    output = tag(content, "--input-format", "conllu", "--format", "conllu")
    labels = [line.rpartition("\t")[2] for line in output.splitlines()[2:4]]
    assert [label.partition("=")[0] for label in labels] == ["labels"] * 2
    for label in labels:
        output = output.replace(label, "_", 1)
    assert output == content
    upos = tag(content, "--input-format", "conllu", "--format", "conllu", "--label-column", "upos")
    assert upos.splitlines()[2].split("\t")[3] == labels[0].partition("=")[2]


def test_column_output_keeps_the_input(tag, tagger):
    content = "-DOCSTART- -X-\n\nAlex  NNP O\n# x\ngoes VBZ O\n\n\nAnna NNP O\nstays VBZ O\n\n"
    labels = [label for s in tagger.predict([["Alex", "goes"], ["Anna", "stays"]]) for label in s]
    options = ("--input-format", "conll", "--columns", "tokens,pos,labels", "--comment", "#")
    expected = [*content.replace(" O\n", " {}\n").format(*labels).split("\n")]
    assert tag(content, *options, "--format", "conll").split("\n") == expected
    pos = tag(content, *options, "--format", "conll", "--label-column", "pos")
    assert pos.split("\n")[2] == f"Alex  {labels[0]} O"
    with pytest.raises(InputError, match="--label-column tokens: the column of tokens"):
        tag(content, *options, "--format", "conll", "--label-column", "tokens")


def test_an_id_is_copied_to_the_output(tag):
    content = '{"id": 7, "text": "Alex. Anna."}\n{"id": "b", "tokens": ["x"]}'
    output = records(tag(content, "--input-format", "jsonl", "--format", "jsonl"))
    assert [r["id"] for r in output] == [7, 7, "b"]


def test_another_encoding(tag):
    output = records(
        tag("Ännchen 👍".encode("utf-16"), "--encoding", "utf-16", "--format", "jsonl")
    )
    assert output[0]["tokens"] == ["Ännchen", "👍"]


def test_surrogates_in_json_are_kept(tag):
    output = records(
        tag('{"tokens": ["\\ud800x"]}', "--input-format", "jsonl", "--format", "jsonl")
    )
    assert output[0]["tokens"] == ["\ud800x"]
    assert tag('{"tokens": ["\\ud800x"]}', "--input-format", "jsonl", "--format", "conll")


def test_output_files_are_written_atomically(tag, tmp_path):
    output = tmp_path / "out" / "tagged.txt"
    output.parent.mkdir()
    assert tag("Anna.", output=output)
    before = output.read_bytes()
    with pytest.raises(InputError, match=r"input\.txt:2: not utf-8 \(byte 0xff"):
        tag(b"Anna.\nB\xff\n", output=output)
    assert output.read_bytes() == before
    assert [p.name for p in output.parent.iterdir()] == ["tagged.txt"]
    with pytest.raises(InputError, match="cannot be written"):
        tag("Anna.", output=tmp_path / "none" / "tagged.txt")


def test_output_may_replace_the_input(tag, tmp_path):
    path = tmp_path / "input.txt"
    assert tag("Anna", "--format", "conll", output=path).startswith("Anna\t")


def test_features_by_column(tag, build_tagger, tmp_path):
    tagger = build_tagger(features=("pos",))
    tagger.save(tmp_path / "pos")
    model = tmp_path / "pos"
    labels = tagger.predict([["Alex", "is"]], {"pos": [["NNP", "VBZ"]]})[0]
    expected = f"Alex\t{labels[0]}\nis\t{labels[1]}\n\n"
    out = ("--format", "conll", "--input-format")
    kept = tag("Alex NNP x\nis VBZ", *out, "conll", model=model)
    assert kept == f"Alex NNP x {labels[0]}\nis VBZ {labels[1]}\n"
    columns = ("--columns", "_,pos,tokens,*")
    kept = tag("1\tNNP\tAlex\n2\tVBZ\tis\tmore", *out, "conll", *columns, model=model)
    assert kept == f"1\tNNP\tAlex\t{labels[0]}\n2\tVBZ\tis\tmore\t{labels[1]}\n"
    content = '{"tokens": ["Alex", "is"], "pos": ["NNP", "VBZ"]}'
    assert tag(content, *out, "jsonl", model=model) == expected
    with pytest.raises(InputError, match=r"further columns in addition to the words \(pos\)"):
        tag("Alex", model=model)
    with pytest.raises(InputError, match="no column 'pos'"):
        tag("Alex NNP", *out, "conll", "--columns", "tokens,pas", model=model)
    with pytest.raises(InputError, match="no column 'pos'; there are: tokens"):
        tag('{"tokens": ["a"]}', *out, "jsonl", model=model)
    with pytest.raises(InputError, match="1 tokens but 0 pos"):
        tag('{"tokens": ["a"], "pos": []}', *out, "jsonl", model=model)
    with pytest.raises(InputError, match='"tokens" and "pos"'):
        tag('{"text": "a"}', *out, "jsonl", model=model)
    with pytest.raises(InputError, match=r"input\.txt:2: 1 column where .* 2 or more"):
        tag("Alex NNP\nis", *out, "conll", model=model)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n{", r"input\.txt:2: not JSON"),
        ("[1]", r"input\.txt:1: "),
        ("[" * 100_000, r"input\.txt:1: not JSON"),
        ('{"token": ["a"]}', "expected"),
        ('{"tokens": "a b"}', "tokens is 'a b'; a list is expected"),
        ('{"tokens": ["a", 1]}', "tokens contains 1, which is not a string"),
        ('{"text": 1}', '"text" must be a string'),
    ],
)
def test_lines_that_are_not_records(tag, content, message):
    with pytest.raises(InputError, match=message):
        tag(content, "--input-format", "jsonl")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--encoding", "klingon"), "klingon"),
        (("--encoding", "rot13"), "rot13"),
        (("--columns", "a"), "--columns can only be used with --input-format"),
        (
            ("--separator", "tab", "--input-format", "conllu"),
            "--separator can only be used with --input-format",
        ),
        (
            ("--comment", "", "--input-format", "jsonl"),
            "--comment can only be used with --input-format",
        ),
        (
            ("--document-marker", "x", "--input-format", "tokens"),
            "--document-marker can only be used with --input-format",
        ),
        (
            ("--wrapped", "--input-format", "tokens"),
            "--wrapped can only be used with --input-format",
        ),
        (("--tokenizer", "finset"), "unknown --tokenizer 'finset' .did you mean 'finest'"),
        (("--tokenizer", "(a"), "--tokenizer='.a': not a regular expression .*missing"),
        (
            ("--tokenizer", "finest", "--input-format", "conllu"),
            "--tokenizer is for raw text; sentences of --input-format conllu are already",
        ),
        (("--lowest", "0"), "--lowest 0: must be a whole number of at least 1"),
        (("--lowest", "x"), "--lowest x: must be a whole number of at least 1"),
        (("--alternatives", "0"), "--alternatives 0: must be a whole number from 1 to 1000"),
        (("--top-labels", "1001"), "--top-labels 1001: must be a whole number from 1 to 1000"),
        (("--top-labels", "2"), "--top-labels can only be used with --format json"),
        (("--bias", "PER"), "--bias PER: expected TYPE=FACTOR"),
        (("--bias", "PER=x"), "--bias PER=x: expected TYPE=FACTOR"),
        (("--bias", "PER=2", "--bias", "PER=3"), "--bias names PER twice"),
        (("--bias", "PRE=2"), "unknown type in --bias 'PRE' .did you mean 'PER'"),
        (("--bias", "PER=0"), "--bias: PER=0.0: must be a number from"),
        (("--unknown", "x", "--format", "jsonl"), "--unknown can only be used with --format text"),
        (("--label-column", "upos"), "--label-column can only be used with --format conllu, or"),
        (("--format", "conllu", "--label-column", "form"), "cannot be written to the CoNLL-U"),
        (("--input", "/none/such"), "/none/such: cannot be read"),
        (("--model", "/none/such"), "/none/such: there is no such folder"),
    ],
)
def test_mistakes_in_the_arguments(tag, options, message):
    with pytest.raises(InputError, match=message):
        tag("x", *options)


def test_only_utf8_line_ends_count(tag):
    output = records(tag("a\u2028b\x85c\x0bd", "--input-format", "tokens", "--format", "jsonl"))
    assert len(output) == 1


# As a program


def _program(folder, *options, **keywords):
    code = (
        "import argparse, sys; from seqtag.commands import tag as verb;"
        "p = argparse.ArgumentParser();"
        "verb.add_arguments(p); assert 'torch' not in sys.modules;"
        "sys.exit(verb.run(p.parse_args()))"
    )
    command = [sys.executable, "-c", code, "--model", str(folder), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)


def test_neither_arrow_nor_datasets_are_imported():
    code = (
        "import sys, seqtag.commands.tag, seqtag.tagging.tagger\n"
        "import seqtag.data.formats.column, seqtag.data.formats.conllu\n"
        "heavy = ('datasets', 'pyarrow', 'pandas', 'lightning', 'hydra')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("input_format", "sentence"),
    [
        ("tokens", b"Anna\n"),
        ("conll", b"Anna\n\n"),
        ("jsonl", b'{"text": "Anna"}\n'),
        ("conllu", b"1\tAnna" + b"\t_" * 8 + b"\n\n"),
    ],
)
def test_a_sentence_is_read_as_soon_as_it_arrives(tagger, input_format, sentence):
    from seqtag.data.formats.decoding import Place
    from seqtag.data.formats.lines import Source
    from seqtag.tagging.readers import PLAIN, read_items

    input_format = {"conll": "column", "jsonl": "json"}.get(input_format, input_format)
    read_end, write_end = os.pipe()
    layout = None if input_format in PLAIN else layout_of(input_format, None, (), Options(), "x")
    with os.fdopen(read_end, "rb") as raw, os.fdopen(write_end, "wb", buffering=0) as pipe:
        items = read_items(Source(raw, Place("x", "utf-8")), input_format, layout)
        for _ in range(3):
            pipe.write(sentence)  # and the pipe stays open
            assert next(item for item in items if item).sentence.tokens[0].text == "Anna"
        pipe.close()
        assert [item for item in items if item] == []


def test_a_pipe_is_tagged_as_it_arrives_and_a_broken_pipe_is_silent(folder):
    process = _program(folder, stdin=subprocess.PIPE)
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        process.stdin.write(b"Anna stays.\n")
        process.stdin.flush()
        assert process.stdout.readline().strip()  # while the input is still open
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            while process.poll() is None:
                process.stdin.write(b"Anna stays.\n" * 1000)
                process.stdin.flush()
        assert process.stderr.read() == b""
        assert process.wait() == 0
    finally:
        watch.cancel()
        process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stderr.close()
        process.wait()


def test_a_folder_is_not_read_as_text(tag, tmp_path):
    with pytest.raises(InputError, match="is a folder; only --input-format brat reads folders"):
        tag("", "--input", str(tmp_path))


def test_a_text_with_an_empty_list_of_tokens_is_refused(tag):
    with pytest.raises(InputError, match="its list of tokens is empty"):
        tag('{"text": "Alex left", "tokens": []}', "--input-format", "json")
    assert tag('{"text": " ", "tokens": []}', "--input-format", "json") == "\n"
