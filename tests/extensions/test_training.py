"""An optimizer and a callback of a package independent of seqtag, used through YAML files."""

import json

import pytest

from seqtag.cli import main

pytestmark = pytest.mark.usefixtures("installed")

TINY = (
    *("data=pronoun", "data.train=20", "data.dev=10", "data.test=10", "model.hidden_size=4"),
    *("model.words.size=4", "model.characters=null", "trainer.max_epochs=1"),
    "engine=torch",
)


@pytest.fixture
def options(tmp_path):
    """Return command line options for a configuration folder of the user."""
    (tmp_path / "conf" / "optimizer").mkdir(parents=True)
    (tmp_path / "conf" / "callbacks").mkdir()
    (tmp_path / "conf" / "optimizer" / "sign.yaml").write_text(
        "_target_: seqtag_extra.training.SignDescent\nlr: 0.01\n"
    )
    (tmp_path / "conf" / "callbacks" / "witness.yaml").write_text(
        "defaults:\n  - default\nwitness:\n  _target_: seqtag_extra.training.Witness\n"
        "  path: ${paths.output_dir}/witness.txt\n"
    )
    return ("--config-dir", str(tmp_path / "conf"), f"hydra.run.dir={tmp_path / 'run'}")


def test_a_yaml_file_is_enough(options, tmp_path, capfd):
    own = (*options, *TINY, "optimizer=sign", "callbacks=witness")
    assert main(["train", *own]) == 0
    assert (tmp_path / "run" / "witness.txt").read_text() == "SignDescent"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["finished"]
    assert main(["train", *own, "ckpt_path=last", "trainer.max_epochs=2"]) == 0
    resumed = capfd.readouterr().err
    assert "epoch 2/2" in resumed
    assert "epoch 1/2" not in resumed


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["+optimizer.schrink=0.1"], "optimizer: unknown key 'schrink' (did you mean 'shrink'?)"),
        (["~optimizer.lr"], "optimizer: key 'lr' is missing"),
        (["optimizer._target_=seqtag_extra.training.SignDecent"], "did you mean 'SignDescent'?"),
        (["optimizer._target_=seqtag_xtra.training.SignDescent"], "no module seqtag_xtra;"),
    ],
)
def test_errors_end_before_anything_is_written(options, overrides, message, tmp_path, capfd):
    assert main(["train", *options, *TINY, "optimizer=sign", *overrides]) == 2
    assert message in capfd.readouterr().err
    assert not (tmp_path / "run").exists()
