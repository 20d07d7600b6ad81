"""Which one of a session's peers captures camera and microphone."""

from __future__ import annotations

from zego_widget.protocol import CaptureWish


class Capture:
    """At most one peer captures: the last that took it, else the oldest that offers to."""

    def __init__(self) -> None:
        self._willing: list[str] = []
        self._capturing: str | None = None

    @property
    def capturing(self) -> str | None:
        """ID of the peer that captures."""
        return self._capturing

    def add(self, peer_id: str, wish: CaptureWish) -> str | None:
        """A peer comes with its wish; returns the peer that has to stop capturing for it."""
        if wish == "never":
            return None
        self._willing.append(peer_id)
        if self._capturing is None:
            self._capturing = peer_id
            return None
        if wish == "offer":
            return None
        loser, self._capturing = self._capturing, peer_id
        return loser

    def remove(self, peer_id: str) -> str | None:
        """A peer goes; returns the peer that captures from now on in its place."""
        if peer_id in self._willing:
            self._willing.remove(peer_id)
        if peer_id != self._capturing:
            return None
        self._capturing = self._willing[0] if self._willing else None
        return self._capturing
