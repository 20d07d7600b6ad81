"""What a publisher is asked for again, and that what comes late is forwarded once."""

from __future__ import annotations

from struct import pack

import pytest

from tests.unit.forwarder.test_publication import DELTA, KEY, Stage, Viewer
from zego_widget.forwarder.codecs import Codec
from zego_widget.forwarder.delivery import Packets
from zego_widget.forwarder.rtp import parse_header

RTX_TYPE, RTX_SSRC = 97, 55


class LossyStage(Stage):
    """A publisher of VP8 who answers NACKs over RTX."""

    def __init__(self) -> None:
        super().__init__(Codec("vp8", 90000, None, 96, {}, rtx_payload_type=RTX_TYPE, nack=True))

    def publish_again(self, number: int, payload: bytes, *, ssrc: int = RTX_SSRC, padding: int = 0) -> None:
        """A packet of the retransmission stream."""
        first, body = 0x80, (number & 0xFFFF).to_bytes(2) + payload
        if padding:
            first, body = 0xA0, body + bytes(padding - 1) + bytes((padding,))
        packet = pack("!BBHII", first, RTX_TYPE, 1, 3000 * number & 0xFFFFFFFF, ssrc) + body
        self.receive(packet)

    def ask(self, now: float) -> list[list[int]]:
        """What the publisher is asked for at that time."""
        self.now = now
        before = len(self.nacks)
        self.publication.send_nacks(now)
        return self.nacks[before:]


def numbered(number: int) -> bytes:
    return DELTA + b"%d" % number


def playing(*lost: int, count: int = 6) -> tuple[LossyStage, Viewer]:
    """A viewer who has got the first packets without the lost ones."""
    stage = LossyStage()
    viewer = stage.viewer().play()
    stage.publish(0, KEY)
    for number in range(1, count):
        if number not in lost:
            stage.publish(number, numbered(number))
    return stage, viewer


def test_a_lost_packet_is_asked_for_and_goes_to_the_viewer_in_its_place() -> None:
    stage, viewer = playing(2, 3)
    assert stage.gaps == 1
    assert stage.ask(0.02) == [[2, 3]]
    stage.publish_again(3, numbered(3))
    stage.publish_again(2, numbered(2))
    assert viewer.sequence_numbers == [10, 11, 14, 15, 13, 12]
    assert viewer.payloads[-2:] == [numbered(3), numbered(2)]
    assert stage.counters.packets_recovered == 2
    assert stage.counters.nacks_sent == 1


def test_what_comes_twice_is_forwarded_once_by_whatever_way() -> None:
    stage, viewer = playing(2)
    stage.ask(0.02)
    stage.publish_again(2, numbered(2))
    stage.publish_again(2, numbered(2))
    stage.publish(2, numbered(2))
    stage.publish_again(4, numbered(4))
    stage.publish(5, numbered(5))
    assert viewer.sequence_numbers == [10, 11, 13, 14, 15, 12]
    assert stage.counters.dropped_duplicate == 4


def test_without_viewers_nothing_is_asked_for() -> None:
    stage = LossyStage()
    stage.publish(0, KEY)
    stage.publish(5, DELTA)
    assert stage.gaps == 0
    assert stage.ask(1.0) == []


def test_packets_that_only_probe_for_bandwidth_are_ignored() -> None:
    stage, viewer = playing()
    for padding in (1, 200):
        body = bytes(padding - 1) + bytes((padding,))
        packet = pack("!BBHII", 0xA0, RTX_TYPE, 9, 0, RTX_SSRC) + body
        stage.receive(packet)
    assert len(viewer.packets) == 6
    assert stage.counters.dropped_retransmission == 2


def test_padding_of_the_retransmission_stays_behind() -> None:
    stage, viewer = playing(2)
    stage.publish_again(2, numbered(2), padding=7)
    assert viewer.payloads[-1] == numbered(2)
    assert not parse_header(viewer.packets[-1]).padding


def test_the_offer_says_which_stream_is_repaired() -> None:
    stage, viewer = playing(2)
    stage.publication._repairs = {RTX_SSRC: 4711}
    stage.publish_again(2, numbered(2))
    assert len(viewer.packets) == 5
    assert stage.counters.dropped_retransmission == 1


