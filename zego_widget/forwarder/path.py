"""What a peer's packets travel on, and what the endpoint knows of peers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .ice import Address, CheckAnswer


class Path(Protocol):
    """A way to one address of a peer's; it is there once a check has come that way."""

    address: Address

    def send(self, packet: bytes) -> None:
        """Send what the peer must not miss: DTLS, and answers to checks; a path that cannot ends."""

    def send_media(self, packet: bytes) -> None:
        """Send RTP or RTCP now or never: what the path does not take is dropped and counted."""

    def send_burst(self, packets: Sequence[bytes]) -> None:
        """Send packets of one publication as `send_media` does."""


class PathPeer(Protocol):
    """A peer as the endpoint sees it."""

    def receive_check(self, datagram: bytes, path: Path) -> CheckAnswer | None:
        """Answer an ICE check, None to drop it."""

    def receive_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram."""

    def receive_media(self, datagrams: Sequence[bytes]) -> None:
        """Take SRTP and SRTCP packets that came together; they may be anything."""

    def path_lost(self, path: Path) -> None:
        """A path has ended; the peer lives on, as another check may come over another path."""
