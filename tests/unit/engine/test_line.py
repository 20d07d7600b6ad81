"""The engine's link: one for all that hold it, and nothing left of one that was broken off."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from aiohttp import WSMsgType, web

from tests.unit.kernel.scripted import ScriptedHub, ScriptedLink
from zego_widget.engine.line import GivenHub, Line, Link
from zego_widget.errors import ErrorCode, HubStopped, HubUnreachable, Refused, SessionLost, Unauthorized, ZegoError
from zego_widget.link import HubLink, standing_at
from zego_widget.retry import RetryPolicy


@dataclass(frozen=True)
class Address:
    url: str
    secret: str = "s3cret"


async def test_a_connection_that_is_broken_off_while_the_hub_is_silent_leaves_nothing() -> None:
    greeted, gone = asyncio.Event(), asyncio.Event()

    async def silent(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            greeted.set()  # and never answers
        gone.set()
        return socket

    app = web.Application()
    app.router.add_get("/v1/link", silent)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        address = Address(f"http://127.0.0.1:{runner.addresses[0][1]}")
        connecting = asyncio.create_task(
            HubLink.connect(standing_at(address), client="tests", on_event=lambda _: None, on_closed=lambda _: None)
        )
        async with asyncio.timeout(10):
            await greeted.wait()
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await gone.wait()
        del connecting
        gc.collect()  # an unclosed connection would say so here
    finally:
        await runner.cleanup()


class Listener:
    """Remembers what becomes of the line."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.links: list[Link] = []
        self.lost: asyncio.Queue[ZegoError] = asyncio.Queue()

    def link_interrupted(self, error: ZegoError) -> None:
        self.told.append("interrupted")

    def link_resumed(self) -> None:
        self.told.append("resumed")

    def session_lost(self, error: ZegoError) -> None:
        self.told.append("session lost")

    def link_reopened(self, link: Link) -> None:
        self.told.append("reopened")
        self.links.append(link)

    def link_lost(self, error: ZegoError) -> None:
        self.told.append("lost")
        self.lost.put_nowait(error)


def made(hub: ScriptedHub, window: float = 1200.0) -> tuple[Line, Listener]:
    """A line and who listens to it."""
    policy = RetryPolicy((0.0,), later=0.001, jitter=0.0, window=window)
    listener = Listener()
    line = Line(hub.find, hub.connect, lambda event: None, asyncio.create_task, policy)
    line.listeners.append(listener)
    return line, listener


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_a_link_is_shared_and_closed_after_the_last() -> None:
    hub = ScriptedHub()
    line, _ = made(hub)
    first, second = await asyncio.gather(line.hold("room"), line.hold("calls"))
    assert first is second
    await line.drop("room")
    await line.drop("room")
    assert not hub.link.closed
    await line.drop("calls")
    assert hub.link.closed
    assert await line.hold("room") is not first
    await line.drop("room")
    assert len(hub.links) == 2


