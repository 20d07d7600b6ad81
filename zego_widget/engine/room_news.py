"""Who and what is in the room: told as it changes, and after a return as far as it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from .. import protocol
from ..model import Stream, StreamDeleteReason, UpdateType
from .core import Core
from .login import Login
from .roster import News

ROSTER_GRACE = 4.0
"""Seconds after a return until those who are missing are told to have gone: a hub that is new fills again."""

_DESCRIPTIONS = {
    StreamDeleteReason.STOPPED: "user_stop_publishing_stream_normal",
    StreamDeleteReason.HEARTBEAT_TIMEOUT: "user_heart_beat_timeout",
    StreamDeleteReason.REPEAT_LOGIN: "user_repeat_login",
    StreamDeleteReason.KICKED_OUT: "user_kicked_out",
    StreamDeleteReason.OFFLINE: "user_offline",
    StreamDeleteReason.REMOVED_BY_SERVER: "remove_by_server",
}


class RoomNews:
    """Keeps the roster of the present login, and tells what is new in it."""

    def __init__(self, core: Core, login_now: Callable[[], Login | None]) -> None:
        self._core = core
        self._login_now = login_now
        self.on_stream_changed: list[Callable[[Stream, Stream], None]] = []
        core.route(protocol.RoomUserUpdate, self._users_updated)
        core.route(protocol.RoomStreamUpdate, self._streams_updated)
        core.route(protocol.StreamStateChanged, self._stream_changed)

    def came(self, login: Login, news: News) -> None:
        """The hub has listed who and what is there, and this is new; initial lists come once, as additions."""
        self._tell(login, UpdateType.ADD, news, {})
        for before, after in news.changed:
            self._tell_changed(before, after)

    def wait_for_the_missing(self, login: Login) -> None:
        """Whoever does not come back soon has gone."""
        login.settling = asyncio.get_running_loop().call_later(ROSTER_GRACE, self._settle, login)

    def wait_no_more(self, login: Login) -> None:
        """The login ended, or nobody can come back to us now."""
        if login.settling is not None:
            login.settling.cancel()
            login.settling = None

    def _settle(self, login: Login) -> None:
        login.settling = None
        gone = login.roster.settle()
        reasons = [protocol.StreamDeletion(each.stream_id, StreamDeleteReason.OFFLINE) for each in gone.streams]
        self._tell(login, UpdateType.DELETE, gone, _delete_reasons(reasons))

    def _tell(self, login: Login, kind: UpdateType, news: News, extended: dict[str, Any]) -> None:
        if news.users:
            self._core.emit("room_user_update", kind, news.users, login.room_id)
        if news.streams:
            self._core.emit("room_stream_update", kind, news.streams, extended, login.room_id)

    def _tell_changed(self, before: Stream, after: Stream) -> None:
        for changed in self.on_stream_changed:
            changed(before, after)

    # -- what the hub tells ---------------------------------------------------------------------------------

    def _users_updated(self, event: protocol.RoomUserUpdate) -> None:
        login = self._login_now()
        assert login is not None
        users = login.roster.users_updated(event.update_type, event.users)
        self._tell(login, event.update_type, News(users), {})

    def _streams_updated(self, event: protocol.RoomStreamUpdate) -> None:
        login = self._login_now()
        assert login is not None
        streams = login.roster.streams_updated(event.update_type, event.streams)
        self._tell(login, event.update_type, News(streams=streams), _delete_reasons(event.stream_delete_reason))

    def _stream_changed(self, event: protocol.StreamStateChanged) -> None:
        login = self._login_now()
        assert login is not None
        before = login.streams.get(event.stream.stream_id)
        if before is None:
            return
        login.streams[before.stream_id] = event.stream
        self._tell_changed(before, event.stream)


def _delete_reasons(deletions: Iterable[protocol.StreamDeletion]) -> dict[str, Any]:
    """The extended data of streams that went."""
    reasons = [
        {"stream_id": each.stream_id, "code": each.code, "description": _DESCRIPTIONS[each.code]} for each in deletions
    ]
    return {"stream_delete_reason": reasons} if reasons else {}
