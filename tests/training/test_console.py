"""Known library warnings are suppressed; all other warnings are shown."""

import warnings

import pytest
from lightning.fabric.plugins.environments import SLURMEnvironment

from seqtag.training.console import quiet


def test_the_warning_about_srun_is_suppressed(tmp_path, monkeypatch):
    """Lightning warns about a run without `srun` wherever `srun` is installed."""
    (tmp_path / "srun").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="srun"):
            SLURMEnvironment.detect()
        with quiet():
            assert not SLURMEnvironment.detect()


def test_other_warnings_are_shown():
    with quiet(), pytest.warns(UserWarning, match="another warning"):
        warnings.warn("another warning", stacklevel=1)
