"""A WebRTC peer that costs its machine little: real ICE checks and DTLS-SRTP, no codec, no jitter buffer.

It sends packets that were made before and counts those it receives, so that on a small machine the engine is what is
measured. It offers, as browsers do, or answers, as Janus wants it of viewers.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aioice import stun
from aiortc import RTCCertificate
from aiortc.rtp import RtcpPsfbPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket, pack_remb_fci
from aiortc.sdp import SessionDescription

from tests.benchmarks import isolation
from zego_widget.forwarder.aiortc_transport import SecureTransport, SecurityError
from zego_widget.forwarder.counters import Counters

PAYLOAD_TYPES = {"audio": 111, "video": 96}
STAMP = struct.Struct("!Q")
"""Time of sending in nanoseconds of the machine's clock: the last bytes of a stamped payload."""

_HEADER = struct.Struct("!BBHII")
_TIMESPEC = struct.Struct("@qq")
_SO_TIMESTAMPNS = 35  # Linux; the socket module does not name it
_BUFFER = 8 << 20
_REPORT_INTERVAL = 1.0
_CHECKS_EVERY = 2  # reports
_CHECK_INTERVAL = 0.02
_BATCH = 200
_LOOK_INTERVAL = 0.05
_REPORTS_PER_PACKET = 20
_WANTED_BITRATE = 30_000_000  # what viewers say they could take

_CODEC_LINES = {
    "audio": ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"],
    "video": [
        "a=rtpmap:96 VP8/90000",
        *(f"a=rtcp-fb:96 {feedback}" for feedback in ("goog-remb", "ccm fir", "nack", "nack pli")),
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
    ],
}


@dataclass(slots=True)
class Received:
    """What came of one SSRC."""

    packets: int = 0
    first: int | None = None
    highest: int = 0

    def count(self, sequence_number: int) -> None:
        """Count a packet."""
        self.packets += 1
        if self.first is None:
            self.first = self.highest = sequence_number
        ahead = (sequence_number - self.highest) & 0xFFFF
        if ahead < 1 << 15:
            self.highest += ahead

    @property
    def lost(self) -> int:
        """Packets that are missing between the first and the highest."""
        return 0 if self.first is None else self.highest - self.first + 1 - self.packets


@dataclass(slots=True)
class SendTrack:
    """One track that the peer sends."""

    kind: str
    ssrc: int = field(default_factory=lambda: secrets.randbits(31))
    sequence_number: int = 0
    timestamp: int = 0
    packets: int = 0
    octets: int = 0


