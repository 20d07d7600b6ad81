"""A hub in this process, a real forwarder, real media: what people in one room get of one another."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from tests.hub.core.links import Client
from tests.hub.peers import Participant
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode
from zego_widget.forwarder import Forwarder
from zego_widget.hub.hub import Hub
from zego_widget.hub.settings import HubSettings
from zego_widget.model import (
    PeerState,
    PublishChannel,
    RemoteDeviceState,
    RoomStateChangedReason,
    Stream,
    StreamDeleteReason,
    UpdateType,
)

DARK, GREY, BRIGHT = 40, 110, 190


@contextlib.asynccontextmanager
async def running_hub(settings: HubSettings) -> AsyncIterator[Hub]:
    """A hub on a forwarder of its own; both leave no peer and no task behind."""
    tasks = asyncio.all_tasks()
    forwarder = await Forwarder.open(peer_timeout=settings.peer_timeout, connect_timeout=settings.connect_timeout)
    hub = Hub(forwarder, settings, version="0.0.0")
    try:
        yield hub
    finally:
        await hub.aclose("The test is over.")
        await forwarder.aclose()
    assert (hub.session_count, forwarder.peer_count, hub.sources) == (0, 0, {})
    ours = [task for task in asyncio.all_tasks() - tasks if "zego_widget" in repr(task.get_coro())]
    assert ours == []


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running_hub(HubSettings()) as hub:
        yield hub


@pytest.fixture
async def people() -> AsyncIterator[contextlib.AsyncExitStack]:
    """Closes the participants entered into it, after the hub's fixture closed the hub or before."""
    async with contextlib.AsyncExitStack() as stack:
        yield stack


def publisher(hub: Hub, user_id: str) -> Client:
    """A client that is logged in to room `demo` and declared the stream `<user_id>-main`."""
    client = Client(hub, user_id)
    client.login()
    assert isinstance(client.ask(p.StartPublishing, f"{user_id}-main"), p.Done)
    return client


async def join(
    people: contextlib.AsyncExitStack, client: Client, brightness: int = GREY, **fields: object
) -> Participant:
    """A page of the client that captures, with two receive slots of each kind."""
    page = await people.enter_async_context(Participant(f"{client.user.user_id}-page", slots=2, brightness=brightness))
    await client.connect(page, capture="take", **fields)
    await page.hears(p.RoomSnapshot)
    return page


def added(stream_id: str):
    """A `RoomStreamUpdate` that adds the stream."""
    return lambda m: m.update_type is UpdateType.ADD and m.streams[0].stream_id == stream_id


def deleted(stream_id: str, reason: StreamDeleteReason):
    """A `RoomStreamUpdate` that deletes the stream for that reason."""
    return lambda m: m.stream_delete_reason == [p.StreamDeletion(stream_id, reason)]


@pytest.mark.parametrize("control_first", [True, False], ids=["control first", "control last"])
async def test_two_people_see_and_hear_each_other(
    hub: Hub, people: contextlib.AsyncExitStack, control_first: bool
) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    alices = await people.enter_async_context(Participant(brightness=DARK, control_first=control_first))
    bobs = await people.enter_async_context(Participant(brightness=BRIGHT, control_first=control_first))
    answer = await alice.connect(alices, capture="take")
    assert answer.captures
    await bob.connect(bobs, capture="take")
    await alices.sees("bob-main", BRIGHT)
    await bobs.sees("alice-main", DARK)
    status = hub.status()
    assert [status[name] for name in ("rooms", "sessions", "streams", "peers")] == [1, 2, 2, 2]
    assert status["packets_forwarded"] > 0


async def test_the_snapshot_is_the_first_message_on_control_and_complete(
    hub: Hub, people: contextlib.AsyncExitStack
) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    await join(people, alice)
    bobs = await join(people, bob)
    snapshot = bobs.control[0]
    assert isinstance(snapshot, p.RoomSnapshot)
    assert (snapshot.room_id, snapshot.user, snapshot.users) == ("demo", bob.user, [alice.user])
    assert snapshot.streams == [Stream("alice-main", alice.user)]
    assert (snapshot.captures, snapshot.stream_id) == (True, "bob-main")
    (slot,) = snapshot.slots
    receivers = [transceiver.mid for transceiver in bobs.pc.getTransceivers()][2:]
    assert slot == p.SlotAssignment("alice-main", receivers[0], receivers[2])


