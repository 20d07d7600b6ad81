"""A video call in a Jupyter notebook cell.

The public names, imported when first used: the hub's process imports this package too, and needs no widgets.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import tokens
    from .engine.devices import AudioDeviceType, DeviceInfo
    from .engine.engine import ExpressEngine
    from .engine.events import EngineEvent
    from .engine.handler import EventHandler
    from .engine.invitations import (
        CallAnswerSentResult,
        CallCancelSentResult,
        CallEndSentResult,
        CallingInvitationSentResult,
        CallInvitationListResult,
        CallInvitationSentResult,
        CallJoinSentResult,
        CallQuitSentResult,
    )
    from .engine.operation import Operation
    from .engine.presets import (
        AudioChannel,
        AudioConfig,
        AudioConfigPreset,
        Scenario,
        VideoConfig,
        VideoConfigPreset,
    )
    from .engine.profile import (
        Canvas,
        EngineConfig,
        EngineProfile,
        LogConfig,
        RoomConfig,
        RoomStreamList,
        RoomStreamListType,
        ViewMode,
    )
    from .engine.quality import PlayStreamQuality, PublishStreamQuality, StreamQualityLevel
    from .engine.states import EngineState, PlayerMediaEvent, PlayerState, PublisherState
    from .engine.traffic_control import (
        TrafficControlFocusOnMode,
        TrafficControlMinVideoBitrateMode,
        TrafficControlProperty,
    )
    from .errors import (
        BadOffer,
        ErrorCode,
        HubUnreachable,
        InvalidArgument,
        Refused,
        RemoteProtocolError,
        Unauthorized,
        ZegoError,
    )
    from .model import (
        BarrageMessageInfo,
        BroadcastMessageInfo,
        CallInfo,
        CallInvitationMode,
        CallInvitationState,
        CallState,
        CallUserInfo,
        CallUserState,
        ErrorUserInfo,
        PublishChannel,
        RemoteDeviceState,
        RoomExtraInfo,
        RoomStateChangedReason,
        Stream,
        StreamDeleteReason,
        UpdateType,
        User,
        VideoMirrorMode,
    )
    from .video_view import VideoView
    from .widget import CallWidget

    __version__: str

_NAMES = {
    "engine.devices": ("AudioDeviceType", "DeviceInfo"),
    "engine.engine": ("ExpressEngine",),
    "engine.events": ("EngineEvent",),
    "engine.handler": ("EventHandler",),
    "engine.invitations": (
        "CallAnswerSentResult",
        "CallCancelSentResult",
        "CallEndSentResult",
        "CallInvitationListResult",
        "CallInvitationSentResult",
        "CallJoinSentResult",
        "CallQuitSentResult",
        "CallingInvitationSentResult",
    ),
    "engine.operation": ("Operation",),
    "engine.presets": (
        "AudioChannel",
        "AudioConfig",
        "AudioConfigPreset",
        "Scenario",
        "VideoConfig",
        "VideoConfigPreset",
    ),
    "engine.profile": (
        "Canvas",
        "EngineConfig",
        "EngineProfile",
        "LogConfig",
        "RoomConfig",
        "RoomStreamList",
        "RoomStreamListType",
        "ViewMode",
    ),
    "engine.quality": ("PlayStreamQuality", "PublishStreamQuality", "StreamQualityLevel"),
    "engine.states": ("EngineState", "PlayerMediaEvent", "PlayerState", "PublisherState"),
    "engine.traffic_control": (
        "TrafficControlFocusOnMode",
        "TrafficControlMinVideoBitrateMode",
        "TrafficControlProperty",
    ),
    "errors": (
        "BadOffer",
        "ErrorCode",
        "HubUnreachable",
        "InvalidArgument",
        "Refused",
        "RemoteProtocolError",
        "Unauthorized",
        "ZegoError",
    ),
    "model": (
        "BarrageMessageInfo",
        "BroadcastMessageInfo",
        "CallInfo",
        "CallInvitationMode",
        "CallInvitationState",
        "CallState",
        "CallUserInfo",
        "CallUserState",
        "ErrorUserInfo",
        "PublishChannel",
        "RemoteDeviceState",
        "RoomExtraInfo",
        "RoomStateChangedReason",
        "Stream",
        "StreamDeleteReason",
        "UpdateType",
        "User",
        "VideoMirrorMode",
    ),
    "video_view": ("VideoView",),
    "widget": ("CallWidget",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}

__all__ = [
    "AudioChannel",
    "AudioConfig",
    "AudioConfigPreset",
    "AudioDeviceType",
    "BadOffer",
    "BarrageMessageInfo",
    "BroadcastMessageInfo",
    "CallAnswerSentResult",
    "CallCancelSentResult",
    "CallEndSentResult",
    "CallInfo",
    "CallInvitationListResult",
    "CallInvitationMode",
    "CallInvitationSentResult",
    "CallInvitationState",
    "CallJoinSentResult",
    "CallQuitSentResult",
    "CallState",
    "CallUserInfo",
    "CallUserState",
    "CallWidget",
    "CallingInvitationSentResult",
    "Canvas",
    "DeviceInfo",
    "EngineConfig",
    "EngineEvent",
    "EngineProfile",
    "EngineState",
    "ErrorCode",
    "ErrorUserInfo",
    "EventHandler",
    "ExpressEngine",
    "HubUnreachable",
    "InvalidArgument",
    "LogConfig",
    "Operation",
    "PlayStreamQuality",
    "PlayerMediaEvent",
    "PlayerState",
    "PublishChannel",
    "PublishStreamQuality",
    "PublisherState",
    "Refused",
    "RemoteDeviceState",
    "RemoteProtocolError",
    "RoomConfig",
    "RoomExtraInfo",
    "RoomStateChangedReason",
    "RoomStreamList",
    "RoomStreamListType",
    "Scenario",
    "Stream",
    "StreamDeleteReason",
    "StreamQualityLevel",
    "TrafficControlFocusOnMode",
    "TrafficControlMinVideoBitrateMode",
    "TrafficControlProperty",
    "Unauthorized",
    "UpdateType",
    "User",
    "VideoConfig",
    "VideoConfigPreset",
    "VideoMirrorMode",
    "VideoView",
    "ViewMode",
    "ZegoError",
    "__version__",
    "tokens",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("._version", __name__).version()
    elif name == "tokens":
        value = import_module(".tokens", __name__)
    elif name in _HOMES:
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
