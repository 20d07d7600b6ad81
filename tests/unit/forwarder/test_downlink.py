"""What a viewer can receive is not known until it shows that it gets too much."""

from __future__ import annotations

import pytest

from zego_widget.forwarder.delivery import Packets
from zego_widget.forwarder.downlink import DownlinkEstimate

PACKET = 1000
TICK = 0.25
LEAST = 80_000.0


class Viewer:
    """Is sent pictures at a bitrate, and tells of it what the test says."""

    def __init__(self) -> None:
        self.estimate = DownlinkEstimate()
        self.now = 100.0
        self.octets = self.sound = 0
        self.expected = self.received = 0.0

    def watch(
        self,
        bitrate: float,
        seconds: float,
        *,
        tells: float | None = None,
        loss: float = 0.0,
        round_trip: float | None = 0.05,
        least: float = LEAST,
        reports: bool = True,
        sound: float = 0.0,
    ) -> float | None:
        """The estimate afterwards."""
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            octets = round(bitrate * TICK / 8)
            self.octets += octets
            self.sound += round(sound * TICK / 8)
            if reports:
                self.expected += octets / PACKET
                self.received += octets / PACKET * (1 - loss)
            if tells is not None:
                self.estimate.told(tells, [7, 8], self.now)
            if reports and round_trip is not None:
                self.estimate.round_trip(round_trip)
            packets = Packets(round(self.expected), round(self.received))
            kept = min(bitrate, least)
            self.estimate.look(self.octets, 0, packets, least, self.now, kept=kept, sound=self.sound)
        return self.estimate.bitrate


@pytest.mark.parametrize("tells", [None, 1_500_000, 900_000])
def test_as_long_as_all_is_well_no_limit_is_known(tells: float | None) -> None:
    assert Viewer().watch(1_000_000, 20, tells=tells) is None


def test_who_reports_nothing_is_never_limited() -> None:
    assert Viewer().watch(5_000_000, 20, reports=False) is None


def test_an_estimate_that_is_low_from_the_beginning_is_only_late() -> None:
    viewer = Viewer()
    viewer.watch(80_000, 5, tells=120_000)
    assert viewer.watch(1_200_000, 20, tells=121_000) is None


def test_an_estimate_that_falls_below_what_is_sent_is_believed_within_two_seconds() -> None:
    viewer = Viewer()
    viewer.watch(1_200_000, 5, tells=1_500_000)
    assert viewer.watch(1_200_000, 2, tells=255_000) == 255_000


def test_an_estimate_that_falls_for_a_moment_is_not() -> None:
    viewer = Viewer()
    viewer.watch(1_200_000, 5, tells=1_500_000)
    viewer.watch(1_200_000, 0.25, tells=50_000)
    assert viewer.watch(1_200_000, 10, tells=1_100_000) is None


def test_the_smallest_pictures_stay_until_they_alone_are_too_much() -> None:
    viewer = Viewer()
    viewer.watch(1_200_000, 5, tells=1_500_000)
    bitrate = viewer.watch(1_200_000, 2, tells=40_000)
    assert bitrate is not None
    assert bitrate > LEAST
    viewer.watch(LEAST, 3, tells=60_000)
    assert viewer.watch(LEAST, 4, tells=45_000) == 45_000


def test_much_loss_means_the_smallest_pictures_at_once() -> None:
    viewer = Viewer()
    viewer.watch(1_200_000, 5)
    bitrate = viewer.watch(1_200_000, 2, loss=0.7)
    assert bitrate == pytest.approx(LEAST, rel=0.2)


def test_loss_that_stays_when_less_is_sent_is_no_matter_of_room() -> None:
    viewer = Viewer()
    viewer.watch(1_200_000, 5)
    lowered = viewer.watch(1_200_000, 2, loss=0.14)
    assert lowered is not None
    assert viewer.watch(LEAST, 12, loss=0.14) is None
    assert viewer.watch(1_200_000, 20, loss=0.14) is None


def test_loss_in_good_time_is_no_matter_of_room() -> None:
    viewer = Viewer()
    assert viewer.watch(1_200_000, 20, tells=1_200_000, loss=0.15) is None


