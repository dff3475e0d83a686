"""The settings of `hydra/launcher=slurm` are the plugin's own, with other values."""

import pytest
from omegaconf import OmegaConf

from seqtag.training.help import config_dir


def test_it_sets_what_the_plugin_knows():
    plugin = pytest.importorskip("hydra_plugins.hydra_submitit_launcher.config")
    known = OmegaConf.structured(plugin.SlurmQueueConf)
    ours = OmegaConf.load(config_dir() / "hydra" / "launcher" / "slurm.yaml")
    assert ours._target_ == known._target_
    assert OmegaConf.merge(known, ours).signal_delay_s == ours.signal_delay_s