async def test_a_third_person_joins_and_everyone_sees_everyone(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    alices, bobs = await join(people, alice, DARK), await join(people, bob, GREY)
    carol = publisher(hub, "carol")
    carols = await join(people, carol, BRIGHT)
    for page, others in (
        (alices, {"bob-main": GREY, "carol-main": BRIGHT}),
        (bobs, {"alice-main": DARK, "carol-main": BRIGHT}),
        (carols, {"alice-main": DARK, "bob-main": GREY}),
    ):
        for stream_id, brightness in others.items():
            await page.sees(stream_id, brightness)


async def test_a_viewer_without_camera_sees_and_publishes_nothing(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    alices = await join(people, alice, DARK)
    bobs = await people.enter_async_context(Participant("viewer", slots=1, sends=()))
    answer = await bob.connect(bobs, capture="never")
    assert not answer.captures
    await bobs.sees("alice-main", DARK)
    assert hub.status()["streams"] == 1
    assert alices.slot_of("bob-main") is None


async def test_stop_publishing_takes_the_stream_away_and_start_brings_it_back(
    hub: Hub, people: contextlib.AsyncExitStack
) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    await join(people, alice, DARK)
    bobs = await join(people, bob)
    await bobs.sees("alice-main", DARK)
    assert isinstance(alice.ask(p.StopPublishing), p.Done)
    gone = deleted("alice-main", StreamDeleteReason.STOPPED)
    await bobs.hears(p.RoomStreamUpdate, gone)
    assert bob.all(p.RoomStreamUpdate)[-1].stream_delete_reason[0].code is StreamDeleteReason.STOPPED
    await bobs.hears(p.SlotsChanged, lambda m: m.slots == [])
    assert isinstance(alice.ask(p.StartPublishing, "alice-again"), p.Done)
    await bobs.sees("alice-again", DARK)


async def test_capture_moves_between_two_pages_of_a_session(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    bobs = await join(people, bob)
    first = await people.enter_async_context(Participant("first", slots=1, brightness=DARK))
    second = await people.enter_async_context(Participant("second", slots=1, brightness=BRIGHT))
    assert (await alice.connect(first, capture="offer")).captures
    await bobs.sees("alice-main", DARK)
    await first.hears(p.RoomSnapshot)
    assert (await alice.connect(second, capture="take")).captures
    await first.hears(p.CaptureChanged, lambda m: not m.captures)
    await bobs.sees("alice-main", BRIGHT)
    second.say(p.LeavePage())
    await first.hears(p.CaptureChanged, lambda m: m.captures)
    await alice.hears(p.PeerStateChanged, lambda m: m.peer_id == "second" and m.state is PeerState.CLOSED)
    await bobs.sees("alice-main", DARK)


async def test_a_page_that_only_shows_does_not_take_the_camera(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    bobs = await join(people, bob)
    await join(people, alice, DARK)
    second = await people.enter_async_context(Participant("second", slots=1, brightness=BRIGHT))
    assert not (await alice.connect(second, capture="offer")).captures
    assert not (await second.hears(p.RoomSnapshot)).captures
    await second.sees("bob-main", GREY)
    await bobs.sees("alice-main", DARK)


async def test_leaving_the_call_from_the_page_logs_the_session_out(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    alices, bobs = await join(people, alice), await join(people, bob)
    alices.say(p.LeaveCall())
    told = await alice.hears(p.RoomStateChanged)
    assert (told.room_id, told.reason, told.error_code) == ("demo", RoomStateChangedReason.LOGOUT, ErrorCode.SUCCESS)
    await alices.hears(p.Goodbye)
    await asyncio.wait_for(alices.control_closed.wait(), 20)
    await bobs.hears(p.RoomStreamUpdate, deleted("alice-main", StreamDeleteReason.STOPPED))
    await bobs.hears(p.RoomUserUpdate, lambda m: m.update_type is UpdateType.DELETE and m.users == [alice.user])
    assert alice.closed is None
    alice.login()


async def test_a_link_that_closes_ends_its_session_at_once(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    alices, bobs = await join(people, alice), await join(people, bob)
    alice.session.link_closed()
    assert hub.session_count == 1
    await bobs.hears(p.RoomStreamUpdate, deleted("alice-main", StreamDeleteReason.OFFLINE))
    await bobs.hears(p.SlotsChanged, lambda m: m.slots == [])
    assert (await alices.hears(p.Goodbye)).code == ErrorCode.ROOM_DISCONNECT


async def test_the_same_user_again_displaces_the_earlier_session_without_crossed_media(
    hub: Hub, people: contextlib.AsyncExitStack
) -> None:
    bob, earlier = publisher(hub, "bob"), publisher(hub, "alice")
    bobs, old_page = await join(people, bob), await join(people, earlier, DARK)
    await bobs.sees("alice-main", DARK)
    later = publisher(hub, "alice")
    kicked = await earlier.hears(p.RoomStateChanged)
    assert (kicked.reason, kicked.error_code) == (RoomStateChangedReason.KICK_OUT, ErrorCode.ROOM_KICKED_OUT)
    assert (await old_page.hears(p.RoomStateChanged)).error_code == ErrorCode.ROOM_KICKED_OUT
    assert (await old_page.hears(p.Goodbye)).code == ErrorCode.ROOM_KICKED_OUT
    assert earlier.closed is None
    assert earlier.ask(p.StartPublishing, "x").code == ErrorCode.COMMON_NOT_LOGIN_ROOM
    await join(people, later, BRIGHT)
    await bobs.sees("alice-main", BRIGHT)
    reasons = [m.stream_delete_reason[0].code for m in bob.all(p.RoomStreamUpdate) if m.stream_delete_reason]
    assert reasons == [StreamDeleteReason.REPEAT_LOGIN]


async def test_a_muted_microphone_is_told_to_others_and_to_newcomers(
    hub: Hub, people: contextlib.AsyncExitStack
) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    bobs = await join(people, bob)
    alices = await join(people, alice, camera=RemoteDeviceState.NO_AUTHORIZATION)
    came = await bobs.hears(p.RoomStreamUpdate, added("alice-main"))
    assert came.streams[0].camera is RemoteDeviceState.NO_AUTHORIZATION
    alices.say(p.SetDeviceState(RemoteDeviceState.MUTE, RemoteDeviceState.OPEN))
    muted = Stream("alice-main", alice.user, microphone=RemoteDeviceState.MUTE)
    assert (await bobs.hears(p.StreamStateChanged)).stream == muted
    assert (await bob.hears(p.StreamStateChanged)).stream == muted
    assert Client(hub, "carol").login().streams[-1] == muted


async def test_a_screen_is_a_stream_of_its_own(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    bobs = await join(people, bob)
    sends = ("microphone", "camera", "screen", "screen_audio")
    alices = await people.enter_async_context(Participant("page", slots=1, sends=sends, brightness=DARK))
    await alice.connect(alices, capture="take")
    await bobs.sees("alice-main", DARK)
    assert bobs.slot_of("alice-screen") is None
    assert isinstance(alice.ask(p.StartPublishing, "alice-screen", PublishChannel.AUX), p.Done)
    await bobs.sees("alice-screen", DARK)
    assert isinstance(alice.ask(p.StopPublishing, PublishChannel.AUX), p.Done)
    await bobs.hears(p.SlotsChanged, lambda m: [slot.stream_id for slot in m.slots] == ["alice-main"])


async def test_a_stream_waits_for_a_slot_and_moves_up(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob, viewer = publisher(hub, "alice"), publisher(hub, "bob"), publisher(hub, "viewer")
    await join(people, alice, DARK)
    await join(people, bob, BRIGHT)
    page = await people.enter_async_context(Participant("small", slots=1, sends=()))
    await viewer.connect(page, capture="never")
    await page.sees("alice-main", DARK)
    assert page.slot_of("bob-main") is None
    alice.session.link_closed()
    await page.sees("bob-main", BRIGHT)


async def test_a_stream_asked_for_by_name_is_played_as_soon_as_it_exists(
    hub: Hub, people: contextlib.AsyncExitStack
) -> None:
    viewer = Client(hub, "viewer")
    viewer.login(auto_play=False)
    assert isinstance(viewer.ask(p.StartPlaying, "bob-main"), p.Done)
    page = await people.enter_async_context(Participant("page", slots=2, sends=()))
    await viewer.connect(page, capture="never")
    await join(people, publisher(hub, "alice"), DARK)
    await join(people, publisher(hub, "bob"), BRIGHT)
    await page.sees("bob-main", BRIGHT)
    assert page.slot_of("alice-main") is None
    assert isinstance(viewer.ask(p.StopPlaying, "bob-main"), p.Done)
    await page.hears(p.SlotsChanged, lambda m: m.slots == [])


async def test_an_offer_that_cannot_be_answered_changes_nothing(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
    bobs, alices = await join(people, bob), await join(people, alice, DARK)
    refused = alice.ask(p.Offer, "bad", "v=0\r\nthis is not SDP", capture="take")
    assert refused.code == ErrorCode.MEDIA_BAD_OFFER
    await bobs.sees("alice-main", DARK)
    assert not [m for m in alices.control if isinstance(m, p.CaptureChanged)]
    assert hub.status()["peers"] == 2


async def test_a_page_keeps_the_session_of_a_busy_kernel_alive(hub: Hub, people: contextlib.AsyncExitStack) -> None:
    silent, alice, bob = Client(hub, "silent"), publisher(hub, "alice"), publisher(hub, "bob")
    silent.login()
    alices = await join(people, alice)
    alices.say(p.Heartbeat(7.0))
    await alices.hears(p.HeartbeatAck, lambda m: m.sent_at == 7.0)
    bob.say(p.Heartbeat())
    hub.tick(silent.session.last_heard + hub.settings.heartbeat_timeout + 0.001)
    kicked = silent.all(p.RoomStateChanged)[0]
    assert kicked.error_code == ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT
    assert silent.closed is not None
    assert hub.session_count == 2
    hub.rooms.heartbeat(bob.session.session_id, alice.session.last_heard + 1)
    hub.tick(alice.session.last_heard + hub.settings.heartbeat_timeout + 0.001)
    assert deleted("alice-main", StreamDeleteReason.HEARTBEAT_TIMEOUT)(bob.all(p.RoomStreamUpdate)[-1])
    assert (await alices.hears(p.Goodbye)).code == ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT


async def test_a_page_that_vanishes_without_a_word_is_noticed_by_its_silence(
    people: contextlib.AsyncExitStack,
) -> None:
    async with running_hub(HubSettings(peer_timeout=1.0)) as hub:
        alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
        alices, bobs = await join(people, alice, DARK), await join(people, bob)
        await bobs.sees("alice-main", DARK)
        await alices.vanish()
        closed = await alice.hears(p.PeerStateChanged, lambda m: m.state is PeerState.CLOSED)
        assert closed.reason == "nothing was heard from it"
        await bobs.hears(p.RoomStreamUpdate, deleted("alice-main", StreamDeleteReason.OFFLINE))
        again = await people.enter_async_context(Participant("again", slots=1, brightness=BRIGHT))
        assert (await alice.connect(again, capture="offer")).captures
        await bobs.sees("alice-main", BRIGHT)


async def test_a_hub_that_stood_still_takes_no_page_for_gone(people: contextlib.AsyncExitStack) -> None:
    async with running_hub(HubSettings(peer_timeout=1.0)) as hub:
        alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
        alices, bobs = await join(people, alice, DARK), await join(people, bob)
        await bobs.sees("alice-main", DARK)
        time.sleep(1.5)  # noqa: ASYNC251 - that is what it is about
        alices.say(p.Heartbeat(7.0))
        await alices.hears(p.HeartbeatAck, lambda m: m.sent_at == 7.0)
        await bobs.sees("alice-main", DARK)
        assert not [each for each in alice.all(p.PeerStateChanged) if each.state is PeerState.CLOSED]


async def test_a_page_that_never_connects_is_given_up_and_the_next_captures(people: contextlib.AsyncExitStack) -> None:
    async with running_hub(HubSettings(connect_timeout=0.5)) as hub:
        alice, bob = publisher(hub, "alice"), publisher(hub, "bob")
        bobs = await join(people, bob)
        page = await people.enter_async_context(Participant("page", slots=1, brightness=DARK))
        await alice.connect(page, capture="offer")
        lost = await people.enter_async_context(Participant("lost", slots=1))
        assert alice.relay(await lost.offer(99, capture="take")).captures
        closed = await alice.hears(p.PeerStateChanged, lambda m: m.peer_id == "lost")
        assert (closed.state, closed.captures) == (PeerState.CLOSED, False)
        await page.hears(p.CaptureChanged, lambda m: m.captures)
        await bobs.sees("alice-main", DARK)


async def test_a_hub_that_stops_says_goodbye_to_links_and_pages(people: contextlib.AsyncExitStack) -> None:
    async with running_hub(HubSettings()) as hub:
        alice = publisher(hub, "alice")
        page = await join(people, alice)
    assert alice.all(p.Goodbye) == [p.Goodbye(ErrorCode.HUB_STOPPING, "The test is over.")]
    assert alice.closed == (1001, "The test is over.")
    assert (await page.hears(p.Goodbye)).code == ErrorCode.HUB_STOPPING
    await asyncio.wait_for(page.control_closed.wait(), 20)
