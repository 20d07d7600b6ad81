"""A viewer gets again what it missed, in its own terms, as long as that is reasonable."""

from __future__ import annotations

from struct import unpack_from

import pytest
from aiortc.rtp import RtpPacket

from tests.unit.forwarder.test_publication import DELTA, KEY, VP8, Stage
from zego_widget.forwarder.codecs import Codec
from zego_widget.forwarder.history import LENGTHS
from zego_widget.forwarder.receive_log import MAX_AGE
from zego_widget.forwarder.retransmission import MOST_PADDING, Retransmission, RetransmissionBudget
from zego_widget.forwarder.rtp import parse_header

RTX_TYPE, RTX_SSRC, SSRC = 121, 0xD00D, 0xBEEF


class Screen:
    """A viewer whose numbers begin with 10, and what it gets again."""

    def __init__(self, stage: Stage, *, rtx: bool = True) -> None:
        self.stage = stage
        self.viewer = stage.viewer()
        types = {stage.codec.key: RTX_TYPE} if rtx else {}
        self.budget = RetransmissionBudget()
        self.retransmission = Retransmission(
            self.viewer.slot.rewriter, self.budget, self.viewer.slot.payload_types, types, RTX_SSRC
        )

    def misses(self, *numbers: int, round_trip: float | None = None) -> list[bytes]:
        return self.retransmission.answer(numbers, self.stage.now, round_trip)

    def gets_again(self, *numbers: int) -> list[bytes]:
        """The payloads of the answers."""
        return [packet[14:] for packet in self.misses(*numbers)]


def sent(number: int) -> bytes:
    return DELTA + b"%d" % number


def showing(first: int = 100, count: int = 10, *, rtx: bool = True, codec: Codec = VP8) -> Screen:
    """A viewer who was sent the packets `first`... as 10, 11, ..."""
    screen = Screen(Stage(codec), rtx=rtx)
    screen.viewer.play()
    screen.stage.publish(first, KEY)
    for number in range(first + 1, first + count):
        screen.stage.publish(number, sent(number))
    return screen


@pytest.mark.parametrize("first", [100, 65533, 65536 * 2 - 1])
def test_a_missed_packet_comes_over_the_retransmission_stream(first: int) -> None:
    screen = showing(first)
    one, two = screen.misses(12, 15)
    header = parse_header(one)
    assert (header.ssrc, header.payload_type) == (RTX_SSRC, RTX_TYPE)
    assert header.timestamp == parse_header(screen.viewer.packets[2]).timestamp
    assert one[12:14] == (12).to_bytes(2)  # the original sequence number comes before the payload
    assert one[14:] == sent(first + 2)
    assert two[14:] == sent(first + 5)
    assert (unpack_from("!H", two, 2)[0] - unpack_from("!H", one, 2)[0]) & 0xFFFF == 1


def test_without_rtx_the_same_packet_is_sent_again() -> None:
    screen = showing(rtx=False)
    assert screen.misses(10, 13) == [screen.viewer.packets[0], screen.viewer.packets[3]]


def test_marker_and_padding_are_those_of_the_original() -> None:
    screen = showing()
    packet = bytes((0xA0, 0x80 | 96)) + (110).to_bytes(2) + bytes(4) + (5).to_bytes(4) + DELTA + b"\x01"
    screen.stage.receive(packet)
    (again,) = screen.misses(20)
    assert again[:2] == bytes((0xA0, 0x80 | RTX_TYPE))


def test_what_was_before_the_viewers_time_is_never_sent() -> None:
    screen = Screen(Stage())
    screen.stage.publish(98, KEY)
    screen.stage.publish(99, sent(99))
    screen.viewer.play()
    screen.stage.publish(100, KEY)
    screen.stage.publish(101, sent(101))
    assert screen.gets_again(7, 8, 9, 10) == [KEY]


def test_what_was_not_sent_yet_or_long_ago_is_not_sent() -> None:
    screen = showing(count=2000)
    latest = 9 + 2000
    assert screen.gets_again(latest + 1, latest + 5, latest - LENGTHS["video"], 10, latest + 30000) == []
    assert screen.gets_again(latest, latest - LENGTHS["video"] + 1) == [sent(2099), sent(2100 - LENGTHS["video"])]


