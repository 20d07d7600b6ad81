"""All rooms of one hub."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import ErrorCode, Refused
from ..model import (
    PublishChannel,
    RemoteDeviceState,
    RoomConfig,
    RoomStateChangedReason,
    Stream,
    StreamDeleteReason,
    User,
)
from . import limits
from .events import Event, RoomStateChanged, UsersCounted
from .ids import check_room_id, check_stream_id, check_user
from .publication import Declared
from .room import Member, Room


@dataclass(frozen=True, slots=True)
class Login:
    """What a newcomer finds: the lists of the others. `users` is empty unless user updates were asked for."""

    room_id: str
    room_session_id: str
    users: tuple[User, ...]
    streams: tuple[Stream, ...]
    events: tuple[Event, ...]
    """For the others, and for the session that this login displaced."""


class Rooms:
    """Who is in which room and publishes what.

    A session is named by an ID of its owner's choice and is in one room at most. Rooms, users and streams of one app
    have nothing to do with those of another that go by the same IDs. Every method that changes something returns the
    events for everyone concerned, in order. `now` is any clock in seconds that never goes back. A refusal is `Refused`
    with ZEGO's code, and changes nothing.
    """

    def __init__(self, *, heartbeat_timeout: float = 15.0, prefix: str = "") -> None:
        self._heartbeat_timeout = heartbeat_timeout
        self._prefix = prefix
        self._rooms_created = 0
        # By app ID and room ID, as users below are by app ID and user ID.
        self._rooms: dict[tuple[int, str], Room] = {}
        self._room_of: dict[str, Room] = {}
        self._session_of_user: dict[tuple[int, str], str] = {}
        # Declared stream IDs by app: unique in the whole app, not only in a room.
        self._stream_ids: set[tuple[int, str]] = set()

    # -- inputs ---------------------------------------------------------------------------------------------

    def login(
        self, session_id: str, room_id: str, user: User, config: RoomConfig, now: float, *, app_id: int = 0
    ) -> Login:
        """Enter a room (ZEGO loginRoom), creating it; an earlier session of the same user ID is displaced."""
        check_room_id(room_id)
        check_user(user)
        if config.max_member_count < 0:
            raise Refused("max_member_count must be 0 (no limit) or more.", ErrorCode.COMMON_ILLEGAL_PARAM)
        if session_id in self._room_of:
            raise Refused(
                f"This session is in room {self._room_of[session_id].room_id} already; log out first.",
                ErrorCode.ROOM_COUNT_EXCEED,
            )
        earlier = self._session_of_user.get((app_id, user.user_id))
        self._check_place((app_id, room_id), earlier)
        events = [] if earlier is None else self._displace(earlier)
        room = self._rooms.get((app_id, room_id)) or self._create(app_id, room_id, config)
        allowance = room.allowance_of(user.user_id, now)
        count_due = now + limits.ONLINE_COUNT_INTERVAL
        member = Member(session_id, user, config.is_user_status_notify, now, count_due, allowance)
        events += room.enter(member)
        self._room_of[session_id] = room
        self._session_of_user[app_id, user.user_id] = session_id
        return Login(room_id, room.room_session_id, self.users(session_id), self.streams(session_id), tuple(events))

    def logout(self, session_id: str, room_id: str) -> list[Event]:
        """Leave a room (ZEGO logoutRoom); refused with 1002002 for a room this session is not in."""
        room = self._room_of.get(session_id)
        if room is None or room.room_id != room_id:
            raise Refused("This session is not in the room it wants to leave.", ErrorCode.ROOM_ROOMID_INCORRECT)
        return self._leave(room, [session_id], StreamDeleteReason.STOPPED)

    def end(self, session_id: str, reason: StreamDeleteReason = StreamDeleteReason.OFFLINE) -> list[Event]:
        """The session is gone; nothing if it was in no room."""
        room = self._room_of.get(session_id)
        return [] if room is None else self._leave(room, [session_id], reason)

    def heartbeat(self, session_id: str, now: float) -> None:
        """A sign of life of a session, whether in a room or not."""
        if room := self._room_of.get(session_id):
            room.members[session_id].last_heard = now

    def expire(self, now: float) -> list[Event]:
        """End the sessions that were silent for longer than the heartbeat timeout."""
        told: list[Event] = []
        others: list[Event] = []
        for room in list(self._rooms.values()):
            silent = [
                session_id
                for session_id, member in room.members.items()
                if now - member.last_heard > self._heartbeat_timeout
            ]
            if not silent:
                continue
            told += [
                RoomStateChanged(
                    session_id,
                    room.room_id,
                    RoomStateChangedReason.KICK_OUT,
                    ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT,
                    f"The hub heard nothing from this login for {self._heartbeat_timeout:g} s.",
                )
                for session_id in silent
            ]
            # Those who go together do not hear of one another.
            others += self._leave(room, silent, StreamDeleteReason.HEARTBEAT_TIMEOUT)
        return told + others

    def count_users(self, now: float) -> list[Event]:
        """Tell everyone how many are in the room, each 30 s after the last time (and 30 s after the login)."""
        events: list[Event] = []
        for room in self._rooms.values():
            for member in room.members.values():
                if now >= member.count_due:
                    # In step with the login; after a pause not once for each that was missed.
                    passed = (now - member.count_due) // limits.ONLINE_COUNT_INTERVAL
                    member.count_due += (passed + 1) * limits.ONLINE_COUNT_INTERVAL
                    events.append(UsersCounted(member.session_id, room.room_id, len(room.members)))
        return events

    def publish(self, session_id: str, stream_id: str, channel: PublishChannel) -> list[Event]:
        """Reserve a stream ID for a channel (ZEGO startPublishingStream); others hear of it by `set_live`."""
        room = self._room(session_id)
        check_stream_id(stream_id)
        member = room.members[session_id]
        if channel in member.declared:
            raise Refused(
                f"The {channel.name} channel publishes {member.declared[channel].stream.stream_id} already; "
                "stop that first.",
                ErrorCode.PUBLISHER_ERROR_ALREADY_DO_PUBLISH,
            )
        if (room.app_id, stream_id) in self._stream_ids:
            raise Refused(f"A stream {stream_id} exists already.", ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM)
        member.declared[channel] = Declared(Stream(stream_id, member.user, member.stream_extra_info.get(channel, "")))
        self._stream_ids.add((room.app_id, stream_id))
        return []

    def set_live(
        self,
        session_id: str,
        channel: PublishChannel,
        live: bool,
        reason: StreamDeleteReason = StreamDeleteReason.OFFLINE,
    ) -> list[Event]:
        """Media of a declared stream came or went; nothing if it is so already or nothing is declared."""
        room, declared = self._declared(session_id, channel)
        if room is None or declared is None:
            return []
        return room.set_live(room.members[session_id], declared, live, reason)

    def stop_publishing(self, session_id: str, channel: PublishChannel) -> list[Event]:
        """Give a channel's stream ID back (ZEGO stopPublishingStream); nothing if it publishes none."""
        room = self._room(session_id)
        member = room.members[session_id]
        events = self.set_live(session_id, channel, False, StreamDeleteReason.STOPPED)
        if declared := member.declared.pop(channel, None):
            self._stream_ids.remove((room.app_id, declared.stream.stream_id))
        return events

    def set_device_state(
        self, session_id: str, channel: PublishChannel, microphone: RemoteDeviceState, camera: RemoteDeviceState
    ) -> list[Event]:
        """State of the devices behind a declared stream; nothing if none is declared."""
        room, declared = self._declared(session_id, channel)
        if room is None or declared is None:
            return []
        stream = replace(declared.stream, microphone=microphone, camera=camera)
        return room.replace_stream(room.members[session_id], declared, stream)

    # -- queries --------------------------------------------------------------------------------------------

    def room_id(self, session_id: str) -> str | None:
        """The room a session is in."""
        room = self._room_of.get(session_id)
        return None if room is None else room.room_id

    def place(self, session_id: str) -> tuple[Room, Member]:
        """The room a session is in and its membership; refused with 1000002 if it is in none."""
        room = self._room(session_id)
        return room, room.members[session_id]

    def user_count(self, session_id: str) -> int:
        """Users in the session's room, its own included; 0 if it is in none."""
        room = self._room_of.get(session_id)
        return 0 if room is None else len(room.members)

    def user(self, session_id: str) -> User | None:
        """The user a session is logged in as."""
        room = self._room_of.get(session_id)
        return None if room is None else room.members[session_id].user

    def users(self, session_id: str) -> tuple[User, ...]:
        """The others in the session's room, as far as it asked for user updates."""
        room = self._room_of.get(session_id)
        if room is None or not room.members[session_id].is_user_status_notify:
            return ()
        return room.users(session_id)

    def streams(self, session_id: str) -> tuple[Stream, ...]:
        """Live streams of the others in the session's room, first come first."""
        room = self._room_of.get(session_id)
        return () if room is None else room.streams(session_id)

    def published(self, session_id: str) -> dict[PublishChannel, Stream]:
        """What a session declared, live or not."""
        room = self._room_of.get(session_id)
        if room is None:
            return {}
        return {channel: declared.stream for channel, declared in room.members[session_id].declared.items()}

    @property
    def room_ids(self) -> tuple[str, ...]:
        """All rooms there are."""
        return tuple(room_id for _, room_id in self._rooms)

    @property
    def stream_count(self) -> int:
        """Live streams in all rooms."""
        return sum(len(room.streams()) for room in self._rooms.values())

    # -- inside ---------------------------------------------------------------------------------------------

    def _room(self, session_id: str) -> Room:
        room = self._room_of.get(session_id)
        if room is None:
            raise Refused("Log in to a room first.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
        return room

    def _declared(self, session_id: str, channel: PublishChannel) -> tuple[Room | None, Declared | None]:
        room = self._room_of.get(session_id)
        return room, None if room is None else room.members[session_id].declared.get(channel)

    def _create(self, app_id: int, room_id: str, config: RoomConfig) -> Room:
        self._rooms_created += 1
        room = Room(app_id, room_id, f"{self._prefix}{self._rooms_created}", config.max_member_count)
        self._rooms[app_id, room_id] = room
        return room

    def _check_place(self, name: tuple[int, str], displaced: str | None) -> None:
        room = self._rooms.get(name)
        if room is None:
            return
        staying = len(room.members) - (displaced in room.members)
        if staying and not room.holds(staying + 1):
            raise Refused(
                f"Room {room.room_id} is full: it takes {room.max_member_count} users.",
                ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER,
            )

    def _displace(self, session_id: str) -> list[Event]:
        room = self._room_of[session_id]
        user_id = room.members[session_id].user.user_id
        told = RoomStateChanged(
            session_id,
            room.room_id,
            RoomStateChangedReason.KICK_OUT,
            ErrorCode.ROOM_KICKED_OUT,
            f"{user_id} logged in somewhere else, so this login ended.",
        )
        return [told, *self._leave(room, [session_id], StreamDeleteReason.REPEAT_LOGIN)]

    def _leave(self, room: Room, session_ids: list[str], reason: StreamDeleteReason) -> list[Event]:
        """The one way out of a room; an empty room is gone at once."""
        for session_id in session_ids:
            del self._room_of[session_id]
            member = room.members[session_id]
            del self._session_of_user[room.app_id, member.user.user_id]
            for declared in member.declared.values():
                self._stream_ids.remove((room.app_id, declared.stream.stream_id))
        events = room.leave(session_ids, reason)
        if not room.members:
            del self._rooms[room.app_id, room.room_id]
        return events
