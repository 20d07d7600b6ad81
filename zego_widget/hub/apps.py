"""The apps of a hub: who may come in, and with what."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from .. import tokens
from ..credentials import App, new_app, signature
from ..errors import ErrorCode, Refused
from ..protocol import Credential
from .admission import Grant
from .used_tokens import UsedTokens

MAX_SESSION_ID = 64
"""Characters; those of this hub have 16. What a client names is remembered as long as its token lasts."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who shows a token with every request (RFC 6750), and what it logs in with."""

    user_id: str
    credential: Credential = field(repr=False)


class Apps:
    """Some apps, or where none are given one that this hub makes for itself.

    `now` is seconds since 1970. A refusal is `Refused` with ZEGO's code.
    """

    def __init__(self, apps: Iterable[App] = ()) -> None:
        self._apps = {app.app_id: app.check() for app in apps}
        if not self._apps:
            app = new_app()
            self._apps[app.app_id] = app
        self.used = UsedTokens()

    @property
    def own(self) -> App:
        """The app that kernels of this hub's own user log in to: the first one."""
        return next(iter(self._apps.values()))

    def admit(self, credential: Credential, session_id: str, room_id: str, user_id: str, now: float) -> Grant:
        """What a credential gives to a user in a room; `room_id` "" is the hub alone.

        A token lets in the session that shows it first, and after that whoever knows the ID of that session (or the
        earlier one it named): its own client, when it comes back. A copy of a token lets nobody in.
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
        if len(credential.earlier_session_id) > MAX_SESSION_ID:
            raise _not_let_in(f"A session ID has at most {MAX_SESSION_ID} characters.")
        grant = self._verified(app, credential.token, room_id, user_id, now)
        self._claim(credential.token, {session_id, credential.earlier_session_id}, grant, now)
        return replace(grant, earlier_session_id=credential.earlier_session_id)

    def bearer(self, token: str, now: float) -> Bearer:
        """Whose a token is that comes without a login; it is the token that says for which app and user it is.

        Who comes over HTTP has no session to name, and shows its token with every request. So the token itself, sealed
        with the app's secret, stands for its first session: a token that a link has used lets nobody in here, and the
        other way round.
        """
        refused = Refused("This hub has no app that takes tokens.", ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED)
        for app in self._apps.values():
            if not app.server_secret:
                continue
            try:
                said = tokens.verify(token, app.app_id, app.server_secret, None, now)
            except tokens.TokenError as error:
                refused = Refused(error.message, error.code)
                if error.code != ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED:  # it was this app's
                    break
                continue
            seal = hmac.new(app.server_secret.encode(), b"bearer " + token.encode(), hashlib.sha256).hexdigest()
            return Bearer(said.user_id, Credential(app.app_id, token, earlier_session_id=seal))
        raise refused

    def renew(self, grant: Grant, token: str, session_id: str, room_id: str, now: float) -> Grant:
        """What another token gives to a session that is in a room."""
        renewed = self._verified(self._app(grant.app_id), token, room_id, grant.user_id, now)
        self._claim(token, {session_id, grant.earlier_session_id}, renewed, now)
        return replace(renewed, earlier_session_id=grant.earlier_session_id)

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

    def _claim(self, token: str, sessions: set[str], grant: Grant, now: float) -> None:
        if not self.used.claim(token, sessions - {""}, grant.expires_at or now, now):
            raise _not_let_in("This token has let in another client before.")


def _not_let_in(sentence: str) -> Refused:
    return Refused(sentence, ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED)
