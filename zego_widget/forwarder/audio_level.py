"""How loud a publisher says that it is (RFC 6464), smoothed; nothing is decoded."""

from __future__ import annotations

from math import exp

from .rtp import extension_value

QUIET = 60
"""-dBov at which a level is 0; levels are linear in decibels above it, and 100 at 0 dBov."""
ATTACK = 0.4
"""Share of the way to a louder level that one packet (20 ms) goes: a syllable is enough."""
RELEASE = 0.04
"""The same to a quieter level: words of one sentence are not apart."""
STALE = 0.1
"""Seconds without a packet after which a level begins to fall: who is muted sends none."""
_FALL = 0.4  # seconds in which it falls to a third


def sound_level(value: bytes) -> float:
    """The level, 0 to 100, that an extension's value says; 0 for a value of no length."""
    if not value:
        return 0.0
    below = value[0] & 0x7F  # RFC 6464, section 3: the first bit is voice activity, which few senders tell
    return 100.0 * (1.0 - below / QUIET) if below < QUIET else 0.0


class AudioLevel:
    """The level of one publication; it is the publisher's word, and so never more than a number from 0 to 100."""

    __slots__ = ("_extension_id", "_heard_at", "_level")

    def __init__(self, extension_id: int) -> None:
        """`extension_id` is the publisher's number of the extension."""
        self._extension_id = extension_id
        self._level = 0.0
        self._heard_at = float("-inf")

    def packet(self, packet: bytes, now: float) -> None:
        """Take the next packet that `parse_header` took; `now` is seconds of any one clock."""
        value = extension_value(packet, self._extension_id)
        if value is None:
            return
        before = self.at(now)
        step = sound_level(value) - before
        self._level = before + step * (ATTACK if step > 0 else RELEASE)
        self._heard_at = now

    def at(self, now: float) -> float:
        """0 to 100."""
        silent = now - self._heard_at - STALE
        return self._level * exp(-silent / _FALL) if silent > 0 else self._level
