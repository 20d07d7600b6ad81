"""What the hub plays without pictures, and why: what it told of each peer of the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .. import protocol

REMEMBERED_PEERS = 16
"""More than a session has at once."""


@dataclass(frozen=True, slots=True)
class Hindrances:
    """Of one peer."""

    refused: Mapping[str, str] = field(default_factory=dict)
    """Stream ID -> codec that the peer does not take."""
    paused: frozenset[str] = frozenset()
    """Stream IDs whose pictures its connection has no room for."""


NONE = Hindrances()


class HeldBack:
    """Hindrances by peer ID, the latest `REMEMBERED_PEERS`."""

    def __init__(self) -> None:
        self._peers: dict[str, Hindrances] = {}

    def of(self, peer_id: str | None) -> Hindrances:
        """What is held back from a peer."""
        return self._peers.get(peer_id or "", NONE)

    def take(self, message: protocol.PeerVideosRefused | protocol.PeerVideosPaused) -> None:
        """The hub said what is held back from a peer now."""
        before = self._peers.pop(message.peer_id, NONE)
        if isinstance(message, protocol.PeerVideosRefused):
            refused = {video.stream_id: video.codec for video in message.videos}
            now = replace(before, refused=refused)
        else:
            now = replace(before, paused=frozenset(message.stream_ids))
        self._peers[message.peer_id] = now
        if len(self._peers) > REMEMBERED_PEERS:
            del self._peers[next(iter(self._peers))]

    def clear(self) -> None:
        """The room was left, and its peers with it."""
        self._peers.clear()
