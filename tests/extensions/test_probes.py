"""A probe of an installed package is used by name, like those of seqtag."""

import pyarrow.parquet as pq
import pytest

from seqtag.cli import main
from seqtag.errors import InputError
from seqtag.probes import PROBES, make_probe

pytestmark = pytest.mark.usefixtures("installed")


def test_items_are_generated_and_solved():
    probe = make_probe("mine")
    for item in probe.corpus("train", 20, 0):
        assert probe.oracle(item.tokens) == list(item.labels)
    assert PROBES.distribution("mine") == "seqtag-extra"
    with pytest.raises(InputError, match=r"unknown probe 'mien' \(did you mean 'mine'"):
        make_probe("mien")


def test_a_tagger_is_trained_and_judged_on_it(tmp_path):
    sizes = ("train=60", "dev=20", "epochs=1", "items=4")
    run = tmp_path / "run"
    arguments = ["probe=mine", "cell=inner", f"hydra.run.dir={run}"]
    assert main(["probe", *arguments, *(f"probe.quick.{size}" for size in sizes)]) == 0
    table = pq.read_table(run / "items.parquet")
    assert set(table["factor_gap"].to_pylist()) == {1, 3, 9}
    assert set(table["probe"].to_pylist()) == {"mine"}
    assert set(table["cell"].to_pylist()) == {"inner"}
    assert (run / "report" / "report.html").is_file()


def test_the_probe_has_the_settings_of_all_probes(capsys):
    assert main(["probe", "--cfg", "job", "probe=mine", "probe.quick.items=7"]) == 0
    text = capsys.readouterr().out
    assert "items: 7" in text
    assert "budget: 20000" in text
