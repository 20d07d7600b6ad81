"""The apps a hub serves, what their users sign to log in, and where apps come from: a file or the environment."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import string
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from . import tokens
from .errors import ErrorCode, InvalidArgument, Unauthorized
from .protocol import Credential

APP_ID_VARIABLE = "ZEGO_APP_ID"
APP_SIGN_VARIABLE = "ZEGO_APP_SIGN"
SERVER_SECRET_VARIABLE = "ZEGO_SERVER_SECRET"

APP_SIGN_CHARACTERS = 64
OWN_TOKEN_LIFETIME = 3600
"""Seconds; whoever holds the secret can sign the next one in time."""
_MAX_FILE = 1 << 20
_MAX_DIGITS = len(str(tokens.MAX_APP_ID))
_HEX = frozenset(string.hexdigits)


class App(msgspec.Struct, frozen=True):
    """An app: its ID and at least one of what its users log in with. `repr` keeps the secrets to itself."""

    app_id: int
    app_sign: str = ""
    """64 hex characters; "" where the app takes tokens only."""
    server_secret: str = ""
    """32 characters; "" where the app takes no tokens."""

    def __repr__(self) -> str:
        return f"App(app_id={self.app_id})"

    def check(self) -> App:
        """Itself; raises `InvalidArgument` with the code for what is wrong."""
        if not 0 < self.app_id <= tokens.MAX_APP_ID:
            raise InvalidArgument(f"An app ID is a number from 1 to {tokens.MAX_APP_ID}.", ErrorCode.ENGINE_APPID_ZERO)
        if not self.app_sign and not self.server_secret:
            raise InvalidArgument(
                f"App {self.app_id} has neither an app sign nor a server secret.", ErrorCode.ENGINE_APPSIGN_NULL
            )
        if self.app_sign:
            check_app_sign(self.app_sign)
        if self.server_secret and not (
            len(self.server_secret) == tokens.SECRET_CHARACTERS and self.server_secret.isascii()
        ):
            raise InvalidArgument(f"A server secret has {tokens.SECRET_CHARACTERS} ASCII characters.")
        return self

    def credential(self, session_id: str, room_id: str, user_id: str) -> Credential:
        """What lets a user into a room with everything allowed there; `room_id` "" is the hub alone.

        A token where the app has a server secret, else a signature good for this one session.
        """
        if self.server_secret:
            return Credential(self.app_id, token=self.token(room_id, user_id))
        return signed(self.app_id, self.app_sign, session_id, room_id, user_id)

    def token(self, room_id: str, user_id: str) -> str:
        """A token of `OWN_TOKEN_LIFETIME` for one user with everything allowed in one room ("": in any)."""
        payload = tokens.privilege_payload(room_id, publish=True) if room_id else ""
        return tokens.sign(self.app_id, user_id, self.server_secret, OWN_TOKEN_LIFETIME, payload)


def new_app() -> App:
    """An app nobody has known before."""
    return App(1 + secrets.randbelow(tokens.MAX_APP_ID), secrets.token_hex(32), secrets.token_hex(16))


def check_app_sign(app_sign: str) -> None:
    """Raises `InvalidArgument` unless it is 64 hex characters."""
    if len(app_sign) != APP_SIGN_CHARACTERS:
        raise InvalidArgument(
            f"An app sign has {APP_SIGN_CHARACTERS} characters.", ErrorCode.ENGINE_APPSIGN_INVALID_LENGTH
        )
    if not set(app_sign) <= _HEX:
        raise InvalidArgument("An app sign is made of 0-9 and a-f.", ErrorCode.ENGINE_APPSIGN_INVALID_CHARACTER)


def signed(app_id: int, app_sign: str, session_id: str, room_id: str, user_id: str) -> Credential:
    """What lets a user in by the app sign, which itself stays here; `session_id` is that of `Welcome`."""
    return Credential(app_id, signature=signature(app_sign, session_id, room_id, user_id))


def signature(app_sign: str, session_id: str, room_id: str, user_id: str) -> str:
    """The signature of a `Credential`, which says what goes into it."""
    # None of the three can hold a line feed, so no two logins have the same text.
    text = "\n".join((session_id, room_id, user_id)).encode("utf-8", "surrogatepass")
    return hmac.new(app_sign.lower().encode(), text, hashlib.sha256).hexdigest()


# -- where they come from ------------------------------------------------------------------------------------


def apps_from_environment(environment: Mapping[str, str] | None = None) -> list[App]:
    """The app that ZEGO_APP_ID, ZEGO_APP_SIGN and ZEGO_SERVER_SECRET name; none where there is no ZEGO_APP_ID.

    Raises `InvalidArgument` where they make no sense.
    """
    environment = os.environ if environment is None else environment
    app_id = environment.get(APP_ID_VARIABLE, "")
    if not app_id:
        return []
    if not (app_id.isascii() and app_id.isdecimal() and len(app_id) <= _MAX_DIGITS):
        raise InvalidArgument(
            f"{APP_ID_VARIABLE} is not a number from 1 to {tokens.MAX_APP_ID}.", ErrorCode.ENGINE_APPID_ZERO
        )
    app = App(int(app_id), environment.get(APP_SIGN_VARIABLE, ""), environment.get(SERVER_SECRET_VARIABLE, ""))
    return [app.check()]


def apps_from_file(path: Path) -> list[App]:
    """The apps of a JSON file: a list of objects with `app_id`, `app_sign` and `server_secret`.

    Raises `Unauthorized` if others may read the file, `InvalidArgument` if it cannot be read or makes no sense.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if sys.platform != "win32" and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
                raise Unauthorized(f"{path} holds secrets: make it this user's alone (mode 0600).")
            data = file.read(_MAX_FILE)
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}.") from None
    try:
        apps = msgspec.json.decode(data, type=list[App])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidArgument(f"{path} is no list of apps: {error}.") from None
    if not apps:
        raise InvalidArgument(f"{path} names no app.")
    if len({app.app_id for app in apps}) < len(apps):
        raise InvalidArgument(f"{path} names an app twice.")
    return [app.check() for app in apps]


__all__ = ["App", "apps_from_environment", "apps_from_file", "check_app_sign", "new_app", "signature", "signed"]
