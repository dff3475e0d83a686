"""The verb `evaluate`: which files it reads, and what it uses from a model folder."""

import json
import shutil
from pathlib import Path

import datasets
import pandas as pd
import pytest

from seqtag.commands.evaluate import evaluate
from seqtag.commands.train import train
from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.labels import Notation, convert


@pytest.fixture(scope="module")
def models(tmp_path_factory, compose_filled, make_sentences) -> Path:
    """Return a folder with a corpus, and taggers trained on it: ``bio``, ``bioes``, ``plain``."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "corpus").mkdir()
    for seed, (split, count) in enumerate({"train": 60, "dev": 20, "test": 20}.items()):
        text = make_sentences(count, seed)
        (folder / "corpus" / f"{split}.txt").write_text(text, encoding="utf-8")
    kinds = {
        "bio": (),
        "bioes": ("data.tag_scheme=bioes", "data.features=[pos]"),
        "plain": ("data.label_column=pos", "model.decoder=softmax"),
    }
    for name, own in kinds.items():
        places = {"CORPUS": folder / "corpus", "OUTPUT": folder / name}
        train(compose_filled("train", *own, "paths.output_dir=OUTPUT", **places))
    return folder


@pytest.fixture
def scored(models, tmp_path, monkeypatch, compose_filled):
    """Return a function that evaluates a tagger with some overrides, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*overrides: str, model: str | Path = "bio"):
        place = models / model / "model" if isinstance(model, str) else model
        names = {"MODEL": place, "CORPUS": models / "corpus", "OUTPUT": tmp_path / "figures"}
        given = ("model_dir=MODEL", *overrides, "paths.output_dir=OUTPUT")
        return evaluate(compose_filled("evaluate", *given, **names))

    return run


@pytest.fixture
def with_data(models, tmp_path):
    """Return a function that copies a model folder and sets keys of its data group."""

    def copied(**values) -> Path:
        folder = tmp_path / "stranger"
        shutil.copytree(models / "bio" / "model", folder)
        path = folder / "config.json"
        config = json.loads(path.read_text("utf-8"))
        config["data"] |= values
        path.write_text(json.dumps(config), "utf-8")
        return folder

    return copied


@pytest.fixture(scope="session")
def twenty(make_sentences) -> str:
    return make_sentences(20, 7)


# A file that is named alone is scored whole whatever it is called.
@pytest.mark.parametrize(
    ("name", "split", "layout"),
    [
        ("new.txt", "train", ()),
        ("train.txt", "test", ()),
        ("odd [1].txt", "dev", ()),
        ("train.txt", "dev", ("data=column", "data.columns=[tokens,pos,labels]")),
    ],
)
def test_a_single_file_is_evaluated_as_a_whole(twenty, scored, write, name, split, layout):
    write(name, twenty)
    chosen = f"data.path='{name}'"
    scores = scored(*layout, chosen, f"split={split}")
    assert (scores["split"], scores["sentences"]) == (split, 20)


