"""What tests of English sentences share: a sentence without its persons."""

import pytest

from seqtag.probes.english.parsing import PERSONS


@pytest.fixture(scope="session")
def shape():
    """Return a function that hides the persons of a sentence, and the marks that depend on them."""

    def of(tokens):
        hidden = dict.fromkeys(PERSONS, "person") | dict.fromkeys(("'", "'s"), "mark")
        return [hidden.get(token, token) for token in tokens]

    return of
