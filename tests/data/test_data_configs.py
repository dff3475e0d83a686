"""The YAML files of the data group: each composes to a CorpusConfig, and each key is known."""

import dataclasses
import re
from functools import cache
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from seqtag.checks import from_plain
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus

CONF = Path(__file__).parents[2] / "conf"
NAMES = ["column", "conllu", "json", "csv", "parquet", "hub", "conll2000", "wnut17", "ud_ewt"]
NAMES += ["spans"]
FIELDS = {field.name for field in dataclasses.fields(CorpusConfig)}
# Keys of the group that are not about reading a corpus.
OTHERS = {"gazetteers", "gazetteer_ignore_case", "gazetteer_encoding"}


@cache
def keys(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        data = OmegaConf.to_container(compose(overrides=list(overrides)).data)
    return {key: value for key, value in data.items() if key in FIELDS}


def composed(*overrides):
    return from_plain(CorpusConfig, keys(*overrides), "data")


@pytest.mark.parametrize("name", NAMES)
def test_only_the_path_is_required(name):
    config = composed(f"+data={name}", "data.path=somewhere")
    assert config.path == "somewhere"


@pytest.mark.parametrize("name", NAMES[:6])
def test_generic_files_hold_the_defaults_of_the_code(name):
    config = composed(f"+data={name}", "data.path=x")
    assert config == CorpusConfig(format=config.format, path="x")


@pytest.mark.parametrize("name", ["_corpus", *NAMES])
def test_keys_are_known_and_explained(name):
    lines = (CONF / "data" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    own = {line.partition(":")[0] for line in lines if line[:1].isalpha()}
    assert own - {"defaults"} <= FIELDS | OTHERS
    assert lines[0].startswith("# ")


def test_overrides_on_the_command_line(write, tmp_path):
    write("one.txt", "a O\n\nb B-X\n")
    one = composed("+data=column", f"data.path={tmp_path}/one.txt")
    assert list(load_corpus(one).splits) == ["train", "dev"]
    folder = composed(
        "+data=column", f"data.path={tmp_path}", "data.files.train=one.txt",
        "data.columns=[labels,tokens,*]",
    )  # fmt: skip
    assert load_corpus(folder).scheme == "plain"
    assert folder.columns == ("labels", "tokens", "*")


def test_conll2000_with_parts_of_speech(write, tmp_path):
    write("train.txt", "He PRP B-NP\nis VBZ B-VP\n\nIt PRP B-NP\n")
    write("test.txt", "She PRP B-NP\n")
    corpus = load_corpus(
        composed("+data=conll2000", f"data.path={tmp_path}", "data.features=[pos]")
    )
    assert list(corpus.splits) == ["train", "dev", "test"]
    assert corpus.splits["test"][0]["pos"] == ["PRP"]
    assert corpus.splits["test"][0]["labels"] == ["B-NP"]


# Keys that messages advise to set, and the configs whose corpora can cause the messages.
ADVISED = {
    ("path", "files", "token_column", "label_column", "features", "scheme"): NAMES[:6],
    (
        "label_names",
        "normalize",
        "unlabelled",
        "dev_fraction",
        "folds",
        "fold",
        "split_by",
        "processes",
        "streaming",
        "cache_dir",
    ): NAMES[:6],
    ("encoding",): ["column", "conllu", "json", "csv", "hub", "spans"],
    ("document_column",): ["json", "csv", "parquet", "hub"],
    ("columns", "separator", "comment", "document_marker"): ["column"],
    ("absent",): ["conllu"],
    ("sentence_column",): ["csv"],
    ("name", "revision"): ["hub"],
}


@pytest.mark.parametrize(("advised", "names"), ADVISED.items())
def test_keys_that_messages_advise_can_be_set(advised, names):
    for name in names:
        assert set(advised) <= keys(f"+data={name}").keys(), name


def test_the_table_has_every_key_that_messages_name():
    folder = CONF.parent / "seqtag" / "data"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    named = set(re.findall(r"[Ss]et data\.([a-z_]+)", text))
    assert named
    assert named <= set().union(*ADVISED)
