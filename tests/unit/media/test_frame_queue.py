"""Between a stream and its consumers: bounded, newest first to stay, no consumer kept alive."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from zego_widget.errors import InvalidArgument
from zego_widget.media import frame_queue
from zego_widget.media.frame_queue import Consumers, FrameQueue


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, 10)


async def test_a_slow_consumer_loses_the_oldest_and_can_read_how_many() -> None:
    queue: FrameQueue[int] = FrameQueue(3)
    for number in range(10):
        queue.put(number)
    assert (len(queue), queue.lost) == (3, 7)
    queue.end()
    assert [number async for number in queue] == [7, 8, 9]


async def test_a_consumer_that_keeps_up_loses_nothing() -> None:
    queue: FrameQueue[int] = FrameQueue(1)
    seen = []
    for number in range(5):
        queue.put(number)
        seen.append(await soon(queue.get()))
    assert (seen, queue.lost) == ([0, 1, 2, 3, 4], 0)


async def test_waiting_ends_with_the_next_frame() -> None:
    queue: FrameQueue[str] = FrameQueue(1)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put("frame")
    assert await soon(waiting) == "frame"


async def test_the_end_comes_after_what_is_queued_and_wakes_whoever_waits() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    queue.put(1)
    queue.end()
    queue.put(2)
    assert await soon(queue.get()) == 1
    assert await soon(queue.get()) is None
    other: FrameQueue[int] = FrameQueue(2)
    waiting = [asyncio.create_task(other.get()) for _ in range(2)]
    await asyncio.sleep(0)
    other.close()
    assert await soon(asyncio.gather(*waiting)) == [None, None]


async def test_closing_drops_what_is_queued() -> None:
    async with FrameQueue[int](2) as queue:
        queue.put(1)
    assert queue.closed
    assert [number async for number in queue] == []


async def test_a_cancelled_wait_takes_no_frame_away() -> None:
    queue: FrameQueue[int] = FrameQueue(2)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    queue.put(1)
    assert await soon(queue.get()) == 1
    assert not queue._waiting


async def test_frames_may_come_from_another_thread() -> None:
    queue: FrameQueue[int] = FrameQueue(100)
    thread = threading.Thread(target=lambda: [queue.put(number) for number in range(50)] and queue.end())
    thread.start()
    assert [number async for number in queue] == list(range(50))
    thread.join()


def test_a_consumer_whose_loop_is_gone_disturbs_nobody() -> None:
    queue: FrameQueue[int] = FrameQueue(1)
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(queue.get())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    queue.put(1)
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]  # its loop will never cancel it
    assert len(queue) == 1


@pytest.mark.parametrize("maxsize", [0, -1, 1001])
def test_other_sizes_are_refused(maxsize: int) -> None:
    with pytest.raises(InvalidArgument, match="maxsize"):
        FrameQueue(maxsize)


def test_everybody_who_looks_gets_every_frame() -> None:
    consumers: Consumers[int] = Consumers()
    assert not consumers
    first, second = consumers.add(2), consumers.add(2)
    assert consumers
    consumers.put(1)
    assert (len(first), len(second)) == (1, 1)
    first.close()
    consumers.put(2)
    assert (len(first), len(second)) == (0, 2)
    consumers.end()
    assert second.closed
    assert not consumers


def test_a_queue_that_nobody_holds_counts_no_more() -> None:
    consumers: Consumers[int] = Consumers()
    queue = consumers.add(1)
    assert consumers
    del queue
    gc.collect()
    assert not consumers


async def test_who_waits_for_frames_is_not_forgotten() -> None:
    consumers: Consumers[int] = Consumers()
    got: asyncio.Queue[int] = asyncio.Queue()

    async def consume() -> None:
        async for number in consumers.add(4):
            await got.put(number)

    asyncio.get_running_loop().create_task(consume())
    await asyncio.sleep(0)
    gc.collect()
    consumers.put(1)
    assert await soon(got.get()) == 1
    consumers.end()


async def test_who_waits_no_more_keeps_nothing() -> None:
    queue: FrameQueue[int] = FrameQueue(1)
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    assert frame_queue._waited_for == {queue}
    waiting[1].cancel()
    await asyncio.gather(waiting[1], return_exceptions=True)
    assert not frame_queue._waited_for
