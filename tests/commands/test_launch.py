"""Configurations: every file composes and has comments; errors of overrides; launching a verb."""

import re
from itertools import zip_longest
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from seqtag.commands.help import config_dir, help_text
from seqtag.commands.launch import launch
from seqtag.errors import InputError, RunStopped

CONF = config_dir()
FILES = sorted(CONF.rglob("*.yaml"))
VERBS = ("train", "evaluate", "check", "probe")
# Tests of cells and probes compose each of theirs.
APART = ("hydra", "cell", "probe")
OPTIONS: dict[str, list[str]] = {}
for path in FILES:
    if path.parent != CONF and not path.stem.startswith("_") and path.parent.name not in APART:
        OPTIONS.setdefault(path.parent.relative_to(CONF).as_posix(), []).append(path.stem)
KEY = re.compile(r"\s*[\w_]+:(?P<rest>.*)")


@pytest.fixture(autouse=True)
def cleared():
    GlobalHydra.instance().clear()
    yield
    GlobalHydra.instance().clear()


def composed(verb: str, *overrides: str):
    """Return a configuration with values for all mandatory keys."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        # Hydra sets the folder only at run time.
        config = compose(verb, [*overrides, "paths.output_dir=out"])
    for key in OmegaConf.missing_keys(config):
        OmegaConf.update(config, key, "given")
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


def groups_of(verb: str) -> set[str]:
    text = (CONF / f"{verb}.yaml").read_text()
    return set(re.findall(r"^  - (?:optional )?(\w+):", text, re.MULTILINE))


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_composes(verb):
    assert "data" in composed(verb)


def verb_of(experiment: str) -> str:
    """Return the verb that an experiment is for."""
    text = (CONF / "experiment" / f"{experiment}.yaml").read_text(encoding="utf-8")
    return "probe" if "/probe:" in text else "train"


def choices() -> list[tuple[str, ...]]:
    """Return verbs with options, such that each option occurs once.

    An experiment chooses options of other groups, so it is alone; other groups are combined.
    """
    chosen = [(verb_of(name), f"experiment={name}") for name in OPTIONS["experiment"]]
    train = groups_of("train") - {"experiment"}
    for verb, groups in (("train", train & {*OPTIONS}), ("probe", {*OPTIONS} - groups_of("train"))):
        columns = [[f"{group}={name}" for name in OPTIONS[group]] for group in sorted(groups)]
        chosen += [(verb, *filter(None, row)) for row in zip_longest(*columns)]
    return chosen


@pytest.mark.parametrize("chosen", choices(), ids=" ".join)
def test_each_option_composes(chosen):
    assert {"data", "model", "cell", "optimizer", "trainer", "seed"} <= composed(*chosen).keys()


def test_choices_cover_all_options():
    every = {f"{group}={name}" for group, names in OPTIONS.items() for name in names}
    assert {word for _, *words in choices() for word in words} == every


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF).as_posix())
def test_each_key_has_a_comment(path):
    """A key has a comment on its line or just above it, unless it only begins a block."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# "), "a file begins by saying what it is"
    bare = []
    for number, line in enumerate(lines):
        match = KEY.fullmatch(line)
        if not match or line.lstrip().startswith("#"):
            continue
        value, _, comment = match["rest"].partition(" # ")
        explained = bool(comment) or (number and lines[number - 1].lstrip().startswith("#"))
        opens_a_block = not value.strip()
        if not explained and not opens_a_block:
            bare.append(f"{path.name}:{number + 1}: {line.strip()}")
    assert not bare, "keys without a comment:\n" + "\n".join(bare)


def test_every_folder_of_conf_is_a_group_of_a_verb():
    groups = {path.name for path in CONF.iterdir() if path.is_dir()}
    assert groups == groups_of("train") | groups_of("probe")


def run(*arguments: str, verb: str = "train") -> list[dict]:
    """Launch a verb with a job that does nothing; return the settings of each call of the job."""
    called: list[dict] = []
    launch(verb, called.append, list(arguments))
    return called


@pytest.fixture
def in_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_job_receives_the_parsed_settings(in_folder):
    (settings,) = run("seed=7", "cell=gru", "hydra.run.dir=out")
    assert (settings.training.seed, settings.training.cell["name"]) == (7, "gru")
    assert str(settings.identity.folder) == str(in_folder / "out")


@pytest.mark.parametrize("flags", [["-m", "seed=1,2"], ["seed=1"]])
def test_finish_receives_the_folder(flags, in_folder):
    folders: list[Path] = []
    launch("probe", lambda settings: None, [*flags, "study=mine"], folders.append)
    assert [folder.resolve() for folder in folders] == [in_folder / "logs" / "probe" / "mine"]


def test_finish_is_not_called_if_every_run_failed(in_folder):
    def refuse(settings: dict) -> None:
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        launch("probe", refuse, ["study=mine"], lambda folder: pytest.fail("called"))


