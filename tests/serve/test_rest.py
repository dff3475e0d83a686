"""REST: answers are those of `Tagger`; wrong requests are refused by name."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

import seqtag
from seqtag.serve.app import application
from seqtag.serve.limits import Limits
from seqtag.serve.models import Models, names_of

TEXT = "Alex Graves is going to Paris. Anna stays in 1999."
WORDS = ["Alex", "Graves", "is", "going"]


def plain(sentences):
    return [sentence.to_plain() for sentence in sentences]


def test_text(tag, tagger):
    assert tag(text=TEXT) == {"model": "entities", "sentences": plain(tagger.tag(TEXT))}


def test_options(tag, tagger):
    options = {"probabilities": True, "certainty": True, "alternatives": 3, "top_labels": 2}
    answer = tag(text=TEXT, unknown=True, **options)
    expected = plain(tagger.tag(TEXT, **options))
    for sentence in answer["sentences"]:
        words = sentence["tokens"]
        assert sentence.pop("unknown") == [word in tagger.unknown_words(words) for word in words]
    assert answer["sentences"] == expected


def test_several_texts(tag, tagger):
    texts = [TEXT, "", "Anna stays."]
    answer = tag(text=texts)
    assert answer["texts"] == [{"sentences": plain(tagger.tag(text))} for text in texts]


def test_words(tag, tagger):
    assert tag(tokens=WORDS)["sentences"] == plain(tagger.tag([WORDS]))
    sentences = [WORDS, [], ["Anna"]]
    assert tag(tokens=sentences)["sentences"] == plain(tagger.tag(sentences))
    assert tag(tokens=[])["sentences"] == []


def test_scheme_and_bias(tag, tagger):
    answer = tag(text=TEXT, scheme="bmes", bias={"PER": 50, "LOC": 0.1})
    variant = tagger.with_bias({"PER": 50, "LOC": 0.1}).with_scheme("bmes")
    assert answer["sentences"] == plain(variant.tag(TEXT))
    assert answer["sentences"] != plain(tagger.tag(TEXT))


def test_another_model(tag, plain_tagger):
    answer = tag(text=TEXT, model="plain")
    assert answer == {"model": "plain", "sentences": plain(plain_tagger.tag(TEXT))}


def test_long_texts_are_tagged_in_parts(tag, tagger):
    text = TEXT * 40  # batches have at most 20 tokens
    assert tag(text=text)["sentences"] == plain(tagger.tag(text))


def test_any_characters(tag, tagger):
    for text in ("שלום Anna <b>x</b> \u202e \U0001f600", "\x00\x1b[31m", "e\u0301 \u2028 x"):
        assert tag(text=text)["sentences"] == plain(tagger.tag(text))


def test_lone_surrogates_come_back_as_escapes(client):
    response = client.post(
        "/tag", content=b'{"text": "\\ud800 x"}', headers={"content-type": "application/json"}
    )
    assert response.json()["sentences"][0]["tokens"] == ["\ud800", "x"]


def test_further_columns(build_tagger):
    tagger = build_tagger(features=("pos",))
    with TestClient(application(Models({"pos": tagger}), Limits(), 1)) as client:
        fields = {"tokens": ["Anna", "stays"], "features": {"pos": ["NNP", "VBZ"]}}
        answer = client.post("/tag", json=fields).json()
        expected = tagger.tag([["Anna", "stays"]], features={"pos": [["NNP", "VBZ"]]})
        assert answer["sentences"] == plain(expected)
        for features in (None, {"pos": ["NNP"]}, {"pos": [1, 2]}, {"no": ["A", "B"]}):
            response = client.post("/tag", json={**fields, "features": features})
            assert response.status_code == 422
            assert response.json()["error"]["field"] == "features"


WRONG = [
    (b"[", 400, None, "not JSON"),
    (b"\xff", 400, None, "not UTF-8 (byte 0)"),
    (b'{"text": NaN}', 400, None, "NaN"),
    (b'{"text": "a", "text": "b"}', 400, "text", "occurs twice"),
    (b"[" * 10_000, 400, None, "nested too deeply"),
    (b'{"bias": {"PER": ' + b"1" * 5_000 + b"}}", 400, None, "thousands of digits"),
    (b"[1]", 422, None, "must be an object"),
    (b"{}", 422, "text", "neither"),
    (b'{"text": "a", "tokens": ["a"]}', 422, "text", "both"),
    (b'{"txt": "a"}', 422, "txt", "did you mean 'text'"),
    (b'{"text": 1}', 422, "text", "must be text or a list"),
    (b'{"text": ["a", 1]}', 422, "text", "text[1] must be text"),
    (b'{"tokens": ["a", 1]}', 422, "tokens", "sentence 1, word 2"),
    (b'{"tokens": [["a"], "b"]}', 422, "tokens", "sentence 2"),
    (b'{"tokens": [1]}', 422, "tokens", "sentence 1"),
    (b'{"text": "a", "probabilities": 1}', 422, "probabilities", "true or false"),
    (b'{"text": "a", "alternatives": 21}', 422, "alternatives", "from 0 to 20"),
    (b'{"text": "a", "bias": {"P": 2}}', 422, "bias", "known: O, LOC, PER"),
    (b'{"text": "a", "bias": {"PER": 0}}', 422, "bias", "must be a number from"),
    (b'{"text": "a", "scheme": "plain"}', 422, "scheme", "cannot be converted"),
    (b'{"text": "a", "model": "x"}', 422, "model", "known: entities, plain"),
    (b'{"text": "a", "features": {"pos": ["N"]}}', 422, "features", "no further columns"),
    (b'{"text": "' + b"a " * 501 + b'"}', 422, "text", "sentence 1 has 501 tokens"),
    (b'{"tokens": [' + b'["a"],' * 10 + b'["a"]]}', 422, "tokens", "11 elements"),
    (b'{"text": [' + b'"a",' * 10 + b'"a"]}', 422, "text", "11 elements"),
    (b'{"text": "' + b"a" * 20_000 + b'"}', 413, None, "20,000 bytes"),
]


@pytest.mark.parametrize(("body", "status", "field", "message"), WRONG)
def test_wrong_requests(client, body, status, field, message):
    response = client.post("/tag", content=body, headers={"content-type": "application/json"})
    error = response.json()["error"]
    assert (response.status_code, error["status"], error["field"]) == (status, status, field)
    assert message in error["message"]


def test_the_type_must_be_json(client):
    response = client.post("/tag", content=b"{}")
    assert response.status_code == 415
    assert "Content-Type" in response.json()["error"]["message"]


def test_a_body_without_a_length_is_measured(client):
    chunks = (b" " * 1_000 for _ in range(100))
    response = client.post("/tag", content=chunks, headers={"content-type": "application/json"})
    assert response.status_code == 413


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/x", 404), ("PUT", "/tag", 405)])
def test_wrong_addresses(client, method, path, status):
    response = client.request(method, path)
    assert response.status_code == status
    assert response.json()["error"]["message"].endswith(path)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = (
    *("text", "tokens", "features", "model", "probabilities", "unknown", "scheme", "bias"),
    "alternatives",
)


@pytest.mark.fuzz("requests")
@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=4))
def test_any_request_is_answered_or_refused(client, fields):
    content = json.dumps(fields).encode()
    response = client.post("/tag", content=content, headers={"content-type": "application/json"})
    assert response.status_code in (200, 413, 422), response.text
    assert ("error" in response.json()) == (response.status_code != 200)


@pytest.mark.fuzz("bodies")
@given(st.binary(max_size=200))
def test_any_body_is_refused(client, body):
    response = client.post("/tag", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)


def test_labels(client):
    entities, plain = client.get("/labels").json()["models"]
    assert entities["name"] == "entities"
    assert entities["spans"]
    assert entities["labels"][1] == {
        **{"name": "PER", "description": "person", "count": None, "f1": None}
    }
    assert not plain["spans"]
    assert [label["name"] for label in plain["labels"]] == ["NOUN", "VERB", "X"]
    assert client.get("/labels?model=plain").json() == {"models": [plain]}
    error = client.get("/labels?model=plane").json()["error"]
    assert (error["status"], error["field"]) == (404, "model")


def test_labels_show_the_figures_of_the_folder(build_tagger):
    tagger = build_tagger()
    for figures in ({}, {"splits": 1}, {"splits": {"dev": {"per_label": {"PER": 1}}}}):
        tagger.figures = figures
        described = Models({"a": tagger}).find(None).describe()
        assert [label["count"] for label in described["labels"]] == [None, None]
    scores = {"PER": {"support": 4, "f1": 0.5}, "LOC": {"support": "4", "f1": float("nan")}}
    tagger.figures = {"splits": {"dev": {}, "test": {"per_label": scores}}}
    described = Models({"a": tagger}).find(None).describe()
    assert described["counted_in"] == "test"
    assert [(label["count"], label["f1"]) for label in described["labels"]] == [
        *((None, None), (4, 0.5))
    ]


def test_health(client):
    health = client.get("/health").json()
    assert health["status"] == "ok"
    assert health["models"] == ["entities", "plain"]


def test_names_of_models():
    folders = ["logs/train/first/model", "/x/first/", "/x/second/model", "."]
    assert list(names_of(folders))[:3] == ["first", "first-2", "second"]
    with pytest.raises(ValueError, match="given twice"):
        names_of(["a", "a"])


README = Path(seqtag.__file__).parent / "serve" / "README.md"
CURL = re.findall(
    r"^curl http://127.0.0.1:8000(\S+)(?: --json '(.*)')?$",
    README.read_text(encoding="utf-8"),
    re.M,
)


@pytest.mark.parametrize(("path", "body"), CURL)
def test_the_requests_of_the_readme(client, path, body):
    if body:
        content = body.encode()
        response = client.post(path, content=content, headers={"content-type": "application/json"})
    else:
        response = client.get(path)
    assert response.status_code == 200, response.text


def test_headers(client):
    for path in ("/", "/api", "/health", "/page/x", "/x"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_fault_is_not_shown(models, monkeypatch):
    app = application(models, Limits(), 1)
    with TestClient(app, raise_server_exceptions=False) as client:
        monkeypatch.setattr(type(models.find(None)), "variant", None, raising=False)
        monkeypatch.setattr("seqtag.serve.app.plan", lambda *_: 1 / 0)
        response = client.post("/tag", json={"text": "a"})
    assert response.status_code == 500
    assert "ZeroDivision" not in response.text
    assert re.search("its log has the details", response.text)
