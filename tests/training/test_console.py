"""What the libraries say that nobody could act on is held back; all else is not."""

import warnings

import pytest
from lightning.fabric.plugins.environments import SLURMEnvironment

from seqtag.training.console import quiet


def test_slurm_may_be_installed(tmp_path, monkeypatch):
    """Lightning warns of a run without `srun` wherever there is one."""
    (tmp_path / "srun").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="srun"):
            SLURMEnvironment.detect()
        with quiet():
            assert not SLURMEnvironment.detect()


def test_other_warnings_are_heard():
    with quiet(), pytest.warns(UserWarning, match="the sky falls"):
        warnings.warn("the sky falls", stacklevel=1)
