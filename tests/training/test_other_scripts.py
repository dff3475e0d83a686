"""Corpora in Chinese, Thai, Arabic and Hindi: checked, trained on, tagged, with exact offsets."""

import argparse
import json
import os
import subprocess
import sys

import pytest

from seqtag.commands.evaluate import evaluate
from seqtag.commands.tag import add_arguments, run
from seqtag.commands.train import train
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.doctor.doctor import examine
from seqtag.labels import spans
from seqtag.tagging.tagger import Tagger

SMALL = (
    *("model.words.size=16", "model.characters.size=8", "model.characters.filters=4"),
    *("model.hidden_size=16", "data.batch.sentences=4", "optimizer.lr=0.05"),
    "trainer.max_epochs=25",
)
# For each language sentences of (token, label) and the notation that is found in them. The texts
# have combining marks, right-to-left words, characters beyond the 16-bit plane and Latin words.
LANGUAGES = {
    "chinese": (
        "王 B-NAME|小 M-NAME|明 E-NAME|在 O|北 B-LOC|京 E-LOC|工 O|作 O|。 O\n"
        "李 B-NAME|雷 E-NAME|在 O|IBM S-ORG|工 O|作 O|𠮷 O|。 O",
        "bmes",
    ),
    "thai": (
        "สมชาย PER_B|อยู่ O|ที่ O|กรุงเทพ LOC_B|มหานคร LOC_I\n"
        "สมหญิง PER_B|ใจดี PER_I|ไป O|เชียงใหม่ LOC_B|😀 O",
        "bio, written TYPE_B and O",
    ),
    "arabic": (
        "يعيش o|محمد b-per|علي i-per|في o|القاهرة b-loc|. o\nقَالَ o|سمير b-per|في o|NATO b-org|. o",
        "bio, written b-TYPE and o",
    ),
    "hindi": (
        "राम I-PER|कुमार E-PER|दिल्ली E-LOC|में O|रहता O|है O|। O\n"
        "सीता E-PER|नई I-LOC|दिल्ली E-LOC|गई O|क्ष O|। O",
        "ioe2",
    ),
}


def write_corpus(folder, language):
    folder.mkdir()
    lines, _ = LANGUAGES[language]
    text = "\n\n".join(sentence.replace("|", "\n") for sentence in lines.split("\n"))
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text(f"{text}\n\n" * 4, encoding="utf-8")
    return [
        [tuple(token.rsplit(" ", 1)) for token in sentence.split("|")]
        for sentence in lines.split("\n")
    ]


@pytest.fixture(scope="module", params=LANGUAGES)
def trained(request, tmp_path_factory, compose_filled):
    """Return language, sentences, corpus folder and tagger, trained until it is right."""
    folder = tmp_path_factory.mktemp(request.param)
    sentences = write_corpus(folder / "corpus", request.param)
    places = {"CORPUS": folder / "corpus", "OUTPUT": folder / "run"}
    own = ("data=column", "data.path=CORPUS", "data.columns=[tokens,labels]")
    train(compose_filled("train", *own, *SMALL, "paths.output_dir=OUTPUT", **places))
    return request.param, sentences, folder, Tagger.load(folder / "run" / "model")


def test_the_notation_is_found(trained):
    language, _, folder, _ = trained
    corpus = load_corpus(CorpusConfig("column", str(folder / "corpus")))
    report = examine(corpus)
    assert corpus.origins["train"].reader.described() == LANGUAGES[language][1]
    assert {finding.level for finding in report.findings if finding.split == ""} <= {"info"}
    assert report.exit_code == 0


def test_labels_come_back_as_the_corpus_wrote_them(trained):
    _, sentences, _, tagger = trained
    words = [[token for token, _ in sentence] for sentence in sentences]
    labels = [[label for _, label in sentence] for sentence in sentences]
    assert tagger.with_scheme("corpus").predict(words) == labels


def test_offsets_count_characters_of_the_text(trained):
    language, sentences, _, tagger = trained
    separator = "" if language == "chinese" else " "
    text = separator.join(token for token, _ in sentences[0])
    tagged = [span for sentence in tagger.tag(text) for span in sentence.spans]
    standard = tagger.predict([[token for token, _ in sentences[0]]])[0]
    tokens = [token for token, _ in sentences[0]]
    expected = [
        (span.type, separator.join(tokens[span.start : span.end]))
        for span in spans(standard, tagger.labels.corpus_scheme)
    ]
    assert [(span.type, text[span.start : span.end]) for span in tagged] == expected
    assert [span.text for span in tagged] == [text for _, text in expected]


def test_gold_labels_as_written_are_evaluated(trained, compose_filled, tmp_path):
    _, _, folder, _ = trained
    places = {"MODEL": folder / "run" / "model", "CORPUS": folder / "corpus", "OUTPUT": tmp_path}
    own = ("model_dir=MODEL", "data.path=CORPUS", "paths.output_dir=OUTPUT")
    assert evaluate(compose_filled("evaluate", *own, **places))["f1"] == 1.0


def test_a_tagged_file_is_read_as_the_corpus(trained, tmp_path):
    language, sentences, folder, _ = trained
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    source, output = folder / "corpus" / "test.txt", tmp_path / "test.txt"
    arguments = ["--model", str(folder / "run" / "model"), "--input", str(source)]
    arguments += ["--input-format", "conll", "--format", "conll", "--scheme", "corpus"]
    assert run(parser.parse_args([*arguments, "--output", str(output)])) == 0
    corpus = load_corpus(CorpusConfig("column", str(output), dev_fraction=0))
    assert corpus.origins["train"].reader.described() == LANGUAGES[language][1]
    assert corpus.splits["train"]["tokens"][0] == [token for token, _ in sentences[0]]


@pytest.mark.slow
def test_check_train_and_tag_a_chinese_corpus_of_characters(tmp_path):
    write_corpus(tmp_path / "corpus", "chinese")

    def seqtag(*arguments, text=None):
        command = [sys.executable, "-m", "seqtag.cli", *arguments]
        environment = {**os.environ, "SEQTAG_CACHE": str(tmp_path / "cache"), "COLUMNS": "200"}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, input=text, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr if text is None else done.stdout

    corpus = ("data=column", "data.path=corpus", "data.tokenizer=characters")
    assert "bmes, converted to bioes" in seqtag("check", *corpus).replace("\n", " ")
    seqtag("train", *corpus, *SMALL, "hydra.run.dir=run")
    text = "王小明在北京工作。"
    options = ("--model", "run/model", "--format", "jsonl", "--scheme", "bmes")
    record = json.loads(seqtag("tag", *options, text=text))
    assert record["tokens"] == list(text)
    assert [(s["type"], text[s["start"] : s["end"]]) for s in record["spans"]] == [
        ("NAME", "王小明"),
        ("LOC", "北京"),
    ]
    assert record["labels"][:6] == ["B-NAME", "M-NAME", "E-NAME", "O", "B-LOC", "E-LOC"]
