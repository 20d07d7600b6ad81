"""Error codes and the exceptions that carry them.

ZegoError                     anything this package refuses; has `.code` and a sentence
├── InvalidArgument           our caller's fault, found before anything was sent; also a ValueError
├── Refused                   the hub said no to a well-formed request
│   └── Unauthorized          security: no secret, a wrong one, or a foreign origin
├── RemoteProtocolError       the other side sent what the protocol does not allow
│   └── BadOffer              an SDP offer that cannot be answered
├── tokens.TokenError         security: a token that does not let in
└── HubUnreachable            no hub answers there; also a ConnectionError
    └── SessionLost           a hub answers, but it does not know our session any more
        └── HubStopped        the hub said goodbye because somebody stops it
"""

from __future__ import annotations

from typing import Self

from .error_codes import ErrorCode


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


class SessionLost(HubUnreachable):
    """A hub answers that does not know our session (any more): whoever wants to go on has to log in again."""


class HubStopped(SessionLost):
    """Somebody stops the hub on purpose: there may be another, but nobody should start one only to go on."""

    default_code = ErrorCode.HUB_STOPPING


__all__ = [
    "BadOffer",
    "ErrorCode",
    "HubStopped",
    "HubUnreachable",
    "InvalidArgument",
    "Refused",
    "RemoteProtocolError",
    "SessionLost",
    "Unauthorized",
    "ZegoError",
]
