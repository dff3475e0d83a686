"""POST /trace, and the files that draw its answer."""

import pytest


def test_sentences_and_models(client, tagger):
    answer = client.post("/trace", json={"text": ["Anna stays.", "Alex stays."]}).json()
    assert [trace["tokens"] for trace in answer["traces"]] == [
        *(["Anna", "stays", "."], ["Alex", "stays", "."])
    ]
    fields = {"text": "Anna stays.", "model": ["entities", "plain"]}
    answer = client.post("/trace", json=fields).json()
    assert [trace["name"] for trace in answer["traces"]] == ["entities", "plain"]
    assert answer["traces"][0]["labels"] == tagger.predict([["Anna", "stays", "."]])[0]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        *(({}, "text"), ({"text": " "}, "text"), ({"text": ["a", "b", "c"]}, "text")),
        *(({"text": "a", "model": "x"}, "model"), ({"text": "a", "model": []}, "model")),
        *(({"text": "a " * 2_001}, "text"), ({"words": "a"}, "words")),
    ],
)
def test_wrong_requests(client, fields, field):
    response = client.post("/trace", json=fields)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field


def test_models_say_whether_they_have_gates(client):
    assert [model["gates"] for model in client.get("/labels").json()["models"]] == [True, True]


def test_the_picture_is_served(client):
    module = client.get("/page/picture.js")
    assert module.headers["content-type"].startswith("text/javascript")
    assert "export" in module.text
    assert ".seqtag-picture" in client.get("/page/picture.css").text
