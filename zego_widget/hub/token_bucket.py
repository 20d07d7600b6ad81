"""How much one client may ask of the hub: bursts are fine, a flood is not."""

from __future__ import annotations

LINK_RATE, LINK_BURST = 500, 1000
"""Messages of a link, per second and at once; 200 commands per second are an ordinary thing to say."""
LINK_PATIENCE = 5.0
"""Seconds without a break of being slowed down after which a link is closed."""
STRAY_RATE, STRAY_BURST = 100, 200
"""Frames of a link that are no messages: binary data, pings and pongs."""
CONTROL_RATE, CONTROL_BURST = 50, 200
"""Messages of a page; it says little."""
LOGIN_COST = OFFER_COST = RESUME_COST = 20
"""In messages: a login is told to the whole room, an offer is parsed and made a peer, to who resumes much may be sent
again."""
CALL_COST = 10
"""In messages: what happens in a call is told to up to ten users."""
BYTES_OF_A_MESSAGE = 4096
"""A longer one counts as several."""

_RECOVERED = 0.1
"""Part of a burst that has to be there again; who only waits a little longer than told has not stopped."""


def cost(text: str) -> int:
    """What a message costs by its length alone."""
    return 1 + len(text) // BYTES_OF_A_MESSAGE


class TokenBucket:
    """Fills with `rate` tokens per second up to `burst`, and is full at first.

    `now` is any clock in seconds that never goes back.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at: float | None = None
        self._exhausted_since: float | None = None

    def spend(self, now: float, tokens: float = 1.0) -> float:
        """Take tokens, on credit where too few are left; seconds until the debt is paid, 0 where there is none."""
        if self._filled_at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        self._tokens -= tokens
        if self._tokens >= self._burst * _RECOVERED:
            self._exhausted_since = None
        elif self._tokens < 0 and self._exhausted_since is None:
            self._exhausted_since = now
        return max(0.0, -self._tokens / self._rate)

    def exhausted_for(self, now: float) -> float:
        """Seconds since the tokens ran out, until a tenth of a burst is there again."""
        return 0.0 if self._exhausted_since is None else now - self._exhausted_since
