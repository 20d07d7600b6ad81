"""The schedule of the chaos test: a pure function of its seed, bounded, and fair."""

from __future__ import annotations

import itertools

import pytest

from tests.chaos.schedule import HUB, LENGTHS, MOST, OF_PAGE, PAGE, REST, RESTS, Fault, Kind, schedule

PROGRAMS = {"alice": ["alice"], "bob": ["bob"], "crowd": ["carol", "dave"]}
PROGRAM_OF = {user: program for program, users in PROGRAMS.items() for user in users}
SEEDS = range(40)


def of(seed: int, seconds: float = 300.0, *, page: bool = True) -> list[Fault]:
    return schedule(seed, seconds, PROGRAMS, page=page)


def target(fault: Fault) -> str:
    return PROGRAM_OF[fault.whom] if fault.kind is Kind.USER_LEFT else fault.whom


def test_the_same_seed_is_the_same_schedule() -> None:
    assert of(7) == of(7)
    assert of(7) != of(8)
    assert str(Fault(7.25, Kind.LOSS, "bob", 3.0)) == "   7.2 s  packets lost: bob, for 3.0 s"
    assert str(Fault(61.0, Kind.HUB_KILLED, HUB, 0.0)) == "  61.0 s  hub killed: the hub"


@pytest.mark.parametrize("seed", SEEDS)
def test_all_is_undone_in_time_and_nobody_has_two_faults_at_once(seed: int) -> None:
    faults = of(seed)
    assert faults == sorted(faults, key=lambda fault: fault.at)
    for fault in faults:
        least, most = LENGTHS[fault.kind]
        assert 0 <= fault.at <= fault.end <= 300.01
        assert min(least, 300 - fault.at) - 0.01 <= fault.lasts <= most + 0.01
    by_target = sorted(faults, key=lambda fault: (target(fault), fault.at))
    for _, of_one in itertools.groupby(by_target, target):
        for earlier, later in itertools.pairwise(of_one):
            assert later.at >= earlier.end + RESTS.get(target(earlier), REST) - 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_comes_before_one_comes_too_often(seed: int) -> None:
    counts = {kind: sum(fault.kind is kind for fault in of(seed)) for kind in Kind}
    assert min(counts.values()) > 0
    assert max(counts.values()) <= min(counts.values()) + 2


def test_targets_are_those_of_the_kind() -> None:
    for fault in itertools.chain.from_iterable(map(of, SEEDS)):
        if fault.kind is Kind.HUB_KILLED:
            assert fault.whom == HUB
        elif fault.kind in OF_PAGE:
            assert fault.whom == PAGE
        else:
            assert fault.whom in (PROGRAM_OF if fault.kind is Kind.USER_LEFT else PROGRAMS)


def test_without_a_page_nothing_happens_to_it() -> None:
    assert not [fault for fault in of(3, page=False) if fault.kind in OF_PAGE]


def test_a_schedule_is_bounded() -> None:
    assert len(of(1, 100_000)) == MOST
    assert of(1, 0) == []
