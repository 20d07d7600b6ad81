"""The apps of a hub: who may come in, and with what."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from .. import tokens
from ..credentials import App, new_app, signature
from ..errors import ErrorCode, Refused
from ..protocol import Credential
from .admission import Grant

MAX_USED_TOKENS = 1 << 16
"""Tokens remembered until they expire; beyond that the oldest is forgotten."""
MAX_SESSIONS_OF_A_TOKEN = 1024
_SWEEP_FROM = 1024


@dataclass(slots=True)
class _Use:
    """The sessions that a token let in."""

    expires_at: float
    sessions: set[str] = field(default_factory=set)


class Apps:
    """Some apps, or where none are given one that this hub makes for itself.

    `now` is seconds since 1970. A refusal is `Refused` with ZEGO's code.
    """

    def __init__(self, apps: Iterable[App] = ()) -> None:
        self._apps = {app.app_id: app.check() for app in apps}
        if not self._apps:
            app = new_app()
            self._apps[app.app_id] = app
        # By SHA-256 of the token.
        self._used: dict[bytes, _Use] = {}
        self._sweep_at = _SWEEP_FROM

    @property
    def own(self) -> App:
        """The app that kernels of this hub's own user log in to: the first one."""
        return next(iter(self._apps.values()))

    def admit(self, credential: Credential, session_id: str, room_id: str, user_id: str, now: float) -> Grant:
        """What a credential gives to a user in a room; `room_id` "" is the hub alone.

        A token lets in the session that shows it first, and after that whoever knows the ID of a session it let in:
        its own client, when it comes back. A copy of a token lets nobody in.
        """
        if not credential.token and not credential.signature:
            raise Refused("The login shows neither a token nor a signature.", ErrorCode.ROOM_NO_TOKEN)
        app = self._app(credential.app_id)
        if credential.signature and app.app_sign:
            expected = signature(app.app_sign, session_id, room_id, user_id).encode()
            if not hmac.compare_digest(credential.signature.encode("utf-8", "surrogatepass"), expected):
                raise Refused("The login was signed with another app sign.", ErrorCode.ENGINE_APPSIGN_INCORRECT)
            return Grant(app.app_id, user_id)
        if not credential.token:
            raise Refused("This app asks for a token.", ErrorCode.ROOM_NO_TOKEN)
        grant = self._verified(app, credential.token, room_id, user_id, now)
        self._use(credential.token, session_id, credential.earlier_session_id, grant, now)
        return grant

    def renew(self, grant: Grant, token: str, session_id: str, room_id: str, now: float) -> Grant:
        """What another token gives to a session that is in a room."""
        renewed = self._verified(self._app(grant.app_id), token, room_id, grant.user_id, now)
        self._use(token, session_id, "", renewed, now)
        return renewed

    def _app(self, app_id: int) -> App:
        if app_id == 0:
            raise Refused("The login names no app.", ErrorCode.ENGINE_APPID_ZERO)
        app = self._apps.get(app_id)
        if app is None:
            raise Refused(f"This hub does not serve an app {app_id}.", ErrorCode.ENGINE_APPID_INCORRECT_OR_NOT_ONLINE)
        return app

    def _verified(self, app: App, token: str, room_id: str, user_id: str, now: float) -> Grant:
        if not app.server_secret:
            raise _not_let_in("This app takes no tokens, it has no server secret.")
        try:
            said = tokens.verify(token, app.app_id, app.server_secret, user_id, now)
        except tokens.TokenError as error:
            raise Refused(error.message, error.code) from None
        privileges = said.privileges
        if privileges is not None and room_id:
            if privileges.room_id != room_id:
                raise _not_let_in("The token is for another room.")
            if not privileges.may_login:
                raise _not_let_in("The token gives no right to log in.")
        return Grant(app.app_id, user_id, said.expires_at, privileges)

    def _use(self, token: str, session_id: str, earlier_session_id: str, grant: Grant, now: float) -> None:
        digest = hashlib.sha256(token.encode()).digest()
        use = self._used.get(digest)
        if use is None:
            self._used[digest] = use = _Use(grant.expires_at or now)
            self._forget(now)
        elif use.sessions.isdisjoint((session_id, earlier_session_id)):
            raise _not_let_in("This token has let in another client before.")
        elif session_id not in use.sessions and len(use.sessions) >= MAX_SESSIONS_OF_A_TOKEN:
            raise _not_let_in("This token has been used too often.")
        use.sessions.add(session_id)

    def _forget(self, now: float) -> None:
        if len(self._used) >= self._sweep_at:
            self._used = {digest: use for digest, use in self._used.items() if use.expires_at >= now}
            self._sweep_at = max(_SWEEP_FROM, 2 * len(self._used))
        if len(self._used) > MAX_USED_TOKENS:
            del self._used[next(iter(self._used))]


def _not_let_in(sentence: str) -> Refused:
    return Refused(sentence, ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED)
