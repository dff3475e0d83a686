"""Training end to end, on sixty sentences: output files, reproducibility, resuming."""

import csv
import json
import logging

import pytest
import torch

from seqtag import Tagger
from seqtag.commands.check import check
from seqtag.commands.evaluate import evaluate
from seqtag.commands.train import train
from seqtag.errors import InputError

REQUIRED = {
    *("split", "sentences", "tokens", "accuracy", "precision", "recall", "f1"),
    *("per_label", "metric", "tokens_per_second", "macro_f1", "higher_is_better", "by_words"),
    *("errors", "by_length"),
}
OPTIONAL = {"unknown_tokens", "unknown_accuracy", "factors", "illegal", "scheme"}


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def weights(folder) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def test_all_files_of_a_run(configure, tmp_path, caplog, capsys):
    run = tmp_path / "run"
    with caplog.at_level(logging.INFO):
        metrics = train(configure("trainer.max_epochs=4"))
    assert metrics == read(run / "metrics.json")
    assert {path.name for path in (run / "model").iterdir()} == {
        *("config.json", "labels.json", "model.safetensors", "README.md", "tokenizer.json"),
    }
    dev, test = metrics["splits"]["dev"], metrics["splits"]["test"]
    assert REQUIRED <= test.keys() <= REQUIRED | OPTIONAL
    assert (dev["split"], test["split"], test["sentences"]) == ("dev", "test", 20)
    assert set(test["per_label"]) == {"PER", "LOC"}
    assert test["f1"] > 0.9, "these sentences are easy to learn"

    with (run / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {"dev/accuracy", "dev/f1", "dev/metric", "train/loss"} <= rows[0].keys()
    best = max(float(row["dev/metric"]) for row in rows if row["dev/metric"])
    assert best == pytest.approx(dev["f1"])  # the tagger is that of the best epoch

    for name in ("best", "last"):
        path = run / "checkpoints" / f"{name}.ckpt"
        assert torch.load(path, weights_only=True)["state_dict"]

    lines = [record.getMessage() for record in caplog.records if record.name == "seqtag"]
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.partition(":")[0] for line in epochs] == [f"epoch {n}/4" for n in (1, 2, 3, 4)]
    out, err = capsys.readouterr()
    assert "test split by label" in out
    assert "dev split by label" not in out
    assert "GPU" not in out + err

    assert Tagger.load(run / "model").predict([["Ada", "lives", "in", "Rome", "."]])

    evaluated = (f"model_dir={run / 'model'}", "data.path=CORPUS")
    scores = evaluate(configure(*evaluated, verb="evaluate", output="evaluated"))
    assert scores == read(tmp_path / "evaluated" / "metrics.json")
    for name in REQUIRED - {"tokens_per_second"}:
        assert scores[name] == test[name]


def test_plain_labels_have_no_span_scores(configure, tmp_path):
    train(configure("data.label_column=pos", "model.decoder=softmax", "trainer.max_epochs=1"))
    test = read(tmp_path / "run" / "metrics.json")["splits"]["test"]
    of_spans = {"precision", "recall", "f1", "errors"}
    assert not {*of_spans, "illegal"} & test.keys()
    assert REQUIRED - of_spans <= test.keys()
    assert set(test["per_label"]) == {"N", "V", "P", "."}


@pytest.mark.parametrize(
    "overrides",
    [
        ["cell=gru", "model.decoder=softmax"],
        ["cell=rnn", "data.tag_scheme=bioes", "model.num_layers=2", "data.features=[pos]"],
        ["callbacks=ema", "scheduler=cosine", "optimizer=sgd", "model.case_size=4"],
        ["trainer.precision=bf16-mixed", "model.language_model=0.1"],
        ["trainer.deterministic=true", "model.characters.encoder=gru"],
        ["debug=fdr"],
        ["debug=profiler", "callbacks.progress=null"],
        ["trainer.fast_dev_run=true"],
        ["trainer.enable_checkpointing=false", "trainer.enable_progress_bar=false"],
    ],
    ids=" ".join,
)
def test_various_taggers_and_trainings(overrides, configure, tmp_path):
    metrics = train(configure("trainer.max_epochs=1", *overrides))
    assert 0.0 <= metrics["splits"]["test"]["accuracy"] <= 1.0
    evaluated = (f"model_dir={tmp_path / 'run' / 'model'}", "data.path=CORPUS")
    again = evaluate(configure(*evaluated, verb="evaluate"))
    assert again["accuracy"] == metrics["splits"]["test"]["accuracy"]


