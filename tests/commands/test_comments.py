import yaml

from seqtag.cli import main
from seqtag.commands.comments import Key, annotate, groups_of, keys_of, keys_of_file
from seqtag.commands.help import config_dir, help_text

TEXT = """\
# What the file is.
defaults:
  - _base
  - cell: lstm # the cell

size: 3 # units of a layer
# Of which kind it is,
# in two lines.
kind: "a # b"
parts:
  first: [1, 2] # both
  second: null
"""


def test_keys_have_the_comment_at_their_end_or_above():
    assert keys_of(TEXT) == {
        ("size",): Key("3", "units of a layer"),
        ("kind",): Key('"a # b"', "Of which kind it is, in two lines."),
        ("parts",): Key("", ""),
        ("parts", "first"): Key("[1, 2]", "both"),
        ("parts", "second"): Key("null", ""),
    }
    assert groups_of(TEXT) == {"cell": Key("lstm", "the cell")}


def test_keys_of_a_file_include_those_of_its_bases(tmp_path):
    (tmp_path / "_base.yaml").write_text("size: 1 # of the base\ndepth: 2 # how deep\n")
    (tmp_path / "mine.yaml").write_text(TEXT)
    keys = keys_of_file(tmp_path / "mine.yaml")
    assert keys["depth",] == Key("2", "how deep")
    assert keys["size",] == Key("3", "units of a layer")


def test_annotated_text_has_the_same_values():
    text = yaml.dump({"a": "x " * 60, "b": [1, 2], "c": {"d": "#"}}, sort_keys=False)
    comments = {("a",): "long", ("b",): "a list", ("c", "d"): "a sign", ("e",): "not there"}
    annotated = annotate(text, comments)
    assert yaml.safe_load(annotated) == yaml.safe_load(text)
    assert "b: # a list\n" in annotated
    assert "d: '#' # a sign\n" in annotated
    assert "long" not in annotated  # between two lines of the value it would be part of it


def test_cfg_job_prints_comments_and_the_same_values(capsys):
    words = ["cell=gru", "model.hidden_size=7", "trainer=cpu"]
    assert main(["train", *words, "--cfg", "job"]) == 0
    shown = capsys.readouterr().out
    assert "hidden_size: 7 # " in shown
    assert main(["train", *words, "--cfg", "all"]) == 0
    everything = yaml.safe_load(capsys.readouterr().out)
    del everything["hydra"]
    assert yaml.safe_load(shown) == everything


def test_cfg_of_a_part_is_as_hydra_prints_it(capsys):
    assert main(["train", "--cfg", "job", "--package", "optimizer"]) == 0
    assert capsys.readouterr().out.startswith("# @package optimizer\n_target_: torch.optim.AdamW\n")


def test_help_lists_every_key_of_the_main_groups():
    text = help_text("train")
    for group, option in (("model", "tagger"), ("trainer", "default"), ("data", "column")):
        for path, key in keys_of_file(config_dir() / group / f"{option}.yaml").items():
            if key.value and key.comment:
                assert f"  {group}.{'.'.join(path)} " in text
    assert "data.probe" in help_text("probe")
    assert "data.separator" not in help_text("probe")


def test_cfg_with_a_deletion_and_with_a_sweep(capsys):
    assert main(["train", "~preset", "seed=3", "--cfg", "job"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["model"]["decoder"] == "crf"
    assert main(["train", "-m", "cell=gru,lstm", "--cfg", "job"]) == 2
    assert "leave out -m" in capsys.readouterr().err
