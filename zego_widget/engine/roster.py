"""Who and what is in the room, and what of a change is news, also after the session was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from ..model import Stream, UpdateType, User

T = TypeVar("T", User, Stream)


@dataclass(frozen=True, slots=True)
class News:
    """What a return to the room has to tell; `changed` are streams as they were and as they are."""

    users: list[User] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    changed: list[tuple[Stream, Stream]] = field(default_factory=list)


class Roster:
    """The others of a room. Pure: what it returns is for the caller to tell.

    After a return those who are missing are kept as absent until `settle`: when a hub was restarted they come back a
    moment later, and it is no news that they are there.
    """

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.streams: dict[str, Stream] = {}
        # IDs of users and streams that were not there when we came back.
        self._absent_users: set[str] = set()
        self._absent_streams: set[str] = set()

    def enter(self, users: Iterable[User], streams: Iterable[Stream]) -> None:
        """The first login: the others are these."""
        self.users = {user.user_id: user for user in users}
        self.streams = {stream.stream_id: stream for stream in streams}

    def rejoin(self, users: Iterable[User], streams: Iterable[Stream]) -> News:
        """A later login: what has come and what has changed is news now, what is missing after `settle`."""
        self._absent_users, self._absent_streams = set(self.users), set(self.streams)
        come = self.users_updated(UpdateType.ADD, users)
        before = dict(self.streams)
        found = list(streams)
        added = self.streams_updated(UpdateType.ADD, found)
        known = ((before[each.stream_id], each) for each in found if each.stream_id in before)
        return News(come, added, [(old, new) for old, new in known if old != new])

    def users_updated(self, kind: UpdateType, users: Iterable[User]) -> list[User]:
        """Users come or go; those of them that are news."""
        return _update(self.users, self._absent_users, kind, users, lambda user: user.user_id)

    def streams_updated(self, kind: UpdateType, streams: Iterable[Stream]) -> list[Stream]:
        """Streams come or go; those of them that are news."""
        return _update(self.streams, self._absent_streams, kind, streams, lambda stream: stream.stream_id)

    def settle(self) -> News:
        """Who is absent by now has gone."""
        users = [self.users.pop(user_id) for user_id in list(self.users) if user_id in self._absent_users]
        streams = [self.streams.pop(each) for each in list(self.streams) if each in self._absent_streams]
        self._absent_users.clear()
        self._absent_streams.clear()
        return News(users, streams)


def _update(
    known: dict[str, T], absent: set[str], kind: UpdateType, items: Iterable[T], name: Callable[[T], str]
) -> list[T]:
    news = []
    for item in items:
        item_id = name(item)
        returns = item_id in absent
        absent.discard(item_id)
        if kind is UpdateType.DELETE:
            known.pop(item_id, None)
        else:
            known[item_id] = item
        if kind is UpdateType.DELETE or not returns:
            news.append(item)
    return news
