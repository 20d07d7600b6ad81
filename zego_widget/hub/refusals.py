"""What the hub refuses, drops, slows down and closes, counted under stable names `area.reason`.

The names are a closed set, and `docs/counters.md` explains each: nothing that a client says becomes part of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

from ..errors import ErrorCode

_WHIP_STATUSES = frozenset({400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 415, 422, 428, 429, 500, 503})


class Refusal(StrEnum):
    """What is counted here; see `COUNTERS` for what is counted elsewhere."""

    HTTP_PATH = "http.path"
    HTTP_MALFORMED = "http.malformed"
    HTTP_FAULT = "http.fault"
    HTTP_SILENT = "http.silent"
    HTTP_CROWD = "http.crowd"

    LINK_NO_WEBSOCKET = "link.no_websocket"
    LINK_SILENT = "link.silent"
    LINK_SLOW_READER = "link.slow_reader"
    LINK_OVERSIZED = "link.oversized"
    LINK_BINARY = "link.binary"
    LINK_SLOWED = "link.slowed"

    SESSION_FLOOD = "session.flood"
    SESSION_SILENT = "session.silent"
    SESSION_DISPLACED = "session.displaced"
    SESSION_MISSED_TOO_MUCH = "session.missed_too_much"
    SESSION_HUB_STOPPED = "session.hub_stopped"

    CONTROL_FLOOD = "control.flood"
    CONTROL_MALFORMED = "control.malformed"


GOODBYES = {
    ErrorCode.ROOM_APP_CALL_TOO_FREQUENT: Refusal.SESSION_FLOOD,
    ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT: Refusal.SESSION_SILENT,
    ErrorCode.ROOM_DISCONNECT: Refusal.SESSION_MISSED_TOO_MUCH,
    ErrorCode.HUB_STOPPING: Refusal.SESSION_HUB_STOPPED,
}
"""Why a session was ended by the hub, by the code of its goodbye."""

COUNTERS = {
    "refused_host": "http.host",
    "refused_origin": "http.origin",
    "refused_secret": "http.secret",
    "resume_refused_unknown": "resume.unknown",
    "resume_refused_key": "resume.key",
    "resume_refused_late": "resume.late",
    "resume_refused_gap": "resume.gap",
    "closed_silent": "peer.silent",
    "closed_unconnected": "peer.unconnected",
    "closed_handshake": "peer.handshake",
    "closed_out_of_step": "peer.slow_reader",
    "dropped_empty": "media.empty",
    "dropped_stranger": "media.stranger",
    "dropped_ice": "media.ice",
    "dropped_unauthenticated": "media.unauthenticated",
    "dropped_malformed": "media.malformed",
    "dropped_unknown_source": "media.unknown_source",
    "dropped_unsupported_codec": "media.unsupported_codec",
    "dropped_duplicate": "media.duplicate",
    "dropped_retransmission": "media.empty_retransmission",
    "dropped_unsendable": "media.unsendable",
    "dropped_congested": "media.congested",
    "dropped_addresses": "media.addresses",
    "dropped_foreign_feedback": "media.foreign_feedback",
    "dropped_nacks": "media.nack_storm",
    "tcp_refused_crowd": "tcp.crowd",
    "tcp_refused_silent": "tcp.silent",
    "tcp_refused_stranger": "tcp.stranger",
    "tcp_refused_frame": "tcp.frame",
    "tcp_closed_surplus": "tcp.surplus",
    "tcp_closed_slow": "tcp.slow_reader",
    "tcp_dropped_slow": "tcp.slow_media",
}
"""Counters of the status that are refusals or drops, most of the forwarder, and what they are called here."""


def request_name(code: int) -> str:
    """The name for a request that was refused with an error code."""
    try:
        return f"request.{ErrorCode(code).name.lower()}"
    except ValueError:
        return "request.other"


def whip_name(status: int) -> str:
    """The name for a request of WHIP or WHEP that was refused with an HTTP status."""
    return f"whip.{HTTPStatus(status).value}" if status in _WHIP_STATUSES else "whip.other"


class Refusals:
    """Counts since the hub's start."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, refusal: Refusal) -> None:
        """One more."""
        self._counts[refusal] += 1

    def request(self, code: int) -> None:
        """A request was refused with this code."""
        self._counts[request_name(code)] += 1

    def whip(self, status: int) -> None:
        """A request of WHIP or WHEP was refused with this HTTP status."""
        self._counts[whip_name(status)] += 1

    def goodbye(self, code: int) -> None:
        """The hub ended a session for the reason that this code says."""
        for reason, refusal in GOODBYES.items():
            if reason == code:
                self.count(refusal)

    def as_dict(self, counters: Mapping[str, int]) -> dict[str, int]:
        """All names of `Refusal` and `COUNTERS`, and of requests those that were refused; sorted by name."""
        counts = {str(refusal): 0 for refusal in Refusal}
        counts |= {name: counters.get(counter, 0) for counter, name in COUNTERS.items()}
        return dict(sorted((counts | self._counts).items()))
