"""Text from clients, made safe for a log line."""

from __future__ import annotations

_LIMIT = 80


def quoted(text: str | None) -> str:
    """ASCII with escapes, quoted and capped: no text can forge a log line or colour a terminal."""
    if text is None:
        return "-"
    return ascii(text if len(text) <= _LIMIT else text[:_LIMIT] + "...")
