"""What is attached to the room the engine is in, which outlives the hub in those who come back."""

from __future__ import annotations

import logging

from .. import protocol
from ..errors import HubUnreachable, ZegoError
from ..model import RoomExtraInfo
from .core import Core
from .rooms import Rooms

logger = logging.getLogger(__name__)


class AttachedToRoom:
    """The latest extra info of the room, set by us or told by the hub.

    Another session offers it to the hub, which may be another one that knows nothing of it, or an older text.
    """

    def __init__(self, core: Core, rooms: Rooms) -> None:
        self._core = core
        self._rooms = rooms
        self._known: RoomExtraInfo | None = None
        # What the hub told before it has said whether it takes what we know; None where nothing is offered.
        self._untold: list[protocol.RoomExtraInfoUpdate] | None = None
        rooms.on_left.append(lambda error, keeps_preview: self._forget())
        rooms.on_session_lost.append(lambda error: self._offer_again())
        core.route(protocol.RoomExtraInfoUpdate, self._updated)

    async def set(self, room_id: str, key: str, value: str) -> None:
        """Attach a text (ZEGO setRoomExtraInfo)."""
        login = await self._rooms.entered()
        done = await self._rooms.request(protocol.SetRoomExtraInfo(0, room_id, key, value), protocol.Done)
        is_latest = self._known is None or done.at > self._known.update_time  # else another was faster
        if done.at and is_latest and login is self._rooms.login_now:
            self._known = RoomExtraInfo(key, value, login.user, done.at)

    def _forget(self) -> None:
        self._known = self._untold = None

    def _updated(self, event: protocol.RoomExtraInfoUpdate) -> None:
        if self._untold is not None:
            self._untold.append(event)
        else:
            self._tell(event)

    def _tell(self, event: protocol.RoomExtraInfoUpdate) -> None:
        """Tell what is news: not what others have brought back."""
        known = self._known and _content(self._known)
        news = [info for info in event.room_extra_infos if _content(info) != known]
        if news:
            self._known = news[-1]
            self._core.emit("room_extra_info_update", news, event.room_id)

    def _offer_again(self) -> None:
        if self._known is not None and self._untold is None:
            self._untold = []
            self._core.spawn(self._offer(self._known, self._untold))

    async def _offer(self, known: RoomExtraInfo, untold: list[protocol.RoomExtraInfoUpdate]) -> None:
        try:
            is_taken = await self._restore(known)
        except ZegoError as error:  # the room was left, or the hub is older than this request
            logger.debug("What was attached to the room was not brought back: %s", error)
            is_taken = False
        if untold is not self._untold:
            return
        self._untold = None
        for event in untold:
            if not is_taken or any(info.update_time > known.update_time for info in event.room_extra_infos):
                self._tell(event)

    async def _restore(self, known: RoomExtraInfo) -> bool:
        """Whether the hub has taken it."""
        while True:
            login = await self._rooms.entered()
            link, own = login.link, known.update_user.user_id == login.user.user_id
            message = protocol.RestoreRoomExtraInfo(0, login.room_id, known.key, known.value, known.update_time, own)
            try:
                return (await self._rooms.request(message, protocol.Done)).at != 0
            except HubUnreachable:
                if login is not self._rooms.login_now or login.link is link:
                    raise
                # The session was lost once more: the next one is offered it.


def _content(info: RoomExtraInfo) -> tuple[str, str, int]:
    return info.key, info.value, info.update_time
