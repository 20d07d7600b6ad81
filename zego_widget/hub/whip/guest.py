"""A user who came over HTTP: a session whose link ends in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ... import protocol as p
from ... import wire
from ...errors import ErrorCode, Refused, ZegoError
from ...model import PeerState, User
from .media import Playing, Publishing

if TYPE_CHECKING:
    from ..apps import Bearer
    from ..hub import Hub


@dataclass(eq=False, slots=True)
class Part:
    """What one POST began: a peer of the guest's session, and the stream that it publishes or plays."""

    peer_id: str
    stream_id: str
    publishes: bool
    on_end: Callable[[], None] = field(repr=False)
    """Called once, when the part is over, whoever ended it."""


class Guest:
    """Logs in when it is made, and leaves with its last part; `on_end` is called once it has left.

    It says what a client would say over a link, so all that counts for a client counts for it: rights, limits, events
    to the others, and that a later login of the same user ends the earlier one. Methods raise `ZegoError`.
    """

    def __init__(self, hub: Hub, bearer: Bearer, room_id: str, on_end: Callable[[], None]) -> None:
        self.room_id = room_id
        self._on_end = on_end
        self._user_id = bearer.user_id
        self._token = bearer.credential.token
        self._loop = asyncio.get_running_loop()
        self._parts: dict[str, Part] = {}
        self._peers_made = 0
        self._request_id = 0
        self._replies: dict[int, p.HubMessage] = {}
        self._interval = hub.settings.heartbeat_interval
        self._heartbeat: asyncio.TimerHandle | None = self._loop.call_later(self._interval, self._beat)
        self._session = hub.open_session(_Link(self))
        try:
            self._session.receive(wire.encode(p.Hello(p.PROTOCOL_VERSION, "WHIP and WHEP")))
            self._ask(p.LoginRoom, room_id, User(bearer.user_id), credential=bearer.credential)
        except ZegoError:
            self.end()
            raise

    @property
    def session_id(self) -> str:
        """Of its session."""
        return self._session.session_id

    def publish(
        self, bearer: Bearer, stream_id: str, offer: Publishing, on_end: Callable[[], None]
    ) -> tuple[Part, str]:
        """Publish on the main channel; returns the part and the SDP answer.

        Who publishes this stream already has come back, as a tool does that lost its connection: what it had ends.
        """
        former = next((part for part in self._parts.values() if part.publishes), None)
        if former is not None and former.stream_id != stream_id:
            raise Refused(
                f"{self._user_id} publishes {former.stream_id} already; end that first, or be another user.",
                ErrorCode.PUBLISHER_ERROR_ALREADY_DO_PUBLISH,
            )
        if self._token != bearer.credential.token:
            self._ask(p.RenewToken, self.room_id, bearer.credential.token)
            self._token = bearer.credential.token
        if former is not None:
            self._close(former)
        self._ask(p.StartPublishing, stream_id)
        slots = {"send_slots": offer.send_slots, "microphone": offer.microphone, "camera": offer.camera}
        try:
            return self._offer(stream_id, offer.sdp, True, on_end, capture="take", **slots)
        except ZegoError:
            self._ask(p.StopPublishing)
            raise

    def play(self, stream_id: str, offer: Playing, on_end: Callable[[], None]) -> tuple[Part, str]:
        """Play a stream on a peer of its own; returns the part and the SDP answer."""
        return self._offer(stream_id, offer.sdp, False, on_end, capture="never", plays=[stream_id])

    def close(self, part: Part) -> None:
        """End a part; with the last one the user leaves the room."""
        if self._parts.get(part.peer_id) is part:
            self._close(part)
            self.leave_if_idle()

    def leave_if_idle(self) -> None:
        """Leave the room unless something is published or played."""
        if self._parts or self._heartbeat is None:
            return
        with contextlib.suppress(ZegoError):  # out of its room already
            self._ask(p.LogoutRoom, self.room_id)
        self.end()

    def end(self) -> None:
        """The session ends, with all its parts. Idempotent."""
        if self._heartbeat is None:
            return
        self._heartbeat.cancel()
        self._heartbeat = None
        self._session.link_closed()
        parts = list(self._parts.values())
        self._parts.clear()
        for part in parts:
            part.on_end()
        self._on_end()

    # -- from the session -----------------------------------------------------------------------------------

    def hear(self, message: p.HubMessage) -> None:
        """What the hub says; nothing is done at once, since the session is in the middle of something."""
        if getattr(message, "request_id", None) == self._request_id:
            self._replies[self._request_id] = message
        match message:
            case p.PeerStateChanged(state=PeerState.CLOSED):
                if (part := self._parts.get(message.peer_id)) is not None:
                    self._loop.call_soon(self._lost, part)
            case p.RoomStateChanged() | p.Goodbye():
                self._loop.call_soon(self.end)

    # -- inside ---------------------------------------------------------------------------------------------

    def _offer(
        self, stream_id: str, sdp: str, publishes: bool, on_end: Callable[[], None], **fields: Any
    ) -> tuple[Part, str]:
        self._peers_made += 1
        part = Part(f"http-{self._peers_made}", stream_id, publishes, on_end)
        answer = self._ask(p.Offer, part.peer_id, sdp, **fields)
        assert isinstance(answer, p.Answer)
        self._parts[part.peer_id] = part
        return part, answer.sdp

    def _close(self, part: Part) -> None:
        self._forget(part)
        with contextlib.suppress(ZegoError):  # gone already
            self._ask(p.ClosePeer, part.peer_id)

    def _lost(self, part: Part) -> None:
        """The hub has closed a peer: nothing was heard from it, or it said goodbye."""
        if self._parts.get(part.peer_id) is not part:
            return
        self._forget(part)
        if not self._parts:
            self.end()

    def _forget(self, part: Part) -> None:
        del self._parts[part.peer_id]
        if part.publishes:
            with contextlib.suppress(ZegoError):
                self._ask(p.StopPublishing)
        part.on_end()

    def _ask(self, kind: Callable[..., p.ClientMessage], *arguments: Any, **fields: Any) -> p.HubMessage:
        """Send a request; its answer, which the hub gives at once. Raises what it refuses with."""
        self._request_id += 1
        self._session.receive(wire.encode(kind(self._request_id, *arguments, **fields)))
        reply = self._replies.pop(self._request_id, None)
        if reply is None:
            raise Refused("The hub has ended this session.", ErrorCode.HUB_STOPPING)
        if isinstance(reply, p.Refused):
            raise ZegoError.from_code(reply.code, reply.message)
        return reply

    def _beat(self) -> None:
        """A sign of life while there are peers, whose own silence ends them."""
        self._heartbeat = self._loop.call_later(self._interval, self._beat)
        self._session.receive(wire.encode(p.Heartbeat()))


class _Link:
    """The guest's end of its link; the session is in the middle of something whenever it is called."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def send(self, text: str) -> None:
        self._guest.hear(wire.decode_hub(text))

    def close(self, code: int, reason: str) -> None:
        """The hub has said goodbye before."""
