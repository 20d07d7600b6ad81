"""Rooms as pure state: no sockets, no clock, no asyncio; time is an argument."""

from .events import Event, RoomStateChanged, StreamStateChanged, StreamsUpdated, UsersUpdated
from .rooms import Login, Rooms

__all__ = [
    "Event",
    "Login",
    "RoomStateChanged",
    "Rooms",
    "StreamStateChanged",
    "StreamsUpdated",
    "UsersUpdated",
]
