"""The component of spaCy: entities, attributes of tokens, batches, saved pipelines, errors."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, Span

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.tagging.spacy_component import SpacyTagger  # registers it, as the entry point does
from seqtag.tagging.tagger import Tagger

ROOT = Path(__file__).parents[2]
TEXT = "Alex Graves is in Paris. Anna stays\n\nin Rome, 1999."


@pytest.fixture(scope="module")
def model(tmp_path_factory, build_any):
    folder = tmp_path_factory.mktemp("spacy") / "model"
    build_any().save(folder)
    return str(folder)


@pytest.fixture
def nlp(model):
    nlp = spacy.blank("en")
    nlp.add_pipe("seqtag", config={"model": model})
    return nlp


def entities(doc):
    return [(span.label_, span.start, span.end) for span in doc.ents]


def expected(tagger, doc, sentences):
    """Return the entities of the tagger in sentences of tokens, by their numbers."""
    found = []
    for numbers in sentences:
        (sentence,) = tagger.tag([[doc[number].text for number in numbers]])
        for span in sentence.spans:
            found.append((span.type, numbers[span.first_token], numbers[span.last_token] + 1))
    return found


def test_entities_are_those_of_the_tagger(nlp, model):
    doc = nlp(TEXT)
    blank = next(token.i for token in doc if token.is_space)
    # The end of a line ends a sentence.
    parts = [range(6), range(6, blank), range(blank + 1, len(doc))]
    assert entities(doc) == expected(Tagger.load(model), doc, [list(part) for part in parts])
    assert doc.ents
    assert doc.has_annotation("ENT_IOB")
    assert nlp.get_pipe("seqtag").labels == ("LOC", "PER")


def test_sentences_of_the_document_are_used(nlp, model):
    nlp.add_pipe("sentencizer", first=True, config={"punct_chars": [","]})
    doc = nlp(TEXT)
    assert len(list(doc.sents)) == 2
    parts = [[token.i for token in part if not token.is_space] for part in doc.sents]
    assert entities(doc) == expected(Tagger.load(model), doc, parts)


def test_pipe_gives_the_same_as_single_documents(nlp):
    texts = [TEXT, "", " ", "Anna.", "Paris " * 30] * 7
    single = [entities(nlp(text)) for text in texts]
    assert [entities(doc) for doc in nlp.pipe(texts, batch_size=8)] == single
    assert any(single)


def test_earlier_entities_stay_unless_they_overlap(tmp_path, tagger):
    tagger.with_bias({"O": 10.0}).save(tmp_path / "model")
    nlp = spacy.blank("en")
    nlp.add_pipe("seqtag", config={"model": str(tmp_path / "model")})
    doc = nlp.make_doc("Alex Graves is going to Paris . Anna stays in 1999 .")
    found = entities(nlp(doc.copy()))
    taken = {number for _, first, end in found for number in range(first, end)}
    free = next(number for number in range(len(doc)) if number not in taken)
    doc.ents = [Span(doc, number, number + 1, label="OLD") for number in (free, next(iter(taken)))]
    nlp.get_pipe("seqtag")(doc)
    assert entities(doc) == sorted([*found, ("OLD", free, free + 1)], key=lambda span: span[1])


@pytest.mark.parametrize(
    ("labels", "attribute", "read"),
    [
        (["NOUN", "VERB", "X"], "auto", lambda token: token.pos_),
        (["NN", "VB"], "auto", lambda token: token.tag_),
        (["NOUN", "VERB"], "tag", lambda token: token.tag_),
        (["NN", "VB"], "_.seqtag_test", lambda token: token._.seqtag_test),
    ],
)
def test_plain_labels(tmp_path, build_tagger, labels, attribute, read):
    tagger = build_tagger(labels=LabelSet(labels, "plain", "plain"))
    tagger.save(tmp_path / "model")
    nlp = spacy.blank("en")
    config = {"model": str(tmp_path / "model"), "attribute": attribute}
    nlp.add_pipe("seqtag", config=config)
    doc = nlp("Alex Graves is in Paris")
    assert [read(token) for token in doc] == tagger.predict([[token.text for token in doc]])[0]
    assert doc.ents == ()


def test_a_saved_pipeline_contains_the_model(nlp, model, tmp_path):
    folder = Path(model)
    before = entities(nlp(TEXT))
    nlp.to_disk(tmp_path / "pipeline")
    data = nlp.to_bytes()
    folder.rename(folder.with_name("moved"))
    try:
        loaded = spacy.load(tmp_path / "pipeline")
        assert entities(loaded(TEXT)) == before
        other = spacy.blank("en")
        other.add_pipe("seqtag")
        assert entities(other.from_bytes(data)(TEXT)) == before
    finally:
        folder.with_name("moved").rename(folder)


def test_a_model_of_the_hub(hub, folder, tagger):
    from shared.hub import Repository

    hub.repositories["anna/names"] = Repository()
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.repositories["anna/names"].commit("main", files)
    nlp = spacy.blank("en")
    nlp.add_pipe("seqtag", config={"model": "anna/names", "revision": "main"})
    assert hub.requests == []
    doc = nlp("Alex left Paris")
    assert entities(doc) == expected(tagger, doc, [[0, 1, 2]])


def test_errors(tmp_path, build_tagger, model):
    doc = Doc(spacy.blank("en").vocab, words=["Alex"])

    def error(**config):
        with pytest.raises(InputError) as caught:
            SpacyTagger(**config)(doc)
        return str(caught.value)

    assert "no model: nlp.add_pipe" in error(model=None)
    assert "no such folder" in error(model=str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    assert "config.json" in error(model=str(tmp_path / "empty"))
    assert "expected auto, tag, pos" in error(model=model, attribute="lemma")
    assert "only for plain labels" in error(model=model, attribute="tag")
    build_tagger(features=("pos",)).save(tmp_path / "features")
    assert "reads further columns (pos)" in error(model=str(tmp_path / "features"))
    build_tagger(labels=LabelSet(["NN"], "plain", "plain")).save(tmp_path / "plain")
    message = error(model=str(tmp_path / "plain"), attribute="pos")
    assert "'NN' is not a universal part of speech" in message


def test_documents_of_other_tokenizers(nlp):
    doc = Doc(nlp.vocab, words=["\n", "Alex", "\t", " ", "Graves"], spaces=[False] * 5)
    assert nlp.get_pipe("seqtag")(doc) is doc


@pytest.mark.slow
def test_the_entry_point(tmp_path, model):
    """spaCy finds the factory where seqtag is installed; what is slow is imported on first use."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project["entry-points"]["spacy_factories"]
    info = tmp_path / "seqtag_here-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: seqtag-here\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[spacy_factories]", *lines]))
    program = (
        "import sys, spacy\nnlp = spacy.blank('en')\nnlp.add_pipe('sentencizer')\n"
        "assert nlp.has_factory('seqtag')\n"
        "assert not {'lightning', 'datasets', 'seqtag.tagging.tagger'} & set(sys.modules)\n"
        f"nlp.add_pipe('seqtag', config={{'model': {model!r}}})\nprint(nlp('Alex left').ents)\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
