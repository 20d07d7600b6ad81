"""One RTCPeerConnection with the hub, from its offer to its end."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol

from aiortc import (
    InvalidStateError,
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
)

from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.errors import ErrorCode, HubUnreachable
from zego_widget.model import RemoteDeviceState
from zego_widget.way_out import WayOut

from .codec_seam import lose_what_comes_late, stop_connecting
from .playback import ReceiveSlot
from .repair import LOOK_INTERVAL as REPAIR_INTERVAL
from .silence import Silence

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 15.0
HEARTBEAT_INTERVAL = 1.25
SILENT_HEARTBEATS = 3
"""Heartbeats in a row after which not one packet came, of whatever kind, until a connection is taken for lost."""
LOOK_INTERVAL = 0.5
"""Seconds between two looks whether the network is still the same."""
RTT_SMOOTHING = 0.8

SendOffer = Callable[[p.Offer], Awaitable[p.Answer]]


class ConnectionOwner(Protocol):
    """What the owner of a `Connection` is told, on the loop of the connection."""

    def control_received(self, connection: Connection, message: p.ControlMessage) -> None: ...
    def connection_lost(self, connection: Connection, reason: str) -> None: ...


class Connection:
    """Send slots with their tracks, receive slots in pairs, and the `control` channel. Opened once, closed once."""

    def __init__(
        self, peer_id: str, tracks: Mapping[str, MediaStreamTrack], slots: int, owner: ConnectionOwner
    ) -> None:
        self.peer_id = peer_id
        self.rtt: float | None = None
        self.slots: dict[str, ReceiveSlot] = {}
        """Receive slots by mid."""
        self.senders: dict[str, RTCRtpSender] = {}
        """By send slot."""
        self._owner = owner
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []
        self._steps: list[asyncio.Task[None]] = []
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._pc.on("connectionstatechange", self._state_changed)
        self._sending = {name: self._pc.addTransceiver(track, direction="sendonly") for name, track in tracks.items()}
        self._receiving = [
            self._pc.addTransceiver(kind, direction="recvonly") for kind in ("audio", "video") for _ in range(slots)
        ]
        for transceiver in self._receiving:
            # aiortc does not find the receiver of a retransmission stream if there are several; where RTX is not
            # negotiated the hub sends a lost packet again as it was
            capabilities = RTCRtpReceiver.getCapabilities(transceiver.kind)
            codecs = capabilities.codecs if capabilities else []
            transceiver.setCodecPreferences([codec for codec in codecs if not codec.mimeType.endswith("/rtx")])
        self._unplaced = [ReceiveSlot(transceiver.kind, transceiver.receiver) for transceiver in self._receiving]
        # After the media: a channel that comes first needs aiortc's private parts, see tests/hub/peers.py.
        self._channel = self._pc.createDataChannel(p.CONTROL_LABEL)
        lose_what_comes_late(self._pc)
        self._channel.on("message", self._message)
        self._channel.on("close", lambda: self._lost("the hub closed the control channel"))

    async def open(
        self,
        send_offer: SendOffer,
        capture: p.CaptureWish,
        microphone: RemoteDeviceState,
        camera: RemoteDeviceState,
        timeout: float = CONNECT_TIMEOUT,
    ) -> p.Answer:
        """Offer, take the answer, and wait for the first message on `control`; `aclose` after a failure, too.

        `timeout` counts from the answer.
        """
        await self._whole(self._describe())
        self.senders = {name: transceiver.sender for name, transceiver in self._sending.items()}
        self.slots = {
            str(transceiver.mid): slot for transceiver, slot in zip(self._receiving, self._unplaced, strict=True)
        }
        mids = {name: transceiver.mid for name, transceiver in self._sending.items()}
        sdp = self._pc.localDescription.sdp
        answer = await send_offer(p.Offer(0, self.peer_id, sdp, p.SendSlots(**mids), capture, microphone, camera))
        try:
            self._check_open()
            async with asyncio.timeout(timeout):
                await self._whole(self._pc.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer")))
                self._check_open()
                self._tasks += [asyncio.create_task(slot.run()) for slot in self._unplaced]
                await self._ready
        except (InvalidStateError, ValueError) as error:
            raise _failed(f"{type(error).__name__}: {error}") from error
        except TimeoutError:
            raise HubUnreachable(
                f"No media connection with the hub within {timeout:.0f} s (over UDP; only browsers use TCP).",
                ErrorCode.MEDIA_CONNECT_FAILED,
            ) from None
        self._check_open()
        self._tasks += [
            asyncio.create_task(self._beat()),
            asyncio.create_task(self._mend_slots()),
            asyncio.create_task(self._watch_network(_way_out(answer.sdp))),
        ]
        return answer

    def say(self, message: p.PageMessage) -> None:
        """Send on `control`; nothing happens while it is not open."""
        # The channel seems to be open for a moment after the hub has ended the connection.
        is_up = not self._closed and self._pc.connectionState == "connected"
        if is_up and self._channel.readyState == "open":
            self._channel.send(wire.encode(message))

    async def aclose(self) -> None:
        """Close the connection and end every task; idempotent, and `connection_lost` is not called."""
        if self._closed:
            return
        self.say(p.LeavePage())
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._steps, return_exceptions=True)
        if not self._ready.done():
            self._ready.set_exception(_failed("it was closed here"))
        if not self._ready.cancelled():
            self._ready.exception()  # nobody may be left to ask for it
        await stop_connecting(self._pc)
        await self._pc.close()

    def _check_open(self) -> None:
        """After every wait: nobody would end what begins once `aclose` has begun."""
        if self._closed:
            raise _failed("it was closed here")

    async def _describe(self) -> None:
        await self._pc.setLocalDescription(await self._pc.createOffer())

    async def _whole(self, step: Coroutine[Any, Any, None]) -> None:
        """Do a step of aiortc's that leaves sockets open if it is broken off; `aclose` waits for it."""
        self._steps.append(task := asyncio.create_task(step))
        await asyncio.shield(task)

    # -- from aiortc ------------------------------------------------------------------------------------------

    def _state_changed(self) -> None:
        if self._pc.connectionState in ("failed", "closed"):
            self._lost(f"the media connection {self._pc.connectionState}")

    def _message(self, text: Any) -> None:
        try:
            message = wire.decode_control(text)
        except wire.MalformedMessage as error:
            logger.warning("peer %s: %s", self.peer_id, error.message)
            return
        if isinstance(message, p.HeartbeatAck):
            self._measured(time.monotonic() - message.sent_at)
        self._owner.control_received(self, message)
        if not self._ready.done():
            self._ready.set_result(None)

    def _measured(self, rtt: float) -> None:
        self.rtt = rtt if self.rtt is None else RTT_SMOOTHING * self.rtt + (1 - RTT_SMOOTHING) * rtt

    async def _beat(self) -> None:
        silence = Silence(SILENT_HEARTBEATS)
        while not silence.look(await self._packets()):
            self.say(p.Heartbeat(time.monotonic()))
            await asyncio.sleep(HEARTBEAT_INTERVAL)
        self._lost(f"nothing came from the hub for {SILENT_HEARTBEATS * HEARTBEAT_INTERVAL:.0f} s")

    async def _mend_slots(self) -> None:
        while True:
            await asyncio.sleep(REPAIR_INTERVAL)
            for slot in self.slots.values():
                await slot.mend(time.monotonic(), self.rtt)

    async def _watch_network(self, way_out: WayOut) -> None:
        """aiortc's sockets belong to addresses: where there is another it takes another connection."""
        while not way_out.has_changed():  # noqa: ASYNC110 - the system sends no event
            await asyncio.sleep(LOOK_INTERVAL)
        self._lost("the network of this machine has changed")

    async def _packets(self) -> int:
        """Packets of the hub so far: media, their reports, and what belongs to `control`."""
        stats = await self._receiving[0].receiver.getStats()  # all slots share one transport
        return sum(each.packetsReceived for each in stats.values() if each.type == "transport")

    def _lost(self, reason: str) -> None:
        if self._closed:
            return
        if not self._ready.done():
            self._ready.set_exception(_failed(reason))
            return
        self._owner.connection_lost(self, reason)


def _way_out(sdp: str) -> WayOut:
    """The way to the first candidate of an answer (RFC 8839 section 5.1)."""
    found = re.search(r"^a=candidate:\S+ \d+ udp \d+ (\S+) (\d+) ", sdp, re.MULTILINE | re.IGNORECASE)
    return WayOut(found[1], int(found[2])) if found else WayOut("", 0)


def _failed(reason: str) -> HubUnreachable:
    return HubUnreachable(f"No media connection with the hub: {reason}.", ErrorCode.MEDIA_CONNECT_FAILED)
