"""What an engine is made with, and the small records its verbs take."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ErrorCode, InvalidArgument
from ..model import Stream
from .presets import Scenario

APP_SIGN_LENGTH = 64
MAX_APP_ID = 2**32 - 1


E = TypeVar("E", bound=IntEnum)


def member(kind: type[E], value: int) -> E:
    """The member of an enum; raises `InvalidArgument` if there is none of that value."""
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(each.name for each in kind)
        raise InvalidArgument(f"{value!r} is no {kind.__name__}; there are {names}.") from None


class ViewMode(IntEnum):
    """How a picture fills its view (ZegoViewMode)."""

    ASPECT_FIT = 0
    ASPECT_FILL = 1
    SCALE_TO_FILL = 2


class RoomStreamListType(IntEnum):
    """Which streams `get_room_stream_list` lists (ZegoRoomStreamListType): `PLAY` leaves out one's own."""

    PLAY = 0
    ALL = 1


@dataclass(frozen=True, slots=True)
class EngineProfile:
    """What an engine is made with (ZegoEngineProfile).

    Without `app_id` the engine uses the app of the hub that runs on this machine, which is started if need be. An
    empty `app_sign` means that every login brings a token. `hub_url` and `hub_secret` name a hub, else one is found.

    Raises `InvalidArgument`: 1001000 for app ID 0, 1001001 to 1001003 for an app sign that is none.
    """

    app_id: int | None = None
    app_sign: str = field(default="", repr=False)
    scenario: Scenario = Scenario.DEFAULT
    hub_url: str | None = None
    hub_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.app_id == 0:
            raise InvalidArgument("The app ID is 0.", ErrorCode.ENGINE_APPID_ZERO)
        if self.app_id is not None and not 0 < self.app_id <= MAX_APP_ID:
            raise InvalidArgument(f"An app ID is a number from 1 to {MAX_APP_ID}, not {self.app_id}.")
        _check_app_sign(self.app_sign)
        if self.app_sign and self.app_id is None:
            raise InvalidArgument("An app sign belongs to an app ID, which is missing.", ErrorCode.ENGINE_APPID_ZERO)
        if (self.hub_url is None) is not (self.hub_secret is None):
            raise InvalidArgument("hub_url and hub_secret belong together.")
        object.__setattr__(self, "scenario", member(Scenario, self.scenario))


RETRY_TIME = 20 * 60
"""Seconds for which an engine tries to come back, as ZEGO's native SDKs do."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How engines behave that are made later (ZegoEngineConfig); keys of `advanced_config` are ZEGO's.

    `room_retry_time`, `av_retry_time`: seconds for which a login, or the media, that were interrupted try to come back
    (1200). Raises `InvalidArgument` (1000017) for other keys, and for what is no number of seconds.
    """

    advanced_config: Mapping[str, str | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.advanced_config.items():
            if name not in ("room_retry_time", "av_retry_time"):
                raise InvalidArgument(
                    f"There is no advanced setting {name!r}; there are room_retry_time, av_retry_time."
                )
            try:
                seconds = float(value)
            except (TypeError, ValueError):
                seconds = math.nan
            if not 0 <= seconds < math.inf:
                raise InvalidArgument(f"{name} is a number of seconds, not {value!r}.")

    @property
    def room_retry_time(self) -> float:
        """Seconds for which a login tries to come back."""
        return float(self.advanced_config.get("room_retry_time", RETRY_TIME))

    @property
    def av_retry_time(self) -> float:
        """Seconds for which media try to come back."""
        return float(self.advanced_config.get("av_retry_time", RETRY_TIME))


_engine_config = EngineConfig()


def engine_config() -> EngineConfig:
    """What `set_engine_config` was given last."""
    return _engine_config


def set_engine_config(config: EngineConfig) -> None:
    """For engines that are made from now on; raises `InvalidArgument`."""
    global _engine_config
    if not isinstance(config, EngineConfig):
        raise InvalidArgument(f"config is an EngineConfig, not {config!r}.")
    _engine_config = config


def _check_app_sign(app_sign: str) -> None:
    if app_sign is None:
        raise InvalidArgument("The app sign is None; use an empty text for tokens.", ErrorCode.ENGINE_APPSIGN_NULL)
    if not app_sign:
        return
    if len(app_sign) != APP_SIGN_LENGTH:
        raise InvalidArgument(
            f"An app sign has {APP_SIGN_LENGTH} characters, this one {len(app_sign)}.",
            ErrorCode.ENGINE_APPSIGN_INVALID_LENGTH,
        )
    if not re.fullmatch("[0-9a-fA-F]*", app_sign):
        raise InvalidArgument("An app sign consists of 0-9, a-f and A-F.", ErrorCode.ENGINE_APPSIGN_INVALID_CHARACTER)


@dataclass(frozen=True, slots=True)
class RoomConfig:
    """How a user wants to be in a room (ZegoRoomConfig).

    `max_member_count` counts only in the login that creates the room; 0 is no limit. `token` is a token04, needed where
    the engine has no app sign.
    """

    is_user_status_notify: bool = False
    max_member_count: int = 0
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where pictures are shown (ZegoCanvas): a `VideoView`, or None for nowhere.

    Raises `InvalidArgument` (1000017) for a view that is none.
    """

    view: Any = None
    view_mode: ViewMode = ViewMode.ASPECT_FIT

    def __post_init__(self) -> None:
        if self.view is not None and not (hasattr(self.view, "bind") and hasattr(self.view, "unbind")):
            raise InvalidArgument(f"A canvas has a VideoView, not {self.view!r}.")
        object.__setattr__(self, "view_mode", member(ViewMode, self.view_mode))


@dataclass(frozen=True, slots=True)
class RoomStreamList:
    """The streams of a room (ZegoRoomStreamList)."""

    publish_stream_list: tuple[Stream, ...]
    """One's own."""
    play_stream_list: tuple[Stream, ...]
    """Those of the others."""


@dataclass(frozen=True, slots=True)
class LogConfig:
    """Where the log goes (ZegoLogConfig): a file `zego_widget.log` in the directory `log_path`, or nowhere.

    `log_size` is in bytes; a file that has grown so large becomes `zego_widget.log.1`. `level` is one of `logging`.
    """

    log_path: str | Path | None = None
    log_size: int = 5 * 1024 * 1024
    level: str = "INFO"
