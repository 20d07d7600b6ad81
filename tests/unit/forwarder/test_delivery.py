"""What viewers report of the packets they are sent."""

from __future__ import annotations

import pytest

from zego_widget.forwarder.delivery import NO_PACKETS, Delivery, Packets, RoundTrip
from zego_widget.forwarder.rtcp import ReportBlock

NTP_TIME = 0x0011_2233_4455_6677
MIDDLE = 0x2233_4455


def block(highest: int, lost: int, *, last_report: int = 0, delay: float = 0.0) -> ReportBlock:
    return ReportBlock(7, 0, lost, highest, 0, last_report, round(delay * 65536))


@pytest.mark.parametrize(
    ("reports", "packets"),
    [
        ([], NO_PACKETS),
        ([(1000, 3)], NO_PACKETS),
        ([(1000, 3), (1100, 3)], Packets(100, 100)),
        ([(1000, 3), (1100, 28)], Packets(100, 75)),
        ([(1000, 3), (1100, 28), (1150, 28)], Packets(150, 125)),
        ([(1000, 3), (1000, 3)], NO_PACKETS),
        ([(1000, 3), (1100, 1)], Packets(100, 100)),
        ([(0xFFFFFFF0, 0), (16, 0)], Packets(32, 32)),
        ([(1000, 3), (900, 0), (950, 0)], Packets(50, 50)),
        ([(1000, 0), (1100, 5000)], Packets(100, 0)),
    ],
    ids=[
        "no report",
        "one report is where counting begins",
        "nothing lost",
        "a quarter lost",
        "totals",
        "nothing new",
        "late packets",
        "wrap",
        "the viewer counts anew",
        "more lost than sent",
    ],
)
def test_a_delivery_counts_from_report_to_report(reports: list[tuple[int, int]], packets: Packets) -> None:
    delivery = Delivery()
    for highest, lost in reports:
        delivery.reported(block(highest, lost), 0.0)
    assert delivery.packets == packets


@pytest.mark.parametrize(
    ("last_report", "delay", "seconds"),
    [(MIDDLE, 0.5, 0.1), (MIDDLE, 0.9, 0.0), (MIDDLE + 1, 0.5, None), (0, 0.5, None)],
    ids=["round trip", "the viewer claims too much", "of an earlier sender report", "of none"],
)
def test_the_answer_to_a_sender_report_tells_the_round_trip(
    last_report: int, delay: float, seconds: float | None
) -> None:
    delivery = Delivery()
    delivery.sender_report_sent(NTP_TIME, 10.0)
    measured = delivery.reported(block(1, 0, last_report=last_report, delay=delay), 10.6)
    assert measured == (None if seconds is None else pytest.approx(seconds, abs=1e-4))


def test_no_round_trip_before_a_sender_report() -> None:
    assert Delivery().reported(block(1, 0, last_report=MIDDLE), 1.0) is None


def test_one_late_answer_moves_the_round_trip_by_a_quarter() -> None:
    round_trip = RoundTrip()
    assert round_trip.seconds is None
    round_trip.measured(0.1)
    assert round_trip.seconds == 0.1
    round_trip.measured(0.5)
    assert round_trip.seconds == pytest.approx(0.2)


def test_what_came_since_and_what_was_lost() -> None:
    assert Packets(100, 90).since(Packets(60, 55)) == Packets(40, 35)
    assert Packets(40, 35).lost == 5
    assert Packets(40, 44).lost == 0
