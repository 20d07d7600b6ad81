"""The browser page of a test: plays the front end of widgets, without a browser."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable
from typing import Any, Self

import msgspec

from .. import protocol
from ..errors import ErrorCode, Refused, ZegoError
from ..media.config import CaptureConfig
from ..media.peer import MediaPeer
from ..media.peer_events import MediaPeerEvents
from ..model import CallState, PeerState, PublishChannel, RemoteDeviceState
from ..view_widget import ViewWidget
from .participant import PATIENCE

LIVE = frozenset({CallState.CONNECTING, CallState.IN_CALL, CallState.RECONNECTING})
DEVICES = (
    protocol.PageDevice("camera", "test-camera", "Test camera"),
    protocol.PageDevice("microphone", "test-microphone", "Test microphone"),
    protocol.PageDevice("speaker", "test-speaker", "Test speaker"),
)


class Page:
    """Shows a `CallWidget` or `VideoView`s of one engine, and follows what they say as a browser does.

    It greets the widgets, connects one `MediaPeer` while their `state` wants one, publishes what `_media` asks for, and
    reports devices, status, first frames and sizes. `async with` opens and closes it:

        async with Page(widget) as page:
            page.press_start()
            await page.until(lambda: widget.state == "in_call")
            frames = await page.sees(stream_id)
    """

    def __init__(self, *views: ViewWidget) -> None:
        self.page_id = secrets.token_hex(8)
        self.error: ZegoError | None = None
        """Why it is not connected, where it could not be."""
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Condition()
        self._dirty = asyncio.Event()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._requests = 0
        self._pressed = False
        self._applied: object = None
        self._status: protocol.PageStatus | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.peer = MediaPeer(self._offer, _Events(self), peer_id=f"page-{self.page_id}")
        """Its media; `peer.channels.set_capture` says what its camera sees."""
        self._wires = [_Wire(view, self) for view in views]

    # -- what a person does ---------------------------------------------------------------------------------

    def press_start(self) -> None:
        """Press Start call."""
        self._pressed = True
        self._say(protocol.PressStart(self.page_id))

    def press_stop(self) -> None:
        """Press Stop call."""
        self._say(protocol.PressStop(self.page_id))

    def press_microphone(self, muted: bool) -> None:
        """Mute the microphone, or not."""
        self._press(microphone_muted=muted)

    def press_camera(self, enabled: bool) -> None:
        """Open or close the camera."""
        self._press(camera_enabled=enabled)

    # -- what it sees ---------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether its media connection is up."""
        return self.peer.state is PeerState.CONNECTED

    async def until(self, condition: Callable[[], Any], timeout: float = PATIENCE) -> Any:
        """Wait until something that the page hears or that its media tell makes the condition true."""
        async with asyncio.timeout(timeout), self._changed:
            while not (found := condition()):
                await self._changed.wait()
        return found

    async def sees(self, stream_id: str, frames: int = 5, timeout: float = PATIENCE) -> list[Any]:
        """Wait for so many decoded pictures of a played stream; they are `media.frames.VideoFrame`s."""
        got: list[Any] = []
        async with asyncio.timeout(timeout):
            async for frame in self.peer.played.frames(stream_id):
                got.append(frame)
                if len(got) >= frames:
                    break
        return got

    # -- life -----------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._spawn(self._follow())
        self.look()
        await self.until(lambda: all(each.live for each in self._wires if each.state["_call_id"]))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """The page goes, as a closed tab does."""
        for each in self._wires:
            each.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.peer.aclose()

    # -- inside ---------------------------------------------------------------------------------------------

    @property
    def _leader(self) -> _Wire | None:
        return next((each for each in self._wires if each.live), None)

    def _say(self, message: protocol.ViewMessage, *buffers: bytes) -> bool:
        leader = self._leader
        if leader is not None:
            leader.send(message, *buffers)
        return leader is not None

    def _press(self, microphone_muted: bool | None = None, camera_enabled: bool | None = None) -> None:
        pressed = {"microphone_muted": microphone_muted, "camera_enabled": camera_enabled}
        self._wires[0].show(**{name: value for name, value in pressed.items() if value is not None})
        self._wires[0].send(protocol.PressSwitches(self.page_id, microphone_muted, camera_enabled))

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def look(self) -> None:
        """Something changed; from any thread."""
        self._loop.call_soon_threadsafe(self._dirty.set)

    async def _follow(self) -> None:
        while True:
            self._dirty.clear()
            for each in self._wires:
                each.greet()
            await self._settle()
            self._report()
            async with self._changed:
                self._changed.notify_all()
            await self._dirty.wait()

    async def _settle(self) -> None:
        leader = self._leader
        live = leader is not None and leader.state["state"] in LIVE
        if leader is not None:
            self._apply(leader)
        if live and not self.connected and self.error is None:
            assert leader is not None
            try:
                await self.peer.connect(self._wish(leader))
            except ZegoError as error:
                self.error = error
        elif not live:
            self.error = None
            if self.connected:
                await self.peer.disconnect()

    def _wish(self, leader: _Wire) -> protocol.CaptureWish:
        if not leader.media.captures:
            return "never"
        return "take" if self._pressed else "offer"

    def _apply(self, leader: _Wire) -> None:
        media, muted, camera = leader.media, leader.state["microphone_muted"], leader.state["camera_enabled"]
        if self._applied == (media, muted, camera):
            return
        self._applied = (media, muted, camera)
        for channel, wish in ((PublishChannel.MAIN, media.main), (PublishChannel.AUX, media.aux)):
            self.peer.channels.set_capture_config(
                CaptureConfig(wish.width, wish.height, wish.fps, wish.video_kbps), channel
            )
            self.peer.channels.enable_video(camera or channel is PublishChannel.AUX, channel)
            self.peer.channels.enable_audio(wish.audio, channel)
            self.peer.channels.mute_video(wish.video_muted, channel)
            self.peer.channels.mute_audio(wish.audio_muted or muted, channel)
            self.peer.channels.set_capture_volume(media.capture_volume, channel)
            self.peer.channels.set_publishing(wish.publish, channel)
        for played in media.played:
            self.peer.played.mute_audio(played.stream_id, played.audio_muted)
            self.peer.played.mute_video(played.stream_id, played.video_muted)
            self.peer.played.set_volume(played.volume, played.stream_id)

    def _report(self) -> None:
        leader = self._leader
        if leader is None:
            self._status = None
            return
        captures = self.connected and self.peer.captures
        opened, closed = RemoteDeviceState.OPEN, RemoteDeviceState.DISABLE
        microphone = RemoteDeviceState.MUTE if leader.state["microphone_muted"] else opened
        status = protocol.PageStatus(
            self.page_id,
            self.peer.peer_id if self.connected else None,
            captures,
            microphone if captures and leader.media.main.audio else closed,
            opened if captures and leader.state["camera_enabled"] else closed,
            opened if captures and leader.media.aux.publish else closed,
            1.0,
            sorted(self.peer.played.stream_ids),
        )
        if self._status is None:
            self._say(protocol.PageDevices(self.page_id, list(DEVICES)))
        if status != self._status:
            self._status = status
            self._say(status)

    async def _offer(self, offer: protocol.Offer) -> protocol.Answer:
        self._requests += 1
        request_id = self._requests
        answered = self._answers[request_id] = self._loop.create_future()
        try:
            if not self._say(msgspec.structs.replace(offer, request_id=request_id)):
                raise Refused("No widget is live on this page.", ErrorCode.MEDIA_CONNECT_FAILED)
            async with asyncio.timeout(PATIENCE):
                content = await answered
        finally:
            del self._answers[request_id]
        if content["type"] == "refused":
            raise Refused.from_code(content["code"], content["message"])
        return msgspec.convert(content, protocol.Answer)

    def heard(self, content: dict[str, Any], view: _Wire) -> None:
        """A custom message of a widget; on the page's loop."""
        if content["type"] == "ready" and content["page_id"] == self.page_id:
            view.ready()
            self.look()
        elif content["type"] == "take_snapshot" and content["page_id"] == self.page_id:
            self._spawn(self._take_snapshot(msgspec.convert(content, protocol.TakeSnapshot)))
        else:
            answered = self._answers.get(content.get("request_id", 0))
            if answered is not None and not answered.done():
                answered.set_result(content)

    async def _take_snapshot(self, wanted: protocol.TakeSnapshot) -> None:
        import numpy as np

        picture = np.zeros((0, 0, 3), np.uint8)
        try:
            if wanted.stream_id is not None:
                picture = await self.peer.played.snapshot(wanted.stream_id)
            elif wanted.channel is not None:
                picture = await self.peer.channels.capture_snapshot(wanted.channel)
        except ZegoError:
            pass  # 0 by 0: there is no picture
        height, width = picture.shape[:2]
        rgba = np.dstack([picture, np.full((height, width), 255, np.uint8)])
        self._say(protocol.PageSnapshot(self.page_id, wanted.request_id, width, height), rgba.tobytes())

    def tell(self, message: protocol.ViewMessage) -> None:
        """Report something of its media."""
        self._say(message)