@pytest.mark.filterwarnings("ignore:.*AMP with fp16 is not supported on CPU")
@pytest.mark.parametrize(
    ("precision", "overrides"),
    [
        ("64-true", ["optimizer=sgd", "callbacks=ema"]),
        ("bf16-true", []),
        ("bf16", ["model.language_model=0.1"]),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("64-true", ["cell=gru", "engine=reference", "model.decoder=softmax"]),
                ("bf16-true", ["cell=minlstm", "model.characters.encoder=gru"]),
                ("16", ["cell=lstm_layernorm"]),
                ("32", []),
            )
        ),
    ],
)
def test_taggers_of_any_precision_load_and_score_as_in_training(
    precision, overrides, configure, tmp_path, caplog
):
    options = (f"trainer.precision={precision}", *overrides)
    metrics = train(configure(*options, "trainer.max_epochs=1"))
    tagger = Tagger.load(tmp_path / "run" / "model")
    assert {tensor.dtype for tensor in tagger.network.parameters()} == {torch.float32}
    evaluated = (f"model_dir={tmp_path / 'run' / 'model'}", "data.path=CORPUS")
    again = evaluate(configure(*evaluated, verb="evaluate"))
    assert again["per_label"] == metrics["splits"]["test"]["per_label"]
    with caplog.at_level(logging.INFO):
        metrics = train(configure(*options, "trainer.max_epochs=2", "ckpt_path=last"))
    assert "last.ckpt, written after step 8" in caplog.text
    assert metrics["epochs"] == 2


def test_equal_seeds_give_equal_weights(configure, tmp_path):
    for output, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(configure(f"seed={seed}", "trainer.max_epochs=1", output=output))
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert weights(tmp_path / "a") != weights(tmp_path / "c")


def test_training_without_a_development_split(configure, corpus, caplog):
    (corpus / "dev.txt").unlink()
    with caplog.at_level(logging.INFO):
        held = train(configure("trainer.max_epochs=1", output="held"))
        none = train(configure("trainer.max_epochs=2", "data.dev_fraction=0", output="none"))
    assert "no development split: held out 6 of 60" in caplog.text
    assert set(held["splits"]) == {"dev", "test"}
    assert set(none["splits"]) == {"test"}
    assert none["best_epoch"] == none["epochs"] == 2


def test_overfitting_reaches_a_loss_near_zero(configure, tmp_path):
    metrics = train(configure("debug=overfit", "trainer.max_epochs=20"))
    assert set(metrics["splits"]) == {"dev"}
    assert metrics["splits"]["dev"]["f1"] == 1.0
    with (tmp_path / "run" / "metrics.csv").open(encoding="utf-8") as file:
        losses = [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]
    assert losses[-1] < 0.01 * losses[0]


def test_early_stopping_ends_training(configure):
    metrics = train(configure("callbacks.early_stopping.patience=1", "trainer.max_epochs=30"))
    assert metrics["epochs"] < 30
    assert metrics["best_epoch"] < metrics["epochs"]


def test_training_on_a_stream(configure):
    stream = ("data.streaming=true", "data.stream={buffer: 20, batches_per_epoch: 5}")
    metrics = train(configure(*stream))
    assert metrics["epochs"] == 2
    assert 40 < metrics["sequences"] <= 2 * 5 * 8
    assert set(metrics["splits"]) == {"dev", "test"}


@pytest.mark.filterwarnings("ignore:.*could not find the monitored key")
def test_training_may_end_before_the_first_evaluation(configure):
    metrics = train(configure("trainer.max_steps=2"))
    assert (metrics["sequences"], metrics["best_epoch"]) == (16, 1)


@pytest.mark.parametrize("seed", [-1, 2**32, "one", True, 1.5, None])
def test_an_invalid_seed_is_refused(seed, configure):
    with pytest.raises(InputError, match="seed must be a whole number"):
        configure(f"seed={json.dumps(seed)}")


def test_the_last_checkpoint_is_of_the_last_epoch_even_if_an_earlier_one_is_better(
    configure, tmp_path
):
    """With a learning rate of 0 the first epoch remains the best one."""
    train(configure("trainer.max_epochs=3", "optimizer.lr=0.0"))
    folder = tmp_path / "run" / "checkpoints"
    epochs = {p.name: torch.load(p, weights_only=True)["epoch"] for p in folder.iterdir()}
    assert epochs == {"best.ckpt": 0, "last.ckpt": 2, "previous.ckpt": 1}


def test_the_schedule_reaches_zero_at_the_last_step(configure, tmp_path):
    train(configure("trainer.max_epochs=2"))
    saved = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["lr_schedulers"][0]["_last_lr"] == [0.0]


def test_the_exit_code_of_check(configure, corpus, capsys):
    options = ("data=column", f"data.path={corpus}", "data.columns=[tokens,pos,labels]")
    assert check(configure(*options, verb="check")) == 0
    with (corpus / "test.txt").open("a", encoding="utf-8") as file:
        file.write("\nAda N I-PER\nlives V I-LOC\n")
    capsys.readouterr()
    assert check(configure(*options, "data.scheme=bio", verb="check")) in (0, 1)
    assert "test.txt:" in capsys.readouterr().out


@pytest.mark.slow
def test_the_loss_of_two_processes_is_that_of_one(configure, tmp_path):
    more = ("trainer=ddp_sim", "metric=loss", "trainer.max_epochs=1", "data.batch.sentences=7")
    loss = train(configure(*more))["dev_metric"]
    own = (f"model_dir={tmp_path}/run/model", "data.path=CORPUS", "metric=loss", "split=dev")
    alone = evaluate(configure(*own, verb="evaluate", output="again"))
    assert loss == pytest.approx(alone["loss"], rel=1e-5)
