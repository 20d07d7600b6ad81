"""One WebRTC connection of a session, made of Python: captures, sends, receives and hands out frames."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import Self

from zego_widget import protocol
from zego_widget.errors import ErrorCode, ZegoError
from zego_widget.model import PeerState, RemoteDeviceState

from .channels import Channels
from .connection import CONNECT_TIMEOUT, Connection, SendOffer
from .peer_events import GuardedEvents, MediaPeerEvents
from .played_streams import PlayedStreams
from .stats import PeerStats

logger = logging.getLogger(__name__)


class MediaPeer:
    """A participant's media: `channels` captures and publishes, `played` hands out what comes, this one connects.

    Build it, `channels.set_publishing`, `connect`; `aclose` ends every task, thread and socket of it. Unless told
    otherwise all methods belong to the loop that runs `connect`. Encoding uses the default executor of the loop, which
    outlives the peer; whoever owns the loop ends it.
    """

    def __init__(
        self,
        send_offer: SendOffer,
        events: MediaPeerEvents | None = None,
        *,
        peer_id: str | None = None,
        slots: int = protocol.PLAY_LIMIT,
    ) -> None:
        """`slots` is the number of streams that can be played at once."""
        self._send_offer = send_offer
        self._events = GuardedEvents(events or MediaPeerEvents())
        self._slots = slots
        self._name = (peer_id or f"python-{secrets.token_hex(4)}")[:48]
        self._connects = 0
        self._connection: Connection | None = None
        self._state = PeerState.NEW
        self._captures = False
        self._closed = False
        self._closing: set[asyncio.Task[None]] = set()
        self.channels = Channels(self._events, self._tell_devices)
        self.played = PlayedStreams(self._events)

    # -- connection -------------------------------------------------------------------------------------------

    @property
    def peer_id(self) -> str:
        """ID of the present connection; every `connect` uses another one."""
        return f"{self._name}-{self._connects}"

    @property
    def state(self) -> PeerState:
        """Of the present connection."""
        return self._state

    @property
    def captures(self) -> bool:
        """Whether this peer is the one of its session that captures."""
        return self._captures

    async def connect(self, capture: protocol.CaptureWish = "take", timeout: float = CONNECT_TIMEOUT) -> None:
        """Offer a fresh connection and wait until it is up and `RoomSnapshot` came.

        What is captured, published, muted and consumed stays as it is. Raises what `send_offer` raises, and
        `HubUnreachable` (MEDIA_CONNECT_FAILED) when no media connection comes about within `timeout` seconds.
        """
        while self._connection is not None or self._closing:  # also that of somebody else who waited here
            await self.disconnect()
        if self._closed:
            raise ZegoError("This peer was closed for good.", ErrorCode.MEDIA_CONNECT_FAILED)
        self._connects += 1
        tracks = self.channels.new_tracks()
        self._connection = connection = Connection(self.peer_id, tracks, self._slots, _Link(self))
        self._become(PeerState.CONNECTING)
        try:
            microphone, camera = devices = self.channels.devices
            await connection.open(self._send_offer, capture, microphone, camera, timeout)
        except BaseException as error:
            await self._end(connection)
            if self._connection is connection:
                self._forget(str(error) or type(error).__name__)
            raise
        if self._connection is not connection:
            raise ZegoError("The connection was closed again at once.", ErrorCode.MEDIA_CONNECT_FAILED)
        self.channels.attach(connection.senders)
        self._become(PeerState.CONNECTED)
        self.channels.send(self._captures)
        if devices != self.channels.devices:
            self._tell_devices(*self.channels.devices)

    async def disconnect(self) -> None:
        """Close the connection, if there is one; sources and consumers stay."""
        connection = self._connection
        if connection is not None:
            self._forget("closed here")
            await self._end(connection)
        if self._closing:
            await asyncio.wait(self._closing)

    async def aclose(self) -> None:
        """End everything; idempotent. Consumers see the end of their frames."""
        self._closed = True
        await self.disconnect()
        await self.channels.aclose()
        self.played.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # -- quality ----------------------------------------------------------------------------------------------

    async def stats(self) -> PeerStats:
        """Counts of every published channel and played stream; rates are over the time since the last call."""
        connection = self._connection
        if connection is None or self._state is not PeerState.CONNECTED:
            return PeerStats()
        for slot in connection.slots.values():
            slot.count_packets()
        played = self.played.stats(time.monotonic())
        return PeerStats(connection.rtt, await self.channels.stats(), played)

    # -- inside -----------------------------------------------------------------------------------------------

    def _control_received(self, connection: Connection, message: protocol.ControlMessage) -> None:
        if connection is not self._connection:
            return
        match message:
            case protocol.RoomSnapshot():
                self._set_captures(message.captures)
                self.played.show(connection.slots, message.slots)
            case protocol.SlotsChanged():
                self.played.show(connection.slots, message.slots)
            case protocol.CaptureChanged():
                self._set_captures(message.captures)
        self._events.control_received(message)

    def _connection_lost(self, connection: Connection, reason: str) -> None:
        if connection is not self._connection:
            return
        self._forget(reason)
        self._close(connection)

    def _close(self, connection: Connection) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(connection.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def _end(self, connection: Connection) -> None:
        """Close a connection whatever happens to whoever waits for that: half closed it would keep its sockets."""
        await asyncio.shield(self._close(connection))

    def _forget(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        self.channels.detach()
        self._set_captures(False)
        self._become(PeerState.CLOSED, reason)  # first: that nothing arrives any more is no news of the streams
        if connection is not None:
            self.played.show(connection.slots, [])

    def _become(self, state: PeerState, reason: str = "") -> None:
        self._state = state
        logger.info("peer %s: %s%s", self.peer_id, state, f", {reason}" if reason else "")
        self._events.peer_state_changed(state, reason)

    def _set_captures(self, captures: bool) -> None:
        changed = captures != self._captures
        self._captures = captures
        self.channels.send(captures)
        if changed:
            self._events.capture_changed(captures)

    def _tell_devices(self, microphone: RemoteDeviceState, camera: RemoteDeviceState) -> None:
        if self._connection is not None:
            self._connection.say(protocol.SetDeviceState(microphone, camera))


class _Link:
    """A `ConnectionOwner` that hands on to its peer."""

    def __init__(self, peer: MediaPeer) -> None:
        self.control_received = peer._control_received
        self.connection_lost = peer._connection_lost
