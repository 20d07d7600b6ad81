"""Two machines with a cable between them, as far as the network goes: namespaces that vanish with the test."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from tests.hub.tcp.network import _CLONE_NEWNET, _HERE, _call

HOME, AWAY = "198.51.100.1", "198.51.100.2"  # for documentation (RFC 5737)


class Cable:
    """What is started within `at_home()` has the address HOME, within `away()` AWAY; each has loopback besides."""

    def __init__(self) -> None:
        self._home, self._away = _new_namespace(), _new_namespace()
        with _entered(self._home):
            _ip("link add cable type veth peer name cable netns /proc/self/fd/{}", self._away)
        for namespace, address in ((self._home, HOME), (self._away, AWAY)):
            with _entered(namespace):
                for line in ("link set lo up", f"address add {address}/24 dev cable", "link set cable up"):
                    _ip(line)

    def at_home(self) -> contextlib.AbstractContextManager[None]:
        """Start something where HOME is."""
        return _entered(self._home)

    def away(self) -> contextlib.AbstractContextManager[None]:
        """Start something where AWAY is."""
        return _entered(self._away)

    def pull(self) -> None:
        """Nothing passes from now on."""
        with self.away():
            _ip("link set cable down")

    def plug(self) -> None:
        """Everything passes again."""
        with self.away():
            _ip("link set cable up")

    def move(self, former: str, address: str) -> None:
        """What is away has another address from now on."""
        with self.away():
            _ip(f"address del {former}/24 dev cable")
            _ip(f"address add {address}/24 dev cable")

    def close(self) -> None:
        os.close(self._home)
        os.close(self._away)


def _new_namespace() -> int:
    here = os.open(_HERE, os.O_RDONLY)
    try:
        _call("unshare", _CLONE_NEWNET)
        try:
            return os.open(_HERE, os.O_RDONLY)
        finally:
            _call("setns", here, _CLONE_NEWNET)
    finally:
        os.close(here)


@contextlib.contextmanager
def _entered(namespace: int) -> Iterator[None]:
    here = os.open(_HERE, os.O_RDONLY)
    try:
        _call("setns", namespace, _CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", here, _CLONE_NEWNET)
    finally:
        os.close(here)


def _ip(line: str, descriptor: int | None = None) -> None:
    passed = () if descriptor is None else (descriptor,)
    subprocess.run(["ip", *line.format(*passed).split()], check=True, pass_fds=passed)
