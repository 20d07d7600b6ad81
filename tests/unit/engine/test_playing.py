"""Playing: states, codes, the limit, and what is told of streams that come and go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.engine.fakes import FakePage, FakePeer, FakeView, Subject, code_of, live_page
from tests.unit.kernel.scripted import ALICE, BOBS, ROOM
from zego_widget import protocol
from zego_widget.engine.profile import Canvas
from zego_widget.engine.states import PlayerState
from zego_widget.errors import ErrorCode, HubUnreachable, InvalidArgument, Refused
from zego_widget.media.frame_queue import FrameQueue
from zego_widget.model import RemoteDeviceState, RoomStateChangedReason, UpdateType

OPEN, MUTE, DISABLE = RemoteDeviceState.OPEN, RemoteDeviceState.MUTE, RemoteDeviceState.DISABLE


async def arrive(subject: Subject, *stream_ids: str) -> None:
    await subject.on_io(subject.peer.arrive, *stream_ids)


async def test_a_stream_that_does_not_exist_is_waited_for(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    assert subject.player_states() == [("PLAY_REQUESTING", 0, "bobs")]
    assert [each.stream_id for each in subject.link.asked(protocol.StartPlaying)] == ["bobs"]
    await arrive(subject, "bobs", "somebody's")
    assert subject.player_states()[1:] == [("PLAYING", 0, "bobs")]


async def test_a_stream_that_goes_is_waited_for_again(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    await arrive(subject, "bobs")
    await arrive(subject)
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 1004002, "bobs")
    await arrive(subject, "bobs")
    assert subject.player_states()[-1] == ("PLAYING", 0, "bobs")


async def test_a_stream_that_arrives_already_plays_at_once(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("somebodys")
    await arrive(subject, "bobs")
    await subject.engine.start_playing_stream("bobs")
    assert subject.player_states()[-1] == ("PLAYING", 0, "bobs")


async def test_pictures_in_a_codec_that_is_not_taken_are_told_while_the_sound_plays(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    refused = protocol.PeerVideosRefused("python-1", [protocol.RefusedVideo("bobs", "H.264")])
    await subject.on_io(subject.link.on_event, refused)
    assert subject.player_states() == [("PLAY_REQUESTING", 0, "bobs")]
    await arrive(subject, "bobs")
    assert subject.player_states()[1:] == [("PLAYING", 0, "bobs"), ("PLAYING", 1004080, "bobs")]
    assert "H.264" in subject.all("player_state_update")[-1].extended_data["message"]
    await arrive(subject, "bobs")
    await subject.on_io(subject.link.on_event, protocol.PeerVideosRefused("a page's", []))
    assert len(subject.player_states()) == 3
    await subject.on_io(subject.link.on_event, protocol.PeerVideosRefused("python-1", []))
    assert subject.player_states()[3:] == [("PLAYING", 0, "bobs")]
    await subject.on_io(subject.link.on_event, refused)
    await arrive(subject)
    await arrive(subject, "bobs")
    codes = [code for _, code, _ in subject.player_states()[4:]]
    assert codes == [1004080, 1004002, 0, 1004080]


async def test_pictures_that_are_paused_for_want_of_room_are_told_and_go_on(subject: Subject) -> None:
    def events() -> list[tuple[str, str]]:
        return [(event.event.name, event.stream_id) for event in subject.all("player_media_event")]

    async def paused(*stream_ids: str) -> None:
        await subject.on_io(subject.link.on_event, protocol.PeerVideosPaused("python-1", list(stream_ids)))

    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    await arrive(subject, "bobs")
    await paused("bobs", "carols")
    await paused("bobs")
    assert events() == [("VIDEO_BREAK_OCCUR", "bobs")]
    assert subject.player_states()[-1] == ("PLAYING", 0, "bobs")
    await paused()
    assert events()[1:] == [("VIDEO_BREAK_RESUME", "bobs")]
    await paused("bobs")
    await arrive(subject)  # what goes is no longer paused, and told of as gone
    await paused()
    await arrive(subject, "bobs")
    assert events()[2:] == [("VIDEO_BREAK_OCCUR", "bobs")]


async def test_what_the_page_that_counts_is_refused_is_told(subject: Subject) -> None:
    page = await live_page(subject, FakeView())
    other = FakePage(subject, "page-2")
    await other.connect("p2", captures=False)
    await other.plays(BOBS.stream_id)
    refused = protocol.PeerVideosRefused("p2", [protocol.RefusedVideo(BOBS.stream_id, "H.264")])
    await subject.on_io(subject.link.on_event, refused)
    assert subject.player_states()[-1] == ("PLAYING", 0, BOBS.stream_id)
    await page.leave()
    assert subject.player_states()[-1] == ("PLAYING", 1004080, BOBS.stream_id)


async def test_stopping_resets_what_was_muted(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    await subject.engine.mute_play_stream_audio(True, "bobs")
    await subject.engine.mute_play_stream_video(True, "bobs")
    await subject.engine.set_play_volume(20, "bobs")
    assert peer.played.last("mute_audio") == ("bobs", True)
    assert peer.played.last("mute_video") == ("bobs", True)
    assert peer.played.last("set_volume") == (20, "bobs")
    await subject.engine.stop_playing_stream("bobs")
    assert subject.player_states()[-1] == ("NO_PLAY", 0, "bobs")
    assert [each.stream_id for each in subject.link.asked(protocol.StopPlaying)] == ["bobs"]
    assert peer.played.last("reset") == ("bobs",)


async def test_playing_again_updates_the_canvas_only(subject: Subject) -> None:
    await subject.login()
    one, two, three = Canvas(FakeView()), Canvas(FakeView()), Canvas(FakeView())
    await subject.engine.start_playing_stream("bobs", one)
    await subject.engine.start_playing_stream("bobs", two)
    assert [played.canvas for played in subject.engine._parts.playing.played] == [two]
    await subject.engine.update_playing_canvas("bobs", three)
    assert [played.canvas for played in subject.engine._parts.playing.played] == [three]
    assert len(subject.player_states()) == 1
    assert len(subject.link.asked(protocol.StartPlaying)) == 1


async def test_playing_without_a_login_fails(subject: Subject) -> None:
    assert await code_of(subject.engine.start_playing_stream("bobs")) == 1000002
    assert subject.player_states() == [("NO_PLAY", 1000002, "bobs")]


@pytest.mark.parametrize(("stream_id", "code"), [("", 1000015), ("a b", 1000016), ("s" * 257, 1000014)])
async def test_a_stream_id_that_cannot_be_fails(subject: Subject, stream_id: str, code: int) -> None:
    await subject.login()
    assert await code_of(subject.engine.start_playing_stream(stream_id)) == code
    assert subject.player_states() == [("NO_PLAY", code, stream_id)]


async def test_the_thirteenth_stream_is_refused_until_another_is_stopped(subject: Subject) -> None:
    await subject.login()
    for number in range(12):
        await subject.engine.start_playing_stream(f"s{number}")
    assert await code_of(subject.engine.start_playing_stream("s12")) == 1004010
    assert subject.player_states()[-1] == ("NO_PLAY", 1004010, "s12")
    await subject.engine.stop_playing_stream("s0")
    await subject.engine.start_playing_stream("s12")


async def test_a_refusal_of_the_hub_ends_it(subject: Subject) -> None:
    await subject.login()
    subject.hub.answers[protocol.StartPlaying] = Refused("no", ErrorCode.PLAYER_PLAY_STREAM_FAILED)
    assert await code_of(subject.engine.start_playing_stream("bobs")) == 1004001
    assert subject.player_states() == [("PLAY_REQUESTING", 0, "bobs"), ("NO_PLAY", 1004001, "bobs")]


async def test_media_that_do_not_connect_end_it(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    peer.connects = HubUnreachable("No media connection came about.", ErrorCode.MEDIA_CONNECT_FAILED)
    assert await code_of(subject.engine.start_playing_stream("bobs")) == 1900021
    assert subject.player_states()[-1] == ("NO_PLAY", 1900021, "bobs")
    assert len(subject.link.asked(protocol.StopPlaying)) == 1


@pytest.mark.parametrize(
    "verb",
    [
        lambda engine: engine.stop_playing_stream("nobody"),
        lambda engine: engine.update_playing_canvas("nobody", Canvas()),
        lambda engine: engine.mute_play_stream_audio(True, "nobody"),
        lambda engine: engine.mute_play_stream_video(True, "nobody"),
        lambda engine: engine.set_play_volume(50, "nobody"),
        lambda engine: engine.take_play_stream_snapshot("nobody"),
        lambda engine: anext(engine.frames("nobody")),
        lambda engine: anext(engine.audio_frames("nobody")),
    ],
    ids=["stop", "canvas", "mute audio", "mute video", "volume", "snapshot", "frames", "audio frames"],
)
async def test_what_is_not_played_can_neither_be_stopped_nor_changed(subject: Subject, verb: Any) -> None:
    await subject.login()
    assert await code_of(verb(subject.engine)) == 1004011


async def test_a_volume_is_0_to_200(subject: Subject) -> None:
    with pytest.raises(InvalidArgument):
        subject.engine.set_play_volume(-1, "bobs")


async def test_all_played_streams_are_muted_at_once(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("s1")
    await subject.engine.start_playing_stream("s2")
    await subject.engine.mute_all_play_stream_audio(True)
    await subject.engine.mute_all_play_stream_video(True)
    for stream_id in ("s1", "s2"):
        assert ("mute_audio", stream_id, True) in peer.played.told
        assert ("mute_video", stream_id, True) in peer.played.told


async def test_playing_may_be_wished_while_the_login_is_under_way(subject: Subject) -> None:
    subject.engine.login_room(ROOM, ALICE)
    await subject.engine.start_playing_stream("bobs")
    assert subject.player_states() == [("PLAY_REQUESTING", 0, "bobs")]


async def test_stopping_before_the_hub_answered_fails_the_start(subject: Subject) -> None:
    await subject.login()
    answer = await subject.held_back()
    subject.hub.answers[protocol.StartPlaying] = answer
    start = subject.engine.start_playing_stream("bobs")
    await subject.settle()
    await subject.engine.stop_playing_stream("bobs")
    await subject.on_io(answer.set_result, protocol.Done(0))
    assert await code_of(start) == ErrorCode.PLAYER_PLAY_STREAM_FAILED
    assert [state[0] for state in subject.player_states()] == ["PLAY_REQUESTING", "NO_PLAY"]


async def test_logout_ends_playing(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    await arrive(subject, "bobs")
    await subject.engine.logout_room()
    assert subject.player_states()[-1] == ("NO_PLAY", 0, "bobs")
    assert [event.state.name for event in subject.all("engine_state_update")] == ["START", "STOP"]
    assert not peer.connected
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 0, "bobs")


async def test_being_kicked_out_ends_playing(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    await subject.on_io(subject.link.room_state, RoomStateChangedReason.KICK_OUT, 1002050, "elsewhere")
    assert subject.player_states()[-1] == ("NO_PLAY", 1002050, "bobs")


async def test_a_bug_on_the_way_fails_it_like_anything_else(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    peer.connects = RuntimeError("oops")
    assert await code_of(subject.engine.start_playing_stream("s1")) == 1000017
    assert subject.player_states()[-1] == ("NO_PLAY", 1000017, "s1")
    peer.connects = None
    await subject.engine.start_playing_stream("s1")


@pytest.mark.usefixtures("gives_up_at_once")
async def test_media_that_stay_away_end_playing(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    await arrive(subject, "bobs")
    await subject.on_io(peer.lose)
    await subject.hears("player_state_update", lambda event: event.state is PlayerState.NO_PLAY)
    assert subject.player_states()[-2:] == [("PLAY_REQUESTING", 1004020, "bobs"), ("NO_PLAY", 1004020, "bobs")]
    await subject.settle()
    assert len(subject.link.asked(protocol.StopPlaying)) == 1
    await subject.engine.start_playing_stream("bobs")
    assert peer.connections == 2


async def test_devices_behind_a_played_stream_are_told(subject: Subject) -> None:
    stream = replace(BOBS, camera=DISABLE)
    subject.hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "s", [], [stream])
    await subject.login()
    changed = protocol.StreamStateChanged(ROOM, replace(stream, microphone=MUTE))
    await subject.on_io(subject.link.on_event, changed)
    assert not subject.all("remote_mic_state_update")  # nobody plays it yet
    await subject.engine.start_playing_stream(BOBS.stream_id)
    await arrive(subject, BOBS.stream_id)
    assert [event.state for event in subject.all("remote_camera_state_update")] == [DISABLE]
    assert [event.state for event in subject.all("remote_mic_state_update")] == [MUTE]
    await subject.on_io(subject.link.on_event, protocol.StreamStateChanged(ROOM, BOBS))
    assert [event.state for event in subject.all("remote_camera_state_update")] == [DISABLE, OPEN]
    assert [event.state for event in subject.all("remote_mic_state_update")] == [MUTE, OPEN]
    assert subject.all("remote_mic_state_update")[-1].stream_id == BOBS.stream_id


async def test_what_the_media_tell_is_told(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    await subject.on_io(peer.events.first_frame_received, "bobs", "video")
    await subject.on_io(peer.events.first_frame_received, "bobs", "audio")
    await subject.on_io(peer.events.video_size_changed, "bobs", 640, 360)
    assert subject.all("player_recv_video_first_frame")[0].stream_id == "bobs"
    assert subject.all("player_recv_audio_first_frame")[0].stream_id == "bobs"
    size = subject.all("player_video_size_changed")[0]
    assert (size.width, size.height, size.stream_id) == (640, 360, "bobs")


async def test_frames_come_from_the_peer_and_their_queue_is_closed(subject: Subject, peer: FakePeer) -> None:
    queue: FrameQueue[Any] = FrameQueue(2)
    peer.played.frames = lambda stream_id, maxsize: queue  # type: ignore[attr-defined]
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    for number in range(3):
        queue.put(number)
    frames = subject.engine.frames("bobs", maxsize=2)
    assert [await anext(frames), await anext(frames)] == [1, 2]
    await frames.aclose()  # type: ignore[attr-defined]
    assert queue.closed


async def test_a_snapshot_comes_from_the_peer(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs")
    picture: Any = await subject.engine.take_play_stream_snapshot("bobs")
    assert picture == "picture of bobs"


async def test_streams_of_the_room_are_played_from_a_callback(subject: Subject) -> None:
    @subject.engine.on("room_stream_update")
    def play(update_type: UpdateType, streams: list[Any], extended_data: Any, room_id: str) -> None:
        for stream in streams:
            subject.engine.start_playing_stream(stream.stream_id)

    await subject.login()
    await subject.on_io(subject.link.streams, UpdateType.ADD, BOBS)
    await subject.hears("player_state_update", lambda event: event.stream_id == BOBS.stream_id)