@pytest.mark.parametrize(
    ("files", "path"),
    [
        (("new.txt",), "set"),  # a folder with one file
        (("a.txt", "b.txt"), "'set/*.txt'"),
    ],
)
def test_files_without_splits_are_evaluated_as_a_whole(make_sentences, scored, write, files, path):
    for name in files:
        write(f"set/{name}", make_sentences(20 // len(files), 7))
    assert scored(f"data.path={path}")["sentences"] == 20


def test_named_splits_are_chosen_by_name_and_nothing_is_held_out(
    make_sentences, twenty, scored, write
):
    write("set/train.txt", twenty)
    with pytest.raises(InputError, match="unknown split of data 'test'; known: train"):
        scored("data.path=set")
    with pytest.raises(InputError, match="unknown split of data 'dev'"):
        scored("data.path=set", "split=dev")
    assert scored("data.path=set", "split=train")["sentences"] == 20
    assert scored("data.path=CORPUS", "split=train")["sentences"] == 60
    write("set/more.txt", make_sentences(5, 1))
    assert scored("data.path=set", "data.files.test=more.txt")["sentences"] == 5
    with pytest.raises(InputError, match=r"split must be one of train, dev, test, not 'tset'"):
        scored("data.path=CORPUS", "split=tset")


def test_the_layout_is_that_of_the_training_corpus(twenty, scored, write):
    write("new.txt", twenty)
    assert scored("data.path=new.txt", model="bioes")["sentences"] == 20
    with pytest.raises(InputError, match=r"new.txt:1: 3 columns"):
        scored("data=column", "data.path=new.txt")


def test_the_corpus_must_be_named(scored, models):
    with pytest.raises(InputError, match=r"name the corpus with data.path=PATH") as caught:
        scored()
    assert f"data.path='{models / 'corpus'}'" in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"cache_dir": "written", "path": "/proc/self/environ", "features": ["no-such-column"]},
        {"path": "zip://*.txt::http://127.0.0.1:9/x.zip", "files": {"test": "/etc/passwd"}},
        {"files": {"test": "zip://*.txt::http://127.0.0.1:9/x.zip"}},
        {"name": "x", "revision": "y", "streaming": True, "processes": 10**6},
        {
            **{"dev_fraction": 0.9, "split_seed": -5, "stream": {"buffer": 10**12}},
            "batch": {"sentences": 10**12, "tokens": 10**12, "workers": 10**6},
        },
        {"encode": {"subwords": {"path": "/etc/passwd"}}, "tag_scheme": 5, "other": {}},
    ],
    ids=str,
)
def test_only_the_layout_of_a_model_folder_is_used(
    twenty, scored, write, with_data, values, tmp_path
):
    write("new.txt", twenty)
    folder = with_data(**values)
    assert scored("data.path=new.txt", model=folder)["sentences"] == 20
    with pytest.raises(InputError, match=r"name the corpus with data.path=PATH"):
        scored(model=folder)
    there = {path.name for path in tmp_path.iterdir()}
    assert there <= {"new.txt", "stranger", "figures"}


@pytest.mark.parametrize(
    "values",
    [
        {"format": "os.system"},
        {"format": ["column"]},
        {"columns": "tokens"},
        {"columns": ["tokens", "tokens"]},
        {"encoding": "utf9"},
        {"scheme": "boi"},
        {"label_column": "x"},
    ],
    ids=str,
)
def test_errors_in_the_layout_name_the_model_folder(twenty, scored, write, with_data, values):
    write("new.txt", twenty)
    with pytest.raises(InputError, match=r"stranger/config\.json"):
        scored("data.path=new.txt", model=with_data(**values))


def test_error_messages_escape_values_of_the_folder(scored, with_data):
    with pytest.raises(InputError) as caught:
        scored(model=with_data(path="\x1b[2Jx\ny"))
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_generated_items_follow_the_settings_of_the_training(scored, with_data):
    stored = {"format": "probe", "probe": "parity", "test": 30}
    folder = with_data(**stored)
    with pytest.raises(InputError, match="the tagger's labels are bio, but the corpus's are plain"):
        scored(model=folder)
    with pytest.raises(InputError, match="trained on generated items"):
        scored("data.path=new.txt", model=folder)
    shutil.rmtree(folder)
    for greedy in ({"test": 10**6}, {"lag": 10**6}, {"test": 50_000, "lag": 50_000}):
        folder = with_data(**stored | greedy)
        with pytest.raises(InputError, match=r"config\.json.*set data=probe"):
            scored(model=folder)
        shutil.rmtree(folder)


@pytest.mark.parametrize("model", ["bio", "bioes"])
def test_another_span_scheme_is_converted(twenty, scored, write, model, caplog):
    text = ""
    for sentence in twenty.strip().split("\n\n"):
        rows = [line.split() for line in sentence.splitlines()]
        labels = convert([row[2] for row in rows], "bio", "bioes")
        text += "".join(f"{a} {b} {c}\n" for (a, b, _), c in zip(rows, labels, strict=True))
        text += "\n"
    write("gold.txt", text)
    write("new.txt", twenty)
    with caplog.at_level("INFO"):
        converted = scored("data.path=gold.txt", model=model)
    assert "the corpus's labels are bioes: converted to bio" in caplog.text
    same = scored("data.path=new.txt", model=model)
    for name in ("sentences", "tokens", "accuracy", "f1", "per_label"):
        assert converted[name] == same[name]


