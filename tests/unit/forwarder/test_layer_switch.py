"""One slot and a camera in layers: what is shown, what the publisher is asked for, and what the viewer notices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from struct import pack, unpack_from

import pytest

from zego_widget.forwarder.codecs import Codec
from zego_widget.forwarder.counters import Counters
from zego_widget.forwarder.layer_switch import STALLED_AFTER, LayerSwitch
from zego_widget.forwarder.layers import SWITCHED_OFF_AFTER, LayeredPublication, bitrates_of
from zego_widget.forwarder.publication import Publication
from zego_widget.forwarder.receive_slot import ReceiveSlot
from zego_widget.forwarder.rewriter import RtpRewriter
from zego_widget.forwarder.rtp import parse_header
from zego_widget.forwarder.subscription import Subscription
from zego_widget.forwarder.vp8 import parse_descriptor

VP8 = Codec("vp8", 90000, None, 96, {})
SIZES = {"q": (160, 90), "h": (320, 180), "f": (640, 360)}
FRAME = 1 / 15


class Feedback:
    """Counts the key frames that are asked for, by SSRC."""

    def __init__(self) -> None:
        self.picture_losses: list[int] = []

    def send_picture_loss(self, media_ssrc: int) -> None:
        self.picture_losses.append(media_ssrc)

    def send_nack(self, media_ssrc: int, numbers: list[int]) -> None:
        raise AssertionError("nothing is lost here")

    def gap_noticed(self) -> None:
        raise AssertionError("nothing is lost here")


class Camera:
    """A publisher of three layers, each with numbers of its own; it films frame by frame as the test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.feedback = Feedback()
        self.told: list[tuple[str, ...]] = []
        self.layers = {rid: Publication("video", (VP8,), self.feedback, Counters()) for rid in SIZES}
        self.publication = LayeredPublication(self.layers, self.told.append)
        self.ssrcs = {rid: number for number, rid in enumerate(SIZES, 5)}
        self.weight = 0
        """Bytes that each frame of the smallest layer has beside the least; each larger one has three times as many."""
        self._numbers = {"q": 65534, "h": 40000, "f": 7}
        self._pictures = {"q": 0x7FFE, "h": 12, "f": 20000}

    def film(self, *rids: str, keys: str = "") -> None:
        """One frame of these layers, a key frame of those in `keys`."""
        self.now += FRAME
        for rid in rids:
            self._numbers[rid] += 1
            self._pictures[rid] += 1
            width, height = SIZES[rid]
            payload = b"\x90\x80" + (0x8000 | self._pictures[rid] & 0x7FFF).to_bytes(2)
            if rid in keys:
                payload += b"\x00\x00\x00\x9d\x01\x2a" + width.to_bytes(2, "little") + height.to_bytes(2, "little")
            else:
                payload += b"\x01" + bytes(9)
            payload += bytes(self.weight * 3 ** "qhf".index(rid))
            stamp = round(self.now * 90000) + 1000 * self.ssrcs[rid]
            number = self._numbers[rid] & 0xFFFF
            packet = pack("!BBHII", 0x80, 96, number, stamp & 0xFFFFFFFF, self.ssrcs[rid]) + payload + rid.encode()
            self.layers[rid].receive(parse_header(packet), packet, self.now)
            self.layers[rid].deliver(self.now)

    def asked_of(self, rid: str) -> int:
        return self.feedback.picture_losses.count(self.ssrcs[rid])


