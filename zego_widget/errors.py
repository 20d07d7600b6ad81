"""Error codes and the exceptions that carry them.

ZegoError                     anything this package refuses; has `.code` and a sentence
├── InvalidArgument           our caller's fault, found before anything was sent; also a ValueError
├── Refused                   the hub said no to a well-formed request
│   └── Unauthorized          security: no secret, a wrong one, or a foreign origin
├── RemoteProtocolError       the other side sent what the protocol does not allow
│   └── BadOffer              an SDP offer that cannot be answered
└── HubUnreachable            no hub answers there; also a ConnectionError
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class ErrorCode(IntEnum):
    """ZEGO's error codes; those from 1900000 on are this project's own."""

    SUCCESS = 0

    COMMON_NOT_LOGIN_ROOM = 1000002
    COMMON_STREAM_ID_TOO_LONG = 1000014
    COMMON_STREAM_ID_NULL = 1000015
    COMMON_STREAM_ID_INVALID_CHARACTER = 1000016
    COMMON_ILLEGAL_PARAM = 1000017

    ROOM_COUNT_EXCEED = 1002001
    ROOM_ROOMID_INCORRECT = 1002002
    ROOM_USER_ID_NULL = 1002005
    ROOM_USER_ID_INVALID_CHARACTER = 1002006
    ROOM_USER_ID_TOO_LONG = 1002007
    ROOM_USER_NAME_NULL = 1002008
    ROOM_USER_NAME_INVALID_CHARACTER = 1002009
    ROOM_USER_NAME_TOO_LONG = 1002010
    ROOM_ROOMID_NULL = 1002011
    ROOM_ROOMID_INVALID_CHARACTER = 1002012
    ROOM_ROOMID_TOO_LONG = 1002013
    ROOM_ERROR_CONNECT_FAILED = 1002030
    ROOM_ERROR_LOGIN_TIMEOUT = 1002031
    ROOM_ERROR_EXCEED_MAXIMUM_MEMBER = 1002034
    ROOM_KICKED_OUT = 1002050
    ROOM_CONNECT_TEMPORARY_BROKEN = 1002051
    ROOM_DISCONNECT = 1002052
    ROOM_SESSION_EXCEPTION_KICKED_OUT = 1002057

    PUBLISHER_ERROR_ALREADY_DO_PUBLISH = 1003023
    PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM = 1003028
    PLAYER_COUNT_EXCEED = 1004010
    PLAYER_STREAM_WAS_NOT_PLAYED = 1004011

    PROTOCOL_MALFORMED_MESSAGE = 1900001
    PROTOCOL_UNKNOWN_MESSAGE = 1900002
    PROTOCOL_VERSION_MISMATCH = 1900003
    PROTOCOL_UNEXPECTED_MESSAGE = 1900004
    HUB_UNREACHABLE = 1900010
    HUB_UNAUTHORIZED = 1900011
    HUB_OVERLOADED = 1900012
    HUB_STOPPING = 1900013
    HUB_INTERNAL_ERROR = 1900014
    MEDIA_BAD_OFFER = 1900020
    MEDIA_CONNECT_FAILED = 1900021
    MEDIA_TOO_MANY_PEERS = 1900022
    MEDIA_UNKNOWN_PEER = 1900023


class ZegoError(Exception):
    """Base of every error this package raises on purpose; `code` is an `ErrorCode`."""

    default_code = ErrorCode.COMMON_ILLEGAL_PARAM

    def __init__(self, message: str, code: ErrorCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code

    def __str__(self) -> str:
        return f"{self.message} (error {int(self.code)})"

    @classmethod
    def from_code(cls, code: int, message: str) -> Self:
        """Rebuild an error that arrived over the wire; unknown codes become `COMMON_ILLEGAL_PARAM`."""
        try:
            known = ErrorCode(code)
        except ValueError:
            known = ErrorCode.COMMON_ILLEGAL_PARAM
        return cls(message, known)


class InvalidArgument(ZegoError, ValueError):
    """An argument breaks a documented rule; nothing was sent."""


class Refused(ZegoError):
    """The hub refused a well-formed request."""

    default_code = ErrorCode.COMMON_NOT_LOGIN_ROOM


class Unauthorized(Refused):
    """The hub does not let this client in."""

    default_code = ErrorCode.HUB_UNAUTHORIZED


class RemoteProtocolError(ZegoError):
    """The other side sent something the protocol does not allow."""

    default_code = ErrorCode.PROTOCOL_MALFORMED_MESSAGE


class BadOffer(RemoteProtocolError):
    """The SDP offer cannot be parsed, or offers nothing the hub can take."""

    default_code = ErrorCode.MEDIA_BAD_OFFER


class HubUnreachable(ZegoError, ConnectionError):
    """No hub answers at the given address."""

    default_code = ErrorCode.HUB_UNREACHABLE
