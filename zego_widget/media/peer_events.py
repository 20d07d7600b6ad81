"""What a media peer tells its owner."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from zego_widget import protocol
from zego_widget.model import PeerState, PublishChannel

logger = logging.getLogger(__name__)


class MediaPeerEvents:
    """What a `MediaPeer` tells; override what you need. All calls come on the peer's loop and must not block."""

    def peer_state_changed(self, state: PeerState, reason: str) -> None:
        """The connection came up or ended; after CLOSED `connect` may be called again."""

    def capture_changed(self, captures: bool) -> None:
        """Whether this peer is the one of its session that captures."""

    def control_received(self, message: protocol.ControlMessage) -> None:
        """Any message of the hub on `control`, after the peer itself followed it."""

    def played_streams_changed(self, stream_ids: frozenset[str]) -> None:
        """These streams have a receive slot now."""

    def first_frame_received(self, stream_id: str, kind: str) -> None:
        """The first complete `audio` or `video` frame of a played stream came (decoded or not)."""

    def video_size_changed(self, stream_id: str, width: int, height: int) -> None:
        """A played stream has pictures of this size from now on (read from VP8 key frames without decoding)."""

    def first_frame_sent(self, channel: PublishChannel, kind: str) -> None:
        """The first `audio` or `video` frame of a channel went to its encoder."""

    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None:
        """A channel sends pictures of this size from now on."""

    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None:
        """A source has no more to give (`error` is None) or raised."""


class GuardedEvents(MediaPeerEvents):
    """Hands events on to the peer's owner, and no exception back."""

    def __init__(self, events: MediaPeerEvents) -> None:
        def guarded(name: str) -> Callable[..., None]:
            def tell(*arguments: Any) -> None:
                try:
                    getattr(events, name)(*arguments)
                except Exception:
                    logger.exception("a handler of %s failed", name)

            return tell

        for name in vars(MediaPeerEvents):
            if not name.startswith("_"):
                setattr(self, name, guarded(name))
