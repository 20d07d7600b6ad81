"""The network emulator does what it is told, the same way every time."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.netem import GilbertElliott, NetworkLink

PACKETS = 20_000


def journey(link: NetworkLink, packets: int = PACKETS) -> list[list[float]]:
    return [link.carry(index / 1000) for index in range(packets)]


def test_a_good_network_changes_nothing() -> None:
    assert journey(NetworkLink(1), 5) == [[0.0], [0.001], [0.002], [0.003], [0.004]]


def test_the_same_seed_is_the_same_network() -> None:
    def network(seed: int) -> list[list[float]]:
        return journey(NetworkLink(seed, delay=0.1, jitter=0.05, loss=0.1, duplicates=0.1), 500)

    assert network(7) == network(7)
    assert network(7) != network(8)


@pytest.mark.parametrize(
    "link", [NetworkLink(1, loss=0.1), NetworkLink(2, bursts=GilbertElliott.bursts(0.1, 5))], ids=["random", "bursty"]
)
def test_a_tenth_is_lost(link: NetworkLink) -> None:
    arrivals = journey(link)
    assert 0.085 < link.lost / PACKETS < 0.115
    assert sum(not copies for copies in arrivals) == link.lost


def test_bursts_are_as_long_as_asked_for() -> None:
    arrivals = journey(NetworkLink(3, bursts=GilbertElliott.bursts(0.1, 5)))
    bursts = [len(list(run)) for is_lost, run in groupby(arrivals, key=lambda copies: not copies) if is_lost]
    assert 4 < sum(bursts) / len(bursts) < 6


def test_jitter_reorders_unless_order_is_kept() -> None:
    free = [copies[0] for copies in journey(NetworkLink(4, delay=0.5, jitter=0.1), 1000)]
    kept = [copies[0] for copies in journey(NetworkLink(4, delay=0.5, jitter=0.1, keeps_order=True), 1000)]
    assert free != sorted(free)
    assert kept == sorted(kept)
    assert all(0.5 <= arrival - index / 1000 <= 0.6 for index, arrival in enumerate(free))


def test_duplicates_come_twice() -> None:
    arrivals = journey(NetworkLink(5, duplicates=0.05))
    assert 0.04 < sum(len(copies) == 2 for copies in arrivals) / PACKETS < 0.06
