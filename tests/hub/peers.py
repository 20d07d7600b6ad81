"""Participants made of aiortc: they send real VP8 and Opus, decode what they get, and speak on `control`."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import av
import numpy as np
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from zego_widget import protocol, wire
from zego_widget.protocol import CONTROL_LABEL, PLAY_LIMIT, ControlMessage, Message, Offer, SendSlots
from zego_widget.wire import encode

PATIENCE = 20.0
"""Seconds after which a test that waits for something fails."""

SEND_SLOTS = {"microphone": "audio", "camera": "video", "screen": "video", "screen_audio": "audio"}
FRAMES_PER_SECOND = 15
SAMPLE_RATE = 48000

M = TypeVar("M", bound=Message)


class Picture(MediaStreamTrack):
    """A grey picture of one brightness (0 to 255) with a white line that moves, 15 frames/s."""

    kind = "video"

    def __init__(self, brightness: int, width: int = 160, height: int = 120) -> None:
        super().__init__()
        self._still = np.full((height, width, 3), brightness, dtype=np.uint8)
        self._started_at: float | None = None
        self._frame = 0

    async def recv(self) -> av.VideoFrame:
        await self._wait()
        picture = self._still.copy()
        picture[self._frame % picture.shape[0]] = 255
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self._frame * 90000 // FRAMES_PER_SECOND
        frame.time_base = fractions.Fraction(1, 90000)
        self._frame += 1
        return frame

    async def _wait(self) -> None:
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        if self._started_at is None:
            self._started_at = now
        await asyncio.sleep(max(0.0, self._started_at + self._frame / FRAMES_PER_SECOND - now))


class Tone(MediaStreamTrack):
    """A sine of 440 Hz in frames of 20 ms, mono, 48 kHz."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._samples = SAMPLE_RATE // 50
        self._started_at: float | None = None
        self._frame = 0

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        if self._started_at is None:
            self._started_at = now
        await asyncio.sleep(max(0.0, self._started_at + self._frame / 50 - now))
        first = self._frame * self._samples
        angles = 2 * np.pi * 440 / SAMPLE_RATE * np.arange(first, first + self._samples)
        samples = (np.sin(angles) * 12000).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = first
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._frame += 1
        return frame


