"""An engine in pages: what its views are told, what is relayed, where it captures and plays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.engine.fakes import FakePage, FakePeer, FakeView, Subject, code_of
from tests.unit.kernel.scripted import ALICE, ROOM
from zego_widget import protocol
from zego_widget.engine.operation import Operation
from zego_widget.engine.presets import AudioChannel, AudioConfig, VideoConfig, VideoConfigPreset
from zego_widget.engine.profile import Canvas, ViewMode
from zego_widget.errors import ErrorCode, HubUnreachable, InvalidArgument, Refused, SessionLost
from zego_widget.media.sources import TestPattern
from zego_widget.model import CallState, PeerState, PublishChannel, RoomStateChangedReason

MAIN = PublishChannel.MAIN


async def states(view: FakeView) -> list[str]:
    """The states of the engine that a view was told, each once."""
    told = [each.state.value for each in view.views]
    return [state for number, state in enumerate(told) if number == 0 or told[number - 1] != state]


async def publishes(subject: Subject, view: FakeView) -> Operation[None]:
    """A stream with a preview on the view: what `start_publishing_stream` returned."""
    await subject.engine.start_preview(Canvas(view))
    await subject.login()
    return subject.engine.start_publishing_stream("mine")


async def goes_live(subject: Subject, view: FakeView, page: FakePage) -> None:
    """A stream that is published, and sent by the page."""
    start = await publishes(subject, view)
    await page.connect("p1")
    await start


# -- canvases ----------------------------------------------------------------------------------------------------


async def test_a_preview_is_on_its_view_until_it_is_stopped(subject: Subject, view: FakeView) -> None:
    await subject.engine.start_preview(Canvas(view, ViewMode.ASPECT_FILL))
    await subject.settle()
    assert view.bound == [(MAIN, ViewMode.ASPECT_FILL)]
    assert view.media.main.preview
    assert not view.media.main.publish
    assert view.views[-1].state is CallState.IDLE
    await subject.engine.stop_preview()
    assert view.bound[-1] == (None, 0)


async def test_a_played_stream_moves_from_view_to_view(subject: Subject, view: FakeView) -> None:
    other = FakeView()
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await subject.engine.update_playing_canvas("bobs", Canvas(other, ViewMode.SCALE_TO_FILL))
    assert view.bound == [("bobs", ViewMode.ASPECT_FIT), (None, 0)]
    assert other.bound == [("bobs", ViewMode.SCALE_TO_FILL)]
    await subject.engine.stop_playing_stream("bobs")
    assert other.bound[-1] == (None, 0)


async def test_a_view_shows_what_it_was_given_last(subject: Subject, view: FakeView) -> None:
    await subject.login()
    await subject.engine.start_preview(Canvas(view))
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await subject.engine.stop_preview()
    assert view.bound == [(MAIN, 0), ("bobs", 0)]
    await subject.engine.start_preview(Canvas(view))
    await subject.engine.start_playing_stream("carols", Canvas(view))
    await subject.engine.stop_playing_stream("carols")
    assert view.bound[-2:] == [("carols", 0), (None, 0)], "the preview does not have it back"


async def test_logout_takes_all_views_and_destroy_the_preview(
    new_subject: Callable[..., Subject], view: FakeView
) -> None:
    subject, other = new_subject(), FakeView()
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await subject.engine.logout_room()
    assert view.bound[-1] == (None, 0)
    await subject.engine.start_preview(Canvas(other))
    await subject.engine.aclose()
    assert other.bound[-1] == (None, 0)


def test_a_canvas_has_a_view_or_none() -> None:
    with pytest.raises(InvalidArgument) as caught:
        Canvas("my view")
    assert caught.value.code == ErrorCode.COMMON_ILLEGAL_PARAM
    with pytest.raises(InvalidArgument):
        Canvas(None, 7)  # type: ignore[arg-type]
    assert Canvas().view is None


async def test_a_view_that_fails_stops_nobody(subject: Subject, view: FakeView) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("a widget that was closed")

    view.bind = view.changed = fail  # type: ignore[method-assign, assignment]
    await subject.engine.start_preview(Canvas(view))
    await subject.engine.stop_preview()


# -- publishing and playing in pages -----------------------------------------------------------------------------


async def test_publishing_is_live_once_a_page_captures(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    start = await publishes(subject, view)
    await subject.settle()
    assert view.media.main.publish
    assert view.views[-1].state is CallState.CONNECTING
    await page.offer("p1")
    (answer,) = page.heard
    assert (answer.request_id, answer.sdp) == (7, "answer sdp")
    assert subject.publisher_states() == [("PUBLISH_REQUESTING", 0, "mine")]
    await page.connected("p1")
    await start
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")
    assert view.views[-1].state is CallState.IN_CALL
    assert (view.views[-1].room_id, view.views[-1].user_id) == (ROOM, ALICE.user_id)
    assert peer.events is None, "no media libraries are needed"


async def test_a_page_that_only_plays_does_not_make_it_live(subject: Subject, view: FakeView, page: FakePage) -> None:
    start = await publishes(subject, view)
    await page.connect("p1", captures=False)
    assert not start.done()
    await page.connected("p1")
    await start


async def test_a_page_that_may_not_capture_any_more_is_not_waited_on(
    subject: Subject, view: FakeView, page: FakePage
) -> None:
    await subject.engine.start_preview(Canvas(view))
    await subject.login()
    await page.connect("p1")
    await page.connected("p1", captures=False)
    start = subject.engine.start_publishing_stream("mine")
    await subject.settle()
    assert not start.done()
    await page.connected("p1")
    await start


async def test_another_stay_begins_without_peers(subject: Subject, view: FakeView, page: FakePage) -> None:
    subject.engine._parts.pages.attach(view)
    await subject.login()
    subject.engine.start_publishing_stream("mine")
    await page.connect("p1")
    await subject.engine.logout_room()
    assert dict(subject.engine._parts.pages.peers) == {}
    await subject.login()
    subject.engine.start_publishing_stream("mine")
    await subject.settle()
    assert view.views[-1].state is CallState.CONNECTING
    await subject.engine.stop_publishing_stream()


async def test_a_room_that_was_begun_in_pages_goes_on_there(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    await goes_live(subject, view, page)
    await subject.engine.stop_preview()
    screen = subject.engine.start_publishing_stream("screen", PublishChannel.AUX)
    await screen
    assert peer.connections == 0
    await subject.engine.logout_room()
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    assert peer.connected


@pytest.mark.parametrize("end", ["stop", "logout", "kick"])
async def test_publishing_that_waits_for_a_page_can_be_ended(subject: Subject, view: FakeView, end: str) -> None:
    start = await publishes(subject, view)
    await subject.settle()
    if end == "stop":
        await subject.engine.stop_publishing_stream()
    elif end == "logout":
        await subject.engine.logout_room()
    else:
        await subject.on_io(subject.link.room_state, RoomStateChangedReason.KICK_OUT, 1002050, "elsewhere")
        assert view.views[-1].state in {CallState.DISCONNECTED, CallState.CONNECTING}
    assert await code_of(start) != 0
    assert subject.publisher_states()[-1][0] == "NO_PUBLISH"
    assert not subject.engine._parts.pages._waiting


async def test_pages_that_go_are_waited_for_and_the_stream_stays(
    subject: Subject, view: FakeView, page: FakePage
) -> None:
    await goes_live(subject, view, page)
    await page.leave()
    assert view.views[-1].state is CallState.RECONNECTING
    assert subject.publisher_states()[-1] == ("PUBLISH_REQUESTING", 1003020, "mine")
    assert not subject.link.asked(protocol.StopPublishing)
    reloaded = FakePage(subject, "page-2")
    await reloaded.connect("p2")
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")
    assert len(subject.link.asked(protocol.StartPublishing)) == 1
    assert await states(view) == ["idle", "connecting", "in_call", "reconnecting", "in_call"]


async def test_a_stream_plays_when_the_page_shows_it(subject: Subject, view: FakeView, page: FakePage) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await page.connect("p1")
    await page.plays("bobs", "somebody's")
    assert subject.player_states() == [("PLAY_REQUESTING", 0, "bobs"), ("PLAYING", 0, "bobs")]
    await page.plays()
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 1004002, "bobs")
    await page.plays("bobs")
    await page.leave()
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 1004020, "bobs")
    await page.connect("p2")
    await page.plays("bobs")
    await page.says_status(peer_id=None, played=[])
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 1004020, "bobs"), "a page may know before the hub"
    await subject.engine.logout_room()
    assert subject.player_states()[-1] == ("NO_PLAY", 0, "bobs")


async def test_leaving_tells_once_that_a_stream_is_not_played(subject: Subject, view: FakeView, page: FakePage) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await page.connect("p1")
    await page.plays("bobs")
    await subject.engine.logout_room()
    assert [state[0] for state in subject.player_states()] == ["PLAY_REQUESTING", "PLAYING", "NO_PLAY"]
    assert view.bound[-1] == (None, 0)


async def test_how_streams_are_played_reaches_the_pages(subject: Subject, view: FakeView) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await subject.engine.mute_play_stream_audio(True, "bobs")
    await subject.engine.set_play_volume(150, "bobs")
    await subject.settle()
    assert view.media.played == [protocol.PagePlayed("bobs", audio_muted=True, volume=150)]
    await subject.engine.mute_all_play_stream_video(True)
    await subject.settle()
    assert view.media.played[0].video_muted
    view.views.clear()
    await subject.engine.start_preview(Canvas(FakeView()))
    await subject.engine.stop_playing_stream("bobs")
    assert subject.engine._parts.pages.view.media.played == []


async def test_settings_reach_the_pages(subject: Subject, view: FakeView) -> None:
    engine = subject.engine
    await engine.start_preview(Canvas(view))
    await engine.set_video_config(VideoConfig.preset(VideoConfigPreset.PRESET_720P))
    await engine.set_audio_config(AudioConfig(96, AudioChannel.STEREO))
    await engine.set_capture_volume(30)
    await engine.mute_publish_stream_video(True)
    await engine.enable_audio_capture_device(False)
    await engine.enable_camera(False)
    await engine.mute_microphone(True)
    await subject.settle()
    main = view.media.main
    assert (main.width, main.height, main.fps, main.video_kbps) == (1280, 720, 15, 1500)
    assert (main.audio_kbps, main.stereo, main.audio, main.video_muted) == (96, True, False, True)
    assert view.media.capture_volume == 30
    assert view.views[-1].microphone_muted
    assert not view.views[-1].camera_enabled


async def test_what_changes_together_is_told_once(subject: Subject, view: FakeView) -> None:
    await subject.engine.start_preview(Canvas(view))
    await subject.settle()
    before = len(view.views)
    await subject.on_io(lambda: [subject.engine.set_capture_volume(volume) for volume in range(10)])
    await subject.settle()
    assert view.media.capture_volume == 9
    assert len(view.views) - before < 10
    await subject.engine.set_capture_volume(9)
    await subject.settle()
    assert len(view.views) - before < 10


async def test_a_person_mutes_in_the_page(subject: Subject, view: FakeView, peer: FakePeer) -> None:
    await subject.engine.start_preview(Canvas(view))
    subject.engine._parts.pages.mute_microphone(True)
    subject.engine._parts.pages.enable_camera(False)
    await subject.settle()
    assert subject.engine.is_microphone_muted()
    assert view.views[-1].microphone_muted
    assert not view.views[-1].camera_enabled


@pytest.mark.usefixtures("gives_up_at_once")
async def test_why_a_login_ended_is_shown(subject: Subject, view: FakeView) -> None:
    await subject.engine.start_preview(Canvas(view))
    subject.hub.answers[protocol.LoginRoom] = Refused("The room is full.", ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER)
    assert await code_of(subject.engine.login_room(ROOM, ALICE)) == 1002034
    await subject.settle()
    last = view.views[-1]
    assert (last.state, last.error, last.error_code) == (CallState.REFUSED, "The room is full.", 1002034)
    subject.hub.answers.clear()
    watcher = FakeView()
    subject.engine._parts.pages.attach(watcher)
    await subject.login()
    await subject.settle()
    assert watcher.views[-1].error is None
    await subject.on_io(subject.link.lose, SessionLost("The connection to the hub was lost."))
    await subject.hears("room_state_changed", lambda event: event.error_code == 1002053)
    await subject.settle()
    assert (watcher.views[-1].state, watcher.views[-1].error_code) == (CallState.DISCONNECTED, 1002053)
    subject.engine._parts.pages.detach(watcher)


# -- Python beside the pages -------------------------------------------------------------------------------------


async def test_the_first_view_takes_the_capture_from_python(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    assert peer.connected
    await subject.engine.start_preview(Canvas(view))
    await subject.settle()
    assert not peer.connected
    assert view.media.captures
    assert view.media.main.publish
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")
    await page.connect("p1")
    assert view.views[-1].state is CallState.IN_CALL


async def test_a_view_while_python_connects_leaves_publishing_to_the_page(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    await subject.login()
    peer.connects = await subject.held_back()
    start = subject.engine.start_publishing_stream("mine")
    while not peer.connections:
        await subject.settle()
    await subject.engine.start_preview(Canvas(view))
    await page.connect("p1")
    await start
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")


async def test_python_joins_for_frames_and_never_captures(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await page.connect("p1")
    await page.plays("bobs")
    picture: object = await subject.engine.take_play_stream_snapshot("bobs")
    assert picture == "picture of bobs"
    assert [offer.capture for offer in subject.link.asked(protocol.Offer)] == ["take", "never"]
    await subject.on_io(peer.arrive)  # what Python says of playing changes nothing
    await subject.on_io(peer.events.first_frame_received, "bobs", "video")
    assert subject.player_states()[-1] == ("PLAYING", 0, "bobs")
    assert not subject.all("player_recv_video_first_frame")
    await subject.engine.logout_room()
    assert not peer.connected
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await subject.settle()
    assert peer.connections == 1, "nobody asked for frames in this room"


async def test_a_view_while_python_connects_leaves_playing_to_the_page(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    await subject.login()
    peer.connects = await subject.held_back()
    start = subject.engine.start_playing_stream("bobs")
    while not peer.connections:
        await subject.settle()
    await subject.engine.start_preview(Canvas(view))
    await start
    await page.connect("p1")
    await page.plays("bobs")
    assert subject.player_states() == [("PLAY_REQUESTING", 0, "bobs"), ("PLAYING", 0, "bobs")]


async def test_python_that_gives_frames_stays_when_the_pages_take_the_capture(
    subject: Subject, peer: FakePeer, view: FakeView
) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.start_playing_stream("bobs")
    await subject.on_io(peer.arrive, "bobs")
    await subject.engine.take_play_stream_snapshot("bobs")
    await subject.engine.start_preview(Canvas(view))
    while len(subject.link.asked(protocol.Offer)) < 2 or not peer.connected:
        await subject.settle()
    assert [offer.capture for offer in subject.link.asked(protocol.Offer)] == ["take", "never"]
    assert peer.connected
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")
    assert subject.player_states()[-1] == ("PLAYING", 0, "bobs")
    await subject.on_io(peer.lose)
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")
    assert subject.player_states()[-1] == ("PLAYING", 0, "bobs")
    while not peer.connected:
        await subject.settle()
    assert peer.connections == 3


async def test_sources_that_were_named_before_the_first_view_go_on(
    subject: Subject, peer: FakePeer, view: FakeView
) -> None:
    await subject.engine.set_capture_source(video=TestPattern())
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.start_preview(Canvas(view))
    await subject.settle()
    assert peer.connections == 1
    assert peer.connected
    assert not view.media.captures
    assert view.views[-1].state is CallState.IDLE, "no page is needed"
    picture: object = await subject.engine.take_publish_stream_snapshot()
    assert picture == "picture of MAIN"


async def test_python_that_cannot_take_the_capture_ends_publishing(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    await goes_live(subject, view, page)
    peer.connects = HubUnreachable("No media connection came about.", ErrorCode.MEDIA_CONNECT_FAILED)
    await subject.engine.set_capture_source(video=TestPattern())
    await subject.hears("publisher_state_update", lambda event: event.error_code)
    assert subject.publisher_states()[-1] == ("NO_PUBLISH", 1003021, "mine")


async def test_how_streams_are_played_reaches_the_python_that_comes_later(
    subject: Subject, peer: FakePeer, view: FakeView
) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await subject.engine.mute_play_stream_audio(True, "bobs")
    await subject.engine.mute_play_stream_video(True, "bobs")
    await subject.engine.set_play_volume(20, "bobs")
    await subject.engine.take_play_stream_snapshot("bobs")
    assert peer.played.last("mute_audio") == ("bobs", True)
    assert peer.played.last("mute_video") == ("bobs", True)
    assert peer.played.last("set_volume") == (20, "bobs")
    await subject.engine.set_play_volume(30, "bobs")
    assert peer.played.last("set_volume") == (30, "bobs")


async def test_named_sources_are_captured_in_python_and_the_pages_play(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    await goes_live(subject, view, page)
    await subject.engine.set_capture_source(video=TestPattern())
    while not peer.connected:
        await subject.settle()
    assert peer.channels.last("set_publishing") == (True, MAIN)
    assert not view.media.captures
    assert subject.link.asked(protocol.Offer)[-1].capture == "take"
    late = FakePage(subject, "page-2")
    await late.connect("p2", captures=False)
    assert subject.link.asked(protocol.Offer)[-1].capture == "never", "whatever the page wished"
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")
    await subject.on_io(peer.lose)
    await subject.hears("publisher_state_update", lambda event: event.error_code == 1003020)
    await subject.engine._parts.pages.until(lambda: True)
    while not peer.connected:
        await subject.settle()
    assert subject.link.asked(protocol.Offer)[-1].capture == "take"


async def test_without_views_and_room_the_engine_is_headless_again(
    subject: Subject, peer: FakePeer, view: FakeView, page: FakePage
) -> None:
    await subject.engine.start_preview(Canvas(view))
    await subject.engine.stop_preview()
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    assert peer.connected


async def test_pythons_own_peer_is_no_page(subject: Subject, view: FakeView, page: FakePage) -> None:
    await subject.engine.start_preview(Canvas(view))
    await subject.login()
    await subject.on_io(subject.link.peer, "python-1", PeerState.CONNECTED)
    assert dict(subject.engine._parts.pages.peers) == {}
