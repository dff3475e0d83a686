"""Small files: plain values, all or nothing."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from seqtag.io.small import write_json


def test_write_json_writes_all_or_nothing(tmp_path):
    path = tmp_path / "below" / "x.json"
    write_json(path, {"a": (1, np.float32(0.5)), "p": Path("q"), "n": math.inf, "é": "\ud800"})
    value = json.loads(path.read_text("utf-8"))
    assert value == {"a": [1, 0.5], "p": "q", "n": None, "é": "\ud800"}
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text("utf-8")) == value
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]
