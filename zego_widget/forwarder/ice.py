"""ICE-lite: answering connectivity checks (RFC 8445, RFC 8489). Bytes in, bytes out."""

from __future__ import annotations

import hmac
import secrets
import struct
import zlib
from dataclasses import dataclass, field

from aioice import stun

Address = tuple[str, int]

_COOKIE = stun.COOKIE.to_bytes(4)
_MAX_CHECK = 1500  # a check fits into one packet; 64 kB of empty attributes would take milliseconds to walk through
_MAX_ATTRIBUTES = 32  # nobody's check has half as many; a packet of nothing else would be as slow to walk through
_USERNAME = 0x0006
_ATTRIBUTE = struct.Struct("!HH")
_HEADER, _FINGERPRINT = struct.Struct("!HHI12s"), struct.Struct("!HHI")
_SUCCESS = 0x0101  # a Binding success response
_XOR_MAPPED_ADDRESS, _MESSAGE_INTEGRITY, _FINGERPRINT_TYPE = 0x0020, 0x0008, 0x8028
_SHA1_LENGTH = 20
_INTEGRITY_LENGTH = _ATTRIBUTE.size + _SHA1_LENGTH
_FINGERPRINT_XOR = 0x5354554E
_ROLE_CONFLICT = (487, "Role Conflict")


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """Username fragment and password of one side (RFC 8445, section 5.3: 24 and 128 random bits at least)."""

    ufrag: str
    password: str = field(repr=False)

    @classmethod
    def generate(cls) -> IceCredentials:
        """New random credentials; the fragment alone has 96 bits, so that it also names the peer."""
        return cls(ufrag=secrets.token_hex(12), password=secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """The response to an authenticated check."""

    response: bytes
    succeeded: bool
    nominated: bool


def is_stun(datagram: bytes) -> bool:
    """Whether a datagram has the shape of a STUN message that is a check; says nothing of its content."""
    length = len(datagram)
    return (
        20 <= length <= _MAX_CHECK
        and datagram[0] < 4
        and datagram[4:8] == _COOKIE
        and int.from_bytes(datagram[2:4]) == length - 20  # RFC 8489, section 5
    )


def checked_ufrag(datagram: bytes) -> str | None:
    """Our username fragment in the USERNAME of a check; None when there is none. Cheap: floods end here."""
    position, end = 20, len(datagram)
    username: bytes | None = None
    for _ in range(_MAX_ATTRIBUTES):
        if position + 4 > end:
            break
        kind, length = _ATTRIBUTE.unpack_from(datagram, position)
        position += 4
        if kind == _USERNAME and username is None:
            username = datagram[position : min(position + length, end)]
        position += length + -length % 4
    else:
        return None
    try:
        return None if username is None else username.partition(b":")[0].decode("ascii")
    except UnicodeDecodeError:
        return None


class IceLiteAgent:
    """The controlled, lite side of one peer's ICE session."""

    def __init__(self, local: IceCredentials, remote_ufrag: str) -> None:
        self.local = local
        self._username = f"{local.ufrag}:{remote_ufrag}"
        self._key = local.password.encode()

    def check(self, datagram: bytes, source: Address) -> CheckAnswer | None:
        """Answer a connectivity check; None for whatever is not an authentic Binding request of our peer."""
        try:
            request = stun.parse_message(datagram)
            authentic = request.check_message_integrity(self._key)
        except (ValueError, struct.error, IndexError, TypeError):
            return None
        if not authentic or request.message_method != stun.Method.BINDING:
            return None
        if request.message_class != stun.Class.REQUEST:
            return None
        username = str(request.attributes.get("USERNAME", ""))
        if not hmac.compare_digest(username.encode(), self._username.encode()):
            return None
        if "ICE-CONTROLLED" in request.attributes:  # we are lite, so the peer controls (RFC 8445, 6.1.1)
            return CheckAnswer(self._conflict(request.transaction_id), succeeded=False, nominated=False)
        response = self._success(request.transaction_id, source)
        return CheckAnswer(response, succeeded=True, nominated="USE-CANDIDATE" in request.attributes)

    def _conflict(self, transaction_id: bytes) -> bytes:
        response = stun.Message(stun.Method.BINDING, stun.Class.ERROR, transaction_id)
        response.attributes["ERROR-CODE"] = _ROLE_CONFLICT
        response.add_message_integrity(self._key)
        return bytes(response)

    def _success(self, transaction_id: bytes, source: Address) -> bytes:
        """The answer that every peer gets every few seconds for as long as it lives; a `stun.Message` costs far more.

        XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489, sections 14.2, 14.5 and 14.7); what each of
        the latter two is made of ends before it, with a length in the header that includes it.
        """
        mapped = stun.pack_xor_address(source[:2], transaction_id)
        body = _ATTRIBUTE.pack(_XOR_MAPPED_ADDRESS, len(mapped)) + mapped
        signed = _HEADER.pack(_SUCCESS, len(body) + _INTEGRITY_LENGTH, stun.COOKIE, transaction_id) + body
        body += _ATTRIBUTE.pack(_MESSAGE_INTEGRITY, _SHA1_LENGTH) + hmac.digest(self._key, signed, "sha1")
        message = _HEADER.pack(_SUCCESS, len(body) + _FINGERPRINT.size, stun.COOKIE, transaction_id) + body
        return message + _FINGERPRINT.pack(_FINGERPRINT_TYPE, 4, zlib.crc32(message) ^ _FINGERPRINT_XOR)
