"""A secret that outlives a hub: clients who were given it find the next hub of the same address without another."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from pathlib import Path

from zego_widget.errors import InvalidArgument, Unauthorized

SECRET_BYTES = 32
MIN_CHARACTERS = 32
"""Of the base64 alphabet: 192 bits."""
_MAX_FILE = 4096


def kept_secret(path: Path) -> str:
    """The secret in a file of mode 0600, which is made where it is missing.

    Raises `Unauthorized` if others may read it, `InvalidArgument` if it cannot be used or is too short.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be made: {error.strerror}.") from None
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secret}\n")
    return secret


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if sys.platform != "win32" and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
                raise Unauthorized(f"{path} holds a secret: make it this user's alone (mode 0600).")
            secret = file.read(_MAX_FILE).decode("ascii", "replace").strip()
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}.") from None
    if len(secret) < MIN_CHARACTERS or not all(each.isalnum() or each in "-_" for each in secret):
        raise InvalidArgument(
            f"{path} holds no secret of {MIN_CHARACTERS} characters or more (0-9, A-Z, a-z, - and _)."
        )
    return secret
