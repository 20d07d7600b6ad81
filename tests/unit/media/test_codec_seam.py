"""What `media` uses below aiortc's public names; a release that changes it fails here."""

from __future__ import annotations

import asyncio
import fractions
import gc
import inspect
import queue
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender, rtcrtpreceiver, rtcrtpsender
from aiortc.codecs import get_encoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcsctptransport import StreamResetOutgoingParam
from aiortc.rtp import RtpPacket

import zego_widget.media
from zego_widget.media.codec_seam import (
    CONNECT,
    REPEAT_REQUEST,
    SETTLING_FRAMES,
    FrameGate,
    ReceiveBuffer,
    lose_what_comes_late,
    set_target_bitrate,
)

VP8 = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90000, payloadType=97)
OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48000, channels=2, payloadType=96)
KEY = b"\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00"
OTHER = b"\x11" + bytes(20)


class Gated:
    """A gate in front of a receiver's decoder."""

    def __init__(self, kind: str) -> None:
        self.receiver: Any = RTCRtpReceiver(kind, SimpleNamespace(state="new"))  # type: ignore[arg-type]
        self.wanted = True
        self.heard: list[bytes] = []
        self.gate = FrameGate(self.receiver, lambda: self.wanted, lambda _, data: self.heard.append(data))
        self._codec = VP8 if kind == "video" else OPUS
        self._timestamp = 0

    def arrives(self, data: bytes) -> bool:
        """A frame arrives; whether it goes to the decoder."""
        before = self.gate.qsize()
        self._timestamp += 6000
        self.receiver._RTCRtpReceiver__decoder_queue.put(
            (self._codec, SimpleNamespace(data=data, timestamp=self._timestamp))
        )
        return self.gate.qsize() > before

    def asks(self) -> bool:
        """Whether a key frame is asked for with the next packet."""
        request: threading.Event = self.receiver._RTCRtpReceiver__decoder_error
        asked = request.is_set()
        request.clear()
        return asked


async def test_what_nobody_wants_is_not_decoded_but_counted() -> None:
    video = Gated("video")
    video.wanted = False
    assert [video.arrives(data) for data in (KEY, OTHER, OTHER)] == [False, False, False]
    assert video.heard == [KEY, OTHER, OTHER]
    assert not video.asks()


async def test_decoding_begins_with_a_key_frame_that_is_asked_for() -> None:
    video = Gated("video")
    assert not video.arrives(OTHER)
    assert video.asks()
    assert not video.arrives(OTHER)
    assert not video.asks()
    assert [video.arrives(data) for data in (KEY, OTHER)] == [True, True]
    video.wanted = False
    assert not video.arrives(OTHER)
    video.wanted = True
    assert not video.arrives(OTHER)
    assert video.asks()


async def test_a_key_frame_that_does_not_come_is_asked_for_again() -> None:
    video = Gated("video")
    asked = []
    for _ in range(2 * REPEAT_REQUEST):
        video.arrives(OTHER)
        asked.append(video.asks())
    assert [number for number, asks in enumerate(asked) if asks] == [0, REPEAT_REQUEST]


async def test_a_slot_that_shows_another_stream_begins_with_its_key_frame() -> None:
    video = Gated("video")
    assert video.arrives(KEY)
    assert video.gate.first_timestamp == 6000
    video.gate.restart(settle=True)
    assert not video.arrives(KEY)  # the jitter buffer held it back
    assert not video.arrives(OTHER)
    assert video.arrives(KEY)
    assert video.gate.first_timestamp == 24000


async def test_sound_of_a_former_stream_is_left_out() -> None:
    audio = Gated("audio")
    assert audio.arrives(b"first")
    audio.gate.restart(settle=True)
    assert [audio.arrives(b"old") for _ in range(4)] == [False] * 4
    assert audio.arrives(b"new")
    assert audio.heard == [b"first", b"new"]
    assert not audio.asks()


async def test_the_end_always_passes() -> None:
    video = Gated("video")
    video.wanted = False
    video.gate.put(None)
    assert video.gate.get_nowait() is None


async def test_packets_are_counted_without_retransmissions() -> None:
    video = Gated("video")
    assert (video.gate.packets.received, video.gate.packets.expected) == (0, 0)
    video.receiver._RTCRtpReceiver__rtx_ssrc[2] = 1
    for ssrc, numbers in ((1, (1, 2, 5)), (2, (1, 2, 3))):
        statistics = rtcrtpreceiver.StreamStatistics(90000)
        video.receiver._RTCRtpReceiver__remote_streams[ssrc] = statistics
        for number in numbers:
            statistics.add(SimpleNamespace(sequence_number=number, timestamp=number))  # type: ignore[arg-type]
    assert (video.gate.packets.received, video.gate.packets.expected) == (3, 5)


