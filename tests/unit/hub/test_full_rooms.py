"""What a newcomer finds in a room that is full."""

from __future__ import annotations

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.model import PublishChannel, RoomConfig, UpdateType, User
from zego_widget.room import limits


async def test_a_newcomer_is_told_of_everybody_in_messages_that_no_client_refuses(hub):
    everybody = [User(f"{number:064}", '"' * 256) for number in range(1500)]
    for number, user in enumerate(everybody):
        session_id = f"session {number}"
        hub.rooms.login(session_id, "demo", user, RoomConfig(), hub.now(), app_id=hub.apps.own.app_id)
        if number < 120:
            longest = "\x01" * limits.MAX_STREAM_EXTRA_INFO
            hub.extra_infos.set_of_stream(session_id, longest, PublishChannel.MAIN, hub.now())
            hub.rooms.publish(session_id, f"{number}".rjust(256, "s"), PublishChannel.MAIN)
            hub.rooms.set_live(session_id, PublishChannel.MAIN, True)
    newcomer = FakeLink(hub).login("newcomer")
    (found,) = newcomer.all(p.LoggedIn)
    users, streams = list(found.users), list(found.streams)
    for update in newcomer.all(p.RoomUserUpdate):
        assert update.update_type is UpdateType.ADD
        users += update.users
    for update in newcomer.all(p.RoomStreamUpdate):
        assert update.update_type is UpdateType.ADD
        streams += update.streams
    assert users == everybody
    assert [stream.user for stream in streams] == everybody[:120]
    assert max(len(wire.encode(message)) for message in newcomer.received) < p.MAX_MESSAGE_BYTES
    for number in range(1500):
        hub.rooms.end(f"session {number}")
