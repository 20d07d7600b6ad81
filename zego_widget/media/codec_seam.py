"""What lies between RTP and aiortc's codecs, and what aiortc leaves behind.

This is the only module of `media` that reaches below aiortc's public names; `tests/unit/media/test_codec_seam.py`
fails when a release changes what is used here.

aiortc 1.16 decodes whatever arrives, on one thread per receiver, whether or not anybody takes the frames. `FrameGate`
stands in front of that thread and lets only wanted frames pass; the thread of an idle slot sleeps until the
connection ends. Encoders: VP8 keeps 250 to 1500 kbit/s, H.264 500 to 3000, whatever is asked; Opus is fixed at
96 kbit/s, and the interval of key frames at 3000 pictures (key frames come on request instead).

A lost packet it asks for once, and again only when another is lost: else pictures wait for 512 packets more, and are so
much late from then on. Through `ReceiveBuffer` others look after that (`repair.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket
from aiortc.utils import uint16_add, uint16_gt

from .key_frames import is_key_frame

REPEAT_REQUEST = 15
"""Unusable pictures after which a key frame is asked for again."""
SETTLING_FRAMES = {"audio": 4, "video": 1}
"""Frames that may still be of a slot's former stream: as many as aiortc's jitter buffer holds back."""

CONNECT = "RTCPeerConnection.__connect"
LATE_TASKS = ("_transmit", "_send_reconfig_param")

OnEncoded = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class PacketCounts:
    """What a receiver counted of its stream, retransmissions apart."""

    received: int = 0
    expected: int = 0


class FrameGate(queue.Queue[Any]):
    """Stands in for the queue of a receiver's decoder thread.

    `on_encoded(codec, data)` hears of every complete frame; `wanted()` says whether it shall be decoded.
    """

    def __init__(self, receiver: RTCRtpReceiver, wanted: Callable[[], bool], on_encoded: OnEncoded) -> None:
        super().__init__()
        self.first_timestamp = math.inf
        """Decoded frames before this (RTP clock, as in `frame.pts`) are not handed on: of another stream all are."""
        self._wanted = wanted
        self._on_encoded = on_encoded
        self._receiver = receiver
        self._request: threading.Event = receiver._RTCRtpReceiver__decoder_error  # type: ignore[attr-defined]
        self._kind: str = receiver._RTCRtpReceiver__kind  # type: ignore[attr-defined]
        self._needs_start = True
        self._unusable = 0
        self._settling = 0
        receiver._RTCRtpReceiver__decoder_queue = self  # type: ignore[attr-defined]

    @property
    def packets(self) -> PacketCounts:
        """What arrived since the connection began."""
        receiver: Any = self._receiver
        retransmissions = receiver._RTCRtpReceiver__rtx_ssrc
        streams = [
            stream for ssrc, stream in receiver._RTCRtpReceiver__remote_streams.items() if ssrc not in retransmissions
        ]
        return PacketCounts(
            sum(stream.packets_received for stream in streams), sum(stream.packets_expected for stream in streams)
        )

    def restart(self, *, settle: bool) -> None:
        """What comes from now on is another stream's; `settle` if there was one before."""
        self._needs_start = True
        self._unusable = 0
        self._settling = SETTLING_FRAMES[self._kind] if settle else 0
        if settle:
            self.first_timestamp = math.inf

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Called by aiortc on its loop with (codec, frame), or None at the end."""
        if item is None or self._passes(*item):
            super().put(item, block, timeout)

    def _passes(self, codec: Any, frame: Any) -> bool:
        if self._settling > 0:
            self._settling -= 1
            return False
        self._on_encoded(codec.name, frame.data)
        if not self._wanted():
            self._needs_start = True
            self._unusable = 0
            return False
        if self._needs_start:
            if self._kind == "video" and not is_key_frame(codec.name, frame.data):
                if self._unusable % REPEAT_REQUEST == 0:
                    self._request.set()  # aiortc asks for a key frame with the next packet
                self._unusable += 1
                return False
            self._needs_start = False
            self.first_timestamp = frame.timestamp
        return True


class _Waiting(JitterBuffer):
    """Leaves out what comes too late; aiortc begins anew at a packet that is a hundred behind.

    The hub numbers the packets of a receive slot without a jump, whatever the slot shows.
    """

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        if self._origin is not None and uint16_gt(self._origin, packet.sequence_number):
            return False, None
        return super().add(packet)


class ReceiveBuffer:
    """The packets of a receiver of pictures that wait for those before them."""

    def __init__(self, receiver: RTCRtpReceiver, gate: FrameGate) -> None:
        self._receiver: Any = receiver
        self._gate = gate
        capacity = receiver._RTCRtpReceiver__jitter_buffer.capacity  # type: ignore[attr-defined]
        self._packets: Any = _Waiting(capacity, is_video=True)
        receiver._RTCRtpReceiver__jitter_buffer = self._packets  # type: ignore[attr-defined]
        self._log: Any = receiver._RTCRtpReceiver__nack_generator  # type: ignore[attr-defined]

    def missing(self) -> list[int]:
        """Sequence numbers that others wait for, oldest first."""
        packets, highest = self._packets, self._log.max_seq
        first = packets._origin
        if first is None or highest is None or (ahead := highest - first & 0xFFFF) >= packets.capacity:
            return []
        numbers = (first + count & 0xFFFF for count in range(ahead))
        return [number for number in numbers if packets._packets[number % packets.capacity] is None]

    def release(self) -> None:
        """Hand on the pictures that are complete; aiortc hands on one with each packet, however many there are."""
        packets, receiver = self._packets, self._receiver
        while packets._origin is not None:
            oldest = packets._packets[packets._origin % packets.capacity]
            frame = packets._remove_frame(0)
            if frame is None:
                return
            frame.timestamp = receiver._RTCRtpReceiver__timestamp_mapper.map(frame.timestamp)
            self._gate.put((receiver._RTCRtpReceiver__codecs[oldest.payload_type], frame))

    async def ask_for(self, numbers: list[int]) -> None:
        """Send a NACK."""
        for ssrc in self._sources():
            await self._receiver._send_rtcp_nack(ssrc, numbers)

    async def skip(self) -> None:
        """Forget what waits, and go on with a key frame."""
        self._packets.remove(self._packets.capacity)
        self._packets._origin = uint16_add(self._log.max_seq, 1)  # answers may still come
        self._log.missing.clear()
        self._gate.restart(settle=False)
        for ssrc in self._sources():
            await self._receiver._send_rtcp_pli(ssrc)

    def _sources(self) -> list[int]:
        """The one SSRC of the slot, once something came."""
        return list(self._receiver._RTCRtpReceiver__remote_streams)[-1:]


def set_target_bitrate(sender: RTCRtpSender, bits_per_second: int) -> bool:
    """Tell the encoder of a sender; False while there is none (before its first frame) or it takes no bitrate."""
    encoder: Any = sender._RTCRtpSender__encoder  # type: ignore[attr-defined]
    if encoder is None or not hasattr(encoder, "target_bitrate"):
        return False
    encoder.target_bitrate = bits_per_second
    return True


def lose_what_comes_late(pc: RTCPeerConnection) -> None:
    """Let what its channels would send after the end be lost: aiortc sends it in tasks that nobody awaits."""
    sctp: Any = pc.sctp
    for name in LATE_TASKS:
        setattr(sctp, name, _without_connection_errors(getattr(sctp, name)))


def _without_connection_errors(send: Callable[..., Awaitable[None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    async def sent(*arguments: Any) -> None:
        with contextlib.suppress(ConnectionError):
            await send(*arguments)

    return sent


async def stop_connecting(pc: RTCPeerConnection) -> None:
    """End the task in which a connection comes about; aiortc starts it, owns it no further and does not end it."""
    for task in asyncio.all_tasks():
        coroutine: Any = task.get_coro()
        frame = getattr(coroutine, "cr_frame", None)
        if coroutine.__qualname__ == CONNECT and frame is not None and frame.f_locals.get("self") is pc:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
