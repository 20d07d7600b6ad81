"""The parts of one engine, and how they know of one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import protocol
from .._version import version
from ..errors import ErrorCode, ZegoError
from ..hub.discovery import find_or_start
from ..retry import RetryPolicy
from .capture import CaptureSettings
from .core import Core, Told
from .diagnosis import Diagnosis, known_hub
from .handler import EventHandler
from .identity import Identity
from .invitations import Invitations
from .line import Connect, FindHub, GivenHub, HubAndApp, Line, connector
from .messaging import Messaging
from .monitor import Monitor
from .pages import Pages
from .participation import Participation
from .playing import Playing
from .profile import EngineProfile, engine_config
from .publishing import Publishing
from .python_peer import NewPeer
from .rooms import Rooms
from .token_renewal import TokenRenewal


class Parts:
    """Made together with the engine, ended by `aclose` on the I/O loop."""

    def __init__(
        self,
        profile: EngineProfile,
        handler: EventHandler | None,
        *,
        find_hub: FindHub | None = None,
        connect: Connect | None = None,
        new_peer: NewPeer | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.core = Core("engine", handler)
        config, policy = engine_config(), policy or RetryPolicy()
        self.line = Line(
            find_hub or _finder(profile),
            connect or connector(f"zego-widget {version()}"),
            self._heard,
            self.core.spawn,
            replace(policy, window=config.room_retry_time),
        )
        self.identity = Identity(profile, lambda: self.line.address)
        self.capture = CaptureSettings(profile.scenario)
        self.rooms = Rooms(self.core, self.line, self.identity)
        self.tokens = TokenRenewal(self.core, self.rooms, self.identity)
        self.pages = Pages(self.core, self.rooms, self.capture)
        policy = RetryPolicy(window=config.av_retry_time)
        self.pages.diagnosis = Diagnosis(self.core, known_hub(profile))
        self.media = Participation(self.core, self.rooms, self.capture, self.pages, new_peer, policy)
        self.publishing = Publishing(self.core, self.rooms, self.media, self.capture)
        self.playing = Playing(self.core, self.rooms, self.media)
        self.messaging = Messaging(self.core, self.rooms)
        self.invitations = Invitations(self.core, self.line, self.rooms, self.identity)
        self.monitor = Monitor(self.core, self.media, self.publishing, self.playing)
        self.core.on_shutdown(self._aclose)

    def _heard(self, event: protocol.HubMessage) -> None:
        if self.rooms.takes(event):
            self.core.heard(event)

    async def _aclose(self) -> None:
        await self.monitor.stop_sound_levels()
        await self.rooms.aclose()
        await self.media.aclose()
        await self.invitations.aclose()
        await self.line.aclose()


class Verbs:
    """Base of the groups of verbs that make up `ExpressEngine`."""

    _parts: Parts


def told_code(callback: Callable[[ErrorCode], object] | None) -> Told | None:
    """For callbacks that get the error code."""
    return None if callback is None else lambda error, result: callback(_code(error))


def told_result(callback: Callable[[ErrorCode, Any], object] | None, failed: Any) -> Told | None:
    """For callbacks that get the error code and the result, or `failed`."""
    if callback is None:
        return None
    return lambda error, result: callback(_code(error), result if error is None else failed)


def told_extended(callback: Callable[[ErrorCode, dict[str, Any]], object] | None) -> Told | None:
    """For callbacks that get the error code and extended data."""
    if callback is None:
        return None
    return lambda error, result: callback(_code(error), {"message": error.message} if error else result or {})


def _code(error: ZegoError | None) -> ErrorCode:
    return ErrorCode.SUCCESS if error is None else error.code


def _finder(profile: EngineProfile) -> FindHub:
    async def find() -> HubAndApp:
        if profile.hub_url is not None and profile.hub_secret is not None:
            return GivenHub(profile.hub_url, profile.hub_secret)
        return await find_or_start()

    return find
