"""What this machine is: read here, judged in `versions` and `machine`."""

from __future__ import annotations

import socket
import sys
from importlib import metadata

from .machine import WANTED_BUFFER


def package_version(name: str) -> str | None:
    """Of an installed package, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def udp_buffers() -> tuple[int, int]:
    """Bytes to receive and to send that a UDP socket gets when it asks for `WANTED_BUFFER`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        found = []
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, WANTED_BUFFER)
            size = sock.getsockopt(socket.SOL_SOCKET, option)
            # Linux counts its own needs, which are as much again (socket(7)).
            found.append(size // 2 if sys.platform == "linux" else size)
    return found[0], found[1]


def open_files() -> int | None:
    """The most files and sockets that a process of this user may have, None where there is no limit."""
    if sys.platform == "win32":
        return None
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if hard == resource.RLIM_INFINITY else hard
