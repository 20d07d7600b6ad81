"""What others hear of someone's microphone and camera."""

from __future__ import annotations

import pytest

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget.hub.once_per_tick import OncePerTick
from zego_widget.model import RemoteDeviceState

OPEN, MUTE, DISABLE = RemoteDeviceState.OPEN, RemoteDeviceState.MUTE, RemoteDeviceState.DISABLE


@pytest.mark.parametrize(
    ("script", "done"),
    [
        ("", ""),
        ("a", "a"),
        ("a|b|c", "a|b|c"),
        ("abcd|", "a|d"),
        ("abcd|e|", "a|d|e"),
        ("abcd|efg|h|", "a|d|g|h"),
        ("ab||", "a|b|"),
        ("ab||c", "a|b|c"),
    ],
)
def test_at_most_once_in_a_tick_and_the_last_state_is_never_lost(script, done):
    """Letters are changes, bars are ticks; what is told is the state of the moment."""
    state, told = "", []
    news = OncePerTick(lambda: told.append(state))
    for step in script:
        if step == "|":
            told.append("|")
            news.tick()
        else:
            state = step
            news.ask()
    assert "".join(told) == done


class Room:
    """Alice publishes from two pages, bob looks on from one."""

    def __init__(self, hub):
        self.hub = hub
        self.alice, self.bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        self.alice.ask(p.StartPublishing, "alice-1")
        self.alice.offer("first")
        self.alice.offer("second", capture="offer")
        self.bob.offer("bobs")
        self.first, self.second, self.bobs = hub.forwarder.peers
        for peer in hub.forwarder.peers:
            peer.connect()
            peer.open_control()

    def heard(self):
        """States of microphone and camera, as bob's kernel was told; his page was told the same."""
        changes = self.bob.all(p.StreamStateChanged)
        assert changes == [message for message in self.bobs.control if isinstance(message, p.StreamStateChanged)]
        return [(change.stream.microphone, change.stream.camera) for change in changes]


@pytest.fixture
def room(hub):
    return Room(hub)


async def test_a_change_is_told_at_once(hub, room):
    room.first.say(p.SetDeviceState(MUTE, OPEN))
    assert room.heard() == [(MUTE, OPEN)]


async def test_who_toggles_a_hundred_times_is_told_once_more_in_the_end(hub, room):
    for _ in range(50):
        room.first.say(p.SetDeviceState(MUTE, OPEN))
        room.first.say(p.SetDeviceState(OPEN, OPEN))
    room.first.say(p.SetDeviceState(MUTE, DISABLE))
    assert room.heard() == [(MUTE, OPEN)]
    hub.tick(hub.now())
    assert room.heard() == [(MUTE, OPEN), (MUTE, DISABLE)]
    hub.tick(hub.now())
    assert len(room.heard()) == 2


async def test_a_state_that_was_taken_back_meanwhile_is_told_to_nobody(hub, room):
    for microphone in (MUTE, OPEN, MUTE):
        room.first.say(p.SetDeviceState(microphone, OPEN))
    hub.tick(hub.now())
    assert room.heard() == [(MUTE, OPEN)]


async def test_who_comes_meanwhile_and_the_room_agree_in_the_end(hub, room):
    room.first.say(p.SetDeviceState(MUTE, OPEN))
    room.first.say(p.SetDeviceState(MUTE, DISABLE))
    carol = FakeLink(hub).login("carol")
    hub.tick(hub.now())
    for link in (room.bob, carol):
        assert link.all(p.StreamStateChanged)[-1].stream.camera is DISABLE


async def test_what_a_page_still_had_to_say_goes_with_it(hub, room):
    room.first.say(p.SetDeviceState(MUTE, OPEN))
    room.first.say(p.SetDeviceState(MUTE, DISABLE))
    room.first.say(p.LeavePage())
    hub.tick(hub.now())
    stream = hub.rooms.streams(room.bob.session.session_id)[0]
    assert (stream.microphone, stream.camera) == (OPEN, OPEN)  # those of the page that captures now


async def test_the_end_of_the_call_is_the_end_of_what_waits(hub, room, caplog):
    room.first.say(p.SetDeviceState(MUTE, OPEN))
    room.first.say(p.SetDeviceState(MUTE, DISABLE))
    room.first.say(p.LeaveCall())
    hub.tick(hub.now())
    assert room.heard() == [(MUTE, OPEN)]
    assert "Traceback" not in caplog.text
