"""The forwarder: answers offers, owns the port and every peer, ends what is silent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Self

from aiortc import RTCCertificate

from ..errors import BadOffer
from .addresses import advertised, public_address
from .answer import AnswerTransport, build_answer
from .counters import Counters
from .endpoint import Endpoint
from .ice import Address
from .offer import parse_offer
from .peer import Peer, PeerListener

logger = logging.getLogger(__name__)

_TICK = 0.25


class Forwarder:
    """Selective forwarding unit on one port (RFC 7667, section 3.7); never decodes."""

    def __init__(
        self,
        endpoint: Endpoint,
        addresses: tuple[Address, ...],
        counters: Counters,
        peer_timeout: float,
        connect_timeout: float,
    ) -> None:
        """Use `Forwarder.open`."""
        self._endpoint = endpoint
        self._addresses = addresses
        self._counters = counters
        self._peer_timeout = peer_timeout
        self._connect_timeout = connect_timeout
        self._certificate = RTCCertificate.generateCertificate()
        self._fingerprint = next(f.value for f in self._certificate.getFingerprints() if f.algorithm == "sha-256")
        self._peers: set[Peer] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._ticker = asyncio.create_task(self._tick())

    @classmethod
    async def open(
        cls,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        public_addresses: Sequence[str] = (),
        peer_timeout: float = 8.0,
        connect_timeout: float = 15.0,
    ) -> Self:
        """Bind the port, UDP and TCP; raises OSError, and `InvalidArgument` for a public address that is none.

        `public_addresses` are told to peers instead of `host`, as `address` or `address:port`. `peer_timeout` and
        `connect_timeout` are in seconds: silence that ends a connected peer, and the time a new one has to connect.
        """
        public = [public_address(text) for text in public_addresses]
        counters = Counters()
        endpoint = await Endpoint.open(host, port, counters)
        addresses = advertised(endpoint.host, endpoint.port, public)
        return cls(endpoint, addresses, counters, peer_timeout, connect_timeout)

    @property
    def host(self) -> str:
        """Address the port is bound at."""
        return self._endpoint.host

    @property
    def port(self) -> int:
        """Port number, of UDP and TCP."""
        return self._endpoint.port

    @property
    def peer_count(self) -> int:
        """Peers that are not closed."""
        return len(self._peers)

    def counters(self) -> dict[str, int]:
        """Totals since the start, by name; see `Counters`."""
        return self._counters.as_dict()

    def answer(self, offer_sdp: str, send_mids: Mapping[str, str], listener: PeerListener) -> tuple[Peer, str]:
        """Make a peer of an SDP offer and return it with the SDP answer; raises `BadOffer`.

        `send_mids` maps slot names (`microphone`, `camera`, `screen`, `screen_audio`) to the offer's mids.
        """
        offer = parse_offer(offer_sdp)
        known = {m.mid for m in offer.media}
        for slot, mid in send_mids.items():
            if mid not in known:
                raise BadOffer(f"The slot {slot} names section {mid[:16]!r}, which the offer does not have.")
        peer = Peer(offer, send_mids, self._endpoint, self._certificate, listener, self._counters, self._end)
        self._peers.add(peer)
        transport = AnswerTransport(
            ice_ufrag=peer.credentials.ufrag,
            ice_pwd=peer.credentials.password,
            fingerprint=self._fingerprint,
            setup="active" if peer.dtls_role == "client" else "passive",
            addresses=self._addresses,
        )
        return peer, build_answer(offer, transport, peer.viewer.slot_sources, peer.cname)

    async def aclose(self) -> None:
        """Close every peer, wait for their ends, close the port."""
        self._ticker.cancel()
        await asyncio.gather(self._ticker, return_exceptions=True)
        for peer in self._peers:
            peer.close("the hub stops")
        while self._peers or self._endings:
            await asyncio.gather(*self._endings)
            await asyncio.sleep(0)
        await self._endpoint.aclose()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            ticked_at = loop.time()
            await asyncio.sleep(_TICK)
            late = loop.time() - ticked_at - _TICK
            if late > self._peer_timeout / 4:
                self._spare_peers(late)
            self._tick_peers(loop.time())

    def _spare_peers(self, seconds: float) -> None:
        """This process stood still: what the peers said meanwhile is still to be read."""
        for peer in self._peers:
            peer.not_silent(seconds)

    def _tick_peers(self, now: float) -> None:  # not in the task's frame, which would keep the last peer alive
        self._endpoint.tick(now)
        for peer in self._peers:
            try:
                peer.tick(now, self._peer_timeout, self._connect_timeout)
            except Exception:
                logger.exception("A peer's periodic work failed")
                peer.close("an internal error")

    def _end(self, peer: Peer) -> None:
        self._peers.discard(peer)
        task = asyncio.create_task(peer.aclose())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
