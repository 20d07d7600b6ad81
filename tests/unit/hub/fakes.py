"""The smallest link and forwarder that sessions can be tested on without a network."""

from __future__ import annotations

from typing import Any

from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.credentials import App
from zego_widget.errors import BadOffer
from zego_widget.forwarder import NO_PACKETS, Packets
from zego_widget.hub.apps import Apps
from zego_widget.hub.hub import Hub
from zego_widget.hub.settings import HubSettings
from zego_widget.model import PeerState, RoomConfig, User


class FakePublication(str):
    """A name, and the packets that a test lets come."""

    packets = NO_PACKETS
    audio_level = None


class FakePeer:
    """Records what the hub asks of it; the test plays the network with `connect`, `open_control` and `lose`."""

    def __init__(self, send_mids, listener):
        self.paused = set()
        self.favoured = None
        self.state = PeerState.NEW
        self.audio_slots = ("a0", "a1")
        self.video_slots = ("v0", "v1")
        self.shown: dict[str, Any] = {}
        self.tiles: dict[str, tuple[int, int] | None] = {}
        self.control: list[p.ControlMessage] = []
        self.closed_because: str | None = None
        self.listener = listener
        self.last_heard = 0.0
        self.round_trip: float | None = None
        self.reported: dict[str, Packets] = {}
        self.refused: dict[str, str] = {}
        self._publications = {slot: FakePublication(f"{mid} of {id(self)}") for slot, mid in send_mids.items()}

    @property
    def publisher(self):
        return self

    @property
    def viewer(self):
        return self

    def publication(self, slot):
        return self._publications.get(slot)

    def refused_codec(self, mid):
        return self.refused.get(mid)

    def is_paused(self, mid):
        return mid in self.paused

    def favour(self, mid):
        self.favoured = mid

    def delivered(self, mid):
        return self.reported.get(mid, NO_PACKETS)

    def subscribe(self, mid, publication):
        assert mid in self.audio_slots + self.video_slots
        self.shown[mid] = publication

    def unsubscribe(self, mid):
        self.shown.pop(mid, None)

    def fit(self, mid, tile):
        assert mid in self.video_slots
        self.tiles[mid] = tile

    def send_control(self, text):
        self.control.append(wire.decode_control(text))

    def close(self, reason):
        if self.closed_because is None:
            self.closed_because = reason
            self.state = PeerState.CLOSED

    def connect(self):
        self.state = PeerState.CONNECTED
        self.listener.peer_connected(self)

    def open_control(self):
        self.listener.control_opened(self)

    def lose(self, reason="nothing was heard from it"):
        self.close(reason)
        self.listener.peer_closed(self, reason)

    def say(self, message):
        self.listener.control_received(self, wire.encode(message))


class FakeForwarder:
    """Answers every offer but "bad"."""

    def __init__(self):
        self.peers: list[FakePeer] = []

    def answer(self, offer_sdp, send_mids, listener):
        if offer_sdp == "bad":
            raise BadOffer("The offer is not SDP.")
        if offer_sdp == "bug":
            raise ZeroDivisionError
        peer = FakePeer(send_mids, listener)
        self.peers.append(peer)
        return peer, "answer"

    def counters(self):
        return {"packets_forwarded": 7}


class FakeLink:
    """A client of the hub: `ask` returns the answer, `received` is everything so far."""

    def __init__(self, hub: Hub, app: App | None = None):
        self.received: list[p.HubMessage] = []
        self.closed: tuple[int, str] | None = None
        self._request_id = 0
        self.session = hub.open_session(self)
        self._app = app or hub.apps.own

    def key(self, user_id, room_id="demo"):
        """What lets a user in."""
        return self._app.credential(self.session.session_id, room_id, user_id)

    def send(self, text):
        assert self.closed is None
        self.received.append(wire.decode_hub(text))

    def close(self, code, reason):
        assert self.closed is None
        self.closed = (code, reason)

    def say(self, message):
        self.session.receive(wire.encode(message))

    def ask(self, kind, *arguments, **fields):
        self._request_id += 1
        self.say(kind(self._request_id, *arguments, **fields))
        (answer,) = [m for m in self.received if getattr(m, "request_id", None) == self._request_id]
        return answer

    def all(self, kind):
        return [m for m in self.received if isinstance(m, kind)]

    def hello(self):
        self.say(p.Hello(p.PROTOCOL_VERSION, "tests"))
        return self

    def login(self, user_id, *, room_id="demo", auto_play=True):
        if not self.received:
            self.hello()
        answer = self.ask(p.LoginRoom, room_id, User(user_id), RoomConfig(True), auto_play, self.key(user_id, room_id))
        assert isinstance(answer, p.LoggedIn), answer
        return self

    def offer(self, peer_id="page", capture="take", sdp="offer", **fields):
        return self.ask(p.Offer, peer_id, sdp, p.SendSlots("m", "c"), capture, **fields)


def make_hub(apps: Apps | None = None, **settings):
    """A hub on a `FakeForwarder`; needs a running loop, and `aclose` at the end."""
    return Hub(FakeForwarder(), HubSettings(**settings), version="1.2.3", apps=apps)
