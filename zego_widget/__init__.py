"""A video call in a Jupyter notebook cell.

The public names, imported when first used: the hub's process imports this package too, and needs no widgets.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from .model import CallState, RemoteDeviceState, Stream, User
    from .widget import CallWidget

    __version__: str

__all__ = [
    "BadOffer",
    "CallState",
    "CallWidget",
    "ErrorCode",
    "HubUnreachable",
    "InvalidArgument",
    "Refused",
    "RemoteDeviceState",
    "RemoteProtocolError",
    "Stream",
    "Unauthorized",
    "User",
    "ZegoError",
    "__version__",
]

_HOMES = {
    "CallWidget": "widget",
    "CallState": "model",
    "RemoteDeviceState": "model",
    "Stream": "model",
    "User": "model",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("._version", __name__).version()
    elif name in __all__:
        value = getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
