"""The browser's camera, microphone and speaker in the hands of the engine."""

from __future__ import annotations

import asyncio

import pytest_asyncio
from playwright.async_api import expect

from .conftest import OpenNotebook
from .notebook import PATIENCE, Notebook

ENGINE = """\
import collections

import zego_widget as zego
from zego_widget.engine.events import EVENTS

view = zego.VideoView()
other_view = zego.VideoView(layout={"width": "640px", "height": "360px"})  # has room for the whole picture
engine = zego.ExpressEngine()
heard = collections.defaultdict(list)

@engine.on("room_stream_update")
def play(update_type, streams, extended_data, room_id):
    if update_type is zego.UpdateType.ADD:
        engine.start_playing_stream(streams[0].stream_id, zego.Canvas(other_view))

def keep(name):
    engine.on(name)(lambda *arguments: heard[name].append(arguments))

for name in EVENTS:
    keep(name)
display(view, other_view)"""
JOIN = """\
engine.login_room("{room_id}", zego.User("{name}"), zego.RoomConfig(is_user_status_notify=True)).result(20)
engine.start_preview(zego.Canvas(view))
engine.start_publishing_stream("{name}-stream").result(20)
print("joined")"""
WAIT = """\
import time

def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()
"""


FAILS = """\
try:
    engine.{verb}.result(10)
except zego.ZegoError as error:
    print(int(error.code))"""
TOLD = """\
engine.start_sound_level_monitor(200).result(10)
names = {
    "publisher_quality_update", "player_quality_update", "network_quality", "captured_sound_level_update",
    "remote_sound_level_update", "publisher_captured_video_first_frame", "player_recv_video_first_frame",
    "player_recv_audio_first_frame", "player_video_size_changed", "publisher_video_size_changed",
}
print([name for name in sorted(names) if not wait_for(lambda: heard[name])])
print(wait_for(lambda: {user for user, up, down in heard["network_quality"] if user is not None}))
print(wait_for(lambda: heard["player_quality_update"][-1][0].video_recv_fps > 5))
print(wait_for(lambda: max(level for level, in heard["captured_sound_level_update"])))"""


async def test_a_refused_camera_is_told_by_its_code(open_notebook: OpenNotebook) -> None:
    carol = await open_notebook(
        "carol",
        [
            WAIT,
            ENGINE,
            "engine.start_preview(zego.Canvas(view)).result(10)",
            "print(wait_for(lambda: heard['local_device_exception_occurred']))",
        ],
    )
    await carol.run_cell(0)
    await carol.run_cell(1)
    await carol.call.refuse_devices()
    await carol.run_cell(2)
    await carol.run_cell(3)
    assert "1006003" in (await carol.output_of(3)) or "NO_AUTHORIZATION" in (await carol.output_of(3))
    await expect(carol.page.locator("[data-zw-view]").first).to_contain_text("permission", ignore_case=True)


class Console:
    """A person at the keyboard of one notebook, who types one cell over and over."""

    CELL = 3

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook

    async def types(self, source: str) -> str:
        """Type a cell in place of the one before and run it; its output."""
        await self.notebook.cell(self.CELL).locator(".cm-content").click()
        await self.notebook.page.keyboard.press("Control+a")
        await self.notebook.page.keyboard.insert_text(source)
        await self.notebook.run_cell(self.CELL)
        return await self.notebook.output_of(self.CELL)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two_consoles(open_to_stay: OpenNotebook) -> tuple[Console, Console]:
    async def join(name: str) -> Console:
        notebook = await open_to_stay(name, [WAIT, ENGINE, JOIN.format(room_id="devices", name=name), ""])
        for cell in range(3):
            await notebook.run_cell(cell)
        assert "joined" in await notebook.output_of(2)
        return Console(notebook)

    alice, bob = await asyncio.gather(join("alice"), join("bob"))
    return alice, bob


@pytest_asyncio.fixture(loop_scope="session")
async def consoles(two_consoles: tuple[Console, Console], open_notebook: OpenNotebook) -> tuple[Console, Console]:
    """Two people who publish their camera and microphone and play each other."""
    alice, bob = two_consoles
    await asyncio.gather(alice.notebook.call.wait_until_sees("bob"), bob.notebook.call.wait_until_sees("alice"))
    return alice, bob


async def test_cameras_microphones_and_speakers_are_listed_and_chosen(consoles: tuple[Console, Console]) -> None:
    alice, bob = consoles
    listed = await alice.types(
        "cameras = engine.get_video_device_list().result(10)\n"
        "microphones = engine.get_audio_device_list(zego.AudioDeviceType.INPUT).result(10)\n"
        "speakers = engine.get_audio_device_list(zego.AudioDeviceType.OUTPUT).result(10)\n"
        "print([camera.device_name for camera in cameras], len(microphones) > 1, len(speakers) > 0)"
    )
    assert "fake_device_0" in listed
    assert "True True" in listed
    await alice.types("engine.use_audio_device(microphones[-1].device_id, zego.AudioDeviceType.INPUT).result(10)")
    await alice.types("engine.use_video_device(cameras[0].device_id).result(10)")
    await bob.notebook.call.wait_until_sees("alice")
    await bob.notebook.call.wait_until_hears("alice")
    assert await alice.types(FAILS.format(verb="use_video_device('no such camera')")) == "1006002"


