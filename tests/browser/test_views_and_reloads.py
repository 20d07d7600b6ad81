"""A call is shown twice, reloaded, opened in a second tab: one camera, no ghosts."""

from __future__ import annotations

import asyncio

from .conftest import JoinCall


async def test_two_views_of_one_widget_share_one_camera(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice", "call"), join_call("bob"))
    await alice.run_cell(1)
    second = alice.call_in_cell(1)
    await second.wait_for_state("in_call")
    await alice.call.wait_until_sees("bob")

    assert await alice.call.camera_requests() == 1
    assert await alice.call.open_cameras() == 1
    await bob.call.wait_until_sees("alice")
    await bob.call.wait_for_tiles(1)

    # The first view goes, the second keeps the call.
    await alice.clear_output(0)
    await second.wait_until_sees("bob")
    await bob.call.wait_until_sees("alice")


async def test_reload_brings_the_picture_back_without_a_ghost(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))

    await bob.save()
    await bob.reload()
    await bob.call.wait_for_state("in_call")
    await bob.call.wait_until_sees("alice")
    await bob.call.wait_for_own_picture()
    await alice.call.wait_until_sees("bob")
    await alice.call.wait_for_tiles(1)
    assert await bob.call.camera_requests() == 1


async def test_a_second_tab_on_the_same_kernel_has_one_capturing_page(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await bob.call.wait_until_sees("alice")
    await alice.save()

    second = await alice.open_again()
    await second.call.wait_until_sees("bob")
    await alice.call.wait_until_sees("bob")
    await bob.call.wait_for_tiles(1)
    await bob.call.wait_until_sees("alice")
    assert await alice.call.open_cameras() + await second.call.open_cameras() == 1