class _Wire:
    """The comm of one widget, as its model in a page has it."""

    def __init__(self, view: ViewWidget, page: Page) -> None:
        self._page = page
        self._lock = threading.Lock()
        self._comm: Any = view.comm
        self._publish = self._comm.publish_msg
        self._greeted = self._ready = ""
        self._closed = False
        self._comm.publish_msg = self._published
        self.state: dict[str, Any] = view.get_state()

    @property
    def media(self) -> protocol.PageMedia:
        return msgspec.convert(self.state["_media"], protocol.PageMedia)

    @property
    def live(self) -> bool:
        """Whether a kernel answered for the engine that the widget shows now."""
        return bool(self.state["_call_id"]) and self._ready == self.state["_call_id"]

    def greet(self) -> None:
        call_id = self.state["_call_id"]
        if call_id and call_id != self._greeted:
            self._greeted = call_id
            self.send(protocol.ViewHello(protocol.PROTOCOL_VERSION, self._page.page_id))

    def ready(self) -> None:
        self._ready = self._greeted

    def send(self, message: protocol.ViewMessage, *buffers: bytes) -> None:
        self._receive({"method": "custom", "content": msgspec.to_builtins(message)}, list(buffers))

    def show(self, **state: bool) -> None:
        with self._lock:
            self.state = self.state | state
        self._page.look()

    def close(self) -> None:
        self._closed = True

    def _receive(self, data: dict[str, Any], buffers: list[bytes]) -> None:
        self._comm.handle_msg({"content": {"data": data}, "buffers": buffers})

    def _published(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        self._publish(msg_type, data, metadata, buffers, **keys)
        if self._closed or not data:
            return
        if data.get("method") == "update":
            with self._lock:
                self.state = self.state | data["state"]
            self._page.look()
        elif data.get("method") == "custom":
            self._page._loop.call_soon_threadsafe(self._page.heard, data["content"], self)


class _Events(MediaPeerEvents):
    """What the page's media tell it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def peer_state_changed(self, state: PeerState, reason: str) -> None:
        self._page.look()

    def capture_changed(self, captures: bool) -> None:
        self._page.look()

    def played_streams_changed(self, stream_ids: frozenset[str]) -> None:
        self._page.look()

    def first_frame_received(self, stream_id: str, kind: Any) -> None:
        self._page.tell(protocol.PageFirstFrame(self._page.page_id, kind, None, stream_id))

    def video_size_changed(self, stream_id: str, width: int, height: int) -> None:
        self._page.tell(protocol.PagePictureSize(self._page.page_id, None, stream_id, width, height))

    def first_frame_sent(self, channel: PublishChannel, kind: Any) -> None:
        self._page.tell(protocol.PageFirstFrame(self._page.page_id, kind, channel, None))

    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None:
        self._page.tell(protocol.PagePictureSize(self._page.page_id, channel, None, width, height))
