"""What an engine shows when it logs in."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from .. import credentials
from ..protocol import Credential
from .line import HubAndApp
from .profile import EngineProfile


class Identity:
    """The app of an engine and its way to prove it: an app sign, a token, or the own app of this machine's hub."""

    def __init__(self, profile: EngineProfile, hub: Callable[[], HubAndApp | None]) -> None:
        self._profile = profile
        self._hub = hub
        # By this one the hub knows us when we come back with a token, whatever became of the sessions between.
        self._first_session_id = ""
        # The user who logged in last, and when that was.
        self._began = "", 0

    def began(self, user_id: str, since: int) -> None:
        """The hub says when the login of this user began."""
        self._began = user_id, since

    def credential(
        self, session_id: str, room_id: str, user_id: str, token: str, *, returns: bool = False
    ) -> Credential:
        """For a login to a room ("": to the hub alone), a new one or one that goes on."""
        credential = self._shown(session_id, room_id, user_id, token)
        last_user_id, since = self._began
        return structs.replace(credential, since=since) if returns and user_id == last_user_id else credential

    def _shown(self, session_id: str, room_id: str, user_id: str, token: str) -> Credential:
        profile, own = self._profile, self._own_app()
        app_id = profile.app_id or (own.app_id if own else 0)
        if not token and not profile.app_sign and own is not None:
            return own.credential(session_id, room_id, user_id)
        signature = credentials.signature(profile.app_sign, session_id, room_id, user_id) if profile.app_sign else ""
        earlier = self._first_session_id if token else ""
        self._first_session_id = self._first_session_id or session_id
        return Credential(app_id, token, signature, earlier)

    def own_token(self, room_id: str, user_id: str) -> str:
        """A token that the engine signs for itself; "" where it cannot."""
        own = self._own_app()
        if own is None or not own.server_secret or self._profile.app_sign:
            return ""
        return own.token(room_id, user_id)

    def _own_app(self) -> credentials.App | None:
        hub = self._hub()
        app = hub.app if hub is not None else None
        if app is None or self._profile.app_id not in (None, app.app_id):
            return None
        return app
