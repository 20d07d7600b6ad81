"""Call widgets on a real hub, with pages that are aiortc connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import comm
import msgspec
import pytest

from tests.hub.hub_process import PATIENCE
from tests.hub.kernel.link_server import Server, servers
from tests.hub.peers import Participant
from tests.unit.kernel.recorded_comm import RecordedComm
from zego_widget import CallWidget, protocol, view_widget
from zego_widget.hub import discovery


class Cell:
    """A notebook cell that shows a call widget: its Python side is `widget`, its page is any number of peers."""

    def __init__(self, widget: CallWidget) -> None:
        self.widget = widget
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._last_request_id = 0
        self._line: RecordedComm = widget.comm
        self._line.on_sent = self._notify
        widget.observe(lambda change: self._notify())

    def _notify(self) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until the widget or what it told its page makes the condition true."""
        async with asyncio.timeout(PATIENCE):
            while not (found := condition()):
                self._changed.clear()
                await self._changed.wait()
        return found

    async def state(self, state: str) -> None:
        await self.until(lambda: self.widget.state == state)

    def tell(self, message: protocol.Message) -> None:
        """The page sends a message to the widget."""
        self._line.receive({"method": "custom", "content": msgspec.to_builtins(message)})

    def press_start(self) -> None:
        self.tell(protocol.PressStart("page"))

    def press_stop(self) -> None:
        self.tell(protocol.PressStop("page"))

    async def ask(self, offer: protocol.Offer) -> dict[str, Any]:
        """The page makes an offer; returns the widget's answer to it."""
        self._last_request_id += 1
        request_id = self._last_request_id
        self.tell(msgspec.structs.replace(offer, request_id=request_id))
        answers = await self.until(
            lambda: [message for message in self._line.messages if message.get("request_id") == request_id]
        )
        assert len(answers) == 1
        return dict(answers[0])

    async def connect(self, page: Participant, **fields: Any) -> None:
        """The page joins the call and is connected."""
        answer = await self.ask(await page.offer(**fields))
        assert answer["type"] == "answer", answer
        await page.take_answer(answer["sdp"])
        await page.hears(protocol.RoomSnapshot)

    async def join(self, page: Participant) -> None:
        """Start call is pressed, and what follows from it."""
        self.press_start()
        await self.connect(page, capture="take")
        await self.state("in_call")

    @property
    def stream_id(self) -> str:
        """Of the one other who publishes."""
        (stream,) = self.widget.streams
        return stream.stream_id


@pytest.fixture
async def show(
    tmp_path: Path, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Cell]]:
    """Show a CallWidget: `show(user_id="alice")`; all are closed, and leave no thread and no task."""
    static = tmp_path / "static"
    static.mkdir()
    (static / "widget.js").write_text("export default {}")
    (static / "widget.css").write_text("")
    monkeypatch.setattr(view_widget, "STATIC", static)
    monkeypatch.setattr(comm, "create_comm", RecordedComm)
    cells: list[Cell] = []

    def show_cell(kind: type[CallWidget] = CallWidget, **arguments: Any) -> Cell:
        cells.append(Cell(kind(**arguments)))
        return cells[-1]

    yield show_cell
    threads = our_threads()
    for cell in cells:
        cell.widget.close()
    for thread in threads:
        await asyncio.to_thread(thread.join, PATIENCE)
        assert not thread.is_alive()


def our_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("zego-widget-")}


async def sessions(wanted: int) -> None:
    """Wait until there is a hub and it has that many sessions."""
    async with asyncio.timeout(PATIENCE):
        while True:
            address = discovery.read_address()
            status = None if address is None else await discovery.status_of(address)
            if status is not None and status.sessions == wanted:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    """`await serve(script, welcome)`: a server for links, which runs each by the script."""
    async with servers() as start:
        yield start
