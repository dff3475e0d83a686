"""The interface by which a host is reached."""

import sys

import pytest

from seqtag.training.interface import interface_towards


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_this_machine_reaches_itself_by_its_loopback():
    assert interface_towards("127.0.0.1") == "lo"
    assert interface_towards("localhost") == "lo"


def test_a_host_that_has_no_address():
    assert interface_towards("nobody.invalid") is None