def test_scheme_of_the_corpus_may_differ_from_that_in_the_folder(scored, write, with_data):
    write("gold.txt", "Ada N S-PER\nleft V O\n\nDr N O\nBob N B-PER\nSmith N E-PER\n")
    scores = scored("data.path=gold.txt", model=with_data(scheme="bio"))
    assert scores["tokens"] == 5
    write("bad.txt", "Ada N X-PER\n")
    with pytest.raises(InputError, match=r"bad.txt:1"):
        scored("data.path=bad.txt", model=Path("stranger"))


@pytest.mark.parametrize("scheme", ["io", "iob1", "ioe1", "ioe2", "bilou", "bmes", "bmewo", "B_X"])
@pytest.mark.parametrize("trained", ["auto", "bio"])
def test_gold_labels_in_any_scheme_give_the_same_scores(scored, write, with_data, scheme, trained):
    bio = make_gold()
    notation = Notation("bio", separator="_", lower=True) if scheme == "B_X" else Notation(scheme)
    for name, write_label in (("bio", str), ("gold", notation.write)):
        target = "bio" if name == "bio" else notation.scheme
        text = ""
        for rows in bio:
            labels = convert([row[2] for row in rows], "bio", target)
            pairs = zip(rows, labels, strict=True)
            text += "".join(f"{a} {b} {write_label(c)}\n" for (a, b, _), c in pairs) + "\n"
        write(f"{name}.txt", text)
    model = with_data(scheme=trained)
    expected = scored("data.path=bio.txt", model=model)
    scores = scored("data.path=gold.txt", model=model)
    for name in ("sentences", "tokens", "accuracy", "f1", "per_label"):
        assert scores[name] == expected[name]


def make_gold():
    """Return sentences of (word, tag, label), most of them without spans."""
    rows = [("Ada", "N", "B-PER"), ("Smith", "N", "I-PER"), ("left", "V", "O"), ("for", "P", "O")]
    rows += [("Rome", "N", "B-LOC"), (".", ".", "O"), ("so", "A", "O")]
    return [rows, [("Bob", "N", "B-PER"), ("lives", "V", "O"), (".", ".", "O")]] * 2


def test_plain_and_span_labels_are_not_converted(scored, write):
    with pytest.raises(InputError, match="the tagger's labels are bio, but the corpus's are plain"):
        scored(
            *("data=column", "data.path=CORPUS", "data.columns=[tokens,pos,labels]"),
            "data.label_column=pos",
        )
    write("all_o.txt", "a O x\nb O x\n")
    assert scored("data.path=all_o.txt", model="plain")["accuracy"] == 0.0


def test_conversion_keeps_the_other_columns(models):
    from seqtag.commands.evaluate import _in_scheme
    from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
    from seqtag.tagging.tagger import Tagger

    config = CorpusConfig(
        "column", str(models / "corpus"), columns=("tokens", "pos", "labels"), features=("pos",)
    )
    corpus = load_corpus(config, ("test",))
    tagger = Tagger.load(models / "bio" / "model")
    tagger.labels = LabelSet(tagger.labels.labels, "bio", "bioes")
    converted = _in_scheme(corpus, "test", tagger)
    before, after = corpus.splits["test"], converted.splits["test"]
    assert isinstance(after, datasets.Dataset)
    assert before.column_names == after.column_names
    for column in set(before.column_names) - {"labels"}:
        assert before[column][:] == after[column][:]
    assert after["labels"][:] == [convert(row, "bio", "bioes") for row in before["labels"][:]]


def test_recall_does_not_fall_as_the_odds_of_a_label_rise(scored):
    def recall(factor):
        scores = scored("data.path=CORPUS", f"bias={{N: {factor}}}", model="plain")
        return scores["per_label"]["N"]["recall"]

    recalls = [recall(factor) for factor in ("1e-6", "0.5", "1", "2", "1e6")]
    assert recalls == sorted(recalls)
    assert (recalls[0], recalls[-1]) == (0.0, 1.0)


