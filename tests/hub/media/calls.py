"""A call on a forwarder in this process: people with real media, and strangers with a socket."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from typing import Any

from aioice import stun
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTP_PROFILES
from OpenSSL import SSL

from tests.hub.peers import PATIENCE, Participant
from zego_widget.forwarder import Forwarder, Peer

Edit = Callable[[str], str]
DROPS = ("dropped_empty", "dropped_stranger", "dropped_ice", "dropped_malformed", "dropped_unauthenticated")
BURST = 32


def unchanged(sdp: str) -> str:
    return sdp


class Seat:
    """A participant and the forwarder's peer of it, with what the forwarder told of it."""

    peer: Peer

    def __init__(self, page: Participant) -> None:
        self.page = page
        self.connected = asyncio.Event()
        self.closed = asyncio.Event()
        self.reasons: list[str] = []
        self.said: asyncio.Queue[str] = asyncio.Queue()

    def peer_connected(self, peer: Peer) -> None:
        self.connected.set()

    def control_opened(self, peer: Peer) -> None:
        pass

    def control_received(self, peer: Peer, text: str) -> None:
        self.said.put_nowait(text)

    def peer_closed(self, peer: Peer, reason: str) -> None:
        self.reasons.append(reason)
        self.closed.set()

    @property
    def ice(self) -> Any:
        """aioice's connection of this participant."""
        return self.page.pc.sctp.transport.transport._connection

    @property
    def dtls(self) -> Any:
        """aiortc's DTLS transport of this participant."""
        return self.page.pc.sctp.transport

    def send(self, datagram: bytes) -> None:
        """Send any bytes, none at all included, from this participant's authenticated address to the hub."""
        pair = self.ice._nominated[1]
        pair.protocol.transport.get_extra_info("socket")._sock.sendto(datagram, pair.remote_addr)

    def send_rtp(self, packet: bytes) -> None:
        """Send an RTP packet with this participant's keys."""
        self.send(self.dtls._tx_srtp.protect(packet))

    def send_rtcp(self, compound: bytes) -> None:
        """Send an RTCP packet with this participant's keys."""
        self.send(self.dtls._tx_srtp.protect_rtcp(compound))

    def sent_ssrc(self, slot: str) -> int:
        """SSRC of what this participant sends from a slot, once the hub has got some of it."""
        publication = self.peer.publisher.publication(slot)
        assert publication is not None and publication.ssrc is not None
        return publication.ssrc

    def sequence_number(self, slot: str) -> int:
        """The latest one that the hub has got from a slot."""
        publication = self.peer.publisher.publication(slot)
        assert publication is not None and publication._source is not None
        return publication._source.log.highest

    async def is_silent(self) -> None:
        """Say nothing more about what is received: no reports, no requests."""
        for transceiver in self.page.pc.getTransceivers():
            task: asyncio.Task[None] = transceiver.receiver._RTCRtpReceiver__rtcp_task
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def is_heard(self) -> None:
        """Fail unless a message on the control channel arrives at the hub."""
        self.page.channel.send("here I am")
        assert await asyncio.wait_for(self.said.get(), PATIENCE) == "here I am"


class Call:
    """People on one forwarder."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self._people = contextlib.AsyncExitStack()

    async def invite(
        self, name: str, *, sends: bool, edit_offer: Edit = unchanged, edit_answer: Edit = unchanged
    ) -> Seat:
        """Someone with microphone and camera (`sends`) or a viewer; returns when the answer is taken."""
        page = Participant(name, slots=1, sends=("microphone", "camera") if sends else ())
        await self._people.enter_async_context(page)
        seat = Seat(page)
        offer = await page.offer()
        slots = {"microphone": offer.send_slots.microphone, "camera": offer.send_slots.camera} if sends else {}
        mids = {slot: mid for slot, mid in slots.items() if mid is not None}
        seat.peer, answer = self.forwarder.answer(edit_offer(offer.sdp), mids, seat)
        await page.take_answer(edit_answer(answer))
        return seat

    async def join(self, name: str, *, sends: bool) -> Seat:
        """`invite` and wait until the connection is up."""
        seat = await self.invite(name, sends=sends)
        await asyncio.wait_for(seat.connected.wait(), PATIENCE)
        return seat

    def play(self, viewer: Seat, publisher: Seat) -> None:
        """Show the publisher's camera and microphone on the viewer's slots."""
        for slots, name in ((viewer.peer.viewer.video_slots, "camera"), (viewer.peer.viewer.audio_slots, "microphone")):
            publication = publisher.peer.publisher.publication(name)
            assert publication is not None
            viewer.peer.viewer.subscribe(slots[0], publication)

    async def pair(self) -> tuple[Seat, Seat]:
        """Alice sends, Bob sees and hears her."""
        alice, bob = await self.join("alice", sends=True), await self.join("bob", sends=False)
        self.play(bob, alice)
        await frames_keep_coming(bob)
        return alice, bob

    async def with_an_offender(self) -> tuple[Seat, Seat, Seat, Seat]:
        """Bob sees and hears Alice, Carol sees and hears Mallory."""
        alice, bob = await self.pair()
        mallory, carol = await self.join("mallory", sends=True), await self.join("carol", sends=False)
        self.play(carol, mallory)
        await frames_keep_coming(carol)
        return alice, bob, mallory, carol

    async def aclose(self) -> None:
        await self._people.aclose()

    def count(self, name: str) -> int:
        return self.forwarder.counters()[name]

    def dropped(self) -> int:
        """Datagrams dropped so far, for whatever reason."""
        counters = self.forwarder.counters()
        return sum(counters[name] for name in DROPS)


async def frames_keep_coming(viewer: Seat, frames: int = 8) -> None:
    """Fail unless more pictures and more sound are decoded on the viewer's slots."""
    page, before = viewer.page, viewer.page.frames.copy()
    mids = (*viewer.peer.viewer.video_slots, *viewer.peer.viewer.audio_slots)
    await page.until(lambda: all(page.frames[mid] >= before[mid] + frames for mid in mids), "more frames")


