"""Pages and clients are told whose pictures there is no room for."""

from __future__ import annotations

from tests.unit.hub.test_sound_levels import Room, room
from zego_widget import protocol as p

__all__ = ["room"]


def video_slot(person, stream_id):
    """Where a page shows a stream."""
    (slots,) = [m.slots for m in person.told(p.RoomSnapshot | p.SlotsChanged)[-1:]]
    return next(slot.video_mid for slot in slots if slot.stream_id == stream_id)


async def test_what_is_paused_and_goes_on_is_told_once(room: Room) -> None:
    alice, bob = room.enter("alice"), room.enter("bob")
    room.hub.tick(room.hub.now())
    assert alice.told(p.VideosPaused) == []
    alice.peer.paused.add(video_slot(alice, "bob-1"))
    for _ in range(2):
        room.hub.tick(room.hub.now())
    alice.peer.paused.clear()
    for _ in range(2):
        room.hub.tick(room.hub.now())
    assert [message.stream_ids for message in alice.told(p.VideosPaused)] == [["bob-1"], []]
    assert [message.stream_ids for message in alice.link.all(p.PeerVideosPaused)] == [["bob-1"], []]
    assert bob.told(p.VideosPaused) == bob.link.all(p.PeerVideosPaused) == []


async def test_what_is_paused_and_is_not_shown_any_more_is_paused_no_longer(room: Room) -> None:
    alice, bob = room.enter("alice"), room.enter("bob")
    alice.peer.paused.add(video_slot(alice, "bob-1"))
    room.hub.tick(room.hub.now())
    bob.peer.lose()
    room.hub.tick(room.hub.now())
    assert alice.told(p.VideosPaused)[-1].stream_ids == []


async def test_the_pictures_of_who_speaks_have_room_first(room: Room) -> None:
    alice, bob = room.enter("alice"), room.enter("bob")
    bob.level.value = 90.0
    room.pass_time(1)
    assert alice.peer.favoured == video_slot(alice, "bob-1")
    bob.level.value = 0.0
    room.pass_time(5)
    assert alice.peer.favoured is None
