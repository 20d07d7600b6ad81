"""When a receiver asks again for what was lost, and when it gives up."""

from __future__ import annotations

from zego_widget.media.repair import LOOK_INTERVAL, PATIENCE, Repair


class Buffer:
    def __init__(self) -> None:
        self.holes: list[int] = []
        self.did: list[tuple[float, str]] = []
        self.now = 100.0

    def missing(self) -> list[int]:
        return self.holes

    def release(self) -> None: ...

    async def ask_for(self, numbers: list[int]) -> None:
        assert numbers == self.holes
        self.did.append((self.now, "asked"))

    async def skip(self) -> None:
        self.did.append((self.now, "skipped"))
        self.holes = []

    async def is_looked_at(self, repair: Repair, seconds: float, round_trip: float | None = 0.02) -> list[str]:
        """What happens meanwhile."""
        before = len(self.did)
        for _ in range(round(seconds / LOOK_INTERVAL)):
            self.now += LOOK_INTERVAL
            await repair.look(self.now, round_trip)
        return [what for _, what in self.did[before:]]


async def test_nothing_is_asked_for_where_nothing_is_missing() -> None:
    buffer = Buffer()
    assert await buffer.is_looked_at(Repair(buffer), 5) == []


async def test_what_was_missed_just_now_is_left_to_the_receiver() -> None:
    buffer = Buffer()
    repair = Repair(buffer)
    buffer.holes = [3]
    assert await buffer.is_looked_at(repair, LOOK_INTERVAL) == []
    buffer.holes = []
    assert await buffer.is_looked_at(repair, 5) == []


async def test_it_is_asked_for_at_every_look_and_given_up_in_the_end() -> None:
    buffer = Buffer()
    buffer.holes = [3, 4]
    did = await buffer.is_looked_at(Repair(buffer), PATIENCE + 5, None)
    assert did[-1] == "skipped"
    assert did[:-1] == ["asked"] * len(did[:-1])
    assert len(did) >= 5


async def test_an_answer_has_its_round_trip_to_come() -> None:
    buffer = Buffer()
    buffer.holes = [3]
    did = await buffer.is_looked_at(Repair(buffer), 10, 0.75)
    assert did == ["asked", "asked", "skipped"]


async def test_each_packet_that_is_missed_is_waited_for_anew() -> None:
    buffer = Buffer()
    repair = Repair(buffer)
    for number in range(5):
        buffer.holes = [number, 90]
        assert "skipped" not in await buffer.is_looked_at(repair, PATIENCE * 0.8)
