"""Settings that a run with init= takes from the model folder."""

import json

import pytest

from seqtag.commands.folder_settings import with_folder_settings


@pytest.mark.parametrize(
    ("chosen", "overrides", "expected"),
    [
        ("default", (), "finest"),
        ("default", ("data.tokenizer=default",), "default"),
        ("whitespace", ("data.tokenizer=whitespace",), "whitespace"),
        ("characters", (), "characters"),  # set by an experiment
    ],
)
def test_the_tokenizer_of_the_folder_is_kept(chosen, overrides, expected, tmp_path, tagger):
    folder = tmp_path / "model"
    tagger.save(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["data"] = {"format": "spans", "tokenizer": "finest"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    plain = {"init": str(folder), "paths": {"output_dir": str(tmp_path / "run")}, "model": {}}
    plain |= {"cell": {"name": "lstm"}, "data": {"tokenizer": chosen}}
    assert with_folder_settings(plain, overrides)["data"]["tokenizer"] == expected
