"""Receiver reports say what was lost and how unevenly packets came."""

from __future__ import annotations

from zego_widget.forwarder.delivery import Packets
from zego_widget.forwarder.reception import Reception
from zego_widget.forwarder.rtcp import ReportBlock


def reception_of(*sequence_numbers: int) -> Reception:
    reception = Reception(7, 90000)
    for index, number in enumerate(sequence_numbers):
        reception.packet(number & 0xFFFF, 3000 * index, index / 30)
    return reception


def block(reception: Reception, now: float = 10.0) -> ReportBlock:
    report = reception.report(now)
    assert report is not None
    return report


def test_nothing_is_reported_before_the_first_packet() -> None:
    assert Reception(7, 90000).report(0.0) is None


def test_a_complete_stream_has_no_loss() -> None:
    report = block(reception_of(*range(100, 150)))
    assert (report.fraction_lost, report.packets_lost, report.highest_sequence) == (0, 0, 149)


def test_a_quarter_lost_is_64_of_256() -> None:
    report = block(reception_of(*(n for n in range(100) if n % 4)))
    assert report.packets_lost == 24  # number 0 was before the first packet seen
    assert report.fraction_lost == (24 << 8) // 99


def test_the_fraction_is_of_the_time_since_the_last_report() -> None:
    reception = reception_of(0, 2)
    assert block(reception).fraction_lost == 85
    for number in range(3, 10):
        reception.packet(number, 0, 0.0)
    report = block(reception)
    assert (report.fraction_lost, report.packets_lost) == (0, 1)


def test_duplicates_make_the_loss_negative() -> None:
    assert block(reception_of(1, 2, 2, 2)).packets_lost == -2


def test_the_highest_number_is_extended_over_a_wrap() -> None:
    report = block(reception_of(65534, 65535, 65536, 65537))
    assert report.highest_sequence == 65537
    assert report.packets_lost == 0


def test_a_jump_of_the_source_is_a_restart_and_no_loss() -> None:
    report = block(reception_of(10, 11, 40000, 40001))
    assert (report.highest_sequence, report.packets_lost) == (40001, 0)


def test_even_arrivals_have_no_jitter_and_uneven_ones_do() -> None:
    assert block(reception_of(*range(50))).jitter == 0
    uneven = Reception(7, 90000)
    for index in range(200):
        uneven.packet(index, 3000 * index, index / 30 + (0.01 if index % 2 else 0))
    assert 800 <= block(uneven).jitter <= 1000  # every step is 10 ms = 900 ticks off


def test_a_timestamp_wrap_is_no_jitter() -> None:
    reception = Reception(7, 90000)
    for index in range(10):
        reception.packet(index, (0xFFFFFFFF - 9000 + 3000 * index) & 0xFFFFFFFF, index / 30)
    assert block(reception).jitter < 10


def test_the_delay_since_the_sender_report_is_in_65536ths() -> None:
    reception = reception_of(1)
    reception.sender_report(0x1122334455667788, now=8.5)
    report = block(reception, now=10.0)
    assert report.last_report == 0x33445566
    assert report.delay_since_last_report == round(1.5 * 65536)


def test_totals_go_on_over_a_restart_of_the_source() -> None:
    reception = reception_of(10, 11, 13, 40000, 40001)
    assert reception.packets == Packets(4 + 2, 3 + 2)


def test_totals_go_on_from_the_source_before() -> None:
    assert Reception(8, 90000, Packets(4, 3)).packets == Packets(4, 3)
    following = Reception(8, 90000, Packets(4, 3))
    following.packet(5, 0, 0.0)
    assert following.packets == Packets(5, 4)
