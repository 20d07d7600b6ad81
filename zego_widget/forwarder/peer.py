"""One WebRTC connection: ICE, DTLS-SRTP and `control`, and what goes over it in both directions."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from aiortc import RTCCertificate

from ..model import PeerState
from . import rtcp
from .aiortc_transport import SecureTransport, SecurityError, UnknownSource
from .counters import Counters
from .endpoint import Endpoint
from .ice import CheckAnswer, IceCredentials, IceLiteAgent
from .offer import SessionOffer
from .path import Path
from .publication import Publication
from .publisher import Publisher
from .rtp import RtpParseError
from .srtp import HeadAndPayload
from .viewer import Viewer

logger = logging.getLogger(__name__)

CONTROL_LABEL = "control"

_NEXT_STATES = {
    PeerState.NEW: {PeerState.CONNECTING, PeerState.CLOSED},
    PeerState.CONNECTING: {PeerState.CONNECTED, PeerState.CLOSED},
    PeerState.CONNECTED: {PeerState.CLOSED},
    PeerState.CLOSED: set(),
}


class PeerListener(Protocol):
    """Told of a peer on the event loop; must not block and must not raise."""

    def peer_connected(self, peer: Peer) -> None:
        """DTLS-SRTP is up; media flows."""

    def control_opened(self, peer: Peer) -> None:
        """The control channel is open."""

    def control_received(self, peer: Peer, text: str) -> None:
        """A text message came over the control channel."""

    def peer_closed(self, peer: Peer, reason: str) -> None:
        """The peer is gone; called exactly once, whoever closed it, never from within `Peer.close`."""


class Peer:
    """One peer of the forwarder; made by `Forwarder.answer`."""

    def __init__(
        self,
        offer: SessionOffer,
        send_mids: Mapping[str, str],
        endpoint: Endpoint,
        certificate: RTCCertificate,
        listener: PeerListener,
        counters: Counters,
        on_closed: Callable[[Peer], None],
    ) -> None:
        """`on_closed` tells the owner, which then calls `aclose`."""
        self._on_closed = on_closed
        self._loop = asyncio.get_running_loop()
        self._offer = offer
        self._endpoint = endpoint
        self._listener = listener
        self._counters = counters
        self.credentials = IceCredentials.generate()
        self._ice = IceLiteAgent(self.credentials, offer.ice_ufrag)
        self.dtls_role = "client" if offer.dtls.role == "server" else "server"
        self._transport = SecureTransport(
            certificate, self.dtls_role, self._send_control, self, counters, CONTROL_LABEL
        )
        self._handshake: asyncio.Task[None] | None = None
        self._path: Path | None = None
        self._nominated = False
        self.state = PeerState.NEW
        self.created_at = self.last_heard = self._loop.time()
        self.cname = secrets.token_hex(8)
        self.publisher = Publisher(offer, send_mids, self.cname, self._send_rtcp, counters, self._loop)
        """What it sends."""
        self.viewer = Viewer(offer, self.cname, self._send_rtp, self._send_again, self._send_rtcp, counters, self._loop)
        """What it is shown."""
        endpoint.register(self.credentials.ufrag, self)

    # -- what the hub does ----------------------------------------------------------------------------------

    def send_control(self, text: str) -> None:
        """Send a message over the control channel; nothing when it is not open.

        A peer that cannot take it, because it does not read or the message is too long for it, is closed.
        """
        if self.state is PeerState.CONNECTED:
            self._transport.send_text(text)

    def close(self, reason: str) -> None:
        """End the connection and tell the listener, soon; idempotent."""
        if self.state is PeerState.CLOSED:
            return
        self._set_state(PeerState.CLOSED)
        self.viewer.close()
        self.publisher.close()
        self._endpoint.unregister(self.credentials.ufrag, self)
        if self._handshake is not None:
            self._handshake.cancel()
        self._loop.call_soon(self._announce_end, reason)

    # -- what the forwarder does ----------------------------------------------------------------------------

    def tick(self, now: float, peer_timeout: float, connect_timeout: float) -> None:
        """Look after its media; close a peer that is silent or does not connect in time."""
        if self.state is PeerState.CONNECTED:
            if now - self.last_heard > peer_timeout:
                self._counters.closed_silent += 1
                self.close("nothing was heard from it")
                return
            self.publisher.tick(now)
            self.viewer.tick(now)
        elif self.state is not PeerState.CLOSED and now - self.created_at > connect_timeout:
            self._counters.closed_unconnected += 1
            self.close(f"it did not connect within {connect_timeout:g} s")

    def not_silent(self, seconds: float) -> None:
        """Nobody has listened to it for so long."""
        self.last_heard += seconds
        self.created_at += seconds

    async def aclose(self) -> None:
        """Wait until the handshake task, the transport and the connections have ended; call `close` first."""
        if self._handshake is not None:
            await asyncio.gather(self._handshake, return_exceptions=True)
        await self._transport.aclose()
        self._endpoint.hang_up(self)

    # -- datagrams in ---------------------------------------------------------------------------------------

    def receive_check(self, datagram: bytes, path: Path) -> CheckAnswer | None:
        answer = self._ice.check(datagram, path.address)
        if answer is None or not answer.succeeded:
            return answer
        self.last_heard = self._loop.time()
        if answer.nominated or not self._nominated:  # before nomination any checked pair will do (RFC 8445, 12.1)
            self._path = path
            self._nominated = answer.nominated
        if self.state is PeerState.NEW:
            self._set_state(PeerState.CONNECTING)
            self._handshake = self._loop.create_task(self._run_handshake())
        return answer

    def path_lost(self, path: Path) -> None:
        if self._path is path:
            self._path, self._nominated = None, False  # the next checked pair will do

    def receive_dtls(self, datagram: bytes) -> None:
        self._transport.receive_dtls(datagram)

    def receive_media(self, datagrams: Sequence[bytes]) -> None:
        now = self._loop.time()
        counters, publisher = self._counters, self.publisher
        publications: list[Publication] = []
        for datagram in datagrams:
            try:
                if rtcp.is_rtcp(datagram):
                    self._receive_rtcp(self._transport.unprotect_rtcp(datagram), now)
                    continue
                packet = self._transport.unprotect_rtp(datagram)
                self.last_heard = now
                publication = publisher.receive(packet, now)
            except SecurityError:
                counters.dropped_unauthenticated += 1
            except UnknownSource:
                counters.dropped_unknown_source += 1
            except (RtpParseError, rtcp.RtcpParseError):
                counters.dropped_malformed += 1
            except Exception:  # a fault of ours, which must not take along what came with it
                counters.dropped_malformed += 1
                logger.exception("A packet of %d bytes could not be processed", len(datagram))
            else:
                if publication is not None and publication not in publications:
                    publications.append(publication)
        for publication in publications:
            publication.deliver(now)

    def _receive_rtcp(self, compound: bytes, now: float) -> None:
        self.last_heard = now
        for item in rtcp.parse(compound):
            if isinstance(item, rtcp.SenderReport):
                self.publisher.sender_report(item, now)
            elif isinstance(item, rtcp.ReportBlock):
                self.viewer.receiver_report(item, now)
            elif isinstance(item, rtcp.BandwidthEstimate):
                self.viewer.bandwidth_estimate(item, now)
            else:
                self.viewer.request(item, now)

    # -- datagrams out --------------------------------------------------------------------------------------

    def _send_control(self, datagram: bytes) -> None:
        if self._path is not None:
            self._path.send(datagram)

    def _send_media(self, packet: bytes) -> None:
        if self._path is not None:
            self._path.send_media(packet)

    def _send_rtp(self, packets: Sequence[HeadAndPayload]) -> None:
        protected = self._transport.protect_burst(packets)
        sent = len(protected)
        self._counters.packets_forwarded += sent
        if sent < len(packets):
            self._counters.dropped_unsendable += len(packets) - sent
        path = self._path
        if path is not None and sent:
            path.send_burst(protected)

    def _send_again(self, packet: bytes) -> bool:
        """Send a packet that is not among those forwarded; False if it could not be encrypted."""
        try:
            self._send_media(self._transport.protect_rtp(packet))
        except SecurityError:
            self._counters.dropped_unsendable += 1
            return False
        return True

    def _send_rtcp(self, compound: bytes) -> None:
        try:
            self._send_media(self._transport.protect_rtcp(compound))
        except SecurityError:
            self._counters.dropped_unsendable += 1

    # -- events of the transport ----------------------------------------------------------------------------

    async def _run_handshake(self) -> None:
        try:
            await self._transport.run_handshake(self._offer.dtls, self._offer.sctp_port, self._offer.max_message_size)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.warning("The DTLS handshake ended with %s", type(error).__name__)
            self._counters.closed_handshake += 1
            self.close("the DTLS handshake failed")

    def transport_connected(self) -> None:
        if self.state is PeerState.CONNECTING:
            self._set_state(PeerState.CONNECTED)
            self._listener.peer_connected(self)

    def transport_closed(self, reason: str) -> None:
        self.close(reason)

    def channel_opened(self) -> None:
        self._listener.control_opened(self)

    def channel_received(self, text: str) -> None:
        self.last_heard = self._loop.time()
        self._listener.control_received(self, text)

    def _set_state(self, state: PeerState) -> None:
        if state not in _NEXT_STATES[self.state]:
            raise RuntimeError(f"a peer cannot go from {self.state} to {state}")
        self.state = state

    def _announce_end(self, reason: str) -> None:
        self._on_closed(self)
        self._listener.peer_closed(self, reason)
