"""One room: its members, their streams, and who is told of each change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..model import PublishChannel, RoomExtraInfo, Stream, StreamDeleteReason, UpdateType, User
from . import limits
from .events import Event, StreamStateChanged, StreamsUpdated, UsersUpdated
from .publication import Declared, PublishState
from .rates import SlidingWindow

_T = TypeVar("_T")


def portions(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """All items, up to `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


@dataclass(slots=True)
class Allowance:
    """What one user may tell the others of a room, as far as it is counted by user."""

    stream_extra_info_changes: SlidingWindow = field(
        default_factory=lambda: SlidingWindow(limits.STREAM_EXTRA_INFO_CHANGES)
    )
    commands_to_one: SlidingWindow = field(default_factory=lambda: SlidingWindow(limits.COMMANDS_TO_ONE))
    commands_to_several: SlidingWindow = field(default_factory=lambda: SlidingWindow(limits.COMMANDS_TO_SEVERAL))

    def is_whole(self, now: float) -> bool:
        """Whether nothing of it is used up."""
        return all(
            window.is_idle(now)
            for window in (self.stream_extra_info_changes, self.commands_to_one, self.commands_to_several)
        )


@dataclass(slots=True)
class Member:
    """A session that is logged in to a room."""

    session_id: str
    user: User
    is_user_status_notify: bool
    last_heard: float
    # When the user is told next how many are in the room.
    count_due: float
    allowance: Allowance
    declared: dict[PublishChannel, Declared] = field(default_factory=dict)
    stream_extra_info: dict[PublishChannel, str] = field(default_factory=dict)


class Room:
    """The members of one room, in the order they came."""

    def __init__(self, app_id: int, room_id: str, room_session_id: str, max_member_count: int) -> None:
        self.app_id = app_id
        self.room_id = room_id
        self.room_session_id = room_session_id
        self.max_member_count = max_member_count
        self.members: dict[str, Member] = {}
        # User ID -> session ID, of the same members.
        self._sessions: dict[str, str] = {}
        self.extra_info: RoomExtraInfo | None = None
        # Whether that was brought back from a hub that went down.
        self.extra_info_restored = False
        self.extra_info_changes = SlidingWindow(limits.ROOM_EXTRA_INFO_CHANGES)
        self.broadcasts = SlidingWindow(limits.ROOM_BROADCASTS)
        self.barrages = SlidingWindow(limits.ROOM_BARRAGES)
        # User ID -> allowance of those who left, in the order they did: who comes back may not say more.
        self.left: dict[str, Allowance] = {}
        # Live streams by ID, in the order they went live.
        self._live: dict[str, tuple[Member, Declared]] = {}

    def holds(self, member_count: int) -> bool:
        """Whether the room may have that many members."""
        return self.max_member_count == 0 or member_count <= self.max_member_count

    def others(self, session_id: str) -> Iterator[Member]:
        """All members but this session."""
        return (member for member in self.members.values() if member.session_id != session_id)

    def session_of(self, user_id: str) -> str | None:
        """The session of a user, if he is a member."""
        return self._sessions.get(user_id)

    def users(self, besides: str) -> tuple[User, ...]:
        """Users of all sessions but `besides`."""
        return tuple(member.user for member in self.others(besides))

    def streams(self, besides: str | None = None) -> tuple[Stream, ...]:
        """Live streams of all sessions but `besides`, first come first."""
        return tuple(declared.stream for member, declared in self._live.values() if member.session_id != besides)

    def allowance_of(self, user_id: str, now: float) -> Allowance:
        """What a newcomer may say: what is left, if the user has just been here."""
        allowance = self.left.pop(user_id, None)
        while self.left and self.left[first := next(iter(self.left))].is_whole(now):
            del self.left[first]
        return allowance or Allowance()

    def enter(self, member: Member) -> list[Event]:
        """Add a member; the others hear of the user."""
        self.members[member.session_id] = member
        self._sessions[member.user.user_id] = member.session_id
        return self._tell_users(self.others(member.session_id), UpdateType.ADD, (member.user,))

    def leave(self, session_ids: Iterable[str], reason: StreamDeleteReason) -> list[Event]:
        """Remove members with all their streams; the others hear of all streams, then of all users."""
        leaving = [self.members.pop(session_id) for session_id in session_ids]
        streams: list[Stream] = []
        for member in leaving:
            del self._sessions[member.user.user_id]
            self.left[member.user.user_id] = member.allowance
            for declared in member.declared.values():
                if declared.state is PublishState.LIVE:
                    self._become(member, declared, PublishState.RESERVED)
                    streams.append(declared.stream)
        users = [member.user for member in leaving]
        staying = self.members.values()
        events: list[Event] = []
        for some_streams in portions(streams, limits.STREAMS_TOLD_AT_ONCE):
            events += self._tell_streams(staying, UpdateType.DELETE, some_streams, reason)
        for some_users in portions(users, limits.USERS_TOLD_AT_ONCE):
            events += self._tell_users(staying, UpdateType.DELETE, tuple(some_users))
        return events

    def set_live(self, member: Member, declared: Declared, live: bool, reason: StreamDeleteReason) -> list[Event]:
        """Announce a declared stream to the others, or take it back; nothing if it is so already."""
        state = PublishState.LIVE if live else PublishState.RESERVED
        if declared.state is state:
            return []
        self._become(member, declared, state)
        if live:
            return self._tell_streams(self.others(member.session_id), UpdateType.ADD, [declared.stream], None)
        return self._tell_streams(self.others(member.session_id), UpdateType.DELETE, [declared.stream], reason)

    def replace_stream(self, member: Member, declared: Declared, stream: Stream) -> list[Event]:
        """Change what is known of a stream; the others hear of it if it is live and differs."""
        if declared.stream == stream:
            return []
        declared.stream = stream
        if declared.state is not PublishState.LIVE:
            return []
        return [StreamStateChanged(other.session_id, self.room_id, stream) for other in self.others(member.session_id)]

    def _become(self, member: Member, declared: Declared, state: PublishState) -> None:
        """The one place where a stream changes its state."""
        declared.state = state
        if state is PublishState.LIVE:
            self._live[declared.stream.stream_id] = (member, declared)
        else:
            del self._live[declared.stream.stream_id]

    def _tell_users(self, members: Iterable[Member], update_type: UpdateType, users: tuple[User, ...]) -> list[Event]:
        return [
            UsersUpdated(member.session_id, self.room_id, update_type, users)
            for member in members
            if member.is_user_status_notify
        ]

    def _tell_streams(
        self,
        members: Iterable[Member],
        update_type: UpdateType,
        streams: Iterable[Stream],
        reason: StreamDeleteReason | None,
    ) -> list[Event]:
        listed = tuple(streams)
        return [StreamsUpdated(member.session_id, self.room_id, update_type, listed, reason) for member in members]
