"""Errors in arguments: unknown flags, stray words, values split by the shell, unknown keys."""

import pytest

from seqtag.cli import main

FLAGS = "; known flags: --cfg, --multirun, -m, --config-dir, --help, -h"
GRID = "a factor of the probe is set by 'probe.grid={distance: [50]}'"
LIST = "else write a list as seed=[1,2] and a text with commas as 'seed=\"1,2\"'"
FILES = "column, conll2000, conllu, csv, hub, json, parquet, spans, ud_ewt, wnut17"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        # Words without an equals sign
        ("probe pronoun lstm", "'pronoun' has no '='; write KEY=VALUE, for example probe=pronoun"),
        ("train LSTM", "'LSTM' has no '='; write KEY=VALUE, for example cell=lstm"),
        ("train seed 5", "'seed' has no '='; write seed=VALUE without spaces"),
        ("evaluate x", "'x' has no '='; write KEY=VALUE, for example split=dev"),
        ("train cell=gru x -m seed=1", "'x' has no '='; write KEY=VALUE, for example cell=gru"),
        # Flags
        (
            "probe --probe pronoun",
            f"--probe: unknown flag; settings are written as probe=pronoun{FLAGS}",
        ),
        (
            "train seed=1 --hidden-size=64",
            f"--hidden-size: unknown flag; settings are written as model.hidden_size=64{FLAGS}",
        ),
        (
            "train --multi",
            "--multi: unknown flag (did you mean '--multirun'?); settings are written as "
            f"KEY=VALUE{FLAGS}",
        ),
        (
            "train --cfg x",
            "argument --cfg/-c: invalid choice: 'x' (choose from 'job', 'hydra', 'all')",
        ),
        # Values
        (
            "probe probe.grid={distance: [50]} seed=1",
            "'probe.grid={distance:': the shell split this value at a space; quote the whole: "
            "'probe.grid={distance: [50]}'",
        ),
        (
            "train cell=lstm,gru",
            "'cell=lstm,gru': to run once per value, add -m: seqtag train -m cell=lstm,gru",
        ),
        (
            "train seed=1,2",
            f"'seed=1,2': to run once per value, add -m: seqtag train -m seed=1,2; {LIST}",
        ),
        # Keys
        (
            "check data=column data.spans.policy=skip",
            "data.spans.policy belongs to data=spans; add data=spans",
        ),
        ("train cell=rnn hidden=64", "unknown key 'hidden' (did you mean 'model.hidden_size'?)"),
        ("train trainer.lr=1", "unknown key 'trainer.lr' (did you mean 'optimizer.lr'?)"),
        ("probe nothing.like=1", "unknown key 'nothing.like'"),
        ("probe probe=pronoun distance=50", f"unknown key 'distance': {GRID}"),
        ("probe probe.grid.distance=[50]", f"unknown key 'probe.grid.distance': {GRID}"),
        ("probe probe=parity distance=50", "unknown key 'distance'"),
        (
            "train probe=pronoun",
            "unknown key 'probe' (did you mean 'data.probe'?), or seqtag probe probe=pronoun",
        ),
        (
            "train model_dir=x",
            "unknown key 'model_dir'; use seqtag evaluate model_dir=x or seqtag probe model_dir=x",
        ),
        ("train data.path=a{b", f"data.path belongs to data={FILES}; add one of these"),
        ("train search.trials=3", "search.trials belongs to search=random, tpe; add one of these"),
        (
            "train optimizer.momentum=0.9",
            "optimizer.momentum belongs to optimizer=sgd; add optimizer=sgd",
        ),
        (
            "train encoder.heads=7",
            "unknown key 'encoder.heads'; write encoder=transformer model.encoder.heads=7",
        ),
        (
            "probe encoder=transformer cell=lstm",
            "cell: encoder=transformer has no cell; leave it out",
        ),
        (
            "probe -m encoder=transformer +cell.heads=2,4",
            "cell.heads: encoder=transformer has no cell; leave it out",
        ),
        (
            "train model.characters.size=9",
            "unknown key 'model.characters.size': model.characters is null; write "
            "'model.characters={size: 9}'",
        ),
    ],
)
def test_message(command, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(command.split(" ")) == 2
    assert capsys.readouterr() == ("", f"seqtag: error: {message}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flags", [["--cfg", "job"], ["-cjob"], ["--cfg=job", "--resolve"]])
def test_flags_of_hydra_are_accepted(flags, capsys):
    assert main(["train", "cell=gru", *flags, "seed=5"]) == 0
    assert "seed: 5" in capsys.readouterr().out


def test_an_option_that_all_cells_of_a_sweep_have_but_not_the_default_one(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    sweep = ("probe", "-m", "probe=parity", "cell=mamba2,deltanet")
    assert main([*sweep, "cell.signed=true"]) == 2
    remedy = "'cell.signed=choice(true)'"
    assert capsys.readouterr().err == (
        "seqtag: error: cell.signed: the default option of cell has no option 'signed'; in a sweep "
        f"over cell, write {remedy}\n"
    )
    assert main([*sweep, "cell.singed=true"]) == 2
    assert "choice" not in capsys.readouterr().err


def test_an_option_that_one_cell_of_a_sweep_lacks(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "-m", "cell=lstm,gru", "cell.forget_bias=1", "data=pronoun"]) == 2
    assert capsys.readouterr().err == (
        "seqtag: error: cell.forget_bias: cell=gru has no option 'forget_bias', but others in the "
        "sweep do; run cell=gru separately, without it\n"
    )
