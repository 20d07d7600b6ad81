"""The main job: two notebooks, two kernels, one cell each, one call."""

from __future__ import annotations

import asyncio
import time

from .conftest import JoinCall, RecordFigure


async def test_two_notebooks_see_and_hear_each_other(
    ready_to_call: JoinCall, join_call: JoinCall, record_figure: RecordFigure
) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), ready_to_call("bob"))

    pressed_at = time.perf_counter()
    await bob.call.press("Start call")
    await bob.call.wait_until_sees("alice")
    record_figure("first remote picture after the second Start call", time.perf_counter() - pressed_at)
    await alice.call.wait_until_sees("bob")

    for person, other in ((alice, "bob"), (bob, "alice")):
        await person.call.wait_until_hears(other)
        await person.call.wait_for_own_picture()
        await person.call.wait_for_state("in_call")
        await person.call.wait_for_tiles(1)

    rates = await asyncio.gather(alice.call.frame_rate("bob"), bob.call.frame_rate("alice"))
    record_figure("decoded frames of bob in alice's notebook", rates[0], "frames/s")
    record_figure("decoded frames of alice in bob's notebook", rates[1], "frames/s")
    assert min(rates) > 10


async def test_muting_and_turning_the_camera_off_is_seen_elsewhere_and_undone(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_hears("alice"))

    await alice.call.press("Mute microphone")
    await alice.call.button("Unmute microphone").wait_for()
    await bob.call.root.get_by_role("img", name="Microphone off").wait_for()
    await bob.call.wait_for_silence_of("alice")

    await alice.call.press("Turn camera off")
    await alice.call.button("Turn camera on").wait_for()
    await bob.call.wait_for_text("Camera off")
    await bob.call.wait_for_tiles(1)
    assert await alice.call.open_cameras() == 0

    await alice.call.press("Turn camera on")
    await alice.call.press("Unmute microphone")
    await bob.call.wait_until_sees("alice")
    await bob.call.wait_until_hears("alice")


async def test_nothing_opens_the_camera_before_start_call(ready_to_call: JoinCall, join_call: JoinCall) -> None:
    bob, alice = await asyncio.gather(join_call("bob"), ready_to_call("alice"))

    assert await alice.call.camera_requests() == 0
    assert await alice.call.connections() == 0
    assert await bob.call.people() == []

    await alice.call.press("Start call")
    await bob.call.wait_until_sees("alice")


async def test_python_starts_mutes_and_stops_the_call(ready_to_call: JoinCall, join_call: JoinCall) -> None:
    status_cell = "print(call.state, [user.user_id for user in call.users], call.error)"
    cells = ["call.start()", status_cell, "call.microphone_muted = True", "call.stop()"]
    bob, alice = await asyncio.gather(join_call("bob"), ready_to_call("alice", *cells))

    await alice.run_cell(1)
    await bob.call.wait_until_sees("alice")
    await alice.call.wait_until_sees("bob")

    await alice.run_cell(2)
    output = await alice.output_of(2)
    assert "in_call" in output
    assert "bob" in output

    await alice.run_cell(3)
    await alice.call.button("Unmute microphone").wait_for()
    await bob.call.wait_for_silence_of("alice")

    await alice.run_cell(4)
    await bob.call.wait_until_gone("alice")
    await alice.call.wait_for_state("idle")
