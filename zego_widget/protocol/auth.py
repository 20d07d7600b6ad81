"""Who a client is and what it may: the credential of a login, and tokens that run out."""

from __future__ import annotations

import msgspec

from .base import Message, RequestId, TimeOfDay


class Credential(msgspec.Struct, frozen=True):
    """What a login shows: a token, or a signature made with the app sign; the signature is looked at first.

    `repr` tells which of them there is, not what it is.
    """

    app_id: int = 0
    token: str = ""
    """A token04 (ZEGO.md, section 4)."""
    signature: str = ""
    """Hex HMAC-SHA256, keyed by the app sign, over `session_id`, `room_id` and `user_id` with a line feed between
    them; `session_id` is that of `Welcome`, so a signature is good for one link only."""
    earlier_session_id: str = ""
    """The first session of this client, once that is not the present one. A token is for one client, not for whoever
    has it: one that was used already, or comes from a renewal, lets in only who names a session that used it, or
    that was named then."""
    since: TimeOfDay = 0
    """When the login began that this one goes on with, after its session was lost: what `LoggedIn`, or `Done` of
    `SignIn`, said last. 0 begins a new login. Of all logins of a user the latest stays, whoever comes back first: an
    earlier one is refused with 1002050."""

    def __repr__(self) -> str:
        shown = [name for name in ("token", "signature") if getattr(self, name)]
        return f"Credential(app_id={self.app_id}, {' and '.join(shown) or 'nothing'} given)"


class RenewToken(Message, frozen=True):
    """Go on with another token (ZEGO renewToken). Answered by `Done`."""

    request_id: RequestId
    room_id: str
    token: str

    def __repr__(self) -> str:
        return f"RenewToken(request_id={self.request_id}, room_id={self.room_id!r})"


class RoomTokenWillExpire(Message, frozen=True):
    """The token of this session ends soon (ZEGO onRoomTokenWillExpire)."""

    room_id: str
    remain_time_in_second: int
