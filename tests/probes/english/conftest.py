"""Fixture of the tests of English sentences."""

import pytest

from seqtag.probes.english.parsing import PERSONS


@pytest.fixture(scope="session")
def shape():
    """Return a function that masks the persons of a sentence and their possessive marks."""

    def shape_of(tokens):
        masks = dict.fromkeys(PERSONS, "person") | dict.fromkeys(("'", "'s"), "mark")
        return [masks.get(token, token) for token in tokens]

    return shape_of