class Viewer:
    """One receive slot, and what arrives in it."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.packets: list[bytes] = []
        rewriter = RtpRewriter(0xBEEF, 90000, sequence_number=65533, timestamp=100)
        self.slot = ReceiveSlot("4", "video", {VP8.key: 120}, rewriter, "hub")

        def subscribe(layer: Publication, on_start: object) -> Subscription:
            return Subscription(self.slot, layer, self.receive, lambda _: None, Counters(), on_start)  # type: ignore[arg-type]

        self.switch = LayerSwitch(self.slot, camera.publication, subscribe, camera.now)

    def receive(self, packets: Sequence[tuple[bytes, bytes]]) -> None:
        self.packets += [head + payload for head, payload in packets]

    def fit(self, rid: str | None) -> None:
        self.switch.fit(SIZES[rid] if rid else (0, 0), self.camera.now)

    @property
    def shown(self) -> str:
        """The layers of the packets, in order, without repetitions."""
        layers = "".join(packet[-1:].decode() for packet in self.packets)
        return "".join(layer for index, layer in enumerate(layers) if layers[index - 1 : index] != layer)

    def assert_continuous(self) -> None:
        """One stream: each packet follows the one before in number, in time and in picture."""
        for before, after in pairwise(self.packets):
            assert (number(after) - number(before)) & 0xFFFF == 1
            assert 0 < (stamp(after) - stamp(before)) & 0xFFFFFFFF < 90000
            assert (picture(after) - picture(before)) & 0x7FFF == 1


def number(packet: bytes) -> int:
    return int(unpack_from("!H", packet, 2)[0])


def stamp(packet: bytes) -> int:
    return int(unpack_from("!I", packet, 4)[0])


def picture(packet: bytes) -> int:
    descriptor = parse_descriptor(packet[12:])
    assert descriptor is not None
    assert descriptor.picture_id is not None
    return descriptor.picture_id


@pytest.fixture
def camera() -> Camera:
    camera = Camera()
    camera.film("q", "h", "f", keys="qhf")
    return camera


def test_a_switch_waits_for_the_key_frame_and_shows_the_former_layer_until_then(camera: Camera) -> None:
    viewer = Viewer(camera)
    viewer.fit("q")
    camera.film("q", "h", "f", keys="q")
    viewer.fit("f")
    for _ in range(3):
        camera.film("q", "h", "f")
    assert viewer.shown == "q"
    camera.film("q", "h", "f", keys="f")
    camera.film("q", "h", "f")
    assert viewer.shown == "qf"
    viewer.assert_continuous()


def test_any_way_through_the_layers_is_one_stream(camera: Camera) -> None:
    viewer = Viewer(camera)
    for rid in "qfhqhffqhq":
        viewer.fit(rid)
        camera.film("q", "h", "f")
        camera.film("q", "h", "f", keys=rid)
        camera.film("q", "h", "f")
        assert viewer.shown[-1] == rid
    viewer.assert_continuous()


def test_each_layer_is_asked_for_key_frames_twice_a_second_at_most(camera: Camera) -> None:
    viewer = Viewer(camera)
    for turn in range(150):  # ten seconds of a tile that can not make up its mind
        viewer.fit("qhf"[turn % 3])
        camera.film("q", "h", "f")
    for rid in SIZES:
        assert 1 <= camera.asked_of(rid) <= 21


def test_a_viewer_who_changes_back_before_the_key_frame_stays_where_it_is(camera: Camera) -> None:
    viewer = Viewer(camera)
    viewer.fit("q")
    camera.film("q", "h", "f", keys="q")
    viewer.fit("f")
    camera.film("q", "h", "f")
    viewer.fit("q")
    camera.film("q", "h", "f", keys="f")
    camera.film("q", "h", "f")
    assert viewer.shown == "q"
    viewer.assert_continuous()


def test_out_of_sight_nothing_is_sent_and_in_sight_again_it_goes_on_with_a_key_frame(camera: Camera) -> None:
    viewer = Viewer(camera)
    viewer.fit("h")
    camera.film("q", "h", "f", keys="h")
    viewer.fit(None)
    sent = len(viewer.packets)
    for _ in range(10):
        camera.film("q", "h", "f", keys="qhf")
    assert len(viewer.packets) == sent
    viewer.fit("h")
    camera.film("q", "h", "f")
    assert len(viewer.packets) == sent
    camera.film("q", "h", "f", keys="h")
    assert len(viewer.packets) == sent + 1
    viewer.assert_continuous()


def test_a_layer_that_stops_gives_way_and_comes_back_without_being_called(camera: Camera) -> None:
    viewer = Viewer(camera)
    viewer.fit("f")
    camera.film("q", "h", "f", keys="f")
    for _ in range(round(STALLED_AFTER / FRAME) + 2):
        camera.film("q", "h")
        viewer.switch.tick(camera.now)
    camera.film("q", "h", keys="h")
    camera.film("q", "h")
    assert viewer.shown == "fh"
    camera.film("q", "h", "f", keys="f")
    camera.film("q", "h", "f")
    assert viewer.shown == "fhf"


def test_a_camera_that_pauses_stalls_no_layer(camera: Camera) -> None:
    viewer = Viewer(camera)
    viewer.fit("f")
    camera.film("q", "h", "f", keys="f")
    asked = len(camera.feedback.picture_losses)
    camera.now += 30
    viewer.switch.tick(camera.now)
    camera.film("q", "h", "f")
    assert viewer.shown == "f"
    assert len(camera.feedback.picture_losses) == asked


def test_what_nobody_wants_is_switched_off_after_a_while_and_on_at_once(camera: Camera) -> None:
    first, second = Viewer(camera), Viewer(camera)
    first.fit("h")
    second.fit("q")
    camera.publication.tick(camera.now)
    assert camera.told == []
    camera.now += SWITCHED_OFF_AFTER
    camera.publication.tick(camera.now)
    assert camera.told == [("q", "h")]
    second.fit("f")
    assert camera.told[-1] == ("q", "h", "f")
    first.switch.end(camera.now)
    second.switch.end(camera.now)
    camera.now += SWITCHED_OFF_AFTER
    camera.publication.tick(camera.now)
    assert camera.told[-1] == ("q",)


def test_while_a_layer_does_not_come_all_smaller_ones_may_serve(camera: Camera) -> None:
    viewer = Viewer(camera)
    viewer.fit("q")
    camera.now += SWITCHED_OFF_AFTER
    camera.publication.tick(camera.now)
    assert camera.told[-1] == ("q",)
    for _ in range(15):
        camera.film("q")
    viewer.fit("f")
    assert camera.told[-1] == ("q", "h", "f")


def test_who_leaves_is_sent_nothing_and_wants_nothing(camera: Camera) -> None:
    viewer = Viewer(camera)
    viewer.fit("f")
    viewer.switch.end(camera.now)
    camera.film("q", "h", "f", keys="qhf")
    assert viewer.packets == []
    assert viewer.switch.subscription is None


def test_for_want_of_room_a_smaller_layer_takes_over_with_its_key_frame(camera: Camera) -> None:
    viewer = Viewer(camera)
    camera.film("q", "h", "f", keys="f")
    viewer.switch.limit(1, camera.now)
    camera.film("q", "h", "f")
    camera.film("q", "h", "f", keys="q")
    assert viewer.shown == "fq"
    viewer.switch.limit(None, camera.now)
    camera.film("q", "h", "f")
    camera.film("q", "h", "f", keys="f")
    assert viewer.shown == "fqf"
    viewer.assert_continuous()


def test_what_is_far_too_much_is_not_sent_until_the_smaller_layer_comes(camera: Camera) -> None:
    viewer = Viewer(camera)
    camera.film("q", "h", "f", keys="f")
    sent = len(viewer.packets)
    viewer.switch.limit(1, camera.now, at_once=True)
    camera.film("q", "h", "f")
    camera.film("q", "h", "f")
    assert len(viewer.packets) == sent
    camera.film("q", "h", "f", keys="q")
    assert viewer.shown == "fq"
    viewer.assert_continuous()


def test_a_paused_picture_comes_back_with_a_key_frame(camera: Camera) -> None:
    viewer = Viewer(camera)
    camera.film("q", "h", "f", keys="f")
    assert not viewer.switch.is_paused
    viewer.switch.limit(0, camera.now)
    assert viewer.switch.is_paused
    sent = len(viewer.packets)
    camera.film("q", "h", "f", keys="qhf")
    assert len(viewer.packets) == sent
    viewer.fit(None)
    assert not viewer.switch.is_paused  # nobody looks
    viewer.fit("f")
    viewer.switch.limit(1, camera.now)
    camera.film("q", "h", "f", keys="q")
    assert viewer.shown == "fq"
    assert not viewer.switch.is_paused


def test_layers_count_with_what_was_measured_of_them_and_with_a_guess_before() -> None:
    camera = Camera()
    camera.film("q", "h", "f", keys="qhf")
    for _ in range(30):
        camera.film("q", "h")
        camera.publication.tick(camera.now)
    small, middle, large = bitrates_of(camera.publication.layers)
    assert small == pytest.approx(8 * 15 / FRAME, rel=0.1)
    assert middle == pytest.approx(small, rel=0.1)
    assert large == 3 * middle
    for _ in range(30):
        camera.film("q")
        camera.publication.tick(camera.now)
    assert bitrates_of(camera.publication.layers)[1] == pytest.approx(middle, rel=0.2)
