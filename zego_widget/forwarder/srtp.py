"""libsrtp's functions on memory that stays, below pylibsrtp's public names.

pylibsrtp allocates a length for every packet and dispatches through its wrapper, which costs more than the encryption.
`tests/unit/forwarder/test_srtp_seam.py` fails when a release changes what is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pylibsrtp
from pylibsrtp._binding import ffi, lib

MAX_TRAILER = 4 + 16 + 128
"""Bytes that protecting may append: index, tag and key identifier of SRTCP (RFC 3711, section 3.4)."""
_BUFFER = 2048

HeadAndPayload = tuple[bytes, bytes]
"""A packet in two pieces, which are put together where it is encrypted."""


class Srtp:
    """One direction of a peer's SRTP; each function raises `pylibsrtp.Error`, and ValueError for what is too long."""

    def __init__(self, session: pylibsrtp.Session, longest: int = _BUFFER - MAX_TRAILER) -> None:
        """`longest` is what the packets of a burst may have, in bytes, before they are encrypted."""
        self._session = session  # it owns libsrtp's state, and ends it with itself
        self.protect = _function(session, lib.srtp_protect, MAX_TRAILER)
        self.protect_all = _protect_all(session, longest)
        self.protect_rtcp = _function(session, lib.srtp_protect_rtcp, MAX_TRAILER)
        self.unprotect = _function(session, lib.srtp_unprotect, 0)
        self.unprotect_rtcp = _function(session, lib.srtp_unprotect_rtcp, 0)


def _function(session: pylibsrtp.Session, process: Callable[..., int], trailer: int) -> Callable[[bytes], bytes]:
    pointer: Any = session._srtp  # kept: the state ends when nobody has it
    state = pointer[0]
    memory = ffi.new("char[]", _BUFFER)
    view = ffi.buffer(memory)
    length = ffi.new("int *")
    most = _BUFFER - trailer

    def processed(packet: bytes, _pointer: Any = pointer) -> bytes:
        size = len(packet)
        if size > most:
            raise ValueError("the packet is too long")
        view[:size] = packet
        length[0] = size
        status = process(state, memory, length)
        if status:
            raise pylibsrtp.Error(_reason(status))
        result: bytes = view[: length[0]]
        return result

    return processed


def _protect_all(session: pylibsrtp.Session, longest: int) -> Callable[[Iterable[HeadAndPayload]], list[bytes]]:
    pointer: Any = session._srtp
    state = pointer[0]
    memory = ffi.new("char[]", _BUFFER)
    view = ffi.buffer(memory)
    length = ffi.new("int *")
    protect = lib.srtp_protect

    def protected(packets: Iterable[HeadAndPayload], _pointer: Any = pointer) -> list[bytes]:
        """Those packets, encrypted, that libsrtp takes and that are not too long."""
        results = []
        for head, payload in packets:
            start = len(head)
            size = start + len(payload)
            if size > longest:
                continue
            view[:start] = head
            view[start:size] = payload
            length[0] = size
            if not protect(state, memory, length):
                results.append(view[: length[0]])
        return results

    return protected


def _reason(status: int) -> str:
    return str(pylibsrtp.ERRORS[status]) if status < len(pylibsrtp.ERRORS) else f"libsrtp's error {status}"
