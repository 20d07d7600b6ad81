"""The hub's end of a session's link: one socket after the other, and what has to outlive them."""

from __future__ import annotations

import hmac
import secrets
from typing import Protocol

from .. import protocol as p
from .. import wire
from ..outbox import Inbox, Outbox

_UNCOUNTED = (p.Hello, p.Welcome, p.Heartbeat, p.HeartbeatAck, p.Received)


class LinkSender(Protocol):
    """The sending half of one socket, as the hub's server implements it."""

    def send(self, text: str) -> None:
        """Queue one message; never blocks."""

    def close(self, code: int, reason: str) -> None:
        """Close the socket after what is queued; `code` is a WebSocket close code."""


class SessionLink:
    """Sends over the socket there is; what is sent while there is none waits for the next."""

    def __init__(self, socket: LinkSender) -> None:
        self.resume_key = ""
        """What the next socket has to show; "" where there will be no other."""
        self.overflowed = False
        """Whether more was to be sent while there was no socket than is kept."""
        self._attempt = 0
        self._socket: LinkSender | None = socket
        self._outbox = Outbox()
        self._inbox = Inbox(p.ACKNOWLEDGE_EVERY)

    @property
    def is_open(self) -> bool:
        """Whether there is a socket."""
        return self._socket is not None

    @property
    def received(self) -> int:
        """Messages of the client that were counted."""
        return self._inbox.received

    def leads_over(self, socket: LinkSender) -> bool:
        """Whether this is the socket, and not one that was lost or replaced."""
        return self._socket is socket

    def outlive_sockets(self) -> None:
        """The client may come back."""
        self.resume_key = secrets.token_urlsafe(24)  # 192 bits

    def opens_with(self, key: str) -> bool:
        """Whether the key is the right one; takes the same time either way."""
        return hmac.compare_digest(key.encode(), self.resume_key.encode()) and self.resume_key != ""

    def is_ahead_of(self, attempt: int) -> bool:
        """Whether the client has begun this attempt before the one that it goes on with."""
        return attempt < self._attempt

    def reaches_back_to(self, received: int) -> bool:
        """Whether all that the client has not received is kept."""
        return self._outbox.holds_since(received)

    # -- messages -------------------------------------------------------------------------------------------

    def send(self, message: p.Message) -> None:
        """Send now, or over the next socket."""
        text = wire.encode(message)
        if self.resume_key and not isinstance(message, _UNCOUNTED):
            kept_all = self._outbox.append(text)
            self.overflowed |= not kept_all and self._socket is None
        if self._socket is not None:
            self._socket.send(text)

    def count(self, message: p.Message | None) -> None:
        """A message of the client came, None if it cannot be read; the client is told when it is time."""
        if not self.resume_key:
            return
        if not isinstance(message, _UNCOUNTED):
            self._inbox.count()
        if self._inbox.is_due or (self._inbox.is_news and isinstance(message, p.Heartbeat)):
            self.send(p.Received(self._inbox.tell()))

    def acknowledged(self, received: int) -> None:
        """The client says what it has."""
        self._outbox.acknowledge(received)

    # -- sockets --------------------------------------------------------------------------------------------

    def lose_socket(self) -> None:
        """The socket broke."""
        self._socket = None

    def resume(self, socket: LinkSender, welcome: p.Welcome, wanted: p.Resume) -> None:
        """Go on over another socket: the welcome first, then what the client has not received."""
        received = wanted.received
        if self._socket is not None:
            self._socket.close(p.SOCKET_REPLACED, "Another socket goes on with this session.")
        self._attempt = wanted.attempt
        self.overflowed = False
        self._outbox.acknowledge(received)
        self._inbox.tell()
        self._socket = socket
        socket.send(wire.encode(welcome))
        for text in self._outbox.since(received):
            socket.send(text)

    def close(self, code: int, reason: str) -> None:
        """No more of this."""
        if self._socket is not None:
            self._socket.close(code, reason)
