"""Participants made of `MediaPeer`, on a hub in the test's process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import structs

from tests.hub.core.links import Client
from tests.hub.loss.wire import Wire
from tests.hub.peers import PATIENCE
from zego_widget import protocol as p
from zego_widget.hub.hub import Hub
from zego_widget.media.frame_queue import FrameQueue
from zego_widget.media.frames import AudioFrame, VideoFrame
from zego_widget.media.peer import MediaPeer
from zego_widget.media.peer_events import MediaPeerEvents
from zego_widget.media.sources import TestPattern


class Diary(MediaPeerEvents):
    """Writes down what a peer tells, as (name, arguments)."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self.changed = asyncio.Event()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name not in vars(MediaPeerEvents):
            return super().__getattribute__(name)

        def write(*arguments: Any) -> None:
            self.entries.append((name, *arguments))
            self.changed.set()

        return write

    async def has(self, *wanted: Any) -> None:
        """Wait until something was told, past or to come; arguments that are left out do not matter."""
        await self.finds(lambda entry: entry[: len(wanted)] == wanted, repr(wanted))

    async def finds(self, condition: Callable[[tuple[Any, ...]], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not any(map(condition, self.entries)):
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what} in {self.entries}") from None


class Person:
    """A user with a link, a `MediaPeer`, and the stream `<user_id>-main`."""

    def __init__(
        self,
        hub: Hub,
        user_id: str,
        *,
        publishes: bool = True,
        slots: int = 2,
        auto_play: bool = True,
        wire: Wire | None = None,
    ) -> None:
        """`wire` is the network between this person and the hub, if it is not a good one."""
        self.client = Client(hub, user_id)
        self.client.login(auto_play=auto_play)
        self.stream_id = f"{user_id}-main"
        self.diary = Diary()
        self._wire = wire
        self._request_id = 1000
        self.peer = MediaPeer(self._relay, self.diary, slots=slots)
        if publishes:
            assert isinstance(self.client.ask(p.StartPublishing, self.stream_id), p.Done)
            self.peer.channels.set_publishing(True)

    async def _relay(self, offer: p.Offer) -> p.Answer:
        self._request_id += 1
        answer = self.client.relay(
            p.Offer(
                self._request_id,
                offer.peer_id,
                offer.sdp,
                offer.send_slots,
                offer.capture,
                offer.microphone,
                offer.camera,
            )
        )
        return answer if self._wire is None else structs.replace(answer, sdp=self._wire.redirect(answer.sdp))

    async def __aenter__(self) -> Person:
        await self.peer.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.peer.aclose()

    async def sees_numbers(self, stream_id: str, count: int) -> list[int]:
        """The numbers on the next pictures of a stream."""
        async with self.peer.played.frames(stream_id) as frames:
            return [TestPattern.read_number((await following(frames)).to_ndarray()) for _ in range(count)]

    async def hears(self, stream_id: str, condition: Callable[[AudioFrame], Any]) -> AudioFrame:
        """The next sound of a stream for which the condition holds."""
        async with asyncio.timeout(PATIENCE), self.peer.played.audio_frames(stream_id) as frames:
            while True:
                frame = await following(frames)
                if condition(frame):
                    return frame

    async def sees(self, stream_id: str, condition: Callable[[VideoFrame], Any]) -> VideoFrame:
        """The next picture of a stream for which the condition holds."""
        async with asyncio.timeout(PATIENCE), self.peer.played.frames(stream_id) as frames:
            while True:
                frame = await following(frames)
                if condition(frame):
                    return frame


async def following(frames: FrameQueue[Any]) -> Any:
    """The next frame; fails if none comes."""
    frame = await asyncio.wait_for(frames.get(), PATIENCE)
    assert frame is not None, "the stream has ended"
    return frame
