"""The network interface between machines."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

try:
    import fcntl
except ImportError:  # there is none on Windows
    fcntl = None  # type: ignore[assignment]

# Linux's request for the address of an interface, and where in the answer (struct ifreq) it is.
_SIOCGIFADDR = 0x8915
_ADDRESS = slice(20, 24)
_ANY_PORT = 9


def interface_towards(host: str) -> str | None:
    """Return the name of the interface by which this machine reaches a host, itself included.

    None where that cannot be told: off Linux, and where the host has no IPv4 address.
    """
    if fcntl is None:
        return None
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((host, _ANY_PORT))  # chooses the way; nothing is sent
        own = socket.inet_aton(asking.getsockname()[0])
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            with suppress(OSError):  # an interface without an address
                if fcntl.ioctl(asking, _SIOCGIFADDR, request)[_ADDRESS] == own:
                    return name
    return None
