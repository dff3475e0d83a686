"""What several tests of studies share."""

import pytest
from shared.holding import SENTENCES, WANTED, FirstSymbol, holding_tagger

from seqtag.study.inside import inspect_taggers
from seqtag.study.sentences import sentences_of


@pytest.fixture(scope="session")
def tagger():
    """Return a tagger that holds the first symbol in one unit."""
    return holding_tagger()


@pytest.fixture(scope="session")
def sentences():
    """Return few sentences of the probe that asks for the first symbol."""
    return sentences_of(FirstSymbol(), SENTENCES, 0)


@pytest.fixture(scope="session")
def inside(tagger, sentences):
    """Return what is found in that tagger: linear probes of its memory, and silenced units."""
    return inspect_taggers([tagger], sentences, WANTED)[0]
