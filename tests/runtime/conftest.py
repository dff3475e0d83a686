"""Fixtures: small taggers, and the folders to which they are exported."""

from __future__ import annotations

from functools import cache

import pytest

from seqtag.export.folder import write_exported
from seqtag.export.network import export_network
from seqtag.export.weights import Float32, Int8

OPTIONS = {
    "crf": {},
    "softmax": {"decoder": "softmax", "scheme": "bio"},
    "bio": {"scheme": "bio", "bidirectional": False},
    "columns": {"features": ("pos",)},
    "subwords": {"subwords": True, "characters": None},
    "recurrent characters": {"characters": {"encoder": "gru", "size": 3, "hidden_size": 4}},
    "normalized": {"encode": {"normalize": "NFKC", "lowercase": True, "fold_digits": False}},
}


@pytest.fixture(scope="session")
def export_of(build_any, tmp_path_factory):
    """Return a function: from a name in OPTIONS to a tagger and its exported folder."""

    @cache
    def export(name, quantised=False):
        options = dict(OPTIONS[name])
        if options.pop("subwords", False):
            options |= {"encode": {"subwords": {"vocab_size": 40}}, "subword_size": 3}
        tagger = build_any(**options)
        folder = tmp_path_factory.mktemp("runtime")
        tagger.save(folder / "model")
        exported = export_network(tagger.network, Int8() if quantised else Float32())
        write_exported(str(folder / "exported"), folder / "model", exported)
        return tagger, folder / "exported"

    return export


@pytest.fixture
def exported_folder(export_of, tmp_path):
    """Return a copy of an exported folder, which a test may damage."""
    from shutil import copytree

    return copytree(export_of("crf")[1], tmp_path / "exported")
