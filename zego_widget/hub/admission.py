"""What a login may do, and for how long; pure, the time is an argument (seconds since 1970)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import ErrorCode, Refused
from ..tokens import Privileges

WARNING_TIME = 30
"""Seconds before its end at which a token's user is told (ZEGO onRoomTokenWillExpire)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a credential gives to the user who showed it."""

    app_id: int
    user_id: str
    expires_at: float | None = None
    """None: never, as with an app sign."""
    privileges: Privileges | None = None
    """None: everything, everywhere."""
    earlier_session_id: str = ""
    """Another session of the same client, by which it is known when it comes back."""

    @property
    def may_publish(self) -> bool:
        """Whether there is anything this grant lets publish while it lasts."""
        return self.privileges is None or self.privileges.may_publish


class Admission:
    """Of one login. A token that ends takes nothing away but the right to begin: the user stays, streams go on."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self._told = False

    def check_publishing(self, stream_id: str, now: float) -> None:
        """Raises `Refused` with 1003072 where a stream may not be published, or not any longer."""
        expires_at, privileges = self.grant.expires_at, self.grant.privileges
        if expires_at is not None and expires_at < now:
            raise _no_publishing("The token of this login has expired; renew it to publish.")
        if not self.grant.may_publish:
            raise _no_publishing("The token of this login gives no right to publish.")
        if privileges is not None and privileges.stream_ids is not None and stream_id not in privileges.stream_ids:
            raise _no_publishing("The token of this login is for other streams.")

    def renew(self, grant: Grant, *, publishing: bool) -> None:
        """Go on with another grant, which counts for the next stream that is published.

        Raises `Refused` with 1002082, and changes nothing, where a user who is publishing would lose the right to.
        """
        if publishing and not grant.may_publish:
            raise Refused(
                "The new token gives no right to publish, and this user is publishing.",
                ErrorCode.ROOM_RENEW_TOKEN_NO_PUBLISH_AUTH_ERROR,
            )
        self.grant = grant
        self._told = False

    def ends_in(self, now: float) -> int | None:
        """Whole seconds that are left, said once and not before `WARNING_TIME`; else None."""
        expires_at = self.grant.expires_at
        if self._told or expires_at is None or expires_at - now > WARNING_TIME:
            return None
        self._told = True
        return max(0, math.ceil(expires_at - now))


def _no_publishing(sentence: str) -> Refused:
    return Refused(sentence, ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR)
