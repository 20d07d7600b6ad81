"""What a newcomer finds in a room that is full."""

from __future__ import annotations

import pytest

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.model import PublishChannel, RoomConfig, UpdateType, User
from zego_widget.room import limits

DATA_CHANNEL_MESSAGE = 256 * 1024  # what browsers and aiortc take


@pytest.fixture
def everybody(hub):
    """1,500 users with the longest names, of whom 120 publish."""
    users = [User(f"{number:064}", '"' * 256) for number in range(1500)]
    for number, user in enumerate(users):
        session_id = f"session {number}"
        hub.rooms.login(session_id, "demo", user, RoomConfig(), hub.now(), app_id=hub.apps.own.app_id)
        if number < 120:
            longest = "\x01" * limits.MAX_STREAM_EXTRA_INFO
            hub.extra_infos.set_of_stream(session_id, longest, PublishChannel.MAIN, hub.now())
            hub.rooms.publish(session_id, f"{number}".rjust(256, "s"), PublishChannel.MAIN)
            hub.rooms.set_live(session_id, PublishChannel.MAIN, True)
    yield users
    for number in range(1500):
        hub.rooms.end(f"session {number}")


def told(first, messages):
    """All users and streams that a newcomer was told, in order."""
    users, streams = list(first.users), list(first.streams)
    for message in messages:
        if isinstance(message, p.RoomUserUpdate):
            assert message.update_type is UpdateType.ADD
            users += message.users
        elif isinstance(message, p.RoomStreamUpdate):
            assert message.update_type is UpdateType.ADD
            streams += message.streams
    return users, streams


async def test_a_newcomer_is_told_of_everybody_in_messages_that_no_client_refuses(hub, everybody):
    newcomer = FakeLink(hub).login("newcomer")
    (found,) = newcomer.all(p.LoggedIn)
    users, streams = told(found, newcomer.received)
    assert users == everybody
    assert [stream.user for stream in streams] == everybody[:120]
    assert max(len(wire.encode(message)) for message in newcomer.received) < p.MAX_MESSAGE_BYTES


async def test_a_page_is_told_of_everybody_in_messages_that_its_data_channel_takes(hub, everybody):
    FakeLink(hub).login("newcomer").offer()
    (page,) = hub.forwarder.peers
    page.connect()
    page.open_control()
    snapshot, *updates = page.control
    assert isinstance(snapshot, p.RoomSnapshot)
    users, streams = told(snapshot, updates)
    assert users == everybody
    assert [stream.user for stream in streams] == everybody[:120]
    assert max(len(wire.encode(message)) for message in page.control) < DATA_CHANNEL_MESSAGE


async def test_many_who_leave_together_are_told_to_pages_in_messages_that_their_data_channels_take(hub, everybody):
    newcomer = FakeLink(hub).login("newcomer")
    newcomer.offer()
    (page,) = hub.forwarder.peers
    page.connect()
    page.open_control()
    page.control.clear()
    later = hub.now() + 1000.0
    hub.rooms.heartbeat(newcomer.session.session_id, later)
    newcomer.session.last_heard = later
    hub.deliver(hub.rooms.expire(later))
    gone = [user for message in page.control if isinstance(message, p.RoomUserUpdate) for user in message.users]
    assert gone == everybody
    assert max(len(wire.encode(message)) for message in page.control) < DATA_CHANNEL_MESSAGE
