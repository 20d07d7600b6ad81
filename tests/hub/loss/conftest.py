"""The forwarder and the call of `tests/hub/media`, with bad networks between them."""

from __future__ import annotations

from tests.hub.media.conftest import call, clean_log, forwarder

__all__ = ["call", "clean_log", "forwarder"]