def listen(seat: Seat) -> list[bytes]:
    """The RTP that this participant receives from now on, decrypted."""
    packets: list[bytes] = []
    handle = seat.dtls._handle_rtp_data

    async def listening(data: bytes, arrival_time_ms: int) -> None:
        packets.append(data)
        await handle(data, arrival_time_ms)

    seat.dtls._handle_rtp_data = listening
    return packets


class Arrivals:
    """When RTP came to a participant."""

    def __init__(self, page: Participant) -> None:
        self._times: list[float] = []
        dtls: Any = page.pc.sctp.transport
        handle = dtls._handle_rtp_data

        async def noting(data: bytes, arrival_time_ms: int) -> None:
            self._times.append(time.monotonic())
            await handle(data, arrival_time_ms)

        dtls._handle_rtp_data = noting

    @property
    def longest_gap(self) -> float:
        """Seconds between two packets at most, up to now."""
        return max(later - earlier for earlier, later in pairwise([*self._times, time.monotonic()]))


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for something that has no event of its own, such as a counter."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


class Stranger:
    """A UDP socket on this machine that nobody invited."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", port))
        self.bytes_sent = 0

    def send(self, datagram: bytes) -> None:
        self.bytes_sent += len(datagram)
        self._socket.send(datagram)

    def received(self) -> list[bytes]:
        """The datagrams that came back."""
        datagrams = []
        with contextlib.suppress(BlockingIOError):
            while True:
                datagrams.append(self._socket.recv(65536))
        return datagrams

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def stranger_at(port: int) -> Iterator[Stranger]:
    stranger = Stranger(port)
    try:
        yield stranger
    finally:
        stranger.close()


@contextlib.asynccontextmanager
async def call_on(forwarder: Forwarder) -> AsyncIterator[Call]:
    call = Call(forwarder)
    try:
        yield call
    finally:
        await call.aclose()


# -- what strangers send -----------------------------------------------------------------------------------------


def client_hello() -> bytes:
    """The first flight of a DTLS client, complete and well-formed."""
    connection = SSL.Connection(RTCCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES))
    connection.set_connect_state()
    with contextlib.suppress(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(1500)


FATAL_ALERT = bytes.fromhex("15fefd 0000 000000000009 0002 0228")
CLOSE_NOTIFY = bytes.fromhex("15fefd 0000 00000000000a 0002 0100")


def dtls_nuisances() -> list[bytes]:
    """What may end a DTLS connection that listens to everybody."""
    chance = random.Random(18)
    noise = [bytes((chance.randrange(20, 64),)) + chance.randbytes(chance.randrange(1, 1200)) for _ in range(20)]
    return [client_hello(), FATAL_ALERT, CLOSE_NOTIFY, *noise]


def datagram_sweep() -> Iterator[bytes]:
    """Every length from 0 to 64 and the longest, each with every first byte."""
    chance = random.Random(19)
    yield b""
    for first in range(256):
        for length in range(1, 65):
            yield bytes((first,)) + chance.randbytes(length - 1)
    longest = chance.randbytes(65506)
    for first in range(256):
        yield bytes((first,)) + longest


SWEEP = 1 + 256 * 65


def binding_request(username: str, key: bytes | None, **attributes: Any) -> bytes:
    """An ICE check, signed if there is a key."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = username
    request.attributes["PRIORITY"] = 1
    for name, value in attributes.items():
        request.attributes[name.replace("_", "-")] = value
    if key is not None:
        request.add_message_integrity(key)
    return bytes(request)
