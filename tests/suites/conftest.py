from __future__ import annotations

import json

import pytest

from seqtag.data.formats.lines import SourceFile


@pytest.fixture
def source(write):
    """Return a function that writes a file and returns it as a `SourceFile` with that name."""

    def write_source(name: str, content: str | bytes) -> SourceFile:
        return SourceFile(write(name, content), name)

    return write_source


@pytest.fixture
def blimp_line():
    """Return a function that formats two sentences as a line of BLiMP."""

    def to_line(good: str, bad: str, uid="anaphor_gender_agreement", **more) -> str:
        term = "anaphor_agreement" if uid.startswith("anaphor") else "subject_verb_agreement"
        record = {"sentence_good": good, "sentence_bad": bad, "UID": uid, "pairID": "0"}
        record |= {"linguistics_term": term, "one_prefix_method": True}
        return json.dumps(record | more) + "\n"

    return to_line