class LightPeer:
    """One connection; `tracks` are those it sends."""

    _certificate = RTCCertificate.generateCertificate()

    def __init__(self, sends: Sequence[str], receives: Sequence[str], *, measures_delay: bool = False) -> None:
        """`sends` and `receives` are kinds, one m-section each; with `measures_delay` stamped packets are timed."""
        self.tracks = [SendTrack(kind) for kind in sends]
        self._receives = receives
        self._measures_delay = measures_delay
        self.received: dict[int, Received] = {}
        self.delays: list[int] = []
        self.connected = asyncio.Event()
        self._writable = asyncio.Event()
        self._look: asyncio.TimerHandle | None = None
        self._controlling = True
        self._ufrag, self._password = secrets.token_hex(4), secrets.token_hex(16)
        self._counters = Counters()
        self._transport: SecureTransport | None = None
        self._remote_username = ""
        self._remote_key = b""
        self._tasks: list[asyncio.Task[None]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        for name in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, name, _BUFFER)
        if measures_delay:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((isolation.host(), 0))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    # -- signalling -----------------------------------------------------------------------------------------

    def offer(self) -> str:
        """An offer with all sections; the sections that send come first, their mids count from 0."""
        directions = [("sendonly", track.kind, track) for track in self.tracks]
        directions += [("recvonly", kind, None) for kind in self._receives]
        sections = [
            self._section(str(mid), kind, direction, "actpass", track)
            for mid, (direction, kind, track) in enumerate(directions)
        ]
        return self._description([str(mid) for mid in range(len(sections))], sections)

    async def accept(self, answer: str) -> None:
        """Take the answer and wait until DTLS-SRTP is up."""
        self._connect(answer)
        await asyncio.wait_for(self.connected.wait(), 20)

    def answer(self, offer: str) -> str:
        """Answer an offer of sections that we receive; `connected` is set when DTLS-SRTP is up."""
        self._controlling = False
        media = SessionDescription.parse(offer).media
        sections = [
            self._section(m.rtp.muxId, m.kind, "recvonly", "active", None, m.rtp.codecs[0].payloadType) for m in media
        ]
        self._connect(offer)
        return self._description([m.rtp.muxId for m in media], sections)

    def _description(self, mids: Sequence[str], sections: Sequence[Sequence[str]]) -> str:
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]
        return "\r\n".join(itertools.chain(lines, *sections)) + "\r\n"

    def _section(
        self, mid: str, kind: str, direction: str, setup: str, track: SendTrack | None, payload_type: int | None = None
    ) -> list[str]:
        own = PAYLOAD_TYPES[kind]
        codec_lines = _CODEC_LINES[kind]
        if payload_type not in (None, own):
            codec_lines = [line.replace(f":{own} ", f":{payload_type} ") for line in codec_lines if "97" not in line]
        formats = [str(payload_type or own), *(["97"] if kind == "video" and payload_type in (None, own) else [])]
        fingerprint = next(f.value for f in self._certificate.getFingerprints() if f.algorithm == "sha-256")
        host, port = self._socket.getsockname()
        return [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(formats)}",
            f"c=IN IP4 {host}",
            f"a=mid:{mid}",
            f"a={direction}",
            f"a=ice-ufrag:{self._ufrag}",
            f"a=ice-pwd:{self._password}",
            f"a=fingerprint:sha-256 {fingerprint}",
            f"a=setup:{setup}",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            *codec_lines,
            f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
            "a=end-of-candidates",
            *([f"a=msid:clip clip-{kind}", f"a=ssrc:{track.ssrc} cname:light"] if track else []),
        ]

    # -- transport ------------------------------------------------------------------------------------------

    def _connect(self, description: str) -> None:
        media = next(m for m in SessionDescription.parse(description).media if m.ice and m.ice.usernameFragment)
        assert media.dtls is not None
        candidate = next(c for c in media.ice_candidates if c.ip == isolation.host())
        self._socket.connect((candidate.ip, candidate.port))
        self._remote_username = f"{media.ice.usernameFragment}:{self._ufrag}"
        self._remote_key = str(media.ice.password).encode()
        role = "server" if media.dtls.role == "client" else "client"
        self._transport = SecureTransport(self._certificate, role, self._send, self, self._counters, "unused")
        self._tasks.append(asyncio.create_task(self._run(self._transport, media.dtls)))

    async def _run(self, transport: SecureTransport, remote: object) -> None:
        while not self._writable.is_set():  # DTLS that comes too early would be sent again a second later
            self._check()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._writable.wait(), _CHECK_INTERVAL)
        await transport.run_handshake(remote, None, 0)  # type: ignore[arg-type]
        if self._measures_delay:
            self._look_seldom()
        for turn in itertools.count():
            await asyncio.sleep(_REPORT_INTERVAL)
            if turn % _CHECKS_EVERY == 0:
                self._check()
            self._report(transport)

    def _check(self) -> None:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = self._remote_username
        request.attributes["PRIORITY"] = 1862270975
        tie = secrets.randbits(64)
        if self._controlling:
            request.attributes["ICE-CONTROLLING"] = tie
            request.attributes["USE-CANDIDATE"] = None
        else:
            request.attributes["ICE-CONTROLLED"] = tie
        request.add_message_integrity(self._remote_key)
        request.add_fingerprint()
        self._send(bytes(request))

    def _receive_stun(self, datagram: bytes) -> None:
        message = stun.parse_message(datagram)
        if message.message_class == stun.Class.RESPONSE and self._controlling:
            self._writable.set()
        if message.message_class != stun.Class.REQUEST or self._transport is None:
            return
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=message.transaction_id,
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = self._socket.getpeername()
        response.add_message_integrity(self._password.encode())
        response.add_fingerprint()
        self._send(bytes(response))
        if "USE-CANDIDATE" in message.attributes:
            self._writable.set()

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except OSError:  # a full buffer, or nobody there yet
            self._counters.dropped_congested += 1

    def _readable(self) -> None:
        receive = self._receive_timed if self._measures_delay else self._receive
        for _ in range(_BATCH):
            try:
                receive()
            except (BlockingIOError, ConnectionError):
                return

    def _look_seldom(self) -> None:
        """Leave packets, whose time the kernel has noted, for a moment: their arrival interrupts nobody."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket.fileno())
        self._readable()
        self._look = loop.call_later(_LOOK_INTERVAL, self._look_seldom)

    def _receive(self) -> None:
        self._datagram(self._socket.recv(2048))

    def _receive_timed(self) -> None:
        # the kernel's time of arrival: the moment at which the engine sent, however late this process reads it
        datagram, ancillary, _, _ = self._socket.recvmsg(2048, 64)
        packet = self._datagram(datagram)
        if packet is not None and ancillary:
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            (sent_at,) = STAMP.unpack_from(packet, len(packet) - STAMP.size)
            self.delays.append(seconds * 1_000_000_000 + nanoseconds - sent_at)

    def _datagram(self, datagram: bytes) -> bytes | None:
        """Take a datagram; returns it as RTP when it is that."""
        first = datagram[0] if datagram else 0
        if 128 <= first <= 191:
            if self._transport is None or 192 <= datagram[1] <= 223:
                return None
            try:
                packet = self._transport.unprotect_rtp(datagram)
            except SecurityError:
                return None
            _, payload_type, sequence_number, _, ssrc = _HEADER.unpack_from(packet)
            if payload_type & 0x7F == 97:
                return None
            received = self.received.get(ssrc)
            if received is None:
                received = self.received[ssrc] = Received()
            received.count(sequence_number)
            return packet
        if 20 <= first <= 63 and self._transport is not None:
            self._transport.receive_dtls(datagram)
        elif first < 4:
            self._receive_stun(datagram)
        return None

    # -- media ----------------------------------------------------------------------------------------------

    def send_rtp(self, track: SendTrack, timestamp: int, marker: int, payload: bytes, *, stamped: bool = False) -> None:
        """Send one packet of a track, now."""
        assert self._transport is not None
        track.sequence_number = (track.sequence_number + 1) & 0xFFFF
        track.timestamp = timestamp & 0xFFFFFFFF
        track.packets += 1
        track.octets += len(payload)
        header = _HEADER.pack(
            0x80, marker << 7 | PAYLOAD_TYPES[track.kind], track.sequence_number, track.timestamp, track.ssrc
        )
        if stamped:
            payload = payload[: -STAMP.size] + STAMP.pack(time.time_ns())
        self._send(self._transport.protect_rtp(header + payload))

    def _report(self, transport: SecureTransport) -> None:
        for track in self.tracks:
            now = time.time() + 2_208_988_800
            info = RtcpSenderInfo(
                int(now * 2**32), track.timestamp, track.packets & 0xFFFFFFFF, track.octets & 0xFFFFFFFF
            )
            self._send(transport.protect_rtcp(bytes(RtcpSrPacket(ssrc=track.ssrc, sender_info=info))))
        reports = [
            RtcpReceiverInfo(ssrc, 0, max(0, received.lost), received.highest, 0, 0, 0)
            for ssrc, received in self.received.items()
        ]
        for start in range(0, len(reports), _REPORTS_PER_PACKET):
            some = reports[start : start + _REPORTS_PER_PACKET]
            fci = pack_remb_fci(_WANTED_BITRATE, [report.ssrc for report in some])
            remb = RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci)
            self._send(transport.protect_rtcp(bytes(RtcpRrPacket(ssrc=1, reports=some)) + bytes(remb)))

    # -- events of the transport ----------------------------------------------------------------------------

    def transport_connected(self) -> None:
        self.connected.set()

    def transport_closed(self, reason: str) -> None: ...

    def channel_opened(self) -> None: ...

    def channel_received(self, text: str) -> None: ...

    async def aclose(self) -> None:
        """End the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        if self._look is not None:
            self._look.cancel()
        if self._transport is not None:
            await self._transport.aclose()
        self._socket.close()