def test_a_neutral_bias_changes_no_score(scored):
    neutral, plain = scored("data.path=CORPUS", "bias={PER: 1}"), scored("data.path=CORPUS")
    del neutral["tokens_per_second"], plain["tokens_per_second"]
    assert neutral == plain
    with pytest.raises(InputError, match=r"unknown type in bias 'PRE' \(did you mean 'PER'"):
        scored("data.path=CORPUS", "bias={PRE: 2}")


def test_predictions_can_be_scored_again(scored, tmp_path, write):
    from seqeval.metrics import f1_score

    scores = scored("data.path=CORPUS")
    figures = tmp_path / "figures"
    text = (figures / "predictions.conll").read_text()
    rows = [[line.split(" ") for line in part.split("\n")] for part in text.split("\n\n") if part]
    gold, predicted = ([[row[side] for row in rows] for rows in rows] for side in (1, 2))
    assert scores["f1"] == pytest.approx(f1_score(gold, predicted))
    write("again.conll", text)
    columns = "data.columns=[tokens,labels,_]"
    again = scored("data=column", "data.path=again.conll", columns)
    for name in ("sentences", "tokens", "accuracy", "f1", "macro_f1", "per_label", "by_length"):
        assert again[name] == scores[name]
    assert (figures / "predictions.conll").read_text() == text
    confusion = pd.read_csv(figures / "confusion.csv")
    by_type = confusion[confusion["gold"] != "none"].groupby("gold")["count"].sum().to_dict()
    assert by_type == {t: row["support"] for t, row in scores["per_label"].items()}
    assert "<h1>Errors of bio (test split)</h1>" in (figures / "errors.html").read_text()


def test_a_training_writes_the_errors_on_its_last_split(models):
    for name in ("predictions.conll", "confusion.csv", "errors.html"):
        assert (models / "bio" / name).stat().st_size
    splits = json.loads((models / "bio" / "metrics.json").read_text())["splits"]
    assert "by_length" in splits["test"]
    assert "by_length" not in splits["dev"]


def test_labels_unseen_in_training_are_named(scored, write, caplog):
    write("new.txt", "Ada N B-NEW\nleft V O\n\nBob N B-PER\n. . O\n")
    scores = scored("data.path=new.txt")
    assert scores["unseen_labels"] == {"NEW": 1}
    assert scores["without_unseen_labels"]["f1"] >= scores["f1"]
    assert "labels unseen in training, which this tagger cannot predict: NEW (1 spans)" in (
        caplog.text
    )


def test_an_empty_file_is_refused_before_anything_is_written(scored, write, tmp_path):
    write("new.txt", "")
    with pytest.raises(InputError, match=r"new\.txt"):
        scored("data.path=new.txt")
    assert not (tmp_path / "figures" / "predictions.conll").exists()


def test_unlabelled_tokens_are_marked_and_not_scored(scored, write, tmp_path):
    write("new.txt", "Ada N B-PER\nleft V _\n\nBob N _\n")
    scores = scored("data.path=new.txt", "+data.unlabelled=_")
    assert scores["tokens"] == 1
    lines = (tmp_path / "figures" / "predictions.conll").read_text().split("\n")
    assert [line.split(" ")[:2] for line in lines if line] == [
        ["Ada", "B-PER"],
        ["left", "_"],
        ["Bob", "_"],
    ]


@pytest.mark.parametrize("metric", ["loss", "macro_f1", "f1.PER", "recall.LOC"])
def test_the_main_score_can_be_chosen(scored, metric):
    scores = scored("data.path=CORPUS", f"metric={metric}")
    assert scores["metric"] == metric
    assert scores["higher_is_better"] is (metric != "loss")
    assert scores[metric] >= 0


def test_a_type_that_is_not_scored_is_refused(scored):
    with pytest.raises(InputError, match=r"metric=f1\.PERS: unknown type 'PERS' \(did you mean"):
        scored("data.path=CORPUS", "metric=f1.PERS")
