"""The state tables of an engine: every transition, and everything else refused."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from zego_widget.engine.states import (
    PLAYER,
    PUBLISHER,
    ROOM,
    ImpossibleEvent,
    PlayerEvent,
    PlayerState,
    PublisherEvent,
    PublisherState,
    RoomEvent,
    RoomState,
    next_state,
)

R, RE = RoomState, RoomEvent
P, PE = PublisherState, PublisherEvent
L, LE = PlayerState, PlayerEvent

TRANSITIONS = [
    (ROOM, R.OUT, RE.LOGIN, R.ENTERING),
    (ROOM, R.ENTERING, RE.ACCEPTED, R.IN),
    (ROOM, R.ENTERING, RE.REFUSED, R.OUT),
    (ROOM, R.ENTERING, RE.LOGOUT, R.OUT),
    (ROOM, R.IN, RE.BROKEN, R.RECONNECTING),
    (ROOM, R.IN, RE.KICKED, R.OUT),
    (ROOM, R.IN, RE.LOST, R.OUT),
    (ROOM, R.IN, RE.LOGOUT, R.OUT),
    (ROOM, R.RECONNECTING, RE.BACK, R.IN),
    (ROOM, R.RECONNECTING, RE.KICKED, R.OUT),
    (ROOM, R.RECONNECTING, RE.LOST, R.OUT),
    (ROOM, R.RECONNECTING, RE.LOGOUT, R.OUT),
    (PUBLISHER, P.NO_PUBLISH, PE.START, P.PUBLISH_REQUESTING),
    (PUBLISHER, P.PUBLISH_REQUESTING, PE.LIVE, P.PUBLISHING),
    (PUBLISHER, P.PUBLISH_REQUESTING, PE.FAILED, P.NO_PUBLISH),
    (PUBLISHER, P.PUBLISH_REQUESTING, PE.STOP, P.NO_PUBLISH),
    (PUBLISHER, P.PUBLISHING, PE.BROKEN, P.PUBLISH_REQUESTING),
    (PUBLISHER, P.PUBLISHING, PE.FAILED, P.NO_PUBLISH),
    (PUBLISHER, P.PUBLISHING, PE.STOP, P.NO_PUBLISH),
    (PLAYER, L.NO_PLAY, LE.START, L.PLAY_REQUESTING),
    (PLAYER, L.PLAY_REQUESTING, LE.FLOWS, L.PLAYING),
    (PLAYER, L.PLAY_REQUESTING, LE.FAILED, L.NO_PLAY),
    (PLAYER, L.PLAY_REQUESTING, LE.STOP, L.NO_PLAY),
    (PLAYER, L.PLAYING, LE.GONE, L.PLAY_REQUESTING),
    (PLAYER, L.PLAYING, LE.BROKEN, L.PLAY_REQUESTING),
    (PLAYER, L.PLAYING, LE.FAILED, L.NO_PLAY),
    (PLAYER, L.PLAYING, LE.STOP, L.NO_PLAY),
]


def _name(value: Any) -> str:
    return getattr(value, "name", "")


@pytest.mark.parametrize(("table", "state", "event", "after"), TRANSITIONS, ids=_name)
def test_what_an_event_makes_of_a_state(table: Any, state: Any, event: Any, after: Any) -> None:
    assert next_state(table, state, event) is after


@pytest.mark.parametrize(
    ("table", "states", "events"),
    [(ROOM, RoomState, RoomEvent), (PUBLISHER, PublisherState, PublisherEvent), (PLAYER, PlayerState, PlayerEvent)],
    ids=["room", "publisher", "player"],
)
def test_everything_else_is_impossible_and_names_state_and_event(
    table: Mapping[Any, Any], states: Any, events: Any
) -> None:
    allowed = {(state, event) for known, state, event, _ in TRANSITIONS if known is table}
    for state, event in itertools.product(states, events):
        if (state, event) not in allowed:
            with pytest.raises(ImpossibleEvent, match=rf"{state.name} .*{event.name}"):
                next_state(table, state, event)


@pytest.mark.parametrize(
    ("heading", "table"),
    [("room", ROOM), ("publisher", PUBLISHER), ("player", PLAYER)],
    ids=["room", "publisher", "player"],
)
def test_the_architecture_page_has_the_table(heading: str, table: Mapping[Any, Mapping[Any, Any]]) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "architecture.md").read_text()
    (section,) = re.findall(rf"^\| {heading} \|.*?\n\n", page, re.MULTILINE | re.DOTALL)
    written = [tuple(re.findall(r"`(\w+)`", line)[:3]) for line in section.rstrip().splitlines()[2:]]
    known = [(state.name, event.name, after.name) for state, events in table.items() for event, after in events.items()]
    assert sorted(written) == sorted(known)