def test_reports_to_the_publisher_still_tell_of_the_loss() -> None:
    """What came over RTX did not come in time (RFC 4588, section 4): the network is as bad as it is."""
    stage, _ = playing(2, 3)
    stage.ask(0.02)
    stage.publish_again(2, numbered(2))
    stage.publish_again(3, numbered(3))
    report = stage.publication.report_block(1.0)
    assert report is not None
    assert report.packets_lost == 2
    assert stage.publication.packets == Packets(6, 4)


def test_a_key_frame_whose_beginning_was_lost_is_shown_whole_once_it_is_there() -> None:
    stage = LossyStage()
    viewer = stage.viewer().play()
    stage.publish(6, DELTA)
    stage.publish(8, b"\x00rest")
    stage.publish(9, b"\x00end")
    assert viewer.packets == []
    stage.ask(0.02)
    stage.publish_again(7, KEY)
    stage.publish(10, DELTA)
    assert viewer.payloads == [KEY, b"\x00rest", b"\x00end", DELTA]
    assert viewer.sequence_numbers == [10, 11, 12, 13]


def test_a_source_that_begins_anew_under_its_ssrc_goes_on_without_a_gap_at_its_key_frame() -> None:
    stage, viewer = playing()
    stage.now = 1.0
    stage.publish(30000, numbered(0))
    stage.publish(30001, KEY)
    stage.publish(30002, numbered(2))
    assert viewer.sequence_numbers == list(range(10, 18))
    assert stage.picture_losses[-1] == 5


def test_late_packets_of_the_former_source_do_not_bring_it_back() -> None:
    stage, viewer = playing()
    stage.publish(500, KEY, ssrc=6)
    stage.publish(6, numbered(6), ssrc=5)
    stage.publish(501, numbered(1), ssrc=6)
    assert viewer.sequence_numbers == list(range(10, 18))
    stage.now = 5.0
    stage.publish(7, KEY, ssrc=5)  # it does come back
    assert viewer.sequence_numbers[-1] == 18


@pytest.mark.parametrize("start", [65530, 0x10000 * 3 - 4])
def test_a_wrap_of_numbers_and_timestamps_asks_for_no_key_frame(start: int) -> None:
    stage = LossyStage()
    viewer = stage.viewer().play()
    stage.publish(start, KEY)
    asked = len(stage.picture_losses)
    for number in range(start + 1, start + 12):
        stage.publish(number, DELTA)
    assert viewer.sequence_numbers == list(range(10, 22))
    assert len(stage.picture_losses) == asked
    assert stage.gaps == 0


def test_a_packet_that_comes_again_as_it_was_counts_but_is_no_jitter() -> None:
    stage = Stage(Codec("opus", 48000, 2, 111, {}, nack=True), "audio")
    stage.viewer().play()
    for number in (*range(50), *range(51, 100)):
        stage.now = number / 16  # as evenly as the timestamps go
        stage.publish(number, b"sound")
    stage.publication.send_nacks(stage.now)
    stage.now += 0.5
    stage.publish(50, b"sound")
    report = stage.publication.report_block(stage.now)
    assert report is not None
    assert (report.packets_lost, report.jitter) == (0, 0)


def test_after_an_outage_a_key_frame_is_asked_for_instead_of_hundreds_of_packets() -> None:
    stage, viewer = playing()
    asked = len(stage.picture_losses)
    stage.now = 5.0
    stage.publish(300, numbered(300))
    assert stage.ask(6.0) == []
    assert stage.gaps == 0
    assert stage.picture_losses[asked:] == [5]
    assert viewer.sequence_numbers[-1] == 310


def test_an_outage_without_viewers_or_of_sound_asks_for_nothing() -> None:
    stage = LossyStage()
    stage.publish(0, KEY)
    stage.publish(300, DELTA)
    sound = Stage(Codec("opus", 48000, 2, 111, {}, nack=True), "audio")
    sound.viewer().play()
    sound.publish(0, b"sound")
    sound.publish(300, b"sound")
    assert stage.picture_losses == sound.picture_losses == []
