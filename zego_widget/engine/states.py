"""The state machines of an engine, as tables (ZEGO.md, sections 1 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import TypeVar


class PublisherState(IntEnum):
    """State of a published stream (ZegoPublisherState)."""

    NO_PUBLISH = 0
    PUBLISH_REQUESTING = 1
    PUBLISHING = 2


class PlayerState(IntEnum):
    """State of a played stream (ZegoPlayerState)."""

    NO_PLAY = 0
    PLAY_REQUESTING = 1
    PLAYING = 2


class PlayerMediaEvent(IntEnum):
    """A played stream stutters, or goes on (ZegoPlayerMediaEvent); those of sound are never told."""

    AUDIO_BREAK_OCCUR = 0
    AUDIO_BREAK_RESUME = 1
    VIDEO_BREAK_OCCUR = 2
    VIDEO_BREAK_RESUME = 3


class EngineState(IntEnum):
    """Whether anything is previewed, published or played (ZegoEngineState)."""

    START = 0
    STOP = 1


class RoomState(Enum):
    """Where a user stands with the room."""

    OUT = "logged out"
    ENTERING = "logging in"
    IN = "logged in"
    RECONNECTING = "reconnecting"


class RoomEvent(Enum):
    """What changes a `RoomState`."""

    LOGIN = "log in"
    ACCEPTED = "be let in"
    REFUSED = "be refused"
    BROKEN = "lose the link"
    BACK = "be back"
    KICKED = "be kicked out"
    LOST = "lose the hub for good"
    LOGOUT = "log out"


class PublisherEvent(Enum):
    """What changes a `PublisherState`."""

    START = "start publishing"
    LIVE = "be live"
    BROKEN = "lose the connection"
    FAILED = "fail"
    STOP = "stop publishing"


class PlayerEvent(Enum):
    """What changes a `PlayerState`."""

    START = "start playing"
    FLOWS = "receive the stream"
    GONE = "lose the stream"
    BROKEN = "lose the connection"
    FAILED = "fail"
    STOP = "stop playing"


ROOM: Mapping[RoomState, Mapping[RoomEvent, RoomState]] = {
    RoomState.OUT: {RoomEvent.LOGIN: RoomState.ENTERING},
    RoomState.ENTERING: {
        RoomEvent.ACCEPTED: RoomState.IN,
        RoomEvent.REFUSED: RoomState.OUT,
        RoomEvent.LOGOUT: RoomState.OUT,
    },
    RoomState.IN: {
        RoomEvent.BROKEN: RoomState.RECONNECTING,
        RoomEvent.KICKED: RoomState.OUT,
        RoomEvent.LOST: RoomState.OUT,
        RoomEvent.LOGOUT: RoomState.OUT,
    },
    RoomState.RECONNECTING: {
        RoomEvent.BACK: RoomState.IN,
        RoomEvent.KICKED: RoomState.OUT,
        RoomEvent.LOST: RoomState.OUT,
        RoomEvent.LOGOUT: RoomState.OUT,
    },
}
PUBLISHER: Mapping[PublisherState, Mapping[PublisherEvent, PublisherState]] = {
    PublisherState.NO_PUBLISH: {PublisherEvent.START: PublisherState.PUBLISH_REQUESTING},
    PublisherState.PUBLISH_REQUESTING: {
        PublisherEvent.LIVE: PublisherState.PUBLISHING,
        PublisherEvent.FAILED: PublisherState.NO_PUBLISH,
        PublisherEvent.STOP: PublisherState.NO_PUBLISH,
    },
    PublisherState.PUBLISHING: {
        PublisherEvent.BROKEN: PublisherState.PUBLISH_REQUESTING,
        PublisherEvent.FAILED: PublisherState.NO_PUBLISH,
        PublisherEvent.STOP: PublisherState.NO_PUBLISH,
    },
}
PLAYER: Mapping[PlayerState, Mapping[PlayerEvent, PlayerState]] = {
    PlayerState.NO_PLAY: {PlayerEvent.START: PlayerState.PLAY_REQUESTING},
    PlayerState.PLAY_REQUESTING: {
        PlayerEvent.FLOWS: PlayerState.PLAYING,
        PlayerEvent.FAILED: PlayerState.NO_PLAY,
        PlayerEvent.STOP: PlayerState.NO_PLAY,
    },
    PlayerState.PLAYING: {
        PlayerEvent.GONE: PlayerState.PLAY_REQUESTING,
        PlayerEvent.BROKEN: PlayerState.PLAY_REQUESTING,
        PlayerEvent.FAILED: PlayerState.NO_PLAY,
        PlayerEvent.STOP: PlayerState.NO_PLAY,
    },
}

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)


class ImpossibleEvent(RuntimeError):
    """An event that a state does not allow; a bug of this package."""


def next_state(table: Mapping[S, Mapping[E, S]], state: S, event: E) -> S:
    """The state after an event; raises `ImpossibleEvent`."""
    try:
        return table[state][event]
    except KeyError:
        raise ImpossibleEvent(f"{type(state).__name__} {state.name} does not allow {event.name}.") from None