async def test_a_link_is_closed_whole_also_where_who_dropped_it_is_called_off(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = ScriptedHub()
    line, _ = made(hub)
    await line.hold("calls")
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def close(link: ScriptedLink) -> None:
        begun.set()
        await goes_on.wait()
        link.closed = True

    monkeypatch.setattr(ScriptedLink, "aclose", close)
    dropping = asyncio.create_task(line.drop("calls"))
    await begun.wait()
    dropping.cancel()
    await asyncio.wait([dropping])
    closing = asyncio.create_task(line.aclose())
    goes_on.set()
    await closing
    assert hub.link.closed


async def test_a_line_that_ends_closes_its_link_whoever_holds_it() -> None:
    hub = ScriptedHub()
    line, _ = made(hub)
    await line.hold("room")
    await line.hold("calls")
    await line.aclose()
    assert hub.link.closed


async def test_a_hub_that_is_not_there_is_tried_again_by_the_next() -> None:
    hub = ScriptedHub(unreachable=HubUnreachable("none"))
    line, _ = made(hub)
    with pytest.raises(HubUnreachable):
        await line.hold("room")
    hub.unreachable = None
    await line.hold("room")
    await line.drop("room")
    assert hub.link.closed


async def test_an_interruption_is_told_and_opens_no_other_link() -> None:
    hub = ScriptedHub()
    line, listener = made(hub)
    link = await line.hold("room")
    hub.link.interrupt()
    hub.link.on_resumed()
    assert listener.told == ["interrupted", "resumed"]
    assert line.leads_over(link)
    await line.drop("room")


async def test_a_lost_session_is_followed_by_another_link_as_soon_as_there_is_a_hub() -> None:
    hub = ScriptedHub()
    line, listener = made(hub)
    await line.hold("room")
    hub.unreachable = HubUnreachable("none")
    hub.link.lose(SessionLost("unknown"))
    await until(lambda: hub.searches > 3)
    assert listener.told == ["session lost"]
    hub.unreachable = None
    await until(lambda: listener.links)
    assert listener.told == ["session lost", "reopened"]
    assert line.leads_over(listener.links[0])
    await line.drop("room")
    assert hub.link.closed


async def test_whoever_needs_the_line_meanwhile_gets_the_next_link() -> None:
    hub = ScriptedHub()
    line, listener = made(hub)
    await line.hold("room")
    hub.link.lose(SessionLost("unknown"))
    link = await line.hold("calls")
    assert listener.links == [link]
    assert len(hub.links) == 2
    await line.drop("calls")
    assert not hub.link.closed
    await line.drop("room")


async def test_after_the_window_the_line_is_lost() -> None:
    hub = ScriptedHub()
    line, listener = made(hub, window=0.01)
    await line.hold("room")
    hub.unreachable = HubUnreachable("still none")
    hub.link.lose(SessionLost("unknown"))
    async with asyncio.timeout(10):
        assert (await listener.lost.get()).message == "still none"
    await line.drop("room")
    hub.unreachable = None
    await line.hold("room")
    hub.link.lose(SessionLost("unknown"))
    await until(lambda: listener.links)  # another outage has a window of its own
    await line.drop("room")


@pytest.mark.parametrize(
    ("error", "returns"),
    [
        (SessionLost("Nothing was heard from this client.", ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT), True),
        (HubUnreachable("The hub could not be reached again within 1200 s."), False),
        (Refused("Too many messages.", ErrorCode.ROOM_APP_CALL_TOO_FREQUENT), False),
        (Refused("The hub speaks another protocol.", ErrorCode.PROTOCOL_VERSION_MISMATCH), False),
        (Unauthorized("The secret is another."), False),
        (HubStopped("`zego-widget stop` was called."), False),
    ],
    ids=lambda value: value.code.name if isinstance(value, ZegoError) else "",
)
async def test_what_a_link_ends_with_decides_whether_there_is_another(error: ZegoError, returns: bool) -> None:
    hub = ScriptedHub()
    line, listener = made(hub)
    await line.hold("room")
    hub.link.lose(error)
    await until(lambda: len(listener.told) == (2 if returns else 1))
    assert listener.told == (["session lost", "reopened"] if returns else ["lost"])
    await line.drop("room")


async def test_a_hub_elsewhere_that_was_stopped_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = ScriptedHub()
    line, listener = made(hub)
    await line.hold("room")
    line.address = GivenHub("http://hub.example:7000", "s3cret")
    hub.link.lose(HubStopped("The hub is stopping."))
    await until(lambda: listener.links)
    await line.drop("room")


async def test_a_hub_that_refuses_while_it_is_looked_for_ends_the_line_at_once() -> None:
    hub = ScriptedHub()
    line, listener = made(hub)
    await line.hold("room")
    hub.unreachable = Refused("A hub of another version runs.", ErrorCode.PROTOCOL_VERSION_MISMATCH)
    hub.link.lose(SessionLost("unknown"))
    async with asyncio.timeout(10):
        assert (await listener.lost.get()).code == ErrorCode.PROTOCOL_VERSION_MISMATCH
    assert hub.searches == 2


async def test_a_line_that_nobody_holds_any_more_is_not_opened_again() -> None:
    hub = ScriptedHub()
    line, listener = made(hub)
    await line.hold("room")
    hub.unreachable = HubUnreachable("none")
    hub.link.lose(SessionLost("unknown"))
    await until(lambda: hub.searches > 2)
    await line.drop("room")
    searches = hub.searches
    await asyncio.sleep(0.02)
    assert hub.searches == searches
    assert listener.told == ["session lost"]


async def test_all_attempts_of_an_outage_count_until_somebody_is_logged_in() -> None:
    hub = ScriptedHub()
    delays: list[int] = []

    class Counting(RetryPolicy):
        def delay(self, attempt: int, random: float) -> float:
            delays.append(attempt)
            return 0.0

    line = Line(hub.find, hub.connect, lambda event: None, asyncio.create_task, Counting())
    await line.hold("room")
    for number in range(3):  # a hub that takes the link and loses it at once
        hub.link.lose(SessionLost("unknown"))
        await until(lambda count=number + 2: len(hub.links) == count)
    line.settled()
    hub.link.lose(SessionLost("unknown"))
    await until(lambda: len(hub.links) == 5)
    assert delays == [0, 1, 2, 0]
    await line.drop("room")