async def test_what_is_muted_or_closed_is_not_sent_and_the_others_are_told(consoles: tuple[Console, Console]) -> None:
    alice, bob = consoles
    await bob.types("heard.pop('remote_camera_state_update', None), heard.pop('remote_mic_state_update', None)")
    await alice.types("engine.mute_microphone(True).result(10)")
    await bob.notebook.call.wait_for_silence_of("alice")
    await alice.types("engine.mute_microphone(False).result(10)")
    await bob.notebook.call.wait_until_hears("alice")

    await alice.types("engine.enable_camera(False).result(10)")
    await alice.notebook.page.wait_for_function("__probe.openCameras() === 0")
    told = await bob.types(
        "wait_for(lambda: len(heard['remote_camera_state_update']) > 0)\n"
        "print(heard['remote_camera_state_update'][-1][0].name, heard['remote_mic_state_update'][0][0].name)"
    )
    assert "DISABLE MUTE" in told
    await alice.types("engine.enable_camera(True).result(10)")
    await bob.notebook.call.wait_until_sees("alice")


async def test_a_video_preset_decides_what_the_browser_sends(consoles: tuple[Console, Console]) -> None:
    alice, _ = consoles

    async def sends(width: int, height: int) -> None:
        condition = f"async () => String((await __probe.sent()).size) === '{width},{height}'"
        arrived = await alice.notebook.page.evaluate(f"__probe.until({condition}, {PATIENCE * 1000})")
        assert arrived, await alice.notebook.page.evaluate("__probe.sent()")

    preset = "engine.set_video_config(zego.VideoConfig.preset(zego.VideoConfigPreset.PRESET_{}P)).result(10)"
    await sends(640, 360)
    await alice.types(preset.format(180))
    await sends(320, 180)
    told = await alice.types(
        "wait_for(lambda: (320, 180, zego.PublishChannel.MAIN) in heard['publisher_video_size_changed'])"
    )
    assert "True" in told
    await alice.types(preset.format(360))
    await sends(640, 360)


async def test_speaker_mirror_and_zoom(consoles: tuple[Console, Console]) -> None:
    alice, bob = consoles
    page = alice.notebook.page
    assert await alice.types("engine.mute_speaker(True).result(10)\nprint(engine.is_speaker_muted())") == "True"
    await page.wait_for_function("() => __probe.sounding().length === 1 && __probe.sounding()[0].muted")
    await bob.notebook.call.wait_until_hears("alice")
    await alice.types("engine.mute_speaker(False).result(10)")
    await page.wait_for_function("() => !__probe.sounding()[0].muted")

    own = page.locator("video[data-local]")
    mirrored = "matrix(-1, 0, 0, 1, 0, 0)"
    await expect(own).to_have_css("transform", mirrored)
    await alice.types("engine.set_video_mirror_mode(zego.VideoMirrorMode.NO_MIRROR).result(10)")
    await expect(own).to_have_css("transform", "none")
    await alice.types("engine.set_video_mirror_mode(zego.VideoMirrorMode.BOTH_MIRROR).result(10)")
    await expect(own).to_have_css("transform", mirrored)
    await bob.notebook.call.wait_until_sees("alice")

    # Chromium's fake camera has no zoom.
    assert await alice.types("print(engine.get_camera_max_zoom_factor().result(10))") == "1.0"
    assert await alice.types(FAILS.format(verb="set_camera_zoom_factor(9.0)")) == "1006040"


async def test_quality_levels_first_frames_and_sizes_are_told(consoles: tuple[Console, Console]) -> None:
    alice, _ = consoles
    told = await alice.types(TOLD)
    never, others, is_fluent, level = told.splitlines()
    assert never == "[]", f"never told: {never}"
    assert others == "{'bob'}"
    assert is_fluent == "True"
    assert float(level) > 0


async def test_pictures_of_the_call_are_arrays_in_python(consoles: tuple[Console, Console]) -> None:
    alice, _ = consoles
    told = await alice.types(
        "own = engine.take_publish_stream_snapshot().result(20)\n"
        "bobs = engine.take_play_stream_snapshot('bob-stream').result(20)\n"
        "async for frame in engine.frames('bob-stream'):\n"
        "    break\n"
        "print(own.shape, own.dtype, own.std() > 1, bobs.shape, frame.to_ndarray(format='rgb24').shape)"
    )
    assert told == "(360, 640, 3) uint8 True (360, 640, 3) (360, 640, 3)"
    await alice.notebook.call.wait_until_sees("bob")
