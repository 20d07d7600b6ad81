"""A participant whose camera comes in three layers, as a browser sends it: an SSRC for each, told apart by RID."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import random
import re
import struct
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import av
import msgspec
import numpy as np
from aiortc.codecs.vpx import Vp8Encoder, VpxPayloadDescriptor
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, unpack_remb_fci

from tests.hub.peers import FRAMES_PER_SECOND, Participant
from zego_widget import protocol as p
from zego_widget.forwarder import rtcp
from zego_widget.forwarder.offer import MID_EXTENSION
from zego_widget.forwarder.simulcast import RID_EXTENSION

SIZES = {"q": (80, 48), "h": (160, 96), "f": (320, 192)}
BRIGHTNESS = {"q": 60, "h": 120, "f": 200}
"""A layer is known by how bright its picture is."""

_MID_ID, _RID_ID = 1, 10
_FILLING = 1100
_NAMED_PACKETS = 30
"""Packets of a layer that say which one it is; browsers go on until a report tells that they arrived."""


class LayeredParticipant(Participant):
    """`send_camera` starts the layers; it sends those that the hub wants, and key frames on request."""

    def __init__(
        self, peer_id: str, *, slots: int = 2, seed: int = 1, bitrates: Mapping[str, int] | None = None
    ) -> None:
        """`bitrates` (bits per second) are what layers are filled up to, with zeros that decoders pass over."""
        super().__init__(peer_id, slots=slots, sends=("microphone",))
        self._senders["camera"] = self.pc.addTransceiver("video", direction="sendonly")
        self._chance = random.Random(seed)
        self._layers = [_Layer(rid, self._chance, (bitrates or {}).get(rid, 0)) for rid in SIZES]
        self.key_frames_asked: Counter[str] = Counter()
        self.filmed = 0
        """Pictures taken, each of which comes in all layers."""
        self.sent: Counter[str] = Counter()
        """Packets by RID."""
        self.stopped: set[str] = set()
        """Layers that the publisher does not send whatever the hub wants, as when its uplink is too narrow."""
        self.estimates: list[tuple[int, list[int]]] = []
        """Bitrate and SSRCs of every REMB."""
        self._payload_type = 0

    async def offer(self, request_id: int = 1, **fields: Any) -> p.Offer:
        message = await super().offer(request_id, **fields)
        mid = message.send_slots.camera
        assert mid is not None
        sections = message.sdp.split("\r\nm=")
        at = next(index for index, section in enumerate(sections) if f"\r\na=mid:{mid}\r\n" in section + "\r\n")
        found = re.search(r"a=rtpmap:(\d+) VP8/", sections[at])
        assert found is not None
        self._payload_type = int(found[1])
        lines = [line for line in sections[at].split("\r\n") if not line.startswith(("a=ssrc", "a=msid", "a=extmap"))]
        lines += [f"a=extmap:{_MID_ID} {MID_EXTENSION}", f"a=extmap:{_RID_ID} {RID_EXTENSION}"]
        lines += [f"a=rid:{rid} send" for rid in SIZES] + [f"a=simulcast:send {';'.join(SIZES)}"]
        sections[at] = "\r\n".join(line for line in lines if line)
        sdp = "\r\nm=".join(sections)
        return msgspec.structs.replace(message, sdp=sdp if sdp.endswith("\r\n") else sdp + "\r\n")

    def send_camera(self) -> None:
        """Start sending; ended with the participant."""
        dtls = self.pc.sctp.transport
        pass_on = dtls._handle_rtcp_data

        async def heard(data: bytes) -> None:
            for packet in RtcpPacket.parse(data):
                if isinstance(packet, RtcpPsfbPacket) and packet.fmt == rtcp.APPLICATION_FEEDBACK:
                    self.estimates.append(unpack_remb_fci(packet.fci))
            for item in rtcp.parse(data):
                for layer in self._layers:
                    if isinstance(item, rtcp.KeyFrameRequest) and item.media_ssrc == layer.ssrc:
                        self.key_frames_asked[layer.rid] += 1
                        layer.key_frame_due = True
            await pass_on(data)

        dtls._handle_rtcp_data = heard
        self._tasks.append(asyncio.create_task(self._film(dtls)))

    @property
    def ssrcs(self) -> set[int]:
        """Of the layers."""
        return {layer.ssrc for layer in self._layers}

    @property
    def wanted(self) -> list[str]:
        """The layers that the hub wants."""
        told = [message for message in self.control if isinstance(message, p.CameraLayers)]
        return told[-1].rids if told else list(SIZES)

    async def _film(self, dtls: Any) -> None:
        mid = self._senders["camera"].mid
        started_at = time.monotonic()
        with contextlib.suppress(ConnectionError):
            number = 0
            while True:
                await asyncio.sleep(max(0.0, started_at + number / FRAMES_PER_SECOND - time.monotonic()))
                for layer in self._layers:
                    if layer.rid not in self.wanted or layer.rid in self.stopped:
                        layer.key_frame_due = True
                        continue
                    for packet in layer.packets(number, mid, self._payload_type):
                        await dtls._send_rtp(packet)
                        self.sent[layer.rid] += 1
                number = self.filmed = number + 1


class _Layer:
    """One encoding with numbers of its own."""

    def __init__(self, rid: str, chance: random.Random, bitrate: int) -> None:
        self.rid = rid
        self._octets = bitrate // 8 // FRAMES_PER_SECOND
        self.ssrc = chance.getrandbits(32)
        self.key_frame_due = True
        self._encoder = Vp8Encoder()
        self._encoder.picture_id = chance.getrandbits(15)
        self._number = chance.getrandbits(16)
        self._timestamp = chance.getrandbits(32)
        self._sent = 0
        width, height = SIZES[rid]
        self._still = np.full((height, width, 3), BRIGHTNESS[rid], dtype=np.uint8)

    def packets(self, frame: int, mid: str, payload_type: int) -> list[bytes]:
        picture = self._still.copy()
        picture[frame % picture.shape[0]] = 255
        video = av.VideoFrame.from_ndarray(picture, format="rgb24")
        video.pts = frame * 90000 // FRAMES_PER_SECOND
        video.time_base = fractions.Fraction(1, 90000)
        payloads, timestamp = self._encoder.encode(video, self.key_frame_due)
        self.key_frame_due = False
        payloads = self._filled(payloads)
        return [
            self._packet(payload, timestamp, mid, payload_type, last=payload is payloads[-1]) for payload in payloads
        ]

    def _filled(self, payloads: list[bytes]) -> list[bytes]:
        """Payloads of a frame with zeros behind its last partition (RFC 6386, section 9.5: it goes on to the end)."""
        lacking = self._octets - sum(map(len, payloads))
        if lacking <= 0:
            return payloads
        descriptor = bytes((payloads[0][0] & ~0x10, *payloads[0][1 : _descriptor_length(payloads[0])]))
        zeros = [descriptor + bytes(min(_FILLING, lacking - at)) for at in range(0, lacking, _FILLING)]
        return [*payloads, *zeros]

    def _packet(self, payload: bytes, timestamp: int, mid: str, payload_type: int, *, last: bool) -> bytes:
        self._number = (self._number + 1) & 0xFFFF
        named = self._sent < _NAMED_PACKETS
        self._sent += 1
        second = payload_type | (0x80 if last else 0)
        stamp = (self._timestamp + timestamp) & 0xFFFFFFFF
        header = struct.pack("!BBHII", 0x90 if named else 0x80, second, self._number, stamp, self.ssrc)
        return header + (_extensions(mid, self.rid) if named else b"") + payload


def _descriptor_length(payload: bytes) -> int:
    return len(payload) - len(VpxPayloadDescriptor.parse(payload)[1])


def _extensions(mid: str, rid: str) -> bytes:
    """MID and RID in the one-byte form (RFC 8285, section 4.2)."""
    items = b"".join(
        bytes((number << 4 | len(value) - 1,)) + value.encode() for number, value in ((_MID_ID, mid), (_RID_ID, rid))
    )
    items += bytes(-len(items) % 4)
    return struct.pack("!HH", 0xBEDE, len(items) // 4) + items
