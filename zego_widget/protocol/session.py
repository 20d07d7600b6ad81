"""A link and its session: hello and welcome."""

from __future__ import annotations

from .base import Message


class Hello(Message, frozen=True):
    """First message of every link; the hub answers `Welcome` or `Refused` and closes."""

    protocol: int
    client: str
    """Name and version of the client program, for the hub's log."""


class Welcome(Message, frozen=True):
    """Answers `Hello`."""

    protocol: int
    version: str
    session_id: str
    heartbeat_interval: float
    """Seconds between two signs of life a client owes the hub."""
    heartbeat_timeout: float
    """Seconds of silence after which the hub ends the session."""
