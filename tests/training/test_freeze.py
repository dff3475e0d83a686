"""Parts of a network that are not trained stay as they were, bit for bit."""

import pytest
import torch

from seqtag.commands.train import train
from seqtag.errors import InputError
from seqtag.training import freeze as freezing
from seqtag.training.freeze import freeze

PARTS = ("words", "characters", "features", "case", "encoder", "projection", "crf")


def part_of(name: str) -> str:
    first, _, rest = name.partition(".")
    return rest.partition(".")[0] if first == "embedding" else first


@pytest.mark.parametrize(
    "frozen", [(part,) for part in PARTS] + [("words", "characters", "encoder")]
)
def test_frozen_parts_get_no_gradient(build_tagger, frozen):
    tagger = build_tagger(features=("pos",), case_size=2)
    network = tagger.network.train()
    freeze(network, frozen)
    inputs = tagger.indexer.encode([["Alex", "Graves", "?"]], {"pos": [["N", "N", "X"]]})
    network.loss(inputs, torch.tensor([[1, 3, 0]])).backward()
    without = {part_of(name) for name, p in network.named_parameters() if p.grad is None}
    assert without == set(frozen)


@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])
@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_decay_and_average_do_not_move_frozen_weights(
    configure, tmp_path, monkeypatch, cell, engine
):
    before = {}

    def remember(network, names):
        freeze(network, names)
        before.update({n: p.detach().clone() for n, p in network.named_parameters()})

    monkeypatch.setattr("seqtag.training.fit.freeze", remember)
    settings = ("callbacks=ema", "optimizer.weight_decay=0.1", f"cell={cell}", f"engine={engine}")
    frozen = "freeze=[words,encoder]"
    train(configure(*settings, frozen, "trainer.max_epochs=1", output=tmp_path / "run"))
    from seqtag import Tagger

    after = dict(Tagger.load(tmp_path / "run" / "model").network.named_parameters())
    moved = {part_of(name) for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"characters", "projection", "crf"}


def test_wrong_parts_are_refused(configure, build_tagger):
    with pytest.raises(InputError, match=r"freeze.*'word' \(did you mean 'words'\?\)"):
        configure("freeze=[word]")
    with pytest.raises(InputError, match="unknown part of the network in freeze 'case'"):
        configure("freeze=[case]")
    everything = ["words", "characters", "encoder", "projection", "crf"]
    with pytest.raises(InputError, match="leaves nothing to train"):
        configure(f"freeze=[{','.join(everything)}]")
    with pytest.raises(InputError, match="leaves nothing to train"):
        freezing.freeze(build_tagger().network, everything)
