"""What the hub has for all its sessions: rooms, what belongs to them, and the way to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from zego_widget.forwarder import Forwarder
from zego_widget.protocol import Credential
from zego_widget.room import Event, ExtraInfos, Messages, Rooms

from .admission import Grant
from .apps import Apps
from .refusals import Refusals
from .source import Source


class Services(Protocol):
    """The hub, as what happens in it sees it."""

    forwarder: Forwarder
    apps: Apps
    rooms: Rooms
    messages: Messages
    extra_infos: ExtraInfos
    sources: dict[tuple[int, str], Source]
    """App ID and ID of a live stream -> where its media come from."""
    refusals: Refusals
    time_of_day: Callable[[], float]
    """Seconds since 1970."""

    @property
    def unix_time(self) -> int:
        """The time of day as messages bear it: ms since 1970."""

    @property
    def stopping(self) -> bool:
        """Everyone is told goodbye, and nothing else any more."""

    def now(self) -> float:
        """The hub's clock, in seconds."""

    def admit(self, session_id: str, credential: Credential, room_id: str, user_id: str) -> Grant:
        """What a credential gives to a user in a room ("": on the hub alone); raises `Refused` with ZEGO's code."""

    def deliver(self, events: Iterable[Event]) -> None:
        """Tell each session what concerns it."""

    def refresh_slots(self) -> None:
        """A stream comes from another peer than before: whoever plays it follows."""