class Buffered:
    """A receiver of one-packet pictures, and what it says to the sender."""

    def __init__(self) -> None:
        self.video = Gated("video")
        self.nacks: list[list[int]] = []
        self.key_frames_asked_for = 0
        receiver = self.video.receiver
        receiver._RTCRtpReceiver__codecs[VP8.payloadType] = VP8
        receiver._RTCRtpReceiver__decoder_thread = threading.current_thread()  # there is one
        receiver._send_rtcp_nack, receiver._send_rtcp_pli = self._nack, self._pli
        self.buffer = ReceiveBuffer(receiver, self.video.gate)

    async def _nack(self, ssrc: int, numbers: list[int]) -> None:
        assert ssrc == 7
        self.nacks.append(numbers)

    async def _pli(self, ssrc: int) -> None:
        assert ssrc == 7
        self.key_frames_asked_for += 1

    async def arrives(self, *numbers: int, data: bytes = KEY) -> None:
        for number in numbers:
            packet = RtpPacket(payload_type=VP8.payloadType, marker=1, sequence_number=number & 0xFFFF)
            packet.timestamp, packet.ssrc, packet.payload = number * 6000 & 0xFFFFFFFF, 7, b"\x10" + data
            await self.video.receiver._handle_rtp_packet(packet, arrival_time_ms=0)

    @property
    def shown(self) -> int:
        return self.video.gate.qsize()


async def test_what_others_wait_for_is_known_and_asked_for_again() -> None:
    receiver = Buffered()
    await receiver.arrives(65534, 65535, 65538, 65541)
    assert receiver.buffer.missing() == [0, 1, 3, 4]
    await receiver.buffer.ask_for([0, 1])
    assert receiver.nacks[-1] == [0, 1]


async def test_what_waited_for_one_packet_is_handed_on_at_once_when_it_comes() -> None:
    receiver = Buffered()
    await receiver.arrives(1, *range(3, 20), 2)
    assert receiver.shown == 1
    receiver.buffer.release()
    assert receiver.shown == 18
    assert receiver.buffer.missing() == []
    await receiver.arrives(20)
    assert receiver.shown == 19


async def test_what_waits_in_vain_is_left_out_and_a_key_frame_goes_on() -> None:
    receiver = Buffered()
    await receiver.arrives(1, 3, 4)
    await receiver.buffer.skip()
    assert receiver.key_frames_asked_for == 1
    assert receiver.buffer.missing() == []
    before = receiver.shown
    await receiver.arrives(5, 6, data=OTHER)
    assert receiver.shown == before
    await receiver.arrives(7, 8)
    assert receiver.shown == before + 1


@pytest.mark.parametrize("behind", [2, 150])
async def test_an_answer_that_comes_after_that_stops_nothing(behind: int) -> None:
    receiver = Buffered()
    await receiver.arrives(1, *range(3, 3 + behind))
    await receiver.buffer.skip()
    shown, asked = receiver.shown, receiver.key_frames_asked_for
    await receiver.arrives(2)
    assert receiver.buffer.missing() == []
    await receiver.arrives(3 + behind, 4 + behind)
    assert receiver.shown == shown + 1
    assert receiver.key_frames_asked_for == asked


async def test_what_is_lost_right_after_that_is_waited_for() -> None:
    receiver = Buffered()
    await receiver.arrives(65533, 65535)
    await receiver.buffer.skip()
    await receiver.arrives(65537)
    assert receiver.buffer.missing() == [0]


async def test_a_packet_that_comes_twice_long_after_its_picture_stops_nothing() -> None:
    receiver = Buffered()
    await receiver.arrives(*range(1, 301))
    assert receiver.shown == 299
    await receiver.arrives(100, 301, 302)
    assert receiver.shown == 301
    assert not receiver.key_frames_asked_for
    assert receiver.buffer.missing() == []


async def test_a_receiver_that_got_nothing_misses_nothing() -> None:
    receiver = Buffered()
    assert receiver.buffer.missing() == []
    receiver.buffer.release()
    assert receiver.shown == 0


# -- what this stands on --------------------------------------------------------------------------------------------


