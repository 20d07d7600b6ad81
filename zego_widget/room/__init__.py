"""Rooms as pure state: no sockets, no clock, no asyncio; time is an argument."""

from .events import (
    BarrageReceived,
    BroadcastReceived,
    CommandReceived,
    Event,
    RoomExtraInfoChanged,
    RoomStateChanged,
    StreamExtraInfoChanged,
    StreamStateChanged,
    StreamsUpdated,
    UsersCounted,
    UsersUpdated,
)
from .extra_info import ExtraInfos
from .messages import Messages, Sent
from .rooms import Login, Rooms

__all__ = [
    "BarrageReceived",
    "BroadcastReceived",
    "CommandReceived",
    "Event",
    "ExtraInfos",
    "Login",
    "Messages",
    "RoomExtraInfoChanged",
    "RoomStateChanged",
    "Rooms",
    "Sent",
    "StreamExtraInfoChanged",
    "StreamStateChanged",
    "StreamsUpdated",
    "UsersCounted",
    "UsersUpdated",
]
