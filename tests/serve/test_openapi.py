"""The description of the interface fits what the server answers."""

import pytest

TYPES = {
    **{"string": str, "boolean": bool, "integer": int, "number": (int, float)},
    **{"array": list, "object": dict, "null": type(None)},
}


def fits(value, schema, schemas, place=""):
    """Check a value against the part of JSON schema that is used here."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(isinstance(value, TYPES[kind]) for kind in kinds), f"{place}: {value!r}"
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value) <= set(schema["properties"]), place
        for name, inner in value.items():
            fits(inner, schema["properties"][name], schemas, f"{place}.{name}")
    elif isinstance(value, dict) and "additionalProperties" in schema:
        for name, inner in value.items():
            fits(inner, schema["additionalProperties"], schemas, f"{place}.{name}")
    if isinstance(value, list):
        for inner in value:
            fits(inner, schema["items"], schemas, f"{place}[]")


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/tag", {"text": "Alex Graves left.", "probabilities": True, "unknown": True}),
        ("/tag", {"text": ["Alex", "Anna"], "certainty": True, "alternatives": 2}),
        ("/tag", {"tokens": ["Alex"], "top_labels": 1}),
        ("/trace", {"text": "Alex left."}),
        ("/labels", None),
        ("/health", None),
        ("/tag", {"text": 1}),
    ],
)
def test_answers_fit(client, document, path, fields):
    response = client.get(path) if fields is None else client.post(path, json=fields)
    operation = document["paths"][path]["get" if fields is None else "post"]
    described = operation["responses"][str(response.status_code)]["content"]["application/json"]
    fits(response.json(), described["schema"], document["components"]["schemas"])


def test_the_example_is_answered(client, document):
    body = document["paths"]["/tag"]["post"]["requestBody"]["content"]["application/json"]
    assert client.post("/tag", json=body["example"]).status_code == 200


def test_the_page_of_the_interface(client, document):
    page = client.get("/api").text
    for name in (*document["components"]["schemas"], *document["paths"]):
        assert name in page
    assert "http://testserver/tag --json" in page


def test_every_field_is_described(document):
    properties = document["components"]["schemas"]["TagRequest"]["properties"]
    assert all(schema["description"].endswith(".") for schema in properties.values())
    assert properties["probabilities"]["default"] is False
