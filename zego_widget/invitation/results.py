"""What the verbs of a call return; `events` are for everyone concerned, in order. Times are ms since 1970."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import CallUserInfo, ErrorUserInfo
from .events import Event


@dataclass(frozen=True, slots=True)
class Sent:
    """Of `invite` and `calling_invite`; `error_user_list` are those who are not invited."""

    call_id: str
    timeout: int
    error_user_list: tuple[ErrorUserInfo, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Of `cancel`; `error_invitees` are those who had nothing to cancel."""

    error_invitees: tuple[str, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Of `join`."""

    create_time: int
    join_time: int
    extended_data: str
    call_user_list: tuple[CallUserInfo, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """Of `quit` and `end`; `leave_time` is when that happened, `accept_time` when this user had accepted."""

    create_time: int
    accept_time: int
    leave_time: int
    events: tuple[Event, ...]
