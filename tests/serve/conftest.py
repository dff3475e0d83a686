"""Fixtures: clients of the application, without a network."""

import pytest
from starlette.testclient import TestClient

from seqtag.serve.app import application
from seqtag.serve.limits import Limits
from seqtag.serve.models import Models


@pytest.fixture(scope="session")
def models(tagger, plain_tagger):
    return Models({"entities": tagger, "plain": plain_tagger})


@pytest.fixture(scope="session")
def client(models):
    limits = Limits(body=20_000, texts=10, sentence=500, batch=20)
    with TestClient(application(models, limits, workers=2)) as client:
        yield client


@pytest.fixture
def tag(client):
    """Return a function that posts fields to /tag and returns the answer, which must be right."""

    def post(**fields):
        response = client.post("/tag", json=fields)
        assert response.status_code == 200, response.text
        return response.json()

    return post