def test_what_the_hub_never_got_is_not_sent_and_may_come_later() -> None:
    screen = showing()
    screen.stage.publish(112, sent(112))
    assert screen.gets_again(20, 21) == []
    screen.stage.publish(110, sent(110))
    assert screen.gets_again(20, 21) == [sent(110)]


def test_a_change_of_source_leaves_both_sides_of_it_at_hand() -> None:
    screen, other = showing(), Stage()
    screen.viewer.stop()
    screen.viewer.slot.rewriter.stop(0.0)
    screen.viewer.play(other.publication)
    other.publish(7000, KEY)
    other.publish(7001, sent(7001))
    assert screen.gets_again(19, 20, 21) == [sent(109), KEY, sent(7001)]


def test_a_restarted_source_leaves_both_sides_of_it_at_hand() -> None:
    screen = showing()
    screen.stage.publish(4, KEY, ssrc=77)
    screen.stage.publish(5, sent(5), ssrc=77)
    assert screen.gets_again(19, 20, 21) == [sent(109), KEY, sent(5)]


def test_who_stopped_playing_gets_nothing_of_what_came_since_and_soon_nothing_at_all() -> None:
    screen = showing()
    screen.viewer.stop()
    screen.viewer.slot.rewriter.stop(screen.stage.now)
    screen.stage.publish(110, sent(110))
    assert screen.gets_again(19, 20) == [sent(109)]
    screen.stage.now = MAX_AGE + 0.1
    assert screen.gets_again(19, 18, 20) == []


def test_of_a_publisher_who_is_gone_nothing_is_sent() -> None:
    screen = showing()
    screen.stage.publication.close()
    assert screen.gets_again(19) == []


def test_of_a_publisher_who_is_gone_nothing_is_sent_of_former_sources_either() -> None:
    screen = showing()
    screen.stage.publish(7, KEY, ssrc=6)
    assert screen.gets_again(19) == [sent(109)]
    screen.stage.publication.close()
    assert screen.gets_again(18, 20) == []


def test_a_packet_under_way_is_not_sent_once_more() -> None:
    screen = showing()
    assert len(screen.misses(12, 12, 12)) == 1
    screen.stage.now = 0.3
    assert len(screen.misses(12, round_trip=0.4)) == 0
    screen.stage.now = 0.5
    assert len(screen.misses(12, round_trip=0.4)) == 1


def test_a_storm_of_nacks_is_answered_within_measure_and_the_viewer_recovers_from_it() -> None:
    screen = showing(count=500)
    assert screen.misses(10) and not screen.budget.is_spent
    answers = 0
    for tick in range(1000):  # for a second, everything, a thousand times
        screen.stage.now = tick / 1000
        answers += len(screen.misses(*range(10, 510)))
    assert 100 < answers < 700
    assert screen.budget.is_spent
    screen.stage.now = 3.0
    assert len(screen.misses(*range(400, 500))) == 100
    assert not screen.budget.is_spent


def test_sound_is_sent_again_as_it_was_where_there_is_no_rtx() -> None:
    screen = Screen(Stage(Codec("opus", 48000, 2, 111, {}, nack=True), "audio"), rtx=False)
    screen.viewer.play()
    for number in range(5):
        screen.stage.publish(number, b"%d" % number)
    assert screen.misses(12) == [screen.viewer.packets[2]]


def test_padding_is_a_packet_of_the_retransmission_stream_without_a_payload() -> None:
    screen = Screen(Stage())
    packets = [screen.retransmission.padding(1.0) for _ in range(3)]
    for written, number in packets:
        packet = RtpPacket.parse(written)
        assert (packet.ssrc, packet.payload_type, packet.sequence_number) == (RTX_SSRC, RTX_TYPE, number)
        assert (packet.payload, packet.padding_size) == (b"", MOST_PADDING)
    assert [number - packets[0][1] for _, number in packets] == [0, 1, 2]


def test_a_viewer_on_a_narrow_link_gets_less_again() -> None:
    budget = RetransmissionBudget()
    budget.fill(0.0)
    budget.limit(192_000)  # ten packets of 9600 bits in half of it
    assert sum(budget.spend(7) for _ in range(100)) == 10
    budget.fill(1.0)
    assert sum(budget.spend(7) for _ in range(100)) == 10
    budget.limit(None)
    budget.fill(10.0)
    assert sum(budget.spend(7) for _ in range(1000)) > 250
