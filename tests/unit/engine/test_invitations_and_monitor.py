"""Calls and quality on a scripted hub: who holds the link, and what is told when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.engine.fakes import FakePeer, Subject, code_of
from tests.unit.kernel.scripted import ALICE, APP, BOBS, ROOM
from zego_widget import protocol
from zego_widget.engine import monitor
from zego_widget.engine.quality import StreamQualityLevel
from zego_widget.errors import ErrorCode, HubUnreachable, Refused, SessionLost
from zego_widget.media.stats import PeerStats, StreamStats, TrackStats
from zego_widget.model import PublishChannel


async def test_signing_in_opens_a_link_and_signing_out_closes_it(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    (request,) = subject.link.asked(protocol.SignIn)
    assert (request.user, request.credential.app_id) == (ALICE, APP.app_id)
    await subject.engine.sign_out()
    assert subject.link.asked(protocol.SignOut)
    assert subject.link.closed


async def test_a_refused_sign_in_leaves_no_link(subject: Subject) -> None:
    subject.hub.answers[protocol.SignIn] = Refused("no", ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED)
    assert await code_of(subject.engine.sign_in(ALICE)) == 1002033
    assert subject.link.closed


async def test_room_and_calls_share_a_link_until_both_are_left(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.login()
    await subject.engine.logout_room()
    assert len(subject.hub.links) == 1
    assert not subject.link.closed
    await subject.login()
    await subject.engine.sign_out()
    assert not subject.link.asked(protocol.SignOut)  # the room keeps us signed in
    assert not subject.link.closed
    await subject.engine.logout_room()
    assert subject.link.closed


async def test_being_signed_out_by_the_hub_is_told(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.on_io(subject.link.on_event, protocol.SignedOut("alice", 1002050, "elsewhere"))
    (event,) = subject.all("signed_out")
    assert (event.error_code, event.info) == (1002050, "elsewhere")
    assert await code_of(subject.engine.call_invite(["bob"])) == 1000002


@pytest.mark.usefixtures("gives_up_at_once")
async def test_a_hub_that_stays_away_ends_room_and_calls(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.login()
    await subject.on_io(subject.link.lose, SessionLost("gone"))
    assert (await subject.hears("signed_out")).error_code == 1002052
    assert subject.room_states()[-1] == ("RECONNECT_FAILED", 1002053, ROOM)
    await subject.engine.sign_in(ALICE)
    assert len(subject.hub.links) == 2


async def test_results_of_calls_are_records_without_the_protocols_numbers(subject: Subject) -> None:
    subject.hub.answers[protocol.CallEnd] = protocol.CallEndSent(0, "c1", 1, 2, 3)
    await subject.engine.sign_in(ALICE)
    result = await subject.engine.call_end("c1", "bye")
    assert (result.call_id, result.create_time, result.accept_time, result.end_time) == ("c1", 1, 2, 3)
    assert not hasattr(result, "request_id")
    subject.hub.answers[protocol.CallQuit] = HubUnreachable("gone")
    assert await code_of(subject.engine.call_quit("c1")) == ErrorCode.CALL_INVITATION_FAILED


# -- quality -----------------------------------------------------------------------------------------------------


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of a monitor that pass at once, as many as asked for."""
    left: list[float] = []
    wait = asyncio.sleep

    async def sleep(duration: float) -> None:
        await wait(0)
        while not left:
            await wait(0.001)
        left.pop()

    class Clock:
        def __getattr__(self, name: str) -> Any:
            return sleep if name == "sleep" else getattr(asyncio, name)

    monkeypatch.setattr(monitor, "asyncio", Clock())
    return left


async def test_streams_are_told_of_every_3_seconds_and_the_network_every_2(
    subject: Subject, peer: FakePeer, seconds: list[float]
) -> None:
    track = TrackStats(bytes=3000, packets=30, frames=45)
    stats = PeerStats(
        0.05,
        {PublishChannel.MAIN: StreamStats(track, track)},
        {BOBS.stream_id: StreamStats(track, TrackStats(packets=70, packets_lost=30, loss=0.3))},
    )

    async def look() -> PeerStats:
        return stats

    peer.stats = look  # type: ignore[attr-defined]
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.start_playing_stream(BOBS.stream_id)
    await subject.on_io(peer.arrive, BOBS.stream_id)
    seconds += [1.0] * 6
    while seconds:
        await subject.settle()
    await subject.hears("player_quality_update")
    network = await subject.hears("network_quality")
    assert (network.user_id, network.upstream, network.downstream) == (
        None,
        StreamQualityLevel.EXCELLENT,
        StreamQualityLevel.MEDIUM,
    )
    await subject.settle()
    told = [event.name for event in subject.all("network_quality") and subject.seen if "quality" in event.name]
    streams = ["publisher_quality_update", "player_quality_update"]
    assert told == ["network_quality", *streams, "network_quality", "network_quality", *streams]
    assert subject.all("publisher_quality_update")[0].quality.video_send_fps == 15
    assert subject.all("publisher_quality_update")[1].quality.video_send_fps == 0
    assert subject.all("player_quality_update")[0].quality.packet_lost_rate == 0.3


async def test_sound_levels_are_told_while_something_is_captured_or_played(
    subject: Subject, peer: FakePeer, seconds: list[float]
) -> None:
    peer.channels.capture_sound_level = lambda channel: 40.0  # type: ignore[attr-defined]
    peer.played.sound_levels = lambda: {BOBS.stream_id: 20.0}  # type: ignore[attr-defined]

    async def look() -> PeerStats:
        return PeerStats()

    peer.stats = look  # type: ignore[attr-defined]
    await subject.engine.start_sound_level_monitor(100)
    await subject.login()
    await subject.engine.start_playing_stream(BOBS.stream_id)
    while not subject.all("remote_sound_level_update"):
        seconds += [1.0] * (2 - len(seconds))
        await subject.settle()
    assert subject.all("captured_sound_level_update")[0].sound_level == 40.0
    assert subject.all("remote_sound_level_update")[0].sound_levels == {BOBS.stream_id: 20.0}
    await subject.engine.stop_sound_level_monitor()
    assert peer.played.last("monitor_sound_levels") == (False,)