def test_runs_of_a_study_are_named_after_their_differences(in_folder):
    configs = run("-m", "cell=lstm,gru", "probe.grid={distance: [5]}", "study=x", verb="probe")
    names = [settings.identity.folder.name for settings in configs]
    for name, cell in zip(names, ("lstm", "gru"), strict=True):
        assert name == f"cell-{cell}"


def test_exit_codes_are_those_of_the_job(in_folder):
    assert launch("check", lambda settings: 1, []) == 1
    assert launch("check", lambda settings: None, []) == 0
    assert list(in_folder.iterdir()) == []  # check writes no files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seeed=1"], "unknown key 'seeed' (did you mean 'seed'?)"),
        (["+seeed=1"], "unknown key 'seeed' (did you mean 'seed'?)"),
        (["model.hiden_size=9"], "unknown key 'model.hiden_size' (did you mean 'model.hidden_"),
        (["data=column", "data.pth=x"], "unknown key 'data.pth' (did you mean 'data.path'?)"),
        (["dta=column"], "unknown key 'dta' (did you mean 'data'?)"),
        (["data=colum"], "data=colum: unknown option (did you mean 'column'?)"),
        (["experiment=conll200"], "experiment=conll200: unknown option (did you mean"),
        (["debug=fdrr"], "(did you mean 'fdr'?); known: fdr, limit, overfit, profiler"),
        (["data=column"], "data.path is not set; set it with data.path=VALUE"),
        (["seed=${nowhere}"], "seed: Interpolation key 'nowhere' not found"),
        (["seed={"], "'seed={': "),
        (["~cell"], "cell is missing: choose an option of this group, cell=OPTION"),
        (["trainer=null"], "trainer=null: choose one of cpu, ddp, ddp_sim"),
        (["optimizer=true"], "optimizer=true: choose one of adamw, sgd"),
        (["seed=" + "9" * 5000], "seed must be a whole number from 0 to 4,294,967,295, not '999"),
        (["seed"], "'seed'"),
    ],
)
def test_messages_of_wrong_overrides(arguments, message, in_folder, capsys):
    with pytest.raises(InputError) as raised:
        run(*arguments)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert capsys.readouterr() == ("", "")


def test_keys_added_to_callbacks_are_allowed(in_folder):
    part = "{_target_: lightning.pytorch.callbacks.LearningRateMonitor}"
    (settings,) = run(f"+callbacks.mine={part}", "hydra.run.dir=out")
    assert settings.training.callbacks["mine"].name.endswith("LearningRateMonitor")


def refuse(settings):
    raise InputError("no such corpus")


def test_a_run_refused_at_the_start_leaves_no_folder(in_folder):
    with pytest.raises(InputError, match="no such corpus"):
        launch("train", refuse, ["hydra.run.dir=out/run"])
    assert not (in_folder / "out" / "run").exists()


def test_a_folder_with_files_is_not_removed(in_folder):
    kept = in_folder / "out" / "metrics.csv"
    kept.parent.mkdir()
    kept.write_text("of an earlier run")
    with pytest.raises(InputError, match="no such corpus"):
        launch("train", refuse, ["hydra.run.dir=out"])
    assert kept.read_text() == "of an earlier run"


def test_other_exceptions_are_passed_on(in_folder):
    def fail(settings):
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        launch("train", fail, ["hydra.run.dir=out"])


@pytest.mark.parametrize("arguments", [[], ["-m", "seed=1,2"]], ids=["run", "sweep"])
def test_a_stopped_run_ends_the_sweep(arguments, in_folder):
    seen = []

    def stop(settings):
        seen.append(settings.training.seed)
        raise RunStopped("stopped by SIGTERM", 75)

    with pytest.raises(RunStopped, match="stopped by SIGTERM") as raised:
        launch("train", stop, [*arguments, "hydra.run.dir=out", "hydra.sweep.dir=out"])
    assert raised.value.exit_code == 75
    assert seen == [1]


def test_the_state_of_the_process_is_restored(in_folder):
    import logging
    import os
    import sys

    before = (list(sys.argv), dict(os.environ), list(logging.getLogger().handlers))
    run("hydra.run.dir=out")
    with pytest.raises(InputError):
        run("seeed=1")
    assert (sys.argv, dict(os.environ), logging.getLogger().handlers) == before
    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.parametrize("verb", VERBS)
def test_help_lists_every_option_with_its_comment(verb):
    text = help_text(verb)
    assert text.startswith(f"usage: seqtag {verb} ")
    assert f"\n  seqtag {verb} " in text
    groups = re.findall(r"^  - (\w+): ", (CONF / f"{verb}.yaml").read_text(), re.MULTILINE)
    for group in set(groups) - {"hydra", "paths"}:
        for path in (CONF / group).glob("[!_]*.yaml"):
            assert re.search(rf"^  [ *] {path.stem} +\S", text, re.MULTILINE), (group, path.stem)
    assert max(map(len, text.splitlines())) < 100
