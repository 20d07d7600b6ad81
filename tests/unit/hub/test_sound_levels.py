"""What pages are told of the sound of their room."""

from __future__ import annotations

import pytest

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget.hub.sound_levels import PERIOD
from zego_widget.model import PublishChannel, RemoteDeviceState


class FakeLevel:
    """A level that the test sets."""

    def __init__(self):
        self.value = 0.0

    def at(self, now):
        return self.value


class Person:
    """A user who publishes on one page and sees all others."""

    def __init__(self, room, user_id, *, room_id="demo", auto_play=True):
        self.room = room
        self.stream_id = f"{user_id}-1"
        self.link = FakeLink(room.hub).login(user_id, room_id=room_id, auto_play=auto_play)
        self.link.ask(p.StartPublishing, self.stream_id)
        self.link.offer()
        self.peer = room.hub.forwarder.peers[-1]
        self.level = self.peer.publication("microphone").audio_level = FakeLevel()
        self.peer.connect()
        self.peer.open_control()

    def told(self, kind):
        return [message for message in self.peer.control if isinstance(message, kind)]

    @property
    def levels(self):
        return self.told(p.SoundLevels)[-1].levels

    @property
    def speaker(self):
        last = self.told(p.ActiveSpeaker)[-1]
        return last.stream_id, last.user_id


class Room:
    def __init__(self, hub):
        self.hub = hub
        self.now = 0.0

    def enter(self, user_id, **options):
        return Person(self, user_id, **options)

    def pass_time(self, seconds):
        for _ in range(round(seconds / PERIOD)):
            self.now += PERIOD
            self.hub.sound_tick(self.now)


@pytest.fixture
def room(hub):
    return Room(hub)


async def test_pages_hear_how_loud_the_others_are_and_who_speaks(room):
    alice, bob, carol = room.enter("alice"), room.enter("bob"), room.enter("carol")
    bob.level.value = 67.0
    room.pass_time(1)
    for other in (alice, carol):
        assert other.levels == {"bob-1": 60}
        assert other.speaker == ("bob-1", "bob")
    assert bob.told(p.SoundLevels) == []
    assert bob.speaker == ("bob-1", "bob"), "oneself is told, too"
    bob.level.value = 0.0
    room.pass_time(3)
    assert alice.levels == {}
    assert alice.speaker == (None, None)


async def test_while_nothing_changes_nothing_is_told(room):
    alice, bob = room.enter("alice"), room.enter("bob")
    room.pass_time(2)
    assert alice.told(p.SoundLevels) == []
    bob.level.value = 61.0
    room.pass_time(2)
    bob.level.value = 79.0
    room.pass_time(2)
    assert len(alice.told(p.SoundLevels)) == 1
    assert len(alice.told(p.ActiveSpeaker)) == 1


@pytest.mark.parametrize("state", [RemoteDeviceState.MUTE, RemoteDeviceState.DISABLE, RemoteDeviceState.UNPLUGGED])
async def test_who_is_muted_never_speaks_whatever_his_packets_say(room, state):
    alice, bob = room.enter("alice"), room.enter("bob")
    bob.level.value = 90.0
    room.pass_time(1)
    assert alice.speaker == ("bob-1", "bob")
    bob.peer.say(p.SetDeviceState(state, RemoteDeviceState.OPEN))
    room.pass_time(0.2)
    assert alice.levels == {}
    assert alice.speaker == (None, None)
    bob.peer.say(p.SetDeviceState(RemoteDeviceState.OPEN, RemoteDeviceState.OPEN))
    room.pass_time(1)
    assert alice.speaker == ("bob-1", "bob")


async def test_a_publisher_without_the_extension_has_no_level(room):
    alice, bob = room.enter("alice"), room.enter("bob")
    bob.peer.publication("microphone").audio_level = None
    room.pass_time(1)
    assert alice.told(p.SoundLevels) == alice.told(p.ActiveSpeaker) == []


async def test_of_a_stream_that_is_not_played_nothing_is_told(room):
    alice, bob = room.enter("alice", auto_play=False), room.enter("bob")
    bob.level.value = 90.0
    room.pass_time(1)
    assert alice.told(p.SoundLevels) == alice.told(p.ActiveSpeaker) == []
    alice.link.ask(p.StartPlaying, "bob-1")
    room.pass_time(0.2)
    assert (alice.levels, alice.speaker) == ({"bob-1": 80}, ("bob-1", "bob"))


async def test_a_speaker_who_leaves_is_none(room):
    alice, bob = room.enter("alice"), room.enter("bob")
    bob.level.value = 90.0
    room.pass_time(1)
    bob.peer.lose()
    room.pass_time(0.2)
    assert (alice.levels, alice.speaker) == ({}, (None, None))


async def test_rooms_do_not_hear_each_other(room):
    alice, bob = room.enter("alice"), room.enter("bob", room_id="elsewhere")
    bob.level.value = 90.0
    room.pass_time(1)
    assert alice.told(p.SoundLevels) == alice.told(p.ActiveSpeaker) == []
    assert bob.speaker == ("bob-1", "bob")


async def test_who_comes_later_is_told_who_speaks(room):
    bob = room.enter("bob")
    bob.level.value = 90.0
    room.pass_time(1)
    alice = room.enter("alice")
    room.pass_time(0.2)
    assert (alice.levels, alice.speaker) == ({"bob-1": 80}, ("bob-1", "bob"))


async def test_a_shared_screen_is_heard_and_does_not_speak(room, hub):
    alice, bob = room.enter("alice"), room.enter("bob")
    bob.link.ask(p.StartPublishing, "bob-screen", PublishChannel.AUX)
    bob.link.ask(p.ClosePeer, "page")
    bob.link.ask(p.Offer, "again", "offer", p.SendSlots("m", "c", "s", "sa"), "take")
    peer = hub.forwarder.peers[-1]
    peer.publication("screen_audio").audio_level = screen = FakeLevel()
    peer.connect()
    screen.value = 90.0
    room.pass_time(2)
    assert alice.levels == {"bob-screen": 80}
    assert alice.told(p.ActiveSpeaker) == []


async def test_with_more_people_than_slots_who_speaks_is_seen(room, monkeypatch):
    monkeypatch.setattr("zego_widget.hub.playlist.PLAY_LIMIT", 2)
    alice, *others = (room.enter(user_id) for user_id in ("alice", "bob", "carol", "dave"))
    assert shown(alice) == ["bob-1", "carol-1"]
    others[2].level.value = 60.0
    room.pass_time(1)
    assert shown(alice) == ["bob-1", "dave-1"], "the one who spoke least recently makes room"
    assert alice.speaker == ("dave-1", "dave")
    others[2].level.value = 0.0
    room.pass_time(5)
    assert shown(alice) == ["bob-1", "dave-1"], "silence moves nobody"


def shown(person):
    return [slot.stream_id for slot in person.link.session._presence._peers["page"].assignments]
