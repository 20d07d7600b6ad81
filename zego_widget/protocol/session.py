"""A link and its session: hello and welcome, and coming back after the link broke."""

from __future__ import annotations

import msgspec

from .base import Message

# Close codes of the WebSocket (RFC 6455 section 7.4).
SESSION_ENDED = 1000
"""Of a client: the session is over. After any other, or none, it may be resumed."""
SOCKET_GIVEN_UP = 4000
"""Of a client: this socket is of no use, the session goes on."""
SOCKET_REPLACED = 4001
"""Of the hub: another socket goes on with the session."""


class Resume(msgspec.Struct, frozen=True):
    """Which session a link goes on with, and how much of it the client has.

    Both sides count the text messages that they have received of the other since the session began, whether they could
    be read or not, but not hello and welcome, heartbeats and their acknowledgements, and `Received`. Both keep what
    they have sent until the other says that it has it (in `Received`, or here and in `Welcome`), and send the rest
    again, in order, after the welcome. So each message has come once, whatever link broke at whichever point.
    """

    session_id: str
    key: str
    """`resume_key` of the session's `Welcome`; `repr` keeps it to itself."""
    received: int
    """Messages of the hub that the client has counted."""
    attempt: int = 0
    """Grows with each attempt of a session: one that the client gave up may come after the one that it goes on with."""

    def __repr__(self) -> str:
        return f"Resume(session_id={self.session_id!r}, received={self.received})"


class Hello(Message, frozen=True):
    """First message of every link; the hub answers `Welcome` or `Refused` and closes."""

    protocol: int
    client: str
    """Name and version of the client program, for the hub's log."""
    resumable: bool = False
    """Whether the client counts what it receives and may come back after the link broke. A client that does not leaves
    with its link; one that does leaves with close code 1000, or when it does not come back in time."""
    resume: Resume | None = None
    """The session to go on with; None begins one."""


class Welcome(Message, frozen=True):
    """Answers `Hello`."""

    protocol: int
    version: str
    session_id: str
    heartbeat_interval: float
    """Seconds between two signs of life a client owes the hub."""
    heartbeat_timeout: float
    """Seconds of silence after which the hub ends the session, and seconds a broken link has to be resumed in."""
    resume_key: str = ""
    """What a link that resumes this session has to show; "" where it cannot be resumed. `repr` keeps it to itself."""
    resumed: bool = False
    """Whether this is the session that the client wanted to go on with. If not it is a new one, and the hub does not
    say whether that session is over, never was, or has another key."""
    received: int = 0
    """Messages of the client that the hub has counted."""

    def __repr__(self) -> str:
        kind = "resumed" if self.resumed else "new"
        return f"Welcome(version={self.version!r}, session_id={self.session_id!r}, {kind}, received={self.received})"


class Received(Message, frozen=True):
    """How many messages of the other side the sender has counted, so that those need not be kept (`Resume`).

    On a link that can be resumed both sides say so now and then: after each `ACKNOWLEDGE_EVERY` messages, and with the
    heartbeat.
    """

    received: int


ACKNOWLEDGE_EVERY = 64
