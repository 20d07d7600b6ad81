"""What every message is made of."""

from __future__ import annotations

from typing import Annotated

import msgspec

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 1 << 20
MAX_SDP_BYTES = 256 * 1024
CONTROL_LABEL = "control"
"""Label of the one data channel of a peer."""

PLAY_LIMIT = 12
"""Streams one peer plays at once, and so its receive slots of each kind (ZEGO: 1004010 beyond)."""


def _snake_case(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).removeprefix("_")


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=_snake_case):
    """Base of all messages; on the wire `type` is the class name in snake_case."""


RequestId = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""Chosen by who asks, echoed by who answers; small enough for JavaScript to hold."""


TimeOfDay = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""Milliseconds since 1970 by the hub's clock; 0 is not known."""


class Done(Message, frozen=True):
    """Answers a request that has nothing to return."""

    request_id: RequestId
    at: TimeOfDay = 0
    """When that was done, where the client may have to say so to another hub: of `SignIn` and `SetRoomExtraInfo`."""


class Refused(Message, frozen=True):
    """Answers a request that fails; `request_id` is None where the hub could not read which one."""

    request_id: RequestId | None
    code: int
    """An `ErrorCode`."""
    message: str


class Heartbeat(Message, frozen=True):
    """Sign of life; the hub answers `HeartbeatAck` with the same `sent_at`."""

    sent_at: float = 0.0
    """The sender's own clock; only the sender reads it."""


class HeartbeatAck(Message, frozen=True):
    """Answers `Heartbeat`."""

    sent_at: float = 0.0


class Goodbye(Message, frozen=True):
    """Last message before the hub closes a link or a control channel on its own account."""

    code: int
    message: str