@pytest.mark.parametrize("loss", [0.05, 0.12, 0.2])
def test_some_loss_alone_never_takes_the_smallest_pictures_away(loss: float) -> None:
    viewer = Viewer()
    viewer.watch(LEAST, 5)
    bitrate = viewer.watch(LEAST, 30, loss=loss)
    assert bitrate is None or bitrate >= LEAST


def test_the_smallest_pictures_that_grow_are_not_taken_away_for_what_was_lost_before() -> None:
    viewer = Viewer()
    viewer.watch(LEAST, 5)
    assert viewer.watch(LEAST, 3, loss=0.2) is not None
    bitrate = viewer.watch(2 * LEAST, 3, loss=0.1, least=2 * LEAST)
    assert bitrate is None or bitrate >= 2 * LEAST


def test_the_smallest_pictures_that_were_too_much_stay_away_when_they_grow() -> None:
    viewer = Viewer()
    viewer.watch(LEAST, 5, tells=100_000)
    assert viewer.watch(LEAST, 3, tells=45_000) == 45_000
    assert viewer.watch(0, 1, tells=45_000, least=2 * LEAST) == 45_000
    viewer.estimate.got_through(LEAST)
    assert viewer.watch(0, 1, tells=45_000, least=2 * LEAST) == LEAST


def test_no_room_is_made_for_pictures_that_come() -> None:
    viewer = Viewer()
    viewer.watch(1_200_000, 5, tells=1_500_000)
    limit = viewer.watch(1_200_000, 2, tells=60_000)
    assert limit is not None and limit >= LEAST
    assert viewer.watch(LEAST, 1, tells=60_000, least=9 * LEAST) == limit


def test_round_trips_that_grow_are_a_queue() -> None:
    viewer = Viewer()
    viewer.watch(1_200_000, 5)
    bitrate = viewer.watch(1_200_000, 1, round_trip=2.0)
    assert bitrate is not None
    assert bitrate < 1_200_000


def test_what_got_through_may_be_sent_and_an_estimate_that_did_not_follow_is_no_reason_to_stop() -> None:
    viewer = Viewer()
    viewer.watch(1_200_000, 5, tells=1_500_000)
    viewer.watch(1_200_000, 2, tells=255_000)
    viewer.watch(LEAST, 5, tells=110_000)
    viewer.estimate.got_through(1_400_000)
    assert viewer.watch(1_200_000, 10, tells=110_000) == 1_400_000


def test_estimates_of_several_slots_count_together() -> None:
    viewer = Viewer()
    for second in range(10):
        for slot in range(3):
            viewer.estimate.told(500_000 if second < 5 else 60_000, [slot], viewer.now)
        viewer.watch(1_000_000, 1)
    assert viewer.estimate.bitrate == 180_000


def test_a_burst_of_loss_takes_no_smallest_picture_away() -> None:
    viewer = Viewer()
    viewer.watch(LEAST * 3, 5, least=LEAST * 3)
    viewer.watch(LEAST * 3, 0.75, loss=0.7, least=LEAST * 3)
    estimate = viewer.watch(LEAST * 3, 1, least=LEAST * 3)
    assert estimate is not None and estimate > LEAST * 3


def test_bad_loss_that_goes_on_takes_the_smallest_picture_away() -> None:
    viewer = Viewer()
    viewer.watch(LEAST * 3, 5, least=LEAST * 3)
    estimate = viewer.watch(LEAST * 3, 10, loss=0.4, least=LEAST * 3)
    assert estimate is not None and estimate < LEAST * 3


@pytest.mark.parametrize("trouble", [{"tells": 5_000}, {"loss": 0.4}, {"round_trip": 2.0}], ids=str)
def test_pictures_that_are_nothing_beside_the_sound_are_not_what_is_too_much(trouble: dict[str, float]) -> None:
    viewer = Viewer()
    viewer.watch(90_000, 5, tells=100_000, least=45_000, sound=600_000)
    assert viewer.watch(90_000, 10, least=45_000, sound=600_000, **trouble) is None  # type: ignore[arg-type]


def test_however_little_gets_through_pictures_may_have_what_is_nothing_beside_the_sound() -> None:
    viewer = Viewer()
    viewer.watch(400_000, 5, tells=500_000, sound=600_000)
    assert viewer.watch(400_000, 2, tells=5_000, sound=600_000) == 120_000
