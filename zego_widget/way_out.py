"""By which of its addresses this machine reaches another: a change of network is noticed before anything times out."""

from __future__ import annotations

import ipaddress
import socket


class WayOut:
    """The way to one address and port. Nothing is ever sent: the system is asked where a packet would go from."""

    def __init__(self, host: str, port: int) -> None:
        self._peer = (host, port)
        try:
            self._may_change = not ipaddress.ip_address(host).is_loopback
        except ValueError:  # a name, for which somebody would have to be asked
            self._may_change = False
        self._address = self._now()

    def has_changed(self) -> bool:
        """Whether packets would go from another address now than at first; not while there is no way at all."""
        now = self._now()
        return now is not None and now != self._address

    def _now(self) -> str | None:
        if not self._may_change:
            return None
        try:
            with socket.socket(socket.AF_INET6 if ":" in self._peer[0] else socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect(self._peer)
                return str(sock.getsockname()[0])
        except OSError:
            return None
