"""What room, user and stream IDs and user names may be (the rules of ZEGO Express).

Each check raises `Refused` with the code ZEGO names for the broken rule, and returns nothing. Limits count UTF-8
bytes, and the limit itself is allowed.
"""

from __future__ import annotations

import string
import unicodedata
from dataclasses import dataclass

from ..errors import ErrorCode, Refused
from ..model import User

_ALPHANUMERIC = frozenset(string.ascii_letters + string.digits)
_ROOM_AND_USER = _ALPHANUMERIC | frozenset("~!@#$%^&*()_+=-`;',.<>/")
_STREAM = _ALPHANUMERIC | frozenset("_-")

# Joiners are format characters, but emoji and several scripts are spelled with them.
_JOINERS = frozenset("\u200c\u200d")
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class _Rule:
    noun: str
    limit: int
    allowed: str
    null: ErrorCode
    too_long: ErrorCode
    invalid_character: ErrorCode
    characters: frozenset[str] | None

    def check(self, text: str) -> None:
        if not text:
            raise Refused(f"The {self.noun} is empty.", self.null)
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > self.limit:
            raise Refused(f"The {self.noun} has {size} bytes; at most {self.limit} are allowed.", self.too_long)
        for character in text:
            if not self._allows(character):
                message = f"The {self.noun} contains {character!r}; allowed are {self.allowed}."
                raise Refused(message, self.invalid_character)

    def _allows(self, character: str) -> bool:
        if self.characters is not None:
            return character in self.characters
        return character in _JOINERS or unicodedata.category(character) not in _UNPRINTABLE


_ROOM_ID = _Rule(
    "room ID",
    128,
    "A-Z, a-z, digits and ~!@#$%^&*()_+=-`;',.<>/",
    ErrorCode.ROOM_ROOMID_NULL,
    ErrorCode.ROOM_ROOMID_TOO_LONG,
    ErrorCode.ROOM_ROOMID_INVALID_CHARACTER,
    _ROOM_AND_USER,
)
_USER_ID = _Rule(
    "user ID",
    64,
    "A-Z, a-z, digits and ~!@#$%^&*()_+=-`;',.<>/",
    ErrorCode.ROOM_USER_ID_NULL,
    ErrorCode.ROOM_USER_ID_TOO_LONG,
    ErrorCode.ROOM_USER_ID_INVALID_CHARACTER,
    _ROOM_AND_USER,
)
_USER_NAME = _Rule(
    "user name",
    256,
    "printable characters",
    ErrorCode.ROOM_USER_NAME_NULL,
    ErrorCode.ROOM_USER_NAME_TOO_LONG,
    ErrorCode.ROOM_USER_NAME_INVALID_CHARACTER,
    None,
)
_STREAM_ID = _Rule(
    "stream ID",
    256,
    "A-Z, a-z, digits, _ and -",
    ErrorCode.COMMON_STREAM_ID_NULL,
    ErrorCode.COMMON_STREAM_ID_TOO_LONG,
    ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER,
    _STREAM,
)


def check_room_id(room_id: str) -> None:
    """1 to 128 bytes of A-Z, a-z, digits and ~!@#$%^&*()_+=-`;',.<>/ - no space, no backslash."""
    _ROOM_ID.check(room_id)


def check_user(user: User) -> None:
    """User ID: 1 to 64 bytes of the same characters as a room ID. User name: 1 to 256 bytes, printable."""
    _USER_ID.check(user.user_id)
    check_user_name(user.user_name)


def check_user_name(user_name: str) -> None:
    """1 to 256 bytes of printable Unicode: no control, format (bidirectional override) or unassigned characters."""
    _USER_NAME.check(user_name)


def check_stream_id(stream_id: str) -> None:
    """1 to 256 bytes of A-Z, a-z, digits, underscore and hyphen."""
    _STREAM_ID.check(stream_id)
