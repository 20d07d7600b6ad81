"""What a viewer gets of a publication, and what the publisher is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack, unpack_from

import pytest

from zego_widget.forwarder import rtcp
from zego_widget.forwarder.codecs import Codec, title_of
from zego_widget.forwarder.counters import Counters
from zego_widget.forwarder.delivery import NO_PACKETS, Packets
from zego_widget.forwarder.publication import KEY_FRAME_INTERVAL, Publication
from zego_widget.forwarder.receive_slot import ReceiveSlot
from zego_widget.forwarder.rewriter import RtpRewriter
from zego_widget.forwarder.rtp import parse_header
from zego_widget.forwarder.subscription import Subscription

VP8 = Codec("vp8", 90000, None, 96, {}, rtx_payload_type=97)
OPUS = Codec("opus", 48000, 2, 111, {})
KEY, DELTA = b"\x10\x00", b"\x10\x01"
H264 = Codec("h264", 90000, None, 98, {"packetization-mode": "1", "profile-level-id": "42e01f"})
H264_KEY, H264_DELTA = b"\x65\x88 picture", b"\x41\x9a picture"


class Stage:
    """A publisher, its viewers, and a clock that the test turns."""

    def __init__(self, codec: Codec = VP8, kind: str = "video") -> None:
        self.now = 0.0
        self.counters = Counters()
        self.picture_losses: list[int] = []
        self.codec = codec
        self.nacks: list[list[int]] = []
        self.gaps = 0
        self.publication = Publication(kind, (codec,), self, self.counters)

    def send_picture_loss(self, media_ssrc: int) -> None:
        self.picture_losses.append(media_ssrc)

    def send_nack(self, media_ssrc: int, numbers: list[int]) -> None:
        self.nacks.append(numbers)

    def gap_noticed(self) -> None:
        self.gaps += 1

    def viewer(self, payload_type: int = 120, key: str | None = None) -> Viewer:
        return Viewer(self, payload_type, key or self.codec.key)

    def packet(self, number: int, payload: bytes, *, ssrc: int = 5, payload_type: int | None = None) -> bytes:
        pt = self.codec.payload_type if payload_type is None else payload_type
        return pack("!BBHII", 0x80, pt, number & 0xFFFF, 3000 * number & 0xFFFFFFFF, ssrc) + payload

    def publish(self, number: int, payload: bytes, *, ssrc: int = 5, payload_type: int | None = None) -> None:
        self.receive(self.packet(number, payload, ssrc=ssrc, payload_type=payload_type))

    def receive(self, *packets: bytes) -> None:
        """Packets that came together."""
        for packet in packets:
            self.publication.receive(parse_header(packet), packet, self.now)
        self.publication.deliver(self.now)


class Viewer:
    def __init__(self, stage: Stage, payload_type: int, key: str) -> None:
        self.stage = stage
        self.packets: list[bytes] = []
        self.bursts = 0
        self.reports: list[bytes] = []
        rewriter = RtpRewriter(0xBEEF, stage.codec.clock_rate, sequence_number=9, timestamp=100)
        self.slot = ReceiveSlot("4", stage.publication.kind, {key: payload_type}, rewriter, "hub")
        self.subscription: Subscription | None = None

    def play(self, publication: Publication | None = None) -> Viewer:
        publication = publication or self.stage.publication
        self.subscription = Subscription(self.slot, publication, self.receive, self.reports.append, self.stage.counters)
        publication.add(self.subscription, self.stage.now)
        return self

    def receive(self, packets: Sequence[tuple[bytes, bytes]]) -> None:
        self.bursts += 1
        self.packets += [head + payload for head, payload in packets]

    def stop(self) -> None:
        assert self.subscription is not None
        self.subscription.publication.remove(self.subscription)

    @property
    def payloads(self) -> list[bytes]:
        return [packet[12:] for packet in self.packets]

    @property
    def timestamps(self) -> list[int]:
        return [unpack_from("!I", packet, 4)[0] for packet in self.packets]

    @property
    def sequence_numbers(self) -> list[int]:
        return [unpack_from("!H", packet, 2)[0] for packet in self.packets]


def test_a_viewer_sees_nothing_before_a_key_frame_and_everything_after() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    for number, payload in enumerate([DELTA, DELTA, KEY, DELTA]):
        stage.publish(number, payload)
    assert viewer.payloads == [KEY, DELTA]
    assert viewer.sequence_numbers == [10, 11]


def test_audio_needs_no_key_frame() -> None:
    stage = Stage(OPUS, "audio")
    viewer = stage.viewer().play()
    stage.publish(7, b"sound")
    assert viewer.payloads == [b"sound"]
    assert stage.picture_losses == []


def test_the_payload_is_the_publishers_to_the_byte_and_the_header_the_viewers() -> None:
    stage = Stage(OPUS, "audio")
    viewer = stage.viewer(payload_type=109).play()
    stage.publish(7, bytes(range(256)))
    header = parse_header(viewer.packets[0])
    assert (header.payload_type, header.ssrc, header.sequence_number) == (109, 0xBEEF, 10)
    assert viewer.packets[0][12:] == bytes(range(256))


def test_a_new_viewer_makes_the_publisher_send_a_key_frame_at_once() -> None:
    stage = Stage()
    stage.publish(0, KEY)
    stage.viewer().play()
    assert stage.picture_losses == [5]


def test_many_viewers_at_once_ask_only_once() -> None:
    stage = Stage()
    stage.publish(0, KEY)
    for _ in range(20):
        stage.viewer().play()
    assert stage.picture_losses == [5]


def test_a_request_within_the_interval_is_sent_when_it_is_over() -> None:
    stage = Stage()
    stage.publish(0, KEY)
    stage.publication.request_key_frame(stage.now)
    stage.now = 0.2
    stage.publication.request_key_frame(stage.now)
    stage.publish(1, DELTA)
    assert stage.picture_losses == [5]
    stage.now = KEY_FRAME_INTERVAL
    stage.publish(2, DELTA)
    assert stage.picture_losses == [5, 5]
    stage.now = 10.0
    stage.publish(3, DELTA)
    assert stage.picture_losses == [5, 5]


def test_a_lost_request_is_repeated_while_someone_waits() -> None:
    stage = Stage()
    stage.publish(0, KEY)
    stage.viewer().play()
    for tick in range(1, 101):
        stage.now = tick / 50
        stage.publish(tick, DELTA)
    assert len(stage.picture_losses) == 5  # at 0, 0.5, 1, 1.5 and 2 s


def test_a_storm_of_requests_reaches_the_publisher_twice_a_second() -> None:
    stage = Stage()
    stage.publish(0, KEY)
    for tick in range(3000):
        stage.now = tick / 1000
        stage.publication.request_key_frame(stage.now)
        if tick % 50 == 0:
            stage.publish(1 + tick // 50, DELTA)
    assert len(stage.picture_losses) <= 6


def test_a_key_frame_serves_those_who_asked_meanwhile() -> None:
    stage = Stage()
    stage.publish(0, KEY)
    stage.viewer().play()
    stage.now = 0.1
    late = stage.viewer().play()
    stage.now = 0.2
    stage.publish(1, KEY)
    stage.now = 5.0
    stage.publish(2, DELTA)
    assert late.payloads == [KEY, DELTA]
    assert stage.picture_losses == [5]


def test_who_stops_playing_gets_nothing_more_and_others_go_on() -> None:
    stage = Stage(OPUS, "audio")
    leaving, staying = stage.viewer().play(), stage.viewer().play()
    stage.publish(0, b"a")
    leaving.stop()
    stage.publish(1, b"b")
    assert (leaving.payloads, staying.payloads) == ([b"a"], [b"a", b"b"])


def test_a_restarted_source_goes_on_at_its_key_frame_without_a_gap() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    stage.publish(500, KEY)
    stage.now = 1.0
    stage.publish(20, DELTA, ssrc=6)
    stage.publish(21, KEY, ssrc=6)
    stage.publish(22, DELTA, ssrc=6)
    assert viewer.sequence_numbers == [10, 11, 12]
    assert stage.picture_losses[-1] == 6


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ([], [50, 51, 52]),  # H.264 with its parameter sets elsewhere: the picture before is there
        ([49], [49, 50, 51, 52]),
        ([48, 49], [48, 49, 50, 51, 52]),
    ],
)
@pytest.mark.parametrize("lost", [True, False])
def test_a_key_frame_whose_parameter_sets_were_lost_waits_for_them(
    before: list[int], shown: list[int], *, lost: bool
) -> None:
    """Packets before 50 in `before` are parameter sets; all from 48 on are of one picture where there are any."""
    stage = Stage(H264)
    viewer = stage.viewer().play()
    sets = [number for number in before if number >= 48]
    first = min([50, *sets])

    def packet(number: int, payload: bytes) -> bytes:
        stamp = 9000 if number >= first else 3000
        return pack("!BBHII", 0x80, 98, number, stamp, 5) + payload

    late = [packet(number, b"\x67 parameters" if number == first else b"\x68 parameters") for number in sets]
    for number in range(40, first):
        stage.receive(packet(number, H264_DELTA))
    if not lost:
        stage.receive(*late)
    stage.receive(packet(50, H264_KEY), packet(51, b"\x65\x41"), packet(52, b"\x65\x41"))
    if lost and sets:
        assert viewer.packets == []
        stage.now = 1.0
        asked = len(stage.picture_losses)
        stage.receive(packet(53, H264_DELTA))
        assert len(stage.picture_losses) == asked + 1
        stage.receive(*late)
        shown = [*shown, 53]
    assert viewer.sequence_numbers == [10 + number - shown[0] for number in shown]


def test_another_publication_goes_on_in_the_same_slot() -> None:
    stage, other = Stage(), Stage()
    viewer = stage.viewer().play()
    stage.publish(0, KEY)
    viewer.stop()
    viewer.play(other.publication)
    other.publish(900, DELTA)
    other.publish(901, KEY)
    assert viewer.sequence_numbers == [10, 11]


def test_a_codec_that_the_viewer_did_not_negotiate_is_not_sent() -> None:
    stage = Stage()
    viewer = stage.viewer(key="h264/1/42").play()
    stage.publish(0, KEY)
    assert viewer.packets == []
    assert stage.counters.dropped_unsupported_codec == 1


@pytest.mark.parametrize(("payload_type", "counter"), [(97, "dropped_retransmission"), (33, "dropped_unknown_source")])
def test_other_payload_types_are_dropped_with_their_reason(payload_type: int, counter: str) -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    stage.publish(0, KEY, payload_type=payload_type)
    assert viewer.packets == []
    assert getattr(stage.counters, counter) == 1


def test_a_sender_report_is_told_in_the_viewers_terms() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    stage.publish(10, KEY + b"1234")
    stage.publication.sender_report(rtcp.SenderReport(5, 0xABCDEF, 30000 + 900, 55, 66), stage.now)
    (report,) = rtcp.parse(viewer.reports[0])
    assert report == rtcp.SenderReport(0xBEEF, 0xABCDEF, 100 + 900, packet_count=1, octet_count=6)


def test_of_a_storm_of_sender_reports_ten_a_second_reach_the_viewers() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    stage.publish(10, KEY)
    for number in range(1000):
        stage.now = number / 1000
        stage.publication.sender_report(rtcp.SenderReport(5, number, 30000, 1, 1), stage.now)
    assert 9 <= len(viewer.reports) <= 10
    stage.now += 5
    stage.publication.sender_report(rtcp.SenderReport(5, 7, 30000, 1, 1), stage.now)
    assert len(viewer.reports) <= 11
    (latest,) = rtcp.parse(viewer.reports[-1])
    assert isinstance(latest, rtcp.SenderReport) and latest.ntp_time == 7


def test_no_sender_report_before_the_first_picture_nor_of_a_foreign_source() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    stage.publish(10, DELTA)
    stage.publication.sender_report(rtcp.SenderReport(5, 1, 1, 1, 1), stage.now)
    stage.publish(11, KEY)
    stage.publication.sender_report(rtcp.SenderReport(6, 1, 1, 1, 1), stage.now)
    assert viewer.reports == []


def test_a_sender_report_after_a_restart_waits_for_the_key_frame() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    stage.publish(10, KEY)
    stage.now = 1.0
    stage.publish(30000, DELTA)  # the same SSRC, begun anew
    stage.publication.sender_report(rtcp.SenderReport(5, 1, 3000 * 30000, 1, 1), stage.now)
    assert viewer.reports == []
    stage.publish(30001, KEY)
    stage.publication.sender_report(rtcp.SenderReport(5, 1, 3000 * 30001, 1, 1), stage.now + 1)
    (report,) = rtcp.parse(viewer.reports[0])
    assert isinstance(report, rtcp.SenderReport)
    assert report.rtp_timestamp == viewer.timestamps[-1]


def test_what_was_lost_is_counted_over_all_sources_of_a_track() -> None:
    stage = Stage(OPUS, "audio")
    assert stage.publication.packets == NO_PACKETS
    for number in (0, 1, 3):
        stage.publish(number, b"a")
    for number in (700, 702):
        stage.publish(number, b"a", ssrc=6)
    assert stage.publication.packets == Packets(4 + 3, 3 + 2)


def test_a_viewer_who_answers_a_sender_report_tells_how_far_away_it_is() -> None:
    stage = Stage(OPUS, "audio")
    viewer = stage.viewer().play()
    stage.publish(10, b"sound")
    stage.publication.sender_report(rtcp.SenderReport(5, 0xABCDEF0000, 1, 1, 1), 3.0)
    answer = rtcp.ReportBlock(0xBEEF, 0, 0, 10, 0, 0xABCDEF, 65536)
    assert viewer.slot.delivery.reported(answer, 4.25) == 0.25


def test_a_codec_that_the_viewer_does_not_take_is_refused_until_another_comes() -> None:
    stage = Stage()
    stage.publication = Publication("video", (VP8, H264), stage, stage.counters)
    viewer = stage.viewer().play()
    other = stage.viewer(payload_type=102, key=H264.key).play()
    assert viewer.slot.refused_codec is None  # it may come as VP8
    stage.publish(0, KEY)
    assert (viewer.slot.refused_codec, other.slot.refused_codec) == (None, VP8.key)
    stage.publish(1, H264_KEY, payload_type=H264.payload_type)
    stage.publish(2, H264_DELTA, payload_type=H264.payload_type)
    assert (viewer.slot.refused_codec, other.slot.refused_codec) == (H264.key, None)
    assert other.payloads == [H264_KEY, H264_DELTA]
    stage.publish(3, DELTA)
    assert viewer.payloads == [KEY]
    stage.publish(4, KEY)
    stage.publish(5, DELTA)
    assert viewer.payloads == [KEY, KEY, DELTA]
    assert viewer.sequence_numbers == [10, 11, 12]


def test_a_viewer_who_takes_none_of_the_codecs_is_told_before_anything_comes() -> None:
    stage = Stage(H264)
    viewer = stage.viewer(key=VP8.key).play()
    assert viewer.slot.refused_codec == H264.key


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("vp8/90000/1", "VP8"),
        ("h264/1/42", "H.264"),
        ("h264/1/64", "H.264 High"),
        ("opus/48000/2", "Opus"),
        ("av1/90000/1", "av1"),
    ],
)
def test_codecs_have_names_for_people(key: str, title: str) -> None:
    assert title_of(key) == title


def test_packets_that_came_together_go_to_one_viewer_after_the_other() -> None:
    stage = Stage()
    alice, bob = stage.viewer().play(), stage.viewer(payload_type=121).play()
    stage.receive(*(stage.packet(number, KEY if number == 1 else DELTA) for number in range(4)))
    for viewer in (alice, bob):
        assert viewer.payloads == [KEY, DELTA, DELTA]
        assert viewer.sequence_numbers == [10, 11, 12]
    assert (alice.bursts, bob.bursts) == (1, 1)


def test_a_source_that_begins_anew_among_packets_that_came_together_takes_nothing_from_the_one_before() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    stage.receive(
        stage.packet(0, KEY),
        stage.packet(1, DELTA + b"old"),
        stage.packet(30000, KEY + b"jump"),
        stage.packet(30001, DELTA),
        stage.packet(7, KEY + b"other", ssrc=6),
    )
    assert viewer.payloads == [KEY, DELTA + b"old", KEY + b"jump", DELTA, KEY + b"other"]
    assert viewer.sequence_numbers == [10, 11, 12, 13, 14]


def test_a_codec_that_changes_among_packets_that_came_together_is_each_viewers_own() -> None:
    stage = Stage()
    stage.publication = Publication("video", (VP8, H264), stage, stage.counters)
    viewer, other = stage.viewer().play(), stage.viewer(key=H264.key).play()
    h264 = stage.packet(1, H264_KEY, payload_type=H264.payload_type)
    stage.receive(stage.packet(0, KEY), h264, stage.packet(2, KEY), stage.packet(3, DELTA))
    assert viewer.payloads == [KEY, KEY, DELTA]
    assert viewer.sequence_numbers == [10, 11, 12]
    assert other.payloads == [H264_KEY]


def test_what_came_late_is_forwarded_once_to_who_begins_with_the_same_packets() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    stage.receive(*(stage.packet(number, KEY if number == 1 else DELTA + b"%d" % number) for number in (2, 4, 1, 3)))
    assert viewer.payloads == [KEY, DELTA + b"2", DELTA + b"3", DELTA + b"4"]
    stage.publish(5, DELTA)
    assert viewer.sequence_numbers == [10, 11, 12, 13, 14]


def test_what_a_publisher_who_goes_has_sent_last_is_forgotten() -> None:
    stage = Stage()
    viewer = stage.viewer().play()
    packet = stage.packet(0, KEY)
    stage.publication.receive(parse_header(packet), packet, stage.now)
    stage.publication.close()
    stage.publication.deliver(stage.now)
    assert viewer.packets == []
