"""What pages report: who is believed, and what is told of it once."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.engine.fakes import FakePage, FakeView, Subject, code_of, live_page
from tests.unit.kernel.scripted import BOBS
from zego_widget import protocol
from zego_widget.engine import page_reports, page_snapshots
from zego_widget.engine.devices import AudioDeviceType, DeviceInfo
from zego_widget.engine.profile import Canvas
from zego_widget.errors import InvalidArgument
from zego_widget.media.sources import TestPattern
from zego_widget.model import PeerState, PublishChannel, RemoteDeviceState, UpdateType, VideoMirrorMode

MAIN, AUX = PublishChannel.MAIN, PublishChannel.AUX


@pytest.fixture
async def page(subject: Subject, view: FakeView) -> FakePage:
    return await live_page(subject, view)


def first(page: FakePage, kind: str, channel: PublishChannel | None, stream_id: str | None = None) -> object:
    return protocol.PageFirstFrame(page.page_id, kind, channel, stream_id)  # type: ignore[arg-type]


def size(page: FakePage, channel: PublishChannel | None, stream_id: str | None, width: int, height: int) -> object:
    return protocol.PagePictureSize(page.page_id, channel, stream_id, width, height)


# -- first frames and sizes --------------------------------------------------------------------------------------


async def test_first_frames_are_told_once_per_stream(subject: Subject, page: FakePage) -> None:
    for _ in range(2):
        await page.say(first(page, "video", MAIN))
        await page.say(first(page, "audio", MAIN))
        await page.say(first(page, "video", None, BOBS.stream_id))
        await page.say(first(page, "audio", None, BOBS.stream_id))
    assert [event.channel for event in subject.all("publisher_captured_video_first_frame")] == [MAIN]
    assert len(subject.all("publisher_captured_audio_first_frame")) == 1
    assert [event.stream_id for event in subject.all("player_recv_video_first_frame")] == [BOBS.stream_id]
    assert len(subject.all("player_recv_audio_first_frame")) == 1
    await page.plays()
    await page.plays(BOBS.stream_id)
    await page.say(first(page, "video", None, BOBS.stream_id))
    assert len(subject.all("player_recv_video_first_frame")) == 2, "it came again"


async def test_sizes_are_told_when_they_change(subject: Subject, page: FakePage) -> None:
    for width, height in ((640, 360), (640, 360), (320, 180), (0, -1)):
        await page.say(size(page, MAIN, None, width, height))
        await page.say(size(page, None, BOBS.stream_id, width, height))
    own = [(event.width, event.height, event.channel) for event in subject.all("publisher_video_size_changed")]
    assert own == [(640, 360, MAIN), (320, 180, MAIN)]
    played = [(event.width, event.height) for event in subject.all("player_video_size_changed")]
    assert played == [(640, 360), (320, 180)]


async def test_what_makes_no_sense_changes_nothing(subject: Subject, page: FakePage) -> None:
    subject.forget()
    await page.say(first(page, "video", AUX))  # is not captured
    await page.say(first(page, "video", None, "never played"))
    await page.say(first(page, "video", MAIN, BOBS.stream_id))
    await page.say(first(page, "video", None, None))
    await page.say(size(page, None, "never played", 640, 360))
    stranger = FakePage(subject, "a page nobody knows")
    await stranger.say(first(stranger, "video", MAIN))
    await stranger.say(first(stranger, "video", None, BOBS.stream_id))
    await stranger.says_status(peer_id="p1", captures=True, camera=RemoteDeviceState.UNPLUGGED, played=[])
    await page.says_status(max_zoom=2.0)
    await stranger.say(first(stranger, "video", MAIN))
    await stranger.say(first(stranger, "video", None, BOBS.stream_id))
    await stranger.says_status(peer_id="no peer of ours", played=[])
    await stranger.say(protocol.PageSnapshot(stranger.page_id, 1, 1, 1), b"abcd")
    await stranger.say(protocol.PageSoundLevels(stranger.page_id, 50.0, {BOBS.stream_id: 50.0}))
    assert subject._stream.take() == []
    assert subject.engine._parts.pages.reports.capture_sound_level() == 0


async def test_pages_that_never_end_are_forgotten(subject: Subject, page: FakePage) -> None:
    for number in range(100):
        await FakePage(subject, f"page-{number + 2}").says_status()
    assert len(subject.engine._parts.pages.reports._pages) <= page_reports.MAX_PAGES
    await page.say(size(page, MAIN, None, 640, 360))
    assert subject.all("publisher_video_size_changed"), "the one that is connected is not among them"


async def test_the_next_page_counts_when_the_first_goes(subject: Subject, page: FakePage) -> None:
    second = FakePage(subject, "page-2")
    await second.connect("p2", captures=False)
    await second.plays(BOBS.stream_id)
    await second.plays()
    assert subject.player_states()[-1] == ("PLAYING", 0, BOBS.stream_id), "the first page counts"
    await page.leave()
    assert list(subject.engine._parts.pages.reports._pages) == ["page-2"]
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 1004002, BOBS.stream_id)
    await second.plays(BOBS.stream_id)
    assert subject.player_states()[-1] == ("PLAYING", 0, BOBS.stream_id)
    await subject.on_io(subject.link.on_event, protocol.PeerStateChanged("p2", PeerState.CONNECTED, True))
    await second.say(first(second, "video", MAIN))
    assert len(subject.all("publisher_captured_video_first_frame")) == 1


# -- snapshots ---------------------------------------------------------------------------------------------------


async def test_a_snapshot_of_the_camera_comes_from_the_page(subject: Subject, view: FakeView, page: FakePage) -> None:
    snapshot = subject.engine.take_publish_stream_snapshot()
    await subject.settle()
    (asked,) = view.told
    assert (asked.page_id, asked.channel, asked.stream_id) == (page.page_id, MAIN, None)
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    await page.say(protocol.PageSnapshot("page-2", asked.request_id, 3, 2), pixels.tobytes())
    await page.say(protocol.PageSnapshot(page.page_id, asked.request_id + 1, 3, 2), pixels.tobytes())
    assert not snapshot.done()
    await page.say(protocol.PageSnapshot(page.page_id, asked.request_id, 3, 2), pixels.tobytes())
    picture = await snapshot
    assert picture.shape == (2, 3, 3)
    assert np.array_equal(picture, pixels[:, :, :3])


@pytest.mark.parametrize(("width", "height", "buffer"), [(0, 0, b""), (3, 2, b"too short"), (-1, -4, b"1234" * 4)])
async def test_a_snapshot_without_a_picture_fails(
    subject: Subject,
    view: FakeView,
    page: FakePage,
    width: int,
    height: int,
    buffer: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_snapshots, "SNAPSHOT_TIMEOUT", 1000.0)
    snapshot = subject.engine.take_publish_stream_snapshot()
    await subject.settle()
    answer = protocol.PageSnapshot(page.page_id, view.told[0].request_id, width, height)
    snapshots = subject.engine._parts.pages.snapshots
    await subject.on_io(lambda: [snapshots.take(answer, buffer) for _ in range(2)])
    assert await code_of(snapshot) == 1003030


async def test_a_snapshot_that_never_comes_fails(
    subject: Subject, page: FakePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_snapshots, "SNAPSHOT_TIMEOUT", 0.01)
    assert await code_of(subject.engine.take_publish_stream_snapshot()) == 1003030
    assert not subject.engine._parts.pages.snapshots._waiting


async def test_a_snapshot_needs_a_page(subject: Subject, view: FakeView) -> None:
    await subject.engine.start_preview(Canvas(view))
    assert await code_of(subject.engine.take_publish_stream_snapshot()) == 1003030


# -- devices -----------------------------------------------------------------------------------------------------


CAMERA = protocol.PageDevice("camera", "c1", "Camera")
MICROPHONE = protocol.PageDevice("microphone", "m1", "Microphone")
SPEAKER = protocol.PageDevice("speaker", "s1", "Speaker")


async def test_devices_are_listed_and_chosen(subject: Subject, view: FakeView, page: FakePage) -> None:
    engine = subject.engine
    await page.say(protocol.PageDevices(page.page_id, [CAMERA, MICROPHONE, SPEAKER]))
    assert await engine.get_video_device_list() == [DeviceInfo("c1", "Camera")]
    assert await engine.get_audio_device_list(AudioDeviceType.INPUT) == [DeviceInfo("m1", "Microphone")]
    assert await engine.get_audio_device_list(AudioDeviceType.OUTPUT) == [DeviceInfo("s1", "Speaker")]
    await engine.use_video_device("c1")
    await engine.use_audio_device("m1", AudioDeviceType.INPUT)
    await engine.use_audio_device("s1", AudioDeviceType.OUTPUT)
    await subject.settle()
    assert (view.media.camera_id, view.media.microphone_id, view.media.speaker_id) == ("c1", "m1", "s1")
    assert await code_of(engine.use_video_device("m1")) == 1006002
    assert await code_of(engine.use_audio_device("c1", AudioDeviceType.INPUT)) == 1006002
    assert await code_of(engine.use_video_device("c1", AUX)) == 1000006
    await engine.use_video_device("")
    await subject.settle()
    assert view.media.camera_id == ""


async def test_a_view_that_is_soon_on_a_canvas_again_has_its_page_back(
    subject: Subject, view: FakeView, page: FakePage
) -> None:
    await page.says_status(peer_id=None)
    await page.say(protocol.PageDevices(page.page_id, [CAMERA]))
    await subject.engine.logout_room()
    await subject.settle()
    assert await subject.engine.get_video_device_list() == []
    assert await code_of(subject.engine.use_video_device("c1")) == 1006002
    await subject.engine.start_preview(Canvas(view))
    assert await subject.engine.get_video_device_list() == [DeviceInfo("c1", "Camera")]
    subject.engine.take_publish_stream_snapshot()
    await subject.settle()
    assert view.told[-1].page_id == page.page_id
    assert not subject.all("video_device_state_changed")


async def test_devices_that_come_and_go_are_told(subject: Subject, page: FakePage) -> None:
    nameless = protocol.PageDevice("camera", "", "")
    await page.say(protocol.PageDevices(page.page_id, [nameless, MICROPHONE, SPEAKER]))
    await page.say(protocol.PageDevices(page.page_id, [CAMERA, MICROPHONE, SPEAKER]))
    assert not subject.all("video_device_state_changed"), "it was there before, without a name"
    other = protocol.PageDevice("microphone", "m2", "Headset")
    await page.say(protocol.PageDevices(page.page_id, [MICROPHONE, other]))
    video = [(event.update_type, event.device_info.device_id) for event in subject.all("video_device_state_changed")]
    assert video == [(UpdateType.DELETE, "c1")]
    audio = [
        (event.update_type, event.device_type, event.device_info) for event in subject.all("audio_device_state_changed")
    ]
    assert audio == [
        (UpdateType.ADD, AudioDeviceType.INPUT, DeviceInfo("m2", "Headset")),
        (UpdateType.DELETE, AudioDeviceType.OUTPUT, DeviceInfo("s1", "Speaker")),
    ]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (RemoteDeviceState.GENERIC_ERROR, 1006001),
        (RemoteDeviceState.NO_AUTHORIZATION, 1006003),
        (RemoteDeviceState.IN_USE_BY_OTHER, 1006005),
        (RemoteDeviceState.UNPLUGGED, 1006006),
        (RemoteDeviceState.NOT_SUPPORT, 1006001),
    ],
)
async def test_a_device_that_fails_is_told_by_its_code(
    subject: Subject, page: FakePage, state: RemoteDeviceState, code: int
) -> None:
    await page.says_status(camera=state)
    await page.says_status(camera=state, max_zoom=2.0)
    await page.says_status(microphone=RemoteDeviceState.MUTE, camera=RemoteDeviceState.DISABLE)
    await page.says_status(screen=state)
    failed = [(event.error_code, event.channel) for event in subject.all("local_device_exception_occurred")]
    assert failed == [(code, MAIN), (code, AUX)]


async def test_devices_of_pages_that_only_play_are_not_told(subject: Subject, page: FakePage) -> None:
    await subject.engine.set_capture_source(video=TestPattern())
    await page.says_status(camera=RemoteDeviceState.NO_AUTHORIZATION)
    await page.say(first(page, "video", MAIN))
    assert not subject.all("local_device_exception_occurred")
    assert not subject.all("publisher_captured_video_first_frame")


async def test_speaker_mirror_and_zoom_reach_the_page(subject: Subject, view: FakeView, page: FakePage) -> None:
    engine = subject.engine
    await engine.mute_speaker(True)
    await engine.set_video_mirror_mode(VideoMirrorMode.BOTH_MIRROR)
    assert await engine.get_camera_max_zoom_factor() == 1.0
    assert await code_of(engine.set_camera_zoom_factor(1.5)) == 1006040
    await page.says_status(max_zoom=4.0)
    assert await engine.get_camera_max_zoom_factor() == 4.0
    await engine.set_camera_zoom_factor(1.5)
    for factor in (0.9, 4.1, float("nan")):
        assert await code_of(engine.set_camera_zoom_factor(factor)) == 1006040
    await subject.settle()
    media = view.media
    assert (media.speaker_muted, media.mirror, media.zoom) == (True, VideoMirrorMode.BOTH_MIRROR, 1.5)
    assert engine.is_speaker_muted()
    assert await code_of(engine.set_video_mirror_mode(VideoMirrorMode.NO_MIRROR, AUX)) == 1000006


async def test_what_is_no_device_and_no_number_is_refused_at_once(subject: Subject, page: FakePage) -> None:
    with pytest.raises(InvalidArgument):
        subject.engine.use_video_device(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        subject.engine.use_audio_device(7, AudioDeviceType.INPUT)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        subject.engine.set_camera_zoom_factor("2")  # type: ignore[arg-type]


async def test_an_engine_without_pages_has_no_devices(subject: Subject) -> None:
    engine = subject.engine
    assert await engine.get_video_device_list() == []
    assert await engine.get_audio_device_list(AudioDeviceType.OUTPUT) == []
    assert await code_of(engine.use_video_device("c1")) == 1006002
    for operation in (engine.mute_speaker(True), engine.set_camera_zoom_factor(1.0)):
        assert await code_of(operation) == 1000006
    assert await code_of(engine.get_camera_max_zoom_factor()) == 1000006
    assert not engine.is_speaker_muted()
