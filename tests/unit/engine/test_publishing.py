"""Publishing: states, codes, and what the media peer and the hub are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.engine.fakes import FakePeer, FakeView, Subject, code_of
from tests.unit.kernel.scripted import ALICE, ROOM
from zego_widget import protocol
from zego_widget.engine.presets import AudioConfig, Scenario, VideoConfig, VideoConfigPreset
from zego_widget.engine.profile import Canvas, EngineProfile
from zego_widget.errors import ErrorCode, HubUnreachable, InvalidArgument, Refused
from zego_widget.media.config import CaptureConfig
from zego_widget.media.sources import TestPattern, Tone
from zego_widget.model import PublishChannel, RoomStateChangedReason

MAIN, AUX = PublishChannel.MAIN, PublishChannel.AUX


async def test_publishing_requests_and_is_live_once_the_media_are_connected(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    peer.connects = await subject.held_back()
    operation = subject.engine.start_publishing_stream("s1")
    await subject.hears("publisher_state_update")
    while not peer.connections:
        await subject.settle()
    assert subject.publisher_states() == [("PUBLISH_REQUESTING", 0, "s1")]
    assert [(each.stream_id, each.channel) for each in subject.link.asked(protocol.StartPublishing)] == [("s1", MAIN)]
    assert peer.channels.last("set_publishing") == (True, MAIN)
    await subject.on_io(peer.connects.set_result, None)
    await operation
    assert subject.publisher_states()[1:] == [("PUBLISHING", 0, "s1")]
    assert len(subject.link.asked(protocol.Offer)) == 1


async def test_stopping_gives_the_stream_back(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    await subject.engine.stop_publishing_stream()
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 0, "s1")
    assert peer.channels.last("set_publishing") == (False, MAIN)
    assert len(subject.link.asked(protocol.StopPublishing)) == 1
    await subject.engine.start_publishing_stream("s2")
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "s2")
    assert peer.connections == 1


async def test_a_connection_that_the_hub_ends_at_the_logout_is_no_loss(
    subject: Subject, peer: FakePeer, caplog: pytest.LogCaptureFixture
) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    answer = subject.hub.answers[protocol.LogoutRoom] = await subject.held_back()
    logout = subject.engine.logout_room()
    await subject.settle()
    await subject.on_io(peer.lose)
    await subject.on_io(answer.set_result, protocol.Done(0))
    await logout
    assert [state[0] for state in subject.publisher_states()][-1] == "NO_PUBLISH"
    assert peer.connections == 1
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


async def test_stopping_what_is_not_published_is_nothing(subject: Subject) -> None:
    await subject.login()
    await subject.engine.stop_publishing_stream()
    assert not subject.publisher_states()
    assert not subject.link.asked(protocol.StopPublishing)


async def test_both_channels_publish_at_once(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("camera")
    await subject.engine.start_publishing_stream("screen", AUX)
    assert [state for state in subject.publisher_states() if state[0] == "PUBLISHING"] == [
        ("PUBLISHING", 0, "camera"),
        ("PUBLISHING", 0, "screen"),
    ]
    await subject.engine.stop_publishing_stream(AUX)
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 0, "screen")
    assert peer.connections == 1


async def test_publishing_without_a_login_fails(subject: Subject) -> None:
    assert await code_of(subject.engine.start_publishing_stream("s1")) == 1000002
    assert subject.publisher_states() == [("NO_PUBLISH", 1000002, "s1")]


@pytest.mark.parametrize(("stream_id", "code"), [("", 1000015), ("a b", 1000016), ("s" * 257, 1000014)])
async def test_a_stream_id_that_cannot_be_fails(subject: Subject, stream_id: str, code: int) -> None:
    await subject.login()
    assert await code_of(subject.engine.start_publishing_stream(stream_id)) == code
    assert subject.publisher_states() == [("NO_PUBLISH", code, stream_id)]
    assert not subject.link.asked(protocol.StartPublishing)


async def test_a_channel_publishes_one_stream_at_a_time(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    assert await code_of(subject.engine.start_publishing_stream("s2")) == 1003023
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1003023, "s2")
    assert await code_of(subject.engine.start_publishing_stream("s1")) == 1003023
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1003023, "s2")  # s1 goes on, so nothing is said of it


async def test_a_stream_id_that_is_taken_fails_and_frees_the_channel(subject: Subject) -> None:
    await subject.login()
    taken = Refused("A stream s1 exists already.", ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM)
    subject.hub.answers[protocol.StartPublishing] = taken
    assert await code_of(subject.engine.start_publishing_stream("s1")) == 1003028
    assert subject.publisher_states() == [("PUBLISH_REQUESTING", 0, "s1"), ("NO_PUBLISH", 1003028, "s1")]
    assert subject.all("publisher_state_update")[-1].extended_data == {"message": taken.message}
    subject.hub.answers.clear()
    await subject.engine.start_publishing_stream("s2")


async def test_media_that_do_not_connect_fail_the_stream_and_free_its_id(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    peer.connects = HubUnreachable("No media connection came about.", ErrorCode.MEDIA_CONNECT_FAILED)
    assert await code_of(subject.engine.start_publishing_stream("s1")) == ErrorCode.MEDIA_CONNECT_FAILED
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1900021, "s1")
    assert len(subject.link.asked(protocol.StopPublishing)) == 1
    peer.connects = None
    await subject.engine.start_publishing_stream("s1")
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "s1")


async def test_publishing_may_be_wished_while_the_login_is_under_way(subject: Subject) -> None:
    login = subject.engine.login_room(ROOM, ALICE)
    publishing = subject.engine.start_publishing_stream("s1")
    await publishing
    assert login.done()
    assert subject.room_states() == [("LOGINING", 0, ROOM), ("LOGINED", 0, ROOM)]
    assert [state[0] for state in subject.publisher_states()] == ["PUBLISH_REQUESTING", "PUBLISHING"]


async def test_a_failed_login_fails_what_waited_for_it(subject: Subject) -> None:
    answer = subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    login = subject.engine.login_room(ROOM, ALICE)
    publishing = subject.engine.start_publishing_stream("s1")
    await subject.settle()
    await subject.on_io(answer.set_exception, Refused("full", ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER))
    assert await code_of(login) == await code_of(publishing) == 1002034
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1002034, "s1")


async def test_stopping_before_it_is_live_fails_the_start(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    peer.connects = await subject.held_back()
    start = subject.engine.start_publishing_stream("s1")
    while not peer.connections:
        await subject.settle()
    await subject.engine.stop_publishing_stream()
    await subject.on_io(peer.connects.set_result, None)
    assert await code_of(start) == ErrorCode.PUBLISHER_PUBLISH_STREAM_FAILED
    assert [state[0] for state in subject.publisher_states()] == ["PUBLISH_REQUESTING", "NO_PUBLISH"]


async def test_logout_ends_publishing_and_preview(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_preview(Canvas())
    await subject.engine.start_publishing_stream("s1")
    await subject.engine.logout_room()
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 0, "s1")
    assert [event.state.name for event in subject.all("engine_state_update")] == ["START", "STOP"]
    assert not peer.connected
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    assert peer.connections == 2


async def test_a_failed_login_leaves_the_preview(subject: Subject) -> None:
    subject.hub.answers[protocol.LoginRoom] = Refused("no", ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED)
    canvas = Canvas(FakeView())
    await subject.engine.start_preview(canvas)
    assert await code_of(subject.engine.login_room(ROOM, ALICE)) == 1002033
    assert subject.engine._parts.publishing.previews == {MAIN: canvas}
    assert [event.state.name for event in subject.all("engine_state_update")] == ["START"]


async def test_logout_while_the_media_connect_ends_both(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    peer.connects = await subject.held_back()
    start = subject.engine.start_publishing_stream("s1")
    while not peer.connections:
        await subject.settle()
    await subject.engine.logout_room()
    assert await code_of(start) != 0
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 0, "s1")


async def test_being_kicked_out_fails_what_is_published(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    await subject.on_io(subject.link.room_state, RoomStateChangedReason.KICK_OUT, 1002050, "elsewhere")
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1002050, "s1")


async def test_a_bug_on_the_way_fails_it_like_anything_else(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    peer.connects = RuntimeError("oops")
    assert await code_of(subject.engine.start_publishing_stream("s1")) == 1000017
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1000017, "s1")
    peer.connects = None
    await subject.engine.start_publishing_stream("s1")


@pytest.mark.usefixtures("gives_up_at_once")
async def test_media_that_stay_away_fail_what_is_published(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    await subject.on_io(peer.lose)
    await subject.hears("publisher_state_update", lambda event: event.error_code == 1003021)
    assert subject.publisher_states()[-2:] == [("PUBLISH_REQUESTING", 1003020, "s1"), ("NO_PUBLISH", 1003021, "s1")]
    await subject.settle()
    assert len(subject.link.asked(protocol.StopPublishing)) == 1
    await subject.engine.start_publishing_stream("s1")
    assert peer.connections == 2


# -- settings ----------------------------------------------------------------------------------------------------


async def test_settings_reach_the_peer_that_comes_later_and_the_one_that_is_there(
    subject: Subject, peer: FakePeer
) -> None:
    engine = subject.engine
    await engine.set_video_config(VideoConfig.preset(VideoConfigPreset.PRESET_720P))
    await engine.enable_camera(False)
    await engine.mute_microphone(True)
    await engine.set_capture_volume(50)
    await subject.login()
    await engine.start_publishing_stream("s1")
    assert peer.channels.last("set_capture_config", MAIN)[0] == CaptureConfig(1280, 720, 15, 1500)
    assert peer.channels.last("enable_video", MAIN) == (False, MAIN)
    assert peer.channels.last("mute_audio", MAIN) == (True, MAIN)
    assert peer.channels.last("set_capture_volume", MAIN) == (50, MAIN)
    await engine.enable_camera(True)
    await engine.enable_audio_capture_device(False)
    await engine.mute_publish_stream_video(True)
    assert peer.channels.last("enable_video", MAIN) == (True, MAIN)
    assert peer.channels.last("enable_audio", MAIN) == (False, MAIN)
    assert peer.channels.last("mute_video", MAIN) == (True, MAIN)
    assert engine.is_microphone_muted()


async def test_the_microphone_is_open_only_when_neither_verb_mutes_it(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    await subject.engine.mute_microphone(True)
    await subject.engine.mute_publish_stream_audio(True)
    await subject.engine.mute_microphone(False)
    assert peer.channels.last("mute_audio", MAIN) == (True, MAIN)
    await subject.engine.mute_publish_stream_audio(False)
    assert peer.channels.last("mute_audio", MAIN) == (False, MAIN)


async def test_sources_are_kept_for_the_peer(subject: Subject, peer: FakePeer) -> None:
    pattern, tone = TestPattern(), Tone()
    await subject.engine.set_capture_source(video=pattern)
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    assert peer.channels.last("set_capture", MAIN) == (pattern, None, MAIN)
    await subject.engine.set_capture_source(video=pattern, audio=tone, channel=AUX)
    assert peer.channels.last("set_capture", AUX) == (pattern, tone, AUX)


async def test_a_source_that_is_none_is_refused(subject: Subject) -> None:
    with pytest.raises(InvalidArgument):
        await subject.engine.set_capture_source(video=7)


async def test_a_scenario_sets_everything_before_the_login_and_nothing_after(
    new_subject: Callable[..., Subject],
) -> None:
    subject = new_subject(EngineProfile(scenario=Scenario.STANDARD_CHATROOM))
    assert not subject.engine._parts.capture.channels[MAIN].camera
    await subject.engine.set_video_config(VideoConfig.preset(VideoConfigPreset.PRESET_180P))
    await subject.engine.set_room_scenario(Scenario.HIGH_QUALITY_VIDEO_CALL)
    config = subject.engine.get_video_config()
    assert (config.encode_width, config.encode_height, config.fps) == (960, 540, 24)
    await subject.login()
    assert await code_of(subject.engine.set_room_scenario(Scenario.DEFAULT)) == 1000067
    assert subject.all("debug_error")[-1].func_name == "set_room_scenario"
    assert subject.engine.get_video_config() == config
    await subject.engine.set_audio_config(AudioConfig(96))
    assert subject.engine.get_audio_config().bitrate == 96


async def test_arguments_that_cannot_be_are_told_at_once(subject: Subject) -> None:
    engine = subject.engine
    with pytest.raises(InvalidArgument):
        engine.set_capture_volume(201)
    with pytest.raises(InvalidArgument):
        engine.set_video_config("720p")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        engine.set_audio_config(48)  # type: ignore[arg-type]
    for nonsense in (
        lambda: engine.start_publishing_stream("s1", 7),  # type: ignore[arg-type]
        lambda: engine.set_room_scenario(99),  # type: ignore[arg-type]
        lambda: engine.set_stream_extra_info("x", 7),  # type: ignore[arg-type]
        lambda: engine.call_invite(["bob"], mode=7),  # type: ignore[arg-type]
        lambda: EngineProfile(scenario=99),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidArgument, match="there are"):
            nonsense()
    with pytest.raises(InvalidArgument) as caught:
        engine.start_sound_level_monitor(99)
    assert caught.value.code == 1006031


async def test_a_snapshot_needs_a_channel_that_captures(subject: Subject) -> None:
    assert await code_of(subject.engine.take_publish_stream_snapshot()) == 1003030
    await subject.engine.start_preview()
    assert await subject.engine.take_publish_stream_snapshot() == "picture of MAIN"  # type: ignore[comparison-overlap]


async def test_preview_starts_and_stops_the_engine_and_keeps_its_canvas(subject: Subject) -> None:
    canvas = Canvas(FakeView())
    await subject.engine.start_preview(canvas)
    assert subject.engine._parts.publishing.previews == {MAIN: canvas}
    await subject.engine.start_preview(Canvas(FakeView()))
    await subject.engine.stop_preview()
    assert [event.state.name for event in subject.all("engine_state_update")] == ["START", "STOP"]


async def test_what_the_media_tell_is_told(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("s1")
    await subject.on_io(peer.events.first_frame_sent, MAIN, "video")
    await subject.on_io(peer.events.first_frame_sent, MAIN, "audio")
    await subject.on_io(peer.events.capture_size_changed, MAIN, 640, 360)
    await subject.on_io(peer.events.capture_ended, MAIN, "video", RuntimeError("no more"))
    await subject.on_io(peer.events.capture_ended, MAIN, "audio", None)
    assert subject.all("publisher_captured_video_first_frame")[0].channel is MAIN
    assert subject.all("publisher_captured_audio_first_frame")
    assert subject.all("publisher_video_size_changed")[0].arguments == {"width": 640, "height": 360, "channel": MAIN}
    (failed,) = subject.all("local_device_exception_occurred")
    assert (failed.error_code, failed.channel) == (1006001, MAIN)
    assert "no more" in failed.info


async def test_a_stream_of_which_the_hub_said_nothing_in_time_is_given_back(subject: Subject) -> None:
    await subject.login()
    subject.hub.answers[protocol.StartPublishing] = HubUnreachable("The hub did not answer within 10 s.")
    assert await code_of(subject.engine.start_publishing_stream("s1")) != 0
    assert len(subject.link.asked(protocol.StopPublishing)) == 1