class Participant:
    """One page's connection: makes the offer, takes the answer, counts what it decodes.

    `slots` is the number of audio and of video receive slots; `sends` names the send slots that it offers, all with
    media from the start; `brightness` tells its picture from others'. `async with` closes it.
    """

    def __init__(
        self,
        peer_id: str = "page",
        *,
        slots: int = PLAY_LIMIT,
        sends: Iterable[str] = ("microphone", "camera"),
        brightness: int = 128,
        control_first: bool = True,
    ) -> None:
        self.peer_id = peer_id
        self.frames: Counter[str] = Counter()
        """Decoded video and audio frames by mid."""
        self.brightness: dict[str, float] = {}
        """Mean brightness of the latest picture by mid."""
        self.loudness: dict[str, float] = {}
        """Root mean square of the latest sound by mid, 0 to 32767."""
        self.control: list[ControlMessage] = []
        self.control_closed = asyncio.Event()
        self.sdp = ""
        self._changed = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        configuration = RTCConfiguration(
            iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE, alwaysNegotiateDataChannels=control_first
        )
        self.pc = RTCPeerConnection(configuration)
        self._control_first = control_first
        self._tracks: list[MediaStreamTrack] = []
        self._senders: dict[str, Any] = {}
        for slot in sends:
            track: MediaStreamTrack = Tone() if SEND_SLOTS[slot] == "audio" else Picture(brightness)
            self._tracks.append(track)
            self._senders[slot] = self.pc.addTransceiver(track, direction="sendonly")
        self._receivers = [
            self.pc.addTransceiver(kind, direction="recvonly") for kind in ("audio", "video") for _ in range(slots)
        ]
        if not control_first:
            self._open_control()

    async def __aenter__(self) -> Participant:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def offer(self, request_id: int = 1, **fields: Any) -> Offer:
        """The offer message; `fields` are those of `Offer`, such as `capture="take"`."""
        description = await self.pc.createOffer()
        if self._control_first:
            # aiortc 1.16 puts control first only if it is not asked for yet, and then stops the transport that all
            # share, because it takes the first transceiver's for another one.
            self.pc.getTransceivers()[0]._bundled = True
            self._open_control()
        await self.pc.setLocalDescription(description)
        self.sdp = self.pc.localDescription.sdp
        slots = SendSlots(**{slot: transceiver.mid for slot, transceiver in self._senders.items()})
        return Offer(request_id, self.peer_id, self.sdp, slots, **fields)

    async def take_answer(self, sdp: str) -> None:
        """Connect; decoding starts."""
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        self._route_retransmissions(sdp)
        for transceiver in self._receivers:
            task = asyncio.create_task(self._decode(transceiver.mid, transceiver.receiver.track))
            self._tasks.append(task)

    def _route_retransmissions(self, sdp: str) -> None:
        """Do what browsers do: aiortc does not find the receiver of a retransmission stream if there are several."""
        receivers = {transceiver.mid: transceiver.receiver for transceiver in self._receivers}
        for section in sdp.split("\r\nm=")[1:]:
            mid = re.search(r"^a=mid:(\S+)", section, re.MULTILINE)
            pair = re.search(r"^a=ssrc-group:FID \d+ (\d+)", section, re.MULTILINE)
            if mid and pair and mid[1] in receivers:
                self.pc.sctp.transport._rtp_router.ssrc_table[int(pair[1])] = receivers[mid[1]]

    def say(self, message: protocol.PageMessage) -> None:
        """Send a message on `control`."""
        self.channel.send(encode(message))

    async def until(self, condition: Callable[[], Any], what: str = "") -> None:
        """Wait until something about this participant holds; fails after `PATIENCE` seconds."""
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            kinds = [type(message).__name__ for message in self.control]
            raise AssertionError(f"{self.peer_id}: waited in vain for {what}; {self.frames=} {kinds=}") from None

    async def hears(self, kind: type[M], condition: Callable[[M], Any] = lambda _: True) -> M:
        """The first control message of this kind for which the condition holds, past or to come."""

        def found() -> list[M]:
            return [message for message in self.control if isinstance(message, kind) and condition(message)]

        await self.until(found, kind.__name__)
        return found()[0]

    def slot_of(self, stream_id: str) -> protocol.SlotAssignment | None:
        """Where a stream is shown now, by the latest snapshot or change."""
        for message in reversed(self.control):
            if isinstance(message, protocol.RoomSnapshot | protocol.SlotsChanged):
                return next((slot for slot in message.slots if slot.stream_id == stream_id), None)
        return None

    async def sees(self, stream_id: str, brightness: int, frames: int = 5) -> None:
        """Wait until a stream has a slot, and new frames of that brightness and audible sound are decoded there."""
        await self.until(lambda: self.slot_of(stream_id), f"a slot for {stream_id}")
        slot = self.slot_of(stream_id)
        assert slot is not None
        before = self.frames.copy()

        def shown() -> bool:
            assert slot.video_mid is not None
            assert slot.audio_mid is not None
            return (
                self.frames[slot.video_mid] >= before[slot.video_mid] + frames
                and self.frames[slot.audio_mid] >= before[slot.audio_mid] + frames
                and abs(self.brightness[slot.video_mid] - brightness) < 12
                and self.loudness[slot.audio_mid] > 500
            )

        await self.until(shown, f"picture and sound of {stream_id}")

    async def vanish(self) -> None:
        """Stop sending anything at once, as a killed browser does: no goodbye, no DTLS alert."""
        transport = self.pc.sctp.transport.transport
        await transport._connection.close()

    async def aclose(self) -> None:
        """Close the connection and end every task."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for track in self._tracks:
            track.stop()
        await self.pc.close()

    def _open_control(self) -> None:
        self.channel = self.pc.createDataChannel(CONTROL_LABEL)
        self.channel.on("message", self._control_message)
        self.channel.on("close", self.control_closed.set)

    def _control_message(self, text: str) -> None:
        self.control.append(wire.decode_control(text))
        self._tasks.append(asyncio.create_task(self._notify()))

    async def _decode(self, mid: str, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self.brightness[mid] = float(frame.to_ndarray(format="gray").mean())
                else:
                    samples = frame.to_ndarray().astype(np.float64)
                    self.loudness[mid] = float(np.sqrt(np.mean(samples**2)))
                self.frames[mid] += 1
                await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
