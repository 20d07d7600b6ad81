"""What becomes of the token of a login before it ends."""

from __future__ import annotations

import logging
from dataclasses import replace

from .. import protocol
from ..errors import ErrorCode, HubUnreachable, ZegoError
from .core import Core
from .identity import Identity
from .rooms import Rooms

logger = logging.getLogger(__name__)


class TokenRenewal:
    """Goes on with another token: the user's, or of its own where the engine signs its tokens itself."""

    def __init__(self, core: Core, rooms: Rooms, identity: Identity) -> None:
        self._core = core
        self._rooms = rooms
        self._identity = identity
        core.route(protocol.RoomTokenWillExpire, self._will_expire)

    async def renew(self, token: str, room_id: str) -> None:
        """Go on with another token (ZEGO renewToken)."""
        login = self._rooms.login_now
        if login is None or login.room_id != room_id:
            raise ZegoError("The engine is not in the room of that token.", ErrorCode.ROOM_ROOMID_INCORRECT)
        link = login.link
        if link is not None:
            try:
                await self._rooms.request(protocol.RenewToken(0, room_id, token), protocol.Done)
            except HubUnreachable:
                if login is not self._rooms.login_now or login.link is link:
                    raise
                # The session was lost: the next login shows it.
        if login.config.token:
            login.config = replace(login.config, token=token)  # what is shown when we come back

    def _will_expire(self, event: protocol.RoomTokenWillExpire) -> None:
        login = self._rooms.login_now
        assert login is not None
        own = self._identity.own_token(event.room_id, login.user.user_id)
        if own and not login.config.token:
            self._core.spawn(self._renew_own(own, event.room_id))
        else:
            self._core.emit("room_token_will_expire", event.remain_time_in_second, event.room_id)

    async def _renew_own(self, token: str, room_id: str) -> None:
        try:
            await self.renew(token, room_id)
        except ZegoError as error:
            logger.warning("The token of this login could not be renewed: %s", error)