async def test_the_decoder_thread_reads_the_queue_that_the_receiver_has_when_it_starts() -> None:
    source = inspect.getsource(RTCRtpReceiver.receive)
    assert "self.__decoder_queue," in source
    assert "self.__decoder_error," in source
    handle = inspect.getsource(RTCRtpReceiver._handle_rtp_packet)
    assert "self.__decoder_queue.put((codec, encoded_frame))" in handle
    assert handle.index("self.__decoder_error.is_set()") < handle.index("self.__decoder_queue.put")
    assert handle.index("__timestamp_mapper.map") < handle.index("self.__decoder_queue.put")
    assert "task is None" in inspect.getsource(rtcrtpreceiver.decoder_worker)
    receiver: Any = RTCRtpReceiver("audio", SimpleNamespace(state="new"))  # type: ignore[arg-type]
    assert isinstance(receiver._RTCRtpReceiver__decoder_queue, queue.Queue)
    assert receiver._RTCRtpReceiver__kind == "audio"


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_the_jitter_buffer_holds_back_as_many_frames_as_are_left_out(kind: str) -> None:
    receiver: Any = RTCRtpReceiver(kind, SimpleNamespace(state="new"))  # type: ignore[arg-type]
    buffer: JitterBuffer = receiver._RTCRtpReceiver__jitter_buffer
    assert (kind != "video") or (buffer.capacity, buffer._is_video, buffer._prefetch) == (512, True, 0)
    released = 0
    for number in range(20):
        packet: Any = SimpleNamespace(sequence_number=number, timestamp=number * 960, _data=b"")
        released += buffer.add(packet)[1] is not None
    assert 20 - released == SETTLING_FRAMES[kind]


async def test_an_encoder_takes_the_bitrate_within_aiortcs_bounds() -> None:
    pc = RTCPeerConnection()
    sender: Any = pc.addTransceiver("video", direction="sendonly").sender
    assert isinstance(sender, RTCRtpSender)
    assert not set_target_bitrate(sender, 600_000)
    encoder: Any = get_encoder(VP8)
    sender._RTCRtpSender__encoder = encoder
    for asked, taken in ((600_000, 600_000), (10_000, 250_000), (9_000_000, 1_500_000)):
        assert set_target_bitrate(sender, asked)
        assert encoder.target_bitrate == taken
    sender._RTCRtpSender__encoder = get_encoder(OPUS)
    assert not set_target_bitrate(sender, 600_000)
    await pc.close()
    assert "self.__encoder = get_encoder(codec)" in inspect.getsource(rtcrtpsender.RTCRtpSender._next_encoded_frame)


async def test_a_decoded_picture_has_the_timestamp_of_its_packet() -> None:
    decoder: Any = rtcrtpreceiver.get_decoder(VP8)
    encoder: Any = get_encoder(VP8)
    frame = av.VideoFrame(64, 64, "yuv420p")
    frame.pts, frame.time_base = 4500, fractions.Fraction(1, 90000)
    payloads, timestamp = encoder.encode(frame)
    data = b"".join(rtcrtpreceiver.depayload(VP8, payload) for payload in payloads)
    (decoded,) = decoder.decode(SimpleNamespace(data=data, timestamp=timestamp))
    assert decoded.pts == 4500


async def test_what_a_channel_would_repeat_after_its_connection_ended_is_lost_without_a_word() -> None:
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context["message"]))
    one, other = RTCPeerConnection(), RTCPeerConnection()
    channel, is_open = one.createDataChannel("control"), asyncio.Event()
    lose_what_comes_late(one)
    channel.on("open", is_open.set)
    await one.setLocalDescription(await one.createOffer())
    await other.setRemoteDescription(one.localDescription)
    await other.setLocalDescription(await other.createAnswer())
    await one.setRemoteDescription(other.localDescription)
    await is_open.wait()

    sctp: Any = one.sctp
    await sctp.transport.stop()
    channel.send("unheard")
    sctp._t3_expired()
    asyncio.ensure_future(sctp._send_reconfig_param(StreamResetOutgoingParam(1, 1, 1, [1])))  # noqa: RUF006 - as it does
    await asyncio.gather(one.close(), other.close())
    gc.collect()
    assert unhandled == []


def test_the_task_in_which_a_connection_comes_about_has_this_name() -> None:
    assert RTCPeerConnection._RTCPeerConnection__connect.__qualname__ == CONNECT  # type: ignore[attr-defined]
    assert "asyncio.ensure_future(self.__connect())" in inspect.getsource(RTCPeerConnection.setRemoteDescription)


def test_no_other_module_of_media_knows_aiortcs_private_names() -> None:
    folder = Path(zego_widget.media.__file__).parent
    users = {path.name for path in folder.glob("*.py") if "_RTCRtp" in path.read_text()}
    assert users == {"codec_seam.py"}
