"""Network namespaces of the tests' own; they vanish with the last process in them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest

_CLONE_NEWNET = 0x40000000
_HERE = "/proc/thread-self/ns/net"
_ADDRESS = "198.51.100.2"  # for documentation (RFC 5737)
_UDP_DROPPED = """
table inet test {
  chain in { type filter hook input priority 0; meta l4proto udp drop; }
  chain out { type filter hook output priority 0; meta l4proto udp drop; }
}
"""

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("nft") or not shutil.which("ip"),
    reason="network namespaces need root, ip and nft",
)


class Network:
    """A machine of its own, as far as the network goes: loopback, and an interface that leads nowhere.

    What is started or opened within `entered()` is there; namespaces belong to threads, so that `await` may stand in
    it as long as all of the loop is meant.
    """

    def __init__(self) -> None:
        home = os.open(_HERE, os.O_RDONLY)
        try:
            _call("unshare", _CLONE_NEWNET)
            try:
                self._descriptor = os.open(_HERE, os.O_RDONLY)
                for line in (
                    "link set lo up",
                    "link add out type veth peer name nowhere",
                    "link set nowhere up",
                    f"address add {_ADDRESS}/24 dev out",
                    "link set out up",
                    "route add default via 198.51.100.1",
                ):
                    subprocess.run(["ip", *line.split()], check=True)
            finally:
                _call("setns", home, _CLONE_NEWNET)
        finally:
            os.close(home)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        home = os.open(_HERE, os.O_RDONLY)
        try:
            _call("setns", self._descriptor, _CLONE_NEWNET)
            try:
                yield
            finally:
                _call("setns", home, _CLONE_NEWNET)
        finally:
            os.close(home)

    def drop_udp(self) -> None:
        """No UDP packet leaves or arrives from now on."""
        with self.entered():
            subprocess.run(["nft", "-f", "-"], input=_UDP_DROPPED, text=True, check=True)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(PermissionError):
                sock.sendto(b"x", ("127.0.0.1", 9))
                raise AssertionError("UDP still passes")

    def drop_tcp(self, port: int) -> None:
        """No TCP packet arrives at this port from now on."""
        with self.entered():
            rules = f"table inet closed {{ chain in {{ type filter hook input priority 0; tcp dport {port} drop; }}; }}"
            subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)

    def change_address(self, address: str) -> None:
        """The interface has another address from now on, as on another network."""
        with self.entered():
            for line in (
                "address flush dev out scope global",
                f"address add {address}/24 dev out",
                "route add default via 198.51.100.1",
            ):
                subprocess.run(["ip", *line.split()], check=True)

    @contextlib.contextmanager
    def dropping(self, *matches: str) -> Iterator[None]:
        """What arrives and matches one of these (in the words of nft) is lost until the block ends."""
        rules = "".join(f"{match} drop; " for match in matches)
        table = f"table inet dropping {{ chain in {{ type filter hook input priority 0; {rules}}}; }}"
        with self.entered():
            subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)
        try:
            yield
        finally:
            with self.entered():
                subprocess.run(["nft", "delete", "table", "inet", "dropping"], check=True)

    def close(self) -> None:
        os.close(self._descriptor)


def _call(name: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
