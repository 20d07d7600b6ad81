"""Call invitation as pure state: no sockets, no clock, no asyncio; time is an argument."""

from .events import (
    CallCreated,
    CallEnded,
    Event,
    InvitationCancelled,
    InvitationReceived,
    InvitationTimedOut,
    UserStatesChanged,
)
from .invitations import DEFAULT_TIMEOUT, Invitations
from .results import Cancelled, Joined, Left, Sent
from .states import CallRole, CallUserEvent, ImpossibleEvent

__all__ = [
    "DEFAULT_TIMEOUT",
    "CallCreated",
    "CallEnded",
    "CallRole",
    "CallUserEvent",
    "Cancelled",
    "Event",
    "ImpossibleEvent",
    "InvitationCancelled",
    "InvitationReceived",
    "InvitationTimedOut",
    "Invitations",
    "Joined",
    "Left",
    "Sent",
    "UserStatesChanged",
]
